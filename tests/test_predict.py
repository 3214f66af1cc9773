"""From a trained run to a service: `predict`, `decide` and `export --serving`, as a user calls them."""

import csv
import json
import logging
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import main as cli
from ppcls_lt.configuration.reading import find
from ppcls_lt.engine import serving
from ppcls_lt.serving import served

from . import engines

pytestmark = pytest.mark.slow

NAMES = ["zero", "eins", "二", "no 3", "four", "five", "six", "seven", "eight", "nine"]
ONNX = os.environ.get("PPCLS_LT_ONNX_PYTHON")
DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with the digits and a run of two epochs on them, which has names for its classes."""
    folder = tmp_path_factory.mktemp("predict")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        data = engines.write_digits(folder / "digits")
        flags = ["--train-out", "digits/kept.txt", "--val-out", "digits/held.txt"]
        assert cli.main(["split", "digits/train.txt", "--val-fraction", "0.3", *flags]) == 0
        Path("label.txt").write_text("".join(f"{one} {name}\n" for one, name in enumerate(NAMES)), encoding="utf-8")
        settings = engines.packaged("ce", data, "run", epochs=3, seed=0, val_list="digits/held.txt")
        settings["DataLoader"]["Train"]["dataset"]["cls_label_path"] = "digits/kept.txt"
        settings["Infer"]["PostProcess"]["class_id_map_file"] = "label.txt"
        settings["Infer"]["transforms"][1]["ResizeImage"]["size"] = 8
        settings["Global"]["image_shape"] = [3, 8, 8]
        settings["Arch"] = {"name": "SmallNet", "class_num": 10}
        settings["Global"]["plugins"] = ["tests.small_net"]
        engines.write_yaml(settings, folder / "config.yaml")
        assert cli.main(["train", "-c", "config.yaml"]) == 0
        yield folder


def predict(*flags):
    """Predict with the run; return ``(status, rows)``."""
    status = cli.main(["predict", "--run", "run", "--csv", "out.csv", "--overwrite", *map(str, flags)])
    with open("out.csv", encoding="utf-8", newline="") as file:
        return status, list(csv.DictReader(file))


def probabilities(rows):
    return np.array([[float(row[f"p {name}"]) for name in NAMES] for row in rows])


@pytest.fixture
def undecided(place):
    yield
    for path in place.glob("run/**/decision.json"):
        path.unlink()


def listed(name):
    pairs = [line.split(" ") for line in Path("digits", name).read_text().splitlines()]
    return [path for path, _ in pairs], np.array([int(label) for _, label in pairs])


class TestPredict:
    def test_a_list_gives_what_the_evaluation_gives(self, place):
        status, rows = predict("digits/test.txt", "--batch-size", 64)
        names, label = listed("test.txt")
        assert status == 0 and [row["image"] for row in rows] == [f"digits/{name}" for name in names]
        assert cli.main(["eval", "--run", "run"]) == 0
        found = np.load(next(Path("run").rglob("eval_predictions.npz")))
        assert [int(row["class"]) for row in rows] == found["predicted"].tolist()
        share = probabilities(rows)
        np.testing.assert_allclose(share.max(axis=1), found["confidence"], atol=1e-5)
        np.testing.assert_allclose(share.sum(axis=1), 1, atol=1e-5)
        assert all(row["name"] == NAMES[int(row["class"])] and row["error"] == "" for row in rows)
        # One at a time, by one thread, is the same.
        again = predict(*(f"digits/{name}" for name in names[:5]), "--batch-size", 1, "--workers", 1)[1]
        np.testing.assert_allclose(probabilities(again), share[:5], atol=2e-6)

    def test_what_is_broken_keeps_its_row_and_is_told(self, place, tmp_path, capsys):
        folder = tmp_path / "a folder"
        folder.mkdir()
        good = Path("digits", listed("test.txt")[0][0]).read_bytes()
        for name, content in {"a.png": good, "b.PNG": good[:40], "c.jpg": b"", "d.png": good, "e.csv": b""}.items():
            (folder / name).write_bytes(content)
        (tmp_path / "list.txt").write_text(f"{folder}/a.png\nnowhere.png 3\n")
        capsys.readouterr()
        status, rows = predict(folder, tmp_path / "list.txt", "--no-probabilities")
        said = capsys.readouterr()
        assert status == 1
        assert [Path(row["image"]).name for row in rows] == ["a.png", "b.PNG", "c.jpg", "d.png", "a.png", "nowhere.png"]
        assert [row["class"] == "" for row in rows] == [False, True, True, False, False, True]
        assert "cannot be decoded" in rows[1]["error"] or "OpenCV" in rows[1]["error"]
        assert rows[2]["error"] == "the file is empty" and "No such file" in rows[5]["error"]
        assert "3 images could not be predicted" in said.err and "1 files in the folders are left out" in said.err
        for row in (rows[1], rows[2], rows[5]):
            assert f"cannot predict {row['image']}: {row['error']}" in said.err
        assert "3 of 6 images predicted" in said.out

    def test_other_sizes_than_the_model_was_made_for_are_told(self, place, capsys):
        image = "digits/" + listed("test.txt")[0][0]
        status, _ = predict(image, "-o", "Infer.transforms.1.ResizeImage.size=12")
        assert status == 0 and "1 image went to the model as [3, 12, 12], and Global.image_shape is [3, 8, 8]" in (
            capsys.readouterr().err
        )
        # What no layer takes: a gray image without its axis of channels.
        status, (row,) = predict(image, "-o", "Infer.transforms=[{'DecodeImage': {'to_np': True}}]")
        assert status == 1 and "the model does not take the shape (8, 8, 3)" in row["error"]

    def test_the_names_are_those_of_the_training(self, place, capsys):
        path, kept = Path("label.txt"), Path("label.txt").read_text(encoding="utf-8")
        try:
            path.write_text(kept.replace("0 zero", "0 aardvark"), encoding="utf-8")
            assert cli.main(["predict", "--run", "run", "--csv", "new.csv", "digits/held.txt"]) == 2
            said = capsys.readouterr().err
            assert "the class 0 is called 'aardvark'; the training had it called 'zero'" in said
            assert "`-o Infer.PostProcess.class_id_map_file=label.txt` takes the new names" in said
            status, rows = predict("digits/held.txt", "-o", "Infer.PostProcess.class_id_map_file=label.txt")
            assert status == 0 and "p aardvark" in rows[0] and "p zero" not in rows[0]
            path.unlink()
            status, rows = predict("digits/held.txt")
            assert status == 0 and [name[2:] for name in rows[0] if name.startswith("p ")] == NAMES
            assert cli.main(["eval", "--run", "run", "-o", "Global.output_dir=judged"]) == 0
            told = json.loads(next(Path("judged").rglob("eval_run_info.json")).read_text())
            assert list(told["class_names"].values()) == NAMES
            assert (
                "class_names"
                not in yaml.safe_load(next(Path("judged").rglob("eval_config.yaml")).read_text())["Global"]
            )
        finally:
            path.write_text(kept, encoding="utf-8")

    def test_not_sure_below(self, place):
        _, rows = predict("digits/test.txt", "--not-sure-below", 0.6)
        highest = probabilities(rows).max(axis=1)
        assert 0 < (highest < 0.6).mean() < 1
        assert [row["name"] == "not sure" for row in rows] == [row["class"] == "" for row in rows]
        np.testing.assert_array_equal([row["class"] == "" for row in rows], highest < 0.6)

    @pytest.mark.parametrize(
        "flags, part",
        [
            (["nowhere"], "`IMAGES` must be folders, image files or lists that are there"),
            (["run"], "`IMAGES` must be paths with at least one image"),
            (["digits", "--workers", "0"], "`--workers` must be an integer >= 1"),
            (["digits", "--not-sure-below", "60"], "`--not-sure-below` must be a finite number > 0 and <= 1"),
            (["digits", "--csv", "nowhere/out.csv"], "`--csv` must be a file in a folder that is there"),
            (["digits", "--csv", "label.txt"], "`--csv` must be a new file, or given with --overwrite"),
            (["digits", "-o", "Global.use_multilabel=True"], "one label each, got several labels"),
        ],
    )
    def test_a_mistake_is_one_line(self, flags, part, place, capsys):
        capsys.readouterr()
        assert cli.main(["predict", "--run", "run", "--csv", "new.csv", *flags]) == 2
        line = capsys.readouterr().err.strip().splitlines()[-1]
        assert line.startswith("ppcls-lt: error: ") and part in line
        assert not Path("new.csv").exists()


def decide(*flags):
    return cli.main(["decide", "--run", "run", *map(str, flags)])


@pytest.mark.usefixtures("undecided")
class TestDecide:
    def test_a_recall_is_kept_and_obeyed(self, place, capsys):
        _, plain = predict("digits/held.txt")
        label, share = listed("held.txt")[1], probabilities(plain)
        capsys.readouterr()
        assert decide("--recall", "二=0.95", "--on-held-out") == 0
        output = capsys.readouterr().out
        assert "each image is judged by factors that were solved without it" in output and "95.0" in output
        _, rows = predict("digits/held.txt")
        assert "by the decision that the run keeps" in capsys.readouterr().out
        found = np.array([int(row["class"]) for row in rows])
        mine = label == 2
        need = int(np.ceil(round(0.95 * mine.sum(), 9)))
        assert (found[mine] == 2).sum() >= need > (share[mine].argmax(axis=1) == 2).sum()
        # The smallest factor, by a search of its own: a little less is too little.
        factor = json.loads(next(Path("run").rglob("decision.json")).read_text())["factors"][2]
        assert factor > 1
        for times, enough in ((1 + 1e-4, True), (1 - 1e-4, False)):  # the table has six digits
            weight = np.where(np.arange(10) == 2, factor * times, 1)
            assert ((share[mine] * weight).argmax(axis=1) == 2).sum() >= need or not enough
        # Another's weights are not decided for by it.
        capsys.readouterr()
        latest = next(Path("run").rglob("latest.pdparams")).with_suffix("")
        other = Path("other.pdparams")
        other.write_bytes(latest.with_suffix(".pdparams").read_bytes() + b" ")
        flags = ["-o", "Global.pretrained_model=other", "--csv", "new.csv"]
        assert cli.main(["predict", "--run", "run", "digits/held.txt", *flags]) == 2
        assert "which was solved on other weights" in capsys.readouterr().err
        assert predict("digits/held.txt", "--no-decision")[1] == plain

    def test_a_decision_that_another_replaces_is_told(self, place, capsys):
        assert decide("--recall", "二=0.5", "--on-held-out") == 0
        assert "replaced" not in capsys.readouterr().out
        assert decide("--not-sure-below", "0.4") == 0
        said = capsys.readouterr().out
        assert "the decision that was kept until now is replaced: `ppcls-lt decide --run run --recall" in said

    def test_costs_with_a_class_of_not_sure(self, place, capsys):
        costs = 1.0 - np.eye(10)
        costs[9, :9] = 20
        lines = [",".join(["", *NAMES, "not sure"])]
        lines += [",".join([NAMES[one], *map(str, row), "0.5"]) for one, row in enumerate(costs)]
        Path("costs.csv").write_text("\n".join(lines), encoding="utf-8")
        capsys.readouterr()
        assert decide("--costs", "costs.csv") == 0
        before, after = map(
            float, re.search(r"mean cost of an image: (\S+), after (\S+)", capsys.readouterr().out).groups()
        )
        assert after < before
        _, rows = predict("digits/test.txt")
        for row, share in zip(rows, probabilities(rows)):
            expected = [sum(share[y] * costs[y, k] for y in range(10)) for k in range(10)] + [0.5]
            best = int(np.argmin(expected))
            if np.sort(expected)[1] - min(expected) > 1e-4:
                assert row["name"] == (NAMES[best] if best < 10 else "not sure")

    @pytest.mark.parametrize(
        "flags, part",
        [
            ([], "`--recall` must be given, or `--costs FILE`"),
            (
                ["--recall", "nine=0.95"],
                "at least 19 held-out images of the class for 0.95, got 2 of nine; `--val-list` names more",
            ),
            (["--recall", "seben=0.9"], "did you mean 'seven'?"),
            (["--recall", "nine"], "`--recall` must be CLASS=SHARE"),
            (["--recall", "nine=1"], "below 1, which no number of images can promise"),
            (["--recall", "nine=0.5", "--costs", "costs.csv"], "left out with --costs"),
            (["--recall", "nine=0.5", "-o", "Global.val_list=None"], "`--val-list` must be given, or recorded"),
            (["--costs", "label.txt"], "`--costs` must be of a class, by name or number"),
        ],
    )
    def test_a_mistake_is_one_line(self, flags, part, place, capsys):
        capsys.readouterr()
        assert decide(*flags) == 2
        assert part in capsys.readouterr().err.strip().splitlines()[-1]
        assert not list(Path("run").rglob("decision.json"))


class TestServing:
    def test_the_example_of_the_docs_serves_the_folder(self, place, undecided):
        """Run as it stands there, in an interpreter that has neither ppcls_lt nor PaddleClas at hand."""
        assert decide("--recall", "二=0.95", "--on-held-out", "--not-sure-below", "0.2") == 0
        assert cli.main(["export", "--run", "run", "--serving", "-o", "Global.save_inference_dir=served"]) == 0
        text = (DOCS / "serving.md").read_text(encoding="utf-8")
        (code,) = re.findall(r"```python\n(.*?from paddle import inference.*?)```", text, flags=re.DOTALL)
        assert len(list(filter(None, code.splitlines()))) <= 12
        names = [f"digits/{name}" for name in listed("test.txt")[0][:40]]
        for name in ("a.jpg", "b.jpg"):
            assert code.count(f'"{name}"') == 1
        code = code.replace('"a.jpg", "b.jpg"', ", ".join(map(repr, names)))
        Path("example.py").write_text(code + "\nnp.save('shares.npy', probabilities)\n", encoding="utf-8")
        done = engines.run(["example.py"], cwd=place)
        assert done.returncode == 0, done.stdout
        _, rows = predict(*names)
        np.testing.assert_allclose(np.load("shares.npy"), probabilities(rows), atol=1e-5)
        for row in rows:
            assert row["name"] in done.stdout
        model = served.Served("served")
        assert [each.name for each in model.decide(np.load("shares.npy"))] == [row["name"] for row in rows]
        assert model.description["solved"]["recalls"] == {"二": 0.95} and model.names == NAMES
        # On a CPU without AVX-512 it ends the process.
        if model.files[0].endswith(".pdmodel"):
            assert "self_attention_fuse_pass" not in model.config().pass_builder().all_passes()
        done = engines.run(["served/served.py"], cwd=place)
        assert done.returncode == 0 and "Paddle Inference: probabilities differ" in done.stdout, done.stdout
        done = engines.run(["served/served.py", names[0], "label.txt", names[1]], cwd=place)
        told = [line for line in done.stdout.splitlines() if line.startswith((*names, "served.py: error"))]
        wanted = [f"{name}: {row['name']} {float(row['probability']):.4f}" for name, row in zip(names[:2], rows)]
        assert done.returncode == 1 and [line for line in told if "error" not in line] == wanted, done.stdout
        assert "served.py: error: label.txt is no image that can be decoded" in told

    def test_the_decision_is_that_of_the_run_wherever_the_logs_go(self, place, undecided, caplog):
        assert decide("--on-held-out", "--not-sure-below", "0.2") == 0
        elsewhere = ["-o", "Global.output_dir=logs"]
        exported = ["export", "--run", "run", *elsewhere, "-o"]
        assert cli.main([*exported, "Global.save_inference_dir=served4", "--serving"]) == 0
        assert json.loads(Path("served4/serving.json").read_text())["decision"]["not_sure_below"] == 0.2
        logging.getLogger("ppcls.lt").addHandler(caplog.handler)
        try:
            assert cli.main([*exported, "Global.save_inference_dir=plain4"]) == 0
        finally:
            logging.getLogger("ppcls.lt").removeHandler(caplog.handler)
        assert "the run has a decision, which this export is without" in caplog.text

    @pytest.mark.skipif(not ONNX, reason="PPCLS_LT_ONNX_PYTHON names no interpreter with paddle2onnx and onnxruntime")
    def test_the_commands_of_the_docs_make_an_onnx_model_that_gives_the_same(self, place):
        text = (DOCS / "serving.md").read_text(encoding="utf-8")
        (command,) = re.findall(r"onnx/bin/(paddle2onnx .*?None)\n", text, flags=re.DOTALL)
        assert cli.main(["export", "--run", "run", "--serving", "-o", "Global.save_inference_dir=served"]) == 0
        command = command.replace("\\\n", " ").replace("inference.json", Path(served.Served("served").files[0]).name)
        settings = {**os.environ, "PYTHONPATH": "", "PATH": f"{Path(ONNX).parent}:{os.environ['PATH']}"}
        options = {"env": settings, "capture_output": True, "text": True}
        done = subprocess.run(command.split(), check=False, **options)
        assert done.returncode == 0, done.stderr
        done = subprocess.run([ONNX, "served/served.py"], check=False, **options)
        assert done.returncode == 0 and "ONNX Runtime, model.onnx: probabilities differ" in done.stdout, done.stdout

    def test_an_adjusted_run_says_so(self, place, caplog):
        flags = ["--methods", "logit_adjustment", "--strength", "1", "--out", "adjusted"]
        assert cli.main(["adjust", "--run", "run", *flags]) == 0
        assert cli.main(["export", "--run", "adjusted", "--serving", "-o", "Global.save_inference_dir=served2"]) == 0
        found = json.loads(Path("served2/serving.json").read_text())
        assert found["adjustment"]["method"] == "logit_adjustment" and found["decision"] is None
        logging.getLogger("ppcls.lt").addHandler(caplog.handler)
        try:
            assert cli.main(["export", "--run", "run", "--serving", "-o", "Global.save_inference_dir=served2"]) == 0
        finally:
            logging.getLogger("ppcls.lt").removeHandler(caplog.handler)
        assert "served2: what was served there is replaced; other than before: " in caplog.text
        assert "adjustment, model" in caplog.text

    def test_a_served_folder_gets_no_other_model_beside_its_description(self, place, capsys):
        target = ["-o", "Global.save_inference_dir=served3"]
        assert cli.main(["export", "--run", "run", "--serving", *target]) == 0
        before = {path: path.read_bytes() for path in Path("served3").iterdir()}
        capsys.readouterr()
        assert cli.main(["export", "--run", "run", *target]) == 2
        assert "or used with `--serving`, which writes serving.json anew" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in Path("served3").iterdir()} == before

    @pytest.mark.parametrize(
        "path",
        [path for path in sorted((DOCS.parent / "configs").glob("*/*.yaml")) if "\nInfer:" in path.read_text()],
        ids=lambda path: f"{path.parent.name}/{path.name}",
    )
    def test_packaged_configurations_give_every_image_one_shape(self, path):
        config = yaml.safe_load(path.read_text())
        host.load()
        functions = host.operators.build(config["Infer"]["transforms"])
        for image in served.probes(1, 3):
            for function in functions:
                image = function(image)
            assert list(np.shape(image)) == config["Global"]["image_shape"]

    @pytest.mark.parametrize(
        "flags, part",
        [
            (["Global.serving=yes"], "`serving` must be true or false"),
            (["Global.image_shape=[3, 9, 9]"], "the shape that Infer.transforms give every image"),
            (["Infer.transforms=[{'DecodeImage': {}}, {'RandFlipImage': {}}]"], "RandFlipImage is not one of"),
        ],
    )
    def test_what_cannot_be_served_is_refused(self, flags, part, place, capsys):
        given = ["Global.serving=True", "Global.save_inference_dir=refused", *flags]
        capsys.readouterr()
        assert cli.main(["export", "--run", "run", "--allow-new", *(x for each in given for x in ("-o", each))]) == 2
        assert part in capsys.readouterr().err
        assert not Path("refused/serving.json").exists()


def test_other_outputs_than_probabilities_are_refused():
    config = yaml.safe_load(find("digits/ce.yaml").read_text())
    config["Global"]["serving"] = True
    assert list(serving.findings(config, "export")) == []
    config["Arch"]["infer_add_softmax"] = False
    (finding,) = serving.findings(config, "export")
    assert "`infer_add_softmax` must be left out with Global.serving" in finding.text


@pytest.mark.parametrize(
    "operators",
    [
        [{"ResizeImage": {"resize_short": 20}}, {"CropImage": {"size": 16}}],
        [{"ResizeImage": {"size": [12, 20], "interpolation": "bicubic", "backend": "pil"}}],
        [{"ResizeImage": {"size": 18, "interpolation": "area"}}],
    ],
)
def test_the_operators_are_those_of_paddleclas(operators):
    host.load()
    whole = [{"DecodeImage": {"to_rgb": True, "channel_first": False}}, *operators]
    whole += [{"NormalizeImage": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4], "order": ""}}, {"ToCHWImage": None}]
    theirs, ours = host.operators.build(whole), served.steps(whole)
    for data in served.probes(1, 4):
        here, there = data, data
        for one, other in zip(theirs, ours):
            here, there = one(here), other(there)
        np.testing.assert_array_equal(here, there)
        assert here.dtype == there.dtype == np.float32


@pytest.mark.parametrize("off, fine", [(0.0, True), (5e-6, True), (1e-3, False), (float("nan"), False)])
def test_another_model_is_told_by_the_folder_and_by_the_export(off, fine, tmp_path, monkeypatch):
    """A model that gives what it should, nearly, or not at all stands for the exported one."""
    steps = [{"DecodeImage": {}}, {"ResizeImage": {"size": 8}}, {"NormalizeImage": {"order": ""}}, {"ToCHWImage": {}}]
    description = {
        **{"format": served.FORMAT, "classes": ["a", "b"], "preprocessing": steps, "decision": None},
        "files": {"program": "inference.json", "weights": "inference.pdiparams"},
        "check": {"seed": 0, "images": 6, "probabilities": [[0.5, 0.5]] * 6},
    }
    (tmp_path / served.DESCRIPTION).write_text(json.dumps(description))
    (tmp_path / "inference.json").write_text("")
    real, given = served.Served, np.array([[0.5 + off, 0.5 - off]])
    monkeypatch.setattr(real, "config", lambda self: None)
    monkeypatch.setattr(served, "by_paddle", lambda config: lambda images: np.repeat(given, len(images), 0))
    monkeypatch.setattr(served, "Served", lambda folder=None: real(tmp_path))
    assert served.main([]) == (0 if fine else 1)
    if fine:
        serving.write(tmp_path, description)
        return
    with pytest.raises(ConfigError, match="gives other probabilities than the trained one"):
        serving.write(tmp_path, description)
    assert not (tmp_path / served.DESCRIPTION).exists()
