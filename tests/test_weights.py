"""What is evaluated, predicted with and exported is what was trained: every way to name weights, and every mistake."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ppcls_lt import host
from ppcls_lt.commands import main as cli
from ppcls_lt.configuration import model_record, stages
from ppcls_lt.engine import trainer
from ppcls_lt.runs import files as run_files

from . import commands, engines
from .test_launches import CHECKOUT, needs_checkout

MODES = ("eval", "infer", "export")
DOCS = engines.ROOT / "docs" / "weights.md"
# Weights of another number of classes and of other architectures, without a manifest, and none at all.
FLAGS = {
    "no weights": [],
    "a misspelt key": ["-o", "weights={ldam}", "--allow-new"],
    "`checkpoints` instead of `pretrained_model`": ["-o", "Global.checkpoints={ldam}"],
    "a path that is not there": ["-o", "Global.pretrained_model={ldam}_"],
    "a folder": ["-o", "Global.pretrained_model={output}"],
    "a torn file": ["-o", "Global.pretrained_model={torn}"],
    "a file of something else": ["-o", "Global.pretrained_model={text}"],
    "no recipe, trained with one": ["-o", "Global.pretrained_model={ldam}"],
    "another recipe": ["--recipe", "cs_ce", "-o", "Global.pretrained_model={ldam}"],
    "another scale": ["--recipe", "{scaled}", "-o", "Global.pretrained_model={ldam}"],
    "another architecture": [
        *("--recipe", "ldam_drw", "-o", "Global.pretrained_model={ldam}"),
        "-o",
        "Arch.name=ResNet18",
    ],
    "other classes": ["--recipe", "ldam_drw", "-o", "Global.pretrained_model={ldam}", "-o", "Arch.class_num=12"],
    "another architecture, no record": ["-o", "Global.pretrained_model={bare}", "-o", "Arch.name=CIFARResNet20"],
    "an architecture that nothing fits, no record": [
        "-o",
        "Global.pretrained_model={bare}",
        "-o",
        "Arch.name=ResNet18",
    ],
    "other classes, no record": ["-o", "Global.pretrained_model={bare}", "-o", "Arch.class_num=12"],
    "no folder as `--run`": ["--run", "{output}_"],
    "a folder without a training as `--run`": ["--run", "{data}"],
}
MESSAGES = {
    "no weights": "must name the weights to {mode}, got none; give `-o Global.pretrained_model=PATH`, or `--run",
    "a misspelt key": "must name the weights to {mode}, got none",
    "`checkpoints` instead of `pretrained_model`": "(`checkpoints` is read in a training alone, it is {ldam})",
    "a path that is not there": "got {ldam}_, which is not there; {home} holds {ldam}",
    "a folder": "got {output}, a folder; it holds {ldam}",
    "a file of something else": "must be weights that Paddle saved, got {text}.pdparams, which is something else",
    "a torn file": "torn.pdparams is torn or was changed after it was saved",
    "no recipe, trained with one": "trained with Arch.classifier 'normalized', here 'ordinary'; LDAMLoss.s 30.0, here "
    "nothing; take `--recipe ldam_drw` or `--run {home}`",
    "another recipe": "Arch.classifier 'normalized', here 'ordinary'",
    "another scale": "LDAMLoss.s 30.0, here 10.0; take `--recipe ldam_drw`",
    "another architecture": "Arch.name 'CIFARResNet8', here 'ResNet18'",
    "other classes": "Arch.class_num 10, here 12",
    "another architecture, no record": "must hold every parameter and buffer of CIFARResNet20, got {bare}:",
    "an architecture that nothing fits, no record": "{bare}, of whose 37 keys no matrix or kernel fits ResNet18",
    "other classes, no record": "2 of 37 are missing or of another shape: fc.weight ([64, 10] in the file, [64, 12] in",
    "no folder as `--run`": "Global: `run` must be the folder of a training, its `Global.output_dir`, got {output}_",
    "a folder without a training as `--run`": "must be the folder of a training by ppcls_lt, got {data}, which has no",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with the digits and a small configuration, ``base.yaml``."""
    folder = tmp_path_factory.mktemp("weights")
    data = engines.write_digits(folder / "digits")
    settings = engines.packaged("ce", data, folder / "unused", epochs=1, eval_during_train=True, seed=0)
    settings["Metric"] = {"Eval": [{"TopkAcc": {"topk": 1}}]}
    settings["Infer"]["infer_imgs"] = str(data / "test" / "0")
    for part in ("Train", "Eval"):
        settings["DataLoader"][part]["sampler"]["batch_size"] = 64 if part == "Train" else 250
    engines.write_yaml(settings, folder / "base.yaml")
    return folder


@pytest.fixture(scope="module")
def train(folder):
    """Train ``base.yaml`` with these flags; return the output folder."""

    def train(name, *flags):
        output = folder / name
        flags = ["-o", f"Global.output_dir={output}", *flags]
        assert cli.main(["train", "-c", str(folder / "base.yaml"), *flags]) == 0
        return output

    return train


@pytest.fixture(scope="module")
def places(folder, train):
    """Names in ``FLAGS`` and ``MESSAGES`` -> paths; two short trainings."""
    ldam, plain = train("ldam", "--recipe", "ldam_drw"), train("plain")
    best = engines.saved(ldam, "best_model")
    bare = folder / "bare"
    shutil.copyfile(f"{engines.saved(plain)}.pdparams", f"{bare}.pdparams")
    torn = folder / "torn"
    manifest = Path(f"{best}.manifest.json").read_text().replace("best_model", "torn")
    Path(f"{torn}.manifest.json").write_text(manifest)
    Path(f"{torn}.pdparams").write_bytes(Path(f"{best}.pdparams").read_bytes()[:-2])
    (folder / "text.pdparams").write_text("no weights\n")
    scaled = folder / "scaled.yaml"
    losses = [{"LDAMLoss": {"weight": 1.0, "num_class_list": "auto", "s": 10.0}}]
    scaled.write_text(yaml.safe_dump({"Arch": {"classifier": "normalized"}, "Loss": {"Train": losses}}))
    return {
        **{"ldam": best, "home": best.parent, "output": ldam, "plain": engines.saved(plain, "best_model")},
        **{"bare": bare, "torn": torn, "text": folder / "text", "scaled": scaled, "data": folder / "digits"},
    }


@pytest.fixture
def run(folder, places, monkeypatch):
    """Run a command on ``base.yaml``; return its status."""

    def run(mode, *flags, base=True):
        flags = [str(flag).format(**places) for flag in flags]
        if not any(flag.startswith("Global.save_inference_dir") for flag in flags):
            flags += ["-o", f"Global.save_inference_dir={folder / 'exported'}"]
        return cli.main([mode, *(["-c", str(folder / "base.yaml")] if base else []), *flags])

    monkeypatch.chdir(folder)
    return run


@pytest.fixture
def log(caplog):
    caplog.set_level("INFO", logger="ppcls.lt")
    return caplog


def digests(folder):
    """Of every file but the log: this process, which trained too, still writes there."""
    files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and path.suffix != ".log"]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FLAGS)
@pytest.mark.parametrize("mode", MODES)
def test_no_mode_succeeds_with_weights_that_are_not_the_models(mode, kind, run, places, folder, capsys):
    assert run(mode, *FLAGS[kind]) == 2
    output = capsys.readouterr()
    last = output.err.strip().splitlines()[-1]
    assert last.startswith("ppcls-lt: error: ") and MESSAGES[kind].format(mode=mode, **places) in last
    assert not list(folder.glob("exported/inference*")) and "class_ids" not in output.out


def test_the_docs_list_every_mistake():
    text = DOCS.read_text(encoding="utf-8")
    assert [kind for kind in FLAGS if f"| {kind} |" not in text] == []


@pytest.mark.parametrize("mode", MODES)
def test_untrained_is_meant(mode, run, folder, log):
    flags = ["--untrained", "-o", f"Global.save_inference_dir={folder / 'untrained'}"]
    assert run(mode, *flags) == 0
    assert f"{mode}: 37 of 37 keys of CIFARResNet8 stay as initialised" in log.text
    assert run(mode, *flags, "-o", "Arch.class_num=12", "-o", "Global.pretrained_model={bare}") == 0
    assert "WARNING" in log.text and "35 of 37 keys loaded, 2 missing, 2 of the file left out" in log.text


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_the_right_weights_are_said_to_be_complete(mode, run, folder, log):
    flags = ["--recipe", "ldam_drw", "-o", f"Global.save_inference_dir={folder / mode}"]
    for path in ("{ldam}", "{ldam}.pdparams"):
        log.clear()
        assert run(mode, *flags, "-o", f"Global.pretrained_model={path}") == 0
        assert "37 of 37 keys loaded, 0 missing, 0 of the file left out" in log.text
        assert "tells nothing of its model" not in log.text


def test_weights_without_a_record_load_with_a_line(run, places, log):
    assert run("eval", "-o", "Global.pretrained_model={bare}") == 0
    assert f"{places['bare']} tells nothing of its model" in log.text


def test_what_changes_no_logit_does_not_matter(run):
    assert run("eval", "-o", "Global.pretrained_model={plain}", "--recipe", "focal") == 0


class TestStartOfATraining:
    @pytest.mark.slow
    def test_weights_of_which_nothing_fits(self, train, places, folder, capsys):
        flags = ["-o", f"Global.pretrained_model={places['bare']}", "-o", "Arch.name=MobileNetV3_small_x0_35"]
        output = f"Global.output_dir={folder / 'nothing'}"
        assert cli.main(["train", "-c", str(folder / "base.yaml"), *flags, "-o", output]) == 2
        assert "no matrix or kernel fits MobileNetV3_small_x0_35: another architecture?" in capsys.readouterr().err
        assert not list((folder / "nothing").rglob("*.pdparams"))
        train("nothing", *flags, "-o", "Global.untrained=True")

    def test_a_classifier_of_another_size_is_named(self, train, places, log):
        train("more", "-o", f"Global.pretrained_model={places['bare']}", "-o", "Arch.class_num=12")
        (line,) = [record for record in log.records if "keys loaded" in record.message]
        assert line.levelname == "WARNING" and "35 of 37 keys loaded, 2 missing, 2 of the file left out" in line.message
        assert "fc.weight ([64, 10] in the file, [64, 12] in the model)" in line.message
        assert "fc is the classifier" in line.message

    @pytest.mark.slow
    def test_a_classifier_of_another_kind_is_told(self, train, places, folder, log):
        reset = folder / "reset.yaml"
        reset.write_text("Callbacks: [{ResetClassifier: null}]\n")
        start = f"Global.pretrained_model={places['ldam']}"
        cases = [
            (["-o", start], "'normalized', here 'ordinary'; their class vectors"),
            (["-o", start, "--recipe", str(reset)], None),
            (["-o", start, "--recipe", "ldam_drw"], None),
            (["-o", start, "-o", "Arch.class_num=12"], None),  # whose classifier is not loaded
            (["-o", start, "-o", "Arch.classifier=etf"], None),
            (["-o", f"Global.pretrained_model={places['plain']}", "--recipe", "ldam_drw"], "'ordinary', here 'norm"),
        ]
        for number, (flags, remedy) in enumerate(cases):
            log.clear()
            train(f"kind_{number}", *flags)
            told = [record.message for record in log.records if "trained with Arch.classifier" in record.message]
            assert len(told) == (remedy is not None), flags
            assert remedy is None or (remedy in told[0] and "trains the same model on" in told[0])

    def test_what_was_adjusted_is_no_start(self, folder, places, capsys):
        adjusted = folder / "adjusted" / "best_model"
        adjusted.parent.mkdir()
        shutil.copyfile(f"{places['ldam']}.pdparams", f"{adjusted}.pdparams")
        manifest = json.loads(Path(f"{places['ldam']}.manifest.json").read_text())
        manifest["model"]["classifier"] = "unit_features"
        Path(f"{adjusted}.manifest.json").write_text(json.dumps(manifest))
        flags = ["-o", f"Global.pretrained_model={adjusted}", "-o", f"Global.output_dir={folder / 'from_adjusted'}"]
        assert cli.main(["train", "-c", str(folder / "base.yaml"), *flags]) == 2
        message = capsys.readouterr().err
        assert f"`pretrained_model` must hold a model that can be trained, got {adjusted}" in message
        assert "start from the weights of the run that was adjusted (`weights` in adjustment.json" in message
        assert not (folder / "from_adjusted").exists()

    def test_a_run_is_no_start(self, folder, places, capsys):
        assert cli.main(["train", "-c", str(folder / "base.yaml"), "-o", f"Global.run={places['output']}"]) == 2
        assert "Global: `run` must be left out of a training" in capsys.readouterr().err


def test_a_checkpoint_of_another_model_is_not_gone_on_from(folder, places, capsys):
    """One of PaddleClas alone, which knows no settings to compare."""
    output = folder / "resumed_plain"
    shutil.copytree(folder / "plain", output)
    for path in [*output.rglob("*.pdlt"), *output.rglob("*.manifest.json")]:
        path.unlink()
    flags = ["-o", f"Global.output_dir={output}", "-o", "Global.epochs=2", "-o", "Arch.class_num=12"]
    flags += ["-o", f"Global.checkpoints={engines.saved(output)}"]
    assert cli.main(["train", "-c", str(folder / "base.yaml"), *flags]) == 2
    message = capsys.readouterr().err
    assert "Global: `checkpoints` must hold every parameter and buffer of CIFARResNet8" in message
    assert "2 of 37 are missing or of another shape: fc.weight" in message


def forget(output):
    """Let a run be one of 0.1.0, which wrote no record and no working folder."""
    for path in output.rglob("*.manifest.json"):
        content = json.loads(path.read_text())
        for key in (model_record.KEY, stages.BEGAN_FROM):
            content.pop(key, None)
        path.write_text(json.dumps(content))
    for path in output.rglob("run_info.json"):
        content = json.loads(path.read_text())
        content.pop("folder", None)
        path.write_text(json.dumps(content))


class TestRecord:
    def test_everything_that_changes_the_logits(self, folder):
        host.load()
        config = host.load_config(folder / "base.yaml", [])
        config["Arch"] = {
            **{"name": "RecModel", "Backbone": {"name": "ResNet50", "pretrained": True, "max_pool": True}},
            **{"Head": {"name": "FC", "class_num": 7}, "use_sync_bn": True, "dropout_prob": 0.2, "s": None},
        }
        record = json.loads(json.dumps(model_record.of(config)))
        assert record["classes"] == 7 and record["classifier"] == "ordinary" and record["recipe"] is None
        kept = {"Backbone": {"name": "ResNet50", "max_pool": True}, "Head": {"name": "FC", "class_num": 7}}
        assert record["parameters"] == kept
        assert model_record.differences(record, model_record.of(config)) == []
        config["Arch"]["Backbone"]["max_pool"] = False
        config["Arch"]["Head"]["class_num"] = 8
        config["Arch"]["depth"] = 3
        assert model_record.differences(record, model_record.of(config)) == [
            ("Arch.class_num", "7", "8"),
            ("Arch.Backbone.max_pool", "True", "False"),
            ("Arch.Head.class_num", "7", "8"),
            ("Arch.depth", "nothing", "3"),
        ]

    def test_a_section_that_nothing_uses_is_no_part_of_the_model(self, folder):
        host.load()
        config = host.load_config(folder / "base.yaml", [])
        config["MLDecoder"] = {"query_num": 5}
        assert model_record.of(config)["ml_decoder"] is None
        config["Arch"]["use_ml_decoder"] = True
        assert model_record.of(config)["ml_decoder"] == {"query_num": 5}

    def test_classes_that_only_one_states_are_left_to_the_shapes(self):
        assert model_record.differences({"classes": None}, {"classes": 10}) == []

    def test_it_lies_in_the_manifest(self, places):
        record = json.loads(Path(f"{places['ldam']}.manifest.json").read_text())["model"]
        assert (record["classifier"], record["scale"], record["classes"]) == ("normalized", 30.0, 10)
        assert (record["architecture"], record["recipe"]) == ("CIFARResNet8", "ldam_drw")


@pytest.fixture(scope="module")
def relative(folder):
    """A training whose data and folder were named from where it was started."""
    settings = yaml.safe_load((folder / "base.yaml").read_text())
    for part in ("Train", "Eval"):
        dataset = settings["DataLoader"][part]["dataset"]
        dataset["image_root"] = "digits"
        dataset["cls_label_path"] = "digits/" + Path(dataset["cls_label_path"]).name
    settings["Global"]["output_dir"] = "relative"
    engines.write_yaml(settings, folder / "relative.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main(["train", "-c", "relative.yaml"]) == 0
    return folder / "relative"


@pytest.mark.slow
class TestRun:
    def test_it_is_the_trained_model_and_its_files_stay(self, run, places, folder, log, monkeypatch):
        output = places["output"]
        before = digests(output)
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        for given in (output, places["home"]):
            for mode in MODES:
                log.clear()
                flags = ["--run", given, "-o", f"Global.save_inference_dir={folder / 'of_run'}"]
                assert run(mode, *flags, base=False) == 0
                assert "37 of 37 keys loaded, 0 missing, 0 of the file left out" in log.text
                assert f"weights of epoch 1, {places['ldam']}" in log.text
        assert {path: digest for path, digest in digests(output).items() if path in before} == before
        names = [run_files.FILES[mode].predictions for mode in ("train", "eval")]
        trained, alone = (run_files.read_predictions(places["home"] / name) for name in names)
        assert (trained.predicted == alone.predicted).all() and (trained.confidence == alone.confidence).all()
        assert list((folder / "of_run").glob("inference.*")) and not list(elsewhere.iterdir())

    def test_overrides_go_on_top(self, run, places, folder, log, capsys):
        flags = ["--run", "{output}", "-o", f"Global.output_dir={folder / 'beside'}"]
        assert run("eval", *flags, "-o", "DataLoader.Eval.sampler.batch_size=50") == 0
        assert "base.yaml is not read: `Global.run` brings the configuration" in log.text
        written = next((folder / "beside").rglob("eval_config.yaml"))
        content = yaml.safe_load(written.read_text())
        assert content["DataLoader"]["Eval"]["sampler"]["batch_size"] == 50 and "run" not in content["Global"]
        assert content["Arch"]["classifier"] == "normalized"
        assert run("eval", *flags, "-o", "Global.pretrained_model={plain}") == 2
        assert "Arch.classifier 'ordinary', here 'normalized'" in capsys.readouterr().err

    def test_a_file_may_name_it(self, run, folder, places, log):
        settings = yaml.safe_load((folder / "base.yaml").read_text())
        settings["Global"].update(run=str(places["output"]), epochs=0)
        engines.write_yaml(settings, folder / "names_it.yaml")
        assert run("eval", "-c", folder / "names_it.yaml", base=False) == 0
        assert "names_it.yaml is not read" in log.text and f"weights of epoch 1, {places['ldam']}" in log.text

    def test_the_last_where_there_is_no_best(self, run, folder, train, log):
        output = train("without_best", "-o", "Global.eval_during_train=False")
        assert run("eval", "--run", output, base=False) == 0
        assert f"{engines.saved(output)}, since there is no whole best_model" in log.text

    def test_a_training_of_stages_and_one_of_0_1_0(self, run, folder, train, log, capsys):
        output = train("staged", "--recipe", "tau_norm")
        forget(output)
        assert run("eval", "--run", output, base=False) == 0
        stage = output / "stage_2"
        assert f"weights of epoch 0, {engines.saved(stage, 'best_model')}" in log.text
        assert "tells nothing of its model" in log.text and list(stage.rglob("eval_metrics.jsonl"))
        assert run("eval", "--run", output / "stage_1", base=False) == 0
        assert "the training has not come further than stage 1 of 2" in log.text
        assert run("eval", "--run", output, "-o", "Arch.name=PPLCNet_x0_25", base=False) == 2
        assert "Arch: `name` must be CIFARResNet8, the architecture of the training in" in capsys.readouterr().err
        for path in [*output.rglob("*.pdparams")]:
            path.unlink()
        assert run("eval", "--run", output, base=False) == 2
        assert "with a whole checkpoint, best_model or latest" in capsys.readouterr().err

    def test_a_training_with_a_folder_for_each_checkpoint(self, run, folder, places, log):
        """As PaddleX has it."""
        output = folder / "uniform"
        shutil.copytree(folder / "plain", output)
        for path in list(engines.saved(output, "best_model").parent.glob("best_model.*")):
            (output / "best_model").mkdir(exist_ok=True)
            path.rename(output / "best_model" / path.name)
        assert run("eval", "--run", output, base=False) == 0
        assert f"weights of epoch 1, {output}/best_model/best_model" in log.text

    def test_a_folder_of_several_trainings(self, run, folder, capsys):
        several = folder / "several"
        for name in ("a", "b"):
            shutil.copytree(next((folder / "plain").rglob("run_info.json")).parent, several / name)
        assert run("eval", "--run", several, base=False) == 2
        message = capsys.readouterr().err
        assert "must be the folder of one training" in message and f"{several}/a, {several}/b" in message

    def test_relative_data_are_found_from_where_it_was_trained(self, run, folder, relative, log, monkeypatch):
        elsewhere = folder / "far" / "away"
        elsewhere.mkdir(parents=True)
        monkeypatch.chdir(elsewhere)
        assert run("eval", "--run", relative, base=False) == 0
        assert "DataLoader.Eval.dataset.image_root: digits is not here, taken from" in log.text
        assert not list(elsewhere.iterdir())

    def test_what_is_called_alike_here_is_not_what_it_was_trained_on(self, run, folder, relative, log, monkeypatch):
        other = folder / "other project"
        shutil.copytree(folder / "digits", other / "digits")
        lines = (other / "digits" / "test.txt").read_text().splitlines()
        (other / "digits" / "test.txt").write_text("\n".join(lines[:7]))
        monkeypatch.chdir(other)
        assert run("eval", "--run", relative, base=False) == 0
        here = "digits/test.txt here is another, taken from where the training was started"
        assert f"DataLoader.Eval.dataset.cls_label_path: {here}" in log.text
        with np.load(next(relative.rglob("eval_predictions.npz"))) as found:
            assert found["label"].size == len(lines)

    def test_neither_it_nor_a_configuration(self, run, capsys):
        assert run("eval", base=False) == 2
        assert "ppcls-lt eval: `-c` must be given, or `--run FOLDER` of a training" in capsys.readouterr().err


@pytest.mark.slow
def test_a_resumed_stage_writes_down_what_it_began_from(folder, monkeypatch):
    """``config.yaml`` of a stage trains the same again, also after an interruption."""
    settings = yaml.safe_load((folder / "base.yaml").read_text())
    settings["Stages"] = [{"Global": {"epochs": 1}}, {"Global": {"epochs": 2}}]
    settings["Global"].update(eval_during_train=False, output_dir=str(folder / "resumed_stage"))
    engines.write_yaml(settings, folder / "staged.yaml")
    original = trainer.saving.save

    def save(run, *args, **kwargs):
        original(run, *args, **kwargs)
        if (run.stage, run.epoch) == (2, 1):
            raise EOFError("stopped")

    with monkeypatch.context() as stopping, pytest.raises(EOFError, match="stopped"):
        stopping.setattr(trainer.saving, "save", save)
        cli.main(["train", "-c", str(folder / "staged.yaml")])
    config = next((folder / "resumed_stage" / "stage_2").rglob("config.yaml"))
    start = yaml.safe_load(config.read_text())["Global"]["pretrained_model"]
    assert start == str(engines.saved(folder / "resumed_stage" / "stage_1"))
    for forgets in (lambda output: None, forget):  # then as a run of 0.1.0
        forgets(folder / "resumed_stage")
        config.unlink()
        assert cli.main(["train", "-c", str(folder / "staged.yaml"), "--resume"]) == 0
        assert yaml.safe_load(config.read_text())["Global"]["pretrained_model"] == start


def test_what_no_checkpoint_holds_is_not_missing(ppcls, train, log):
    for flags in ([], ["--resume"]):
        log.clear()
        output = train("scaled", "--recipe", "lws", *flags)
        lines = [record for record in log.records if "keys loaded" in record.message]
        assert lines and all(line.levelname == "INFO" for line in lines)
        assert all("37 of 37 keys loaded, 0 missing" in line.message for line in lines)
    assert f"the run in {output} has all its epochs already (1 of 1 in stage 2): nothing was trained" in log.text


@needs_checkout
def test_a_stock_script_takes_a_run(folder):
    """Its ``-c`` has a default, so nothing but ``Global.run`` need be given; weights of another recipe are refused."""
    output = folder / "by_checkout"
    train = [
        "-m",
        "ppcls_lt",
        "train",
        "-c",
        "base.yaml",
        "--recipe",
        "ldam",
        "-o",
        f"Global.output_dir={output}",
    ]
    assert engines.run(train, cwd=folder, python_path=[CHECKOUT]).returncode == 0
    best = engines.saved(output, "best_model")
    for script, expected in (("eval", "[Eval]"), ("infer", "class_ids"), ("export_model", "Export succeeded!")):
        flags = ["-o", f"Global.run={output}", "-o", f"Global.save_inference_dir={folder / 'by_script'}"]
        done = engines.run(["-m", "ppcls_lt", "run", f"{CHECKOUT}/tools/{script}.py", *flags], cwd=folder)
        assert done.returncode == 0 and expected in done.stdout, done.stdout
        flags = ["-c", "base.yaml", "-o", f"Global.pretrained_model={best}"]
        done = engines.run(["-m", "ppcls_lt", "run", f"{CHECKOUT}/tools/{script}.py", *flags], cwd=folder)
        assert done.returncode == 2 and "Arch.classifier 'normalized', here 'ordinary'" in done.stdout, done.stdout
    done = engines.run(["-m", "ppcls_lt", "eval", "--run", output], cwd=folder, python_path=[CHECKOUT])
    assert done.returncode == 0 and "37 of 37 keys loaded" in done.stdout, done.stdout


def test_nothing_of_paddle_stays_changed():
    layer = paddle.nn.Layer
    assert layer.set_state_dict is layer.set_dict is layer.load_dict
    assert layer.set_state_dict.__module__.startswith("paddle")


@pytest.mark.slow
@pytest.mark.parametrize("content", [[1, 2], np.zeros(3, "float32")], ids=["list", "array"])
def test_a_file_without_names_is_no_weights(content, tmp_path):
    data = engines.write_digits(tmp_path / "digits")
    paddle.save(content, str(tmp_path / "state.pdparams"))
    settings = engines.packaged("ce", data, "out", epochs=1, pretrained_model="state")
    engines.write_yaml(settings, tmp_path / "config.yaml")
    done = commands.run(tmp_path, "train", "-c", "config.yaml")
    assert done.returncode == 2, done.output + done.errors
    assert "`pretrained_model` must be weights, a map from names to tensors, got a file with a " in done.errors
    assert "Traceback" not in done.errors
