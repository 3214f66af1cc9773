"""``ppcls-lt adjust`` from end to end: what it writes is a run like any other, and nothing is adjusted for nothing."""

import json
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ppcls_lt import host
from ppcls_lt.commands import main as cli
from ppcls_lt.engine import trainer
from ppcls_lt.jobs import adjusting
from ppcls_lt.runs import checkpoints
from ppcls_lt.runs import files as run_files

from . import engines

pytestmark = pytest.mark.slow

WITHOUT_BIAS = """
from paddle import nn
from ppcls_lt.registry import register

@register("arch")
class WithoutBias(nn.Layer):
    def __init__(self, class_num=10, **kwargs):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 24), nn.ReLU())
        self.classify = nn.Linear(24, class_num, bias_attr=False)

    def forward(self, x):
        return self.classify(self.body(x))
"""
LDAM = [{"LDAMLoss": {"weight": 1.0, "num_class_list": "auto", "s": 20.0}}]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with the digits, their training list split in two, and a base that records the second part."""
    folder = tmp_path_factory.mktemp("adjust")
    data = engines.write_digits(folder / "digits")
    (folder / "without_bias.py").write_text(WITHOUT_BIAS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        flags = ["--train-out", "digits/kept.txt", "--val-out", "digits/held.txt"]
        assert cli.main(["split", "digits/train.txt", "--val-fraction", "0.3", *flags]) == 0
        settings = engines.packaged("ce", data, "out", epochs=4, seed=0, val_list="digits/held.txt")
        settings["Infer"]["infer_imgs"] = "digits/test/9"
        settings["DataLoader"]["Train"]["dataset"]["cls_label_path"] = "digits/kept.txt"
        for part in ("Train", "Eval"):
            for entry in settings["DataLoader"][part]["dataset"]["transform_ops"]:
                if "ResizeImage" in entry:
                    entry["ResizeImage"]["size"] = 16
        settings["Global"]["image_shape"] = [3, 16, 16]
        engines.write_yaml(settings, folder / "base.yaml")
        yield folder


def train(name, *flags, epochs=4, changes=None):
    """Train the base with changes; return the output folder."""
    settings = yaml.safe_load(Path("base.yaml").read_text())
    for section, content in (changes or {}).items():
        settings[section] = {**settings[section], **content}
    engines.write_yaml(settings, Path(f"{name}.yaml"))
    given = [f"Global.output_dir=out/{name}", f"Global.epochs={epochs}", *flags]
    assert cli.main(["train", "-c", f"{name}.yaml", *(part for each in given for part in ("-o", each))]) == 0
    return f"out/{name}"


@pytest.fixture(scope="module")
def ce(place):
    return train("ce")


@pytest.fixture(scope="module")
def ldam(place):
    return train("ldam", changes={"Arch": {"classifier": "normalized"}, "Loss": {"Train": LDAM}})


def adjust(run, *flags):
    return cli.main(["adjust", "--run", str(run), *map(str, flags)])


def weights(path):
    return {key: np.asarray(value) for key, value in paddle.load(f"{path}.pdparams", return_numpy=True).items()}


def exported(run, name):
    """The probabilities of the exported model for every test image, ``[N, C]``, as Paddle Inference gives them."""
    folder = Path(f"exported_{name}")
    assert cli.main(["export", "--run", str(run), "-o", f"Global.save_inference_dir={folder}"]) == 0
    if not Path("images.npy").exists():
        config = host.load_config("base.yaml", ["Global.output_dir=images", "Global.untrained=True"])
        config["profiler_options"] = None
        loader = engines.build_engine(config, "eval").eval_dataloader
        np.save("images.npy", np.concatenate([batch[0].numpy() for batch in loader]))
    result = engines.run([Path(__file__).parent / "predict.py", folder, "."], cwd=Path.cwd())
    assert result.returncode == 0, result.stdout
    return np.load("probabilities.npy")


def counts_of(path):
    labels = [int(line.split()[1]) for line in Path(path).read_text().splitlines()]
    return np.bincount(labels, minlength=10)


def softmax(logits):
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("which, kind", [("ce", None), ("ldam", "unit_features")])
def test_the_exported_model_answers_by_the_adjusted_logits(which, kind, request, capsys):
    """Of every test image, against the formula on the probabilities of the model as it was."""
    run = request.getfixturevalue(which)
    capsys.readouterr()
    assert adjust(run, "--methods", "logit_adjustment", "--out", f"adjusted_{which}") == 0
    output = capsys.readouterr().out
    assert "cross-validated in 5 folds: each image is judged by what was chosen and fitted without it" in output
    for word in ("as it is", "logit_adjustment", "overall", "many", "medium", "few", "balanced", "ECE"):
        assert word in output
    record = json.loads(Path(f"adjusted_{which}/adjustment.json").read_text())
    prior = counts_of("digits/kept.txt") / counts_of("digits/kept.txt").sum()
    before, after = exported(run, which), exported(f"adjusted_{which}", f"adjusted_{which}")
    expected = np.log(np.maximum(before.astype(np.float64), 1e-37)) - record["strength"] * np.log(prior)
    assert len(after) == 500 and record["strength"] > 0
    assert (after.argmax(axis=1) == expected.argmax(axis=1)).all()
    np.testing.assert_allclose(after, softmax(expected / record["temperature"]), atol=2e-4)
    assert (after.argmax(axis=1) != before.argmax(axis=1)).any()
    config = yaml.safe_load(Path(f"adjusted_{which}/config.yaml").read_text())
    assert config["Arch"].get("classifier") == kind
    # What is evaluated and predicted is what was exported.
    engine = trainer.run_engine("eval", *_of_run(f"adjusted_{which}"))
    found = run_files.read_predictions(engine.log_folder / "eval_predictions.npz")
    assert (found.predicted == after.argmax(axis=1)).all()
    assert cli.main(["infer", "--run", f"adjusted_{which}"]) == 0


def _of_run(folder):
    return Path(folder) / "config.yaml", [f"Global.run={folder}"]


def test_of_several_methods_the_first_is_written(ce, capsys):
    """Into a folder of its name within the run, which stays the run it was."""
    files = (path for path in Path(ce).rglob("*") if path.is_file() and path.suffix != ".log")  # of this process
    before = {path: path.read_bytes() for path in files}
    assert adjust(ce, "--groups", "tertiles") == 0
    lines = capsys.readouterr().out.splitlines()
    (written,) = Path(ce, "adjusted").iterdir()
    record = json.loads((written / "adjustment.json").read_text())
    values = {name: found["prior"] for name, found in record["cross_validated"].items()}
    assert record["method"] == written.name == max(values, key=values.get)
    assert values[written.name] > values["as it is"]
    assert any(line.startswith(f"{written}: use it with") for line in lines)
    assert {path: path.read_bytes() for path in before} == before
    manifest = checkpoints.manifest_of(written / "best_model")
    assert manifest["adjusted"] == record and manifest["model"]["classifier"] == "ordinary"
    # It is the run's weights but for the classifier.
    old, new = weights(engines.saved(ce)), weights(written / "best_model")
    assert {name for name in new if (old[name] != new[name]).any()} == {"fc.weight", "fc.bias"}
    assert cli.main(["eval", "--run", ce]) == 0
    capsys.readouterr()
    assert adjust(ce, "--methods", written.name) == 2
    assert "must be a new folder, or with --overwrite one of an adjusted model" in capsys.readouterr().err
    assert adjust(ce, "--methods", written.name, "--overwrite", "--no-temperature") == 0
    assert json.loads((written / "adjustment.json").read_text())["temperature"] == 1


@pytest.mark.parametrize("which", ["ce", "ldam"])
def test_a_strength_of_0_changes_no_bit(which, request):
    run, out = request.getfixturevalue(which), f"nothing_{which}"
    assert adjust(run, "--methods", "logit_adjustment", "--strength", 0, "--out", out) == 0
    old, new = weights(engines.saved(run)), weights(f"{out}/best_model")
    assert list(old) == list(new)
    for name, value in old.items():
        assert value.dtype == new[name].dtype and value.tobytes() == new[name].tobytes(), name
    configs = [
        yaml.safe_load(path.read_text()) for path in (next(Path(run).rglob("config.yaml")), Path(out, "config.yaml"))
    ]
    assert configs[0]["Arch"] == configs[1]["Arch"]


@pytest.mark.parametrize("method", ["class_offsets", "nearest_class_mean", "temperature"])
def test_what_is_made_of_a_normalised_classifier_is_not_mistaken_for_it(method, ldam, capsys):
    out = f"ldam_{method}"
    assert adjust(ldam, "--methods", method, "--strength", 1, "--out", out) == 0
    assert cli.main(["eval", "--run", out]) == 0
    capsys.readouterr()
    given = ["-o", f"Global.pretrained_model={out}/best_model", "-o", "Global.output_dir=other"]
    assert cli.main(["eval", "-c", "ldam.yaml", *given]) == 2
    assert "trained with Arch.classifier 'unit_features', here 'normalized'" in capsys.readouterr().err
    assert cli.main(["train", "-c", f"{out}/config.yaml", "-o", "Global.output_dir=other"]) == 2
    assert "must be normalized or left out to train" in capsys.readouterr().err


def test_the_classifiers_name_does_not_matter(place):
    run = train("PVT_V2_B0", "Arch.name=PVT_V2_B0", epochs=0)
    assert adjust(run, "--methods", "tau_norm", "--strength", 1, "--no-temperature") == 0
    found = weights(f"{run}/adjusted/tau_norm/best_model")
    np.testing.assert_allclose(np.linalg.norm(found["head.weight"], axis=0), 1, rtol=1e-6)
    assert not found["head.bias"].any()


def test_a_classifier_without_a_bias_gains_one_that_the_configuration_names(place, capsys):
    changes = {"Global": {"plugins": ["without_bias"]}, "Arch": {"name": "WithoutBias"}}
    run = train("bare", epochs=1, changes=changes)
    assert adjust(run, "--methods", "logit_adjustment", "--strength", 1, "--no-temperature") == 0
    assert "and classify.bias, with Arch.classifier with_bias" in capsys.readouterr().out
    prior = counts_of("digits/kept.txt") / counts_of("digits/kept.txt").sum()
    found = weights(f"{run}/adjusted/logit_adjustment/best_model")
    np.testing.assert_allclose(found["classify.bias"], -np.log(prior), rtol=1e-6)
    before, after = exported(run, "bare"), exported(f"{run}/adjusted/logit_adjustment", "with_bias")
    np.testing.assert_allclose(after, softmax(np.log(before.astype(np.float64)) - np.log(prior)), atol=1e-5)
    # What needs no bias leaves the architecture as it is.
    assert adjust(run, "--methods", "tau_norm", "--strength", 1) == 0
    assert list(weights(f"{run}/adjusted/tau_norm/best_model")) == list(weights(engines.saved(run)))


def test_a_prior_can_be_given(ce):
    """As shares, as a list that has them, or as the training images'; then nothing is left to adjust but by offsets."""
    found = []
    shares = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    lines = [f"train/{c}/0.png {c}\n" for c in range(10) for _ in range(shares[c])]
    Path("shares.txt").write_text("".join(lines))
    for number, prior in enumerate((",".join(map(str, shares)), "shares.txt")):
        flags = ["--methods", "logit_adjustment", "--strength", 1, "--no-temperature", "--prior", prior]
        assert adjust(ce, *flags, "--out", f"prior_{number}") == 0
        found.append(weights(f"prior_{number}/best_model")["fc.bias"] - weights(engines.saved(ce))["fc.bias"])
    counts, target = counts_of("digits/kept.txt"), np.array(shares) / 55
    np.testing.assert_allclose(found[0], np.log(target) - np.log(counts / counts.sum()), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(*found)
    assert adjust(ce, "--methods", "logit_adjustment", "--prior", "training", "--out", "prior_training") == 0
    record = json.loads(Path("prior_training/adjustment.json").read_text())
    assert record["strength"] == 0 and record["prior"] == "training"


@pytest.fixture(scope="module")
def lists(place):
    """Lists that are no held-out ones."""
    held = Path("digits/held.txt").read_text().splitlines()
    Path("lacking.txt").write_text("\n".join(line for line in held if not line.endswith(" 3")) + "\n")
    Path("trained.txt").write_text("\n".join([*held, Path("digits/kept.txt").read_text().splitlines()[0]]) + "\n")
    Path("tested.txt").write_text("\n".join([*held, Path("digits/test.txt").read_text().splitlines()[0]]) + "\n")
    Path("alone.txt").write_text(
        "\n".join(next(line for line in held if line.endswith(f" {c}")) for c in range(10)[:2])
    )


MISTAKES = {
    "no held-out images": (["-o", "Global.val_list=None"], "`--val-list` must be given, or recorded by the run"),
    "training images": (["--val-list", "trained.txt"], "got 1 images of the training list"),
    "test images": (["--val-list", "tested.txt"], "got 1 images of the DataLoader.Eval list"),
    "a class without images": (["--val-list", "lacking.txt"], "without class 3"),
    "offsets of a class without images": (
        ["--val-list", "lacking.txt", "--allow-missing", "--methods", "class_offsets", "--out", "new"],
        "`class_offsets` must be used where every class has held-out images, got none of class 3",
    ),
    "hardly an image": (["--val-list", "alone.txt", "--allow-missing"], "`--val-list` must be a list of enough images"),
    "no list": (["--val-list", "nowhere.txt"], "nowhere.txt"),
    "both": (["--val-list", "lacking.txt", "--eval-is-validation"], "left out with --eval-is-validation"),
    "an unknown method": (["--methods", "tau_normal"], "unknown method 'tau_normal' (did you mean 'tau_norm'?)"),
    "a strength of several": (["--strength", "1"], "`--strength` must be used with one of `--methods`"),
    "a strength too high": (
        ["--methods", "tau_norm", "--strength", "3"],
        "`--strength` must be a finite number >= 0 and <= 2",
    ),
    "a prior of other classes": (["--prior", "0.5,0.5"], "`--prior` must be uniform, training, 10 shares >= 0"),
    "a prior that is none": (["--prior", "unifrom"], "unifrom"),
    "within the run": (["--out", "{ce}/mine"], "`--out` must be another folder than those of the run"),
    "a folder with something else": (["--out", "digits", "--overwrite"], "or one of an adjusted model to replace"),
    "several labels": (
        ["-o", "Global.use_multilabel=True"],
        "classifies images with one label each, got several labels",
    ),
    "retrieval": (["-o", "Global.eval_mode=retrieval"], "one label each, got retrieval"),
    "no weights": (
        ["-o", "Global.pretrained_model=None"],
        "Global: `pretrained_model` must be the path of a .pdparams",
    ),
    "no folder": (["--run", "nowhere"], "Global: `run` must be the folder of a training"),
    "a group without classes": (["--rank-by", "few", "--few", "0"], "`--rank-by` must be a group"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(name, ce, lists, capsys):
    flags, part = MISTAKES[name]
    before = sorted(Path.cwd().rglob("*"))
    capsys.readouterr()
    assert adjust(ce, *(flag.format(ce=ce) for flag in flags)) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("ppcls-lt: error: ") and part in line
    assert sorted(Path.cwd().rglob("*")) == before


PRIORS = ["0,0.2" + ",0.1" * 8, "-1" + ",1" * 9, "nan" + ",1" * 9, "1,1", "none_of_5.txt"]


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("methods", [["logit_adjustment"], ["all"]])
def test_a_prior_that_does_not_suit_is_refused_before_the_model_is_loaded(prior, methods, ce, capsys, monkeypatch):
    Path("none_of_5.txt").write_text("".join(f"a.png {label}\n" for label in range(10) if label != 5))
    monkeypatch.setattr(adjusting, "TrainedModel", None)
    capsys.readouterr()
    assert adjust(ce, "--methods", *methods, f"--prior={prior}") == 2
    said = capsys.readouterr()
    line = said.err.strip().splitlines()[-1]
    others = "tau_norm class_offsets nearest_class_mean temperature"
    zero = f"; give such a class a small share, or take other methods: `--methods {others}`"
    must = "ppcls-lt: error: ppcls-lt adjust: `--prior` must be "
    if prior == "none_of_5.txt" or prior.startswith("0,"):
        number = 5 if prior.endswith("txt") else 0
        assert line == f"{must}above 0 for every class with logit_adjustment, got 0 for class {number}{zero}"
    else:
        assert line.startswith(
            f"{must}uniform, training, 10 shares >= 0 with commas between, or a label list with these"
        )
    assert "strength" not in said.out


def test_the_evaluated_list_counts_where_it_is_said_to_be_held_out(ce, lists, capsys):
    assert adjust(ce, "--eval-is-validation", "--methods", "temperature", "--out", "by_eval") == 0
    record = json.loads(Path("by_eval/adjustment.json").read_text())
    assert record["held_out"]["images"] == 500 and record["held_out"]["list"].endswith("test.txt")
    # A list that shares images with one that the configuration calls held out, as that of `ppcls-lt lists` does.
    flags = ["--val-list", "tested.txt", "-o", "Global.eval_is_validation=True", "--methods", "temperature"]
    assert adjust(ce, *flags, "--out", "by_both") == 0
    # Where no prediction changes, none ranks above the model as it is.
    capsys.readouterr()
    assert adjust(ce, "--methods", "temperature", "tau_norm", "--rank-by", "many") == 2
    assert "none above the model as it is" in capsys.readouterr().err.splitlines()[-1]


def test_the_list_that_a_run_says_is_held_out_is_found_from_anywhere(place, tmp_path, monkeypatch, capsys):
    """As `ppcls-lt lists` writes it: no `val_list`, and relative paths; for what was adjusted as well."""
    said = ["Global.eval_is_validation=digits/held.txt", "DataLoader.Eval.dataset.cls_label_path=digits/held.txt"]
    run = place / train("said", "Global.val_list=None", *said)
    monkeypatch.chdir(tmp_path)
    assert adjust(run, "--methods", "tau_norm") == 0
    for folder in (run, run / "adjusted/tau_norm"):
        flags = ["--run", str(folder), "--recall", "9=0.2", "--on-held-out"]
        assert cli.main(["decide", *flags]) == 0
        # Another list that stands there is not held out by what was said of the first.
        other = ["-o", f"DataLoader.Eval.dataset.cls_label_path={place / 'digits/test.txt'}"]
        capsys.readouterr()
        assert cli.main(["decide", *flags, *other]) == 2
        assert "`--val-list` must be given" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, part", [("SqueezeNet1_0", "has no Linear layer with 10 outputs"), ("two", "tau_norm` must be used on a")]
)
def test_a_model_that_cannot_be_adjusted_is_refused(name, part, place, ldam, capsys):
    run = ldam if name == "two" else train(name, f"Arch.name={name}", epochs=0)
    capsys.readouterr()
    assert adjust(run, "--methods", "tau_norm", "--out", f"refused_{name}") == 2
    assert part in capsys.readouterr().err.splitlines()[-1]
    assert not Path(f"refused_{name}").exists()
