"""A run goes on as what it was, or for longer, and replaces no other: refused before any training."""

import copy
import json
import logging
import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ppcls_lt.basis.findings import ConfigError, raise_all
from ppcls_lt.callbacks import Callback
from ppcls_lt.commands import main as cli
from ppcls_lt.engine import resuming, saving
from ppcls_lt.runs import checkpoints, earlier
from ppcls_lt.runs import marks as run_marks

from . import engines
from .test_resume import assert_same, saved

STEPS = 11  # of an epoch


class Stops(Callback):
    """Ends the process's training before the epoch ``at``, as an error would."""

    at = None

    def on_epoch_start(self, run):
        if run.epoch == self.at:
            raise InterruptedError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The folder of a run of two epochs."""
    folder = tmp_path_factory.mktemp("finished")
    train(data, folder)
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "out")


def settings(data, output, epochs=2, **overrides):
    result = engines.digits_config(
        data, output, losses=[{"CELoss": {"weight": 1.0}}], epochs=epochs, save_interval=1, seed=3, **overrides
    )
    result["Global"]["eval_during_train"] = overrides.get("eval_during_train", False)
    result["Optimizer"]["lr"] = {"name": "Cosine", "learning_rate": 0.05, "warmup_epoch": 1}
    result["Callbacks"] = [{"tests.test_resuming.Stops": None}]
    return result


def train(data, output, **overrides):
    engine = engines.build_engine(settings(data, output, **overrides))
    engine.train()
    return engine


def rates(folder, epoch):
    """The schedule as a checkpoint keeps it."""
    return saved(folder, "pdopt", f"epoch_{epoch}")[0]["LR_Scheduler"]


def rewrite_state(checkpoint, change):
    """Change the state of a checkpoint as 0.1.0 would have written it: a pickle, in a manifest that fits."""
    state = saving.read_state(checkpoint)
    change(state)
    paddle.save(state, f"{checkpoint}.pdlt")
    path = checkpoint.with_name("latest.manifest.json")
    manifest = json.loads(path.read_text())
    (name,) = (name for name in manifest["files"] if name.endswith(".pdlt"))
    content = checkpoint.with_suffix(".pdlt").read_bytes()
    manifest["files"][name] = {"bytes": len(content), "crc32": zlib.crc32(content)}
    path.write_text(json.dumps({key: manifest[key] for key in ("prefix", "run", "stage", "epoch", "files")}))


class TestSettings:
    """The comparison alone."""

    @pytest.fixture
    def stage(self, data, tmp_path):
        stage = engines.packaged("ldam", data, tmp_path / "out")
        stage["DataLoader"] = copy.deepcopy(stage["DataLoader"])
        for part in ("Train", "Eval"):
            dataset = stage["DataLoader"][part]["dataset"]
            dataset["cls_label_path"] = str(shutil.copy(dataset["cls_label_path"], tmp_path / f"{part}.txt"))
        return stage

    def settle(self, before, now):
        state = {"epoch": 1, "run": "a", **resuming.kept(before, None)}
        return resuming.settle(now, state, "out/latest", True)

    def test_the_same_goes_on(self, stage):
        assert self.settle(stage, copy.deepcopy(stage)) == (None, False)

    @pytest.mark.parametrize("path", resuming.HARMLESS, ids=".".join)
    def test_what_changes_no_weight_may_change(self, path, stage, tmp_path):
        now = copy.deepcopy(stage)
        inner = now
        for name in path[:-1]:
            inner = inner.setdefault("Train" if name == "*" else name, {})
        key = "Train" if path[-1] == "*" else path[-1]
        # A list is moved as it is; anything else may become what it likes.
        inner[key] = str(shutil.copy(inner[key], tmp_path / "moved.txt")) if key == "cls_label_path" else {"other": 1}
        assert inner != stage and self.settle(stage, now) == (None, False)

    @pytest.mark.parametrize("key, value", [("eval_during_train", True), ("eval_interval", 7), ("start_eval_epoch", 3)])
    def test_when_it_is_evaluated_may_change_unless_the_rate_follows_it(self, key, value, stage):
        now = copy.deepcopy(stage)
        now["Global"][key] = value
        assert self.settle(stage, now) == (None, False)
        for each in (stage, now):
            each["Optimizer"]["lr"] = {"name": "ReduceOnPlateau", "learning_rate": 0.1}
        with pytest.raises(ConfigError, match=f"Global.{key}: "):
            self.settle(stage, now)

    @pytest.mark.parametrize("page", ["docs/resuming.md", "docs/zh/resuming.md"])
    def test_the_page_names_what_may_differ(self, page):
        text = (engines.ROOT / page).read_text(encoding="utf-8")
        begin = text.index(
            "`output_dir`、`save_inference_dir`" if "zh" in page else "`output_dir`, `save_inference_dir`"
        )
        named = re.findall(r"`([\w.]+)`", text[begin : text.index("```", begin)])
        keys = {path[-1] for path in resuming.HARMLESS} - {"cls_label_path", "batch_size", "pretrained", "Train"}
        words = {"Arch.pretrained", "Metric.Train"}  # the path of a list and the batch size have no key there
        beside = {"checkpoints", "plugins_from"}  # which nobody writes into a configuration
        assert set(named) == keys - beside | words

    def test_another_number_of_workers_is_told(self, stage, caplog, monkeypatch):
        monkeypatch.setattr(logging.getLogger("ppcls.lt"), "propagate", True)
        now = copy.deepcopy(stage)
        now["DataLoader"]["Train"]["loader"]["num_workers"] = 5
        assert self.settle(stage, now) == (None, False)
        assert "this one has 5: random numbers differ" in caplog.text

    @pytest.mark.parametrize(
        "path, value, said",
        [
            ("Global.epochs", 9, "Global.epochs: 30 in the run, 9 now. To train longer, .* `--extend-to 9`"),
            ("Global.seed", 7, "Global.seed: 0 in the run, 7 now"),
            ("Optimizer.lr.learning_rate", 0.2, "Optimizer.lr.learning_rate: 0.05 in the run, 0.2 now"),
            ("Optimizer.lr", None, "Optimizer.lr: {'name': 'Cosine', .* in the run, not set now"),
            ("Arch.name", "CIFARResNet20", "Arch.name: CIFARResNet8 in the run, CIFARResNet20 now"),
            ("DataLoader.Train.sampler.batch_size", 8, "DataLoader.Train.sampler.batch_size: .* in the run, 8 now"),
            ("Loss.Train", [{"CELoss": {"weight": 1.0}}], "Loss.Train.0.LDAMLoss: .*Train.0.CELoss: not set in the"),
            ("AMP", {"level": "O1"}, "AMP: not set in the run, {'level': 'O1'} now"),
            ("Global.best_metric", "few", "Global.best_metric: not set in the run, few now"),
        ],
    )  # fmt: skip
    def test_what_matters_is_named_with_both_values(self, path, value, said, stage):
        now = copy.deepcopy(stage)
        inner = now
        *above, key = path.split(".")
        for name in above:
            inner = inner[name]
        inner[key] = value
        with pytest.raises(ConfigError, match=rf"other ones than those of out/latest \(epoch 1\): {said}"):
            self.settle(stage, now)

    @pytest.mark.parametrize("part", ["Train", "Eval"])
    def test_a_list_with_another_content_is_refused(self, part, stage):
        state = {"epoch": 1, "run": "a", **resuming.kept(stage, None)}
        with open(stage["DataLoader"][part]["dataset"]["cls_label_path"], "a") as file:
            file.write("x.png 0\n")
        with pytest.raises(ConfigError, match=f"DataLoader.{part}.dataset.cls_label_path: the list as it was in the"):
            resuming.settle(stage, state, "out/latest", True)

    @pytest.mark.parametrize(
        "section, said",
        [
            ({"overwrite": "yes"}, "`overwrite` must be true or false"),
            ({"extend_to": 2.5}, "`extend_to` must be an integer >= 1"),
            ({"extend_to": 9, "extend_schedule": "strech"}, "`extend_schedule` must be .*did you mean 'stretch'"),
            ({"extend_schedule": "stretch"}, "`extend_schedule` must be used with `extend_to`"),
            ({"extend_to": 9, "epochs": 0}, "`extend_to` must be left out where the last stage has no epochs"),
        ],
    )  # fmt: skip
    def test_mistakes_in_the_keys(self, section, said):
        with pytest.raises(ConfigError, match=said):
            raise_all(resuming.findings([{"Global": {"epochs": 3, **section}}]))


@pytest.mark.slow
def test_a_stretched_schedule_is_that_of_a_longer_run(data, folder, tmp_path):
    """Epochs, rates and the final state; killed in between, the same command ends with the same weights."""
    train(data, tmp_path / "whole", epochs=4)
    broken = shutil.copytree(folder, tmp_path / "broken")
    train(data, folder, extend_to=4)
    for epoch in (3, 4):
        assert rates(folder, epoch)["last_epoch"] == STEPS * epoch
    # The warm-up of a run of two epochs, one, becomes two.
    longer = settings(data, tmp_path / "other", epochs=4)
    longer["Optimizer"]["lr"]["warmup_epoch"] = 2
    engine = engines.build_engine(longer)
    engine.train()
    for epoch in (3, 4):
        assert_same(rates(folder, epoch), rates(tmp_path / "other", epoch))
        assert rates(folder, epoch) != rates(tmp_path / "whole", epoch)

    Stops.at = 4
    try:
        with pytest.raises(InterruptedError):
            train(data, broken, extend_to=4)
    finally:
        Stops.at = None
    # With or without the flag: the run is one of four epochs from now on.
    train(data, broken, resume=True)
    for ending in ("pdparams", "pdopt"):
        assert_same(saved(folder, ending), saved(broken, ending))
    with pytest.raises(ConfigError, match="`extend_to` must be more than the 4 epochs of the run, got 3"):
        train(data, broken, extend_to=3)
    train(data, broken, extend_to=5)
    assert saved(broken, "pdstates")["epoch"] == 5


@pytest.mark.slow
@pytest.mark.slow
def test_the_flags_train_longer(data, folder, tmp_path):
    """As README.md has them; the first epoch added begins at the rate of the first of all."""
    engines.write_yaml(settings(data, folder), tmp_path / "longer.yaml")
    flags = ["--extend-to", "3", "--extend-schedule", "restart"]
    assert cli.main(["train", "-c", str(tmp_path / "longer.yaml"), *flags]) == 0
    assert saved(folder, "pdstates", "epoch_3")["epoch"] == 3
    assert rates(folder, 3)["last_epoch"] == rates(folder, 1)["last_epoch"] == STEPS


def test_a_restarted_schedule_begins_anew_over_the_epochs_added(data, folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    train(data, folder, extend_to=4, extend_schedule="restart")
    # Two epochs are added to two: all is as it was in the first two.
    for epoch in (1, 2):
        assert_same(rates(folder, epoch), rates(folder, epoch + 2))
    Stops.at = 4
    try:
        with pytest.raises(InterruptedError):
            train(data, broken, extend_to=4, extend_schedule="restart")
    finally:
        Stops.at = None
    train(data, broken, extend_to=4, extend_schedule="restart")
    for ending in ("pdparams", "pdopt"):
        assert_same(saved(folder, ending), saved(broken, ending))


def test_a_run_that_goes_on_as_another_is_refused_before_anything_is_written(data, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=r"Global.epochs: 2 in the run, 4 now"):
        train(data, folder, epochs=4, resume=True)
    with pytest.raises(ConfigError, match="holds .*latest .*run .* after epoch 2 of 2.*--resume.*--overwrite"):
        train(data, folder)
    with pytest.raises(ConfigError, match="`extend_to` must be used with a whole checkpoint of this package"):
        train(data, folder / "empty" / "inner", extend_to=4)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path in before}
    assert not (folder / "empty").exists()


def test_a_run_that_was_told_to_replace_another_goes_on_replacing_it(data, folder):
    """Also where it ended before its first checkpoint."""
    Stops.at = 1
    try:
        with pytest.raises(InterruptedError):
            train(data, folder, overwrite=True)
    finally:
        Stops.at = None
    train(data, folder, epochs=1, resume=True)
    assert saved(folder, "pdstates")["epoch"] == 1


def plan_of(root, stages, arch="CIFARResNet8"):
    folders = [root] if stages == 1 else [root / f"stage_{number + 1}" for number in range(stages)]
    return [{"Global": {"output_dir": str(folder)}, "Arch": {"name": arch}} for folder in folders]


def leave(folder, name="latest"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.pdparams").write_bytes(b"")


@pytest.mark.parametrize("before, now", [(1, 2), (2, 1), (3, 1)])
def test_a_training_with_other_stages_is_another(before, now, tmp_path):
    """Beside it `--run FOLDER` could not tell which is meant, and `--resume` without the recipe would begin anew."""
    root = tmp_path / "out"
    old, new = plan_of(root, before), plan_of(root, now)
    earlier.check(new)
    leave(Path(old[-1]["Global"]["output_dir"]) / "CIFARResNet8")
    for run in (None, "another"):
        with pytest.raises(
            ConfigError, match=r"got .*out, which holds .*latest \(saved .* with other `Stages`; choose"
        ):
            earlier.check(new, run)
    new[0]["Global"]["overwrite"] = True
    earlier.check(new)
    earlier.check(plan_of(root, now, arch="DeiT_tiny_patch16_224"))


def test_what_a_later_stage_left_is_not_of_a_training_that_begins_anew(tmp_path):
    """Its name is another, so that the later stage would refuse it, after the first one was trained."""
    plan = plan_of(tmp_path, 2)
    plan[0]["Global"]["resume"] = True
    for stage in plan:
        leave(Path(stage["Global"]["output_dir"]) / "CIFARResNet8")
        run_marks.mark(stage["Global"]["output_dir"], "CIFARResNet8", "first")
    (tmp_path / "stage_1" / "CIFARResNet8" / "latest.pdparams").unlink()
    with pytest.raises(ConfigError, match=r"stage_2, which holds .*latest"):
        resuming.decide(plan, 0, checkpoint=None, state=None, run=None)


def test_epochs_are_added_to_the_last_stage_alone_whatever_their_number():
    for epochs in (12, 30):
        with pytest.raises(ConfigError, match="`extend_to` must be left out, got .* which is of an earlier stage"):
            resuming._extension({"epochs": 30, "extend_to": epochs}, None, 10, "out/latest", False)
    assert resuming._extension({"epochs": 30, "extend_to": 30}, None, 10, "out/latest", True) == (None, False)


@pytest.mark.slow
def test_what_lies_where_a_later_stage_writes_is_seen_at_the_start_and_when_it_begins(data, tmp_path, monkeypatch):
    def train_two(output, **overrides):
        config = settings(data, output, **overrides)
        config["Stages"] = [{}, {"Global": {"epochs": 0}, "Callbacks": [{"TauNormalize": {"tau": 1}}]}]
        engines.build_engine(config).train()

    def leave(output):
        (output / "stage_2").mkdir(parents=True, exist_ok=True)
        (output / "stage_2" / "latest.pdparams").write_bytes(b"")

    refused = r"`output_dir` must be a folder without .*, which holds .*stage_2/latest \(saved"
    left, late, told = (tmp_path / name for name in ("left", "late", "told"))
    leave(told)
    with pytest.raises(ConfigError, match=refused):
        train_two(told)
    monkeypatch.setattr(Stops, "at", 2)
    for output, overwrite in ((left, False), (told, True)):
        with pytest.raises(InterruptedError):
            train_two(output, overwrite=overwrite)
    leave(left)
    with pytest.raises(ConfigError, match=refused):
        train_two(left, resume=True)
    with pytest.raises(InterruptedError):
        train_two(told, resume=True)
    # Between the stages, as another program would.
    monkeypatch.setattr(Stops, "at", None)
    monkeypatch.setattr(Stops, "on_epoch_start", lambda self, run: leave(late))
    with pytest.raises(ConfigError, match=refused):
        train_two(late)
    assert engines.saved(late / "stage_1") and not list((late / "stage_2").rglob("train.log"))
    train_two(told, resume=True)
    assert checkpoints.newest(told / "stage_2", "CIFARResNet8")


def test_a_run_with_all_its_epochs_says_so(data, folder, caplog):
    for more in ({"resume": True}, {"extend_to": 2}):
        caplog.clear()
        with caplog.at_level("INFO", logger="ppcls.lt"):
            train(data, folder, **more)
        said = f"the run in {folder} has all its epochs already (2 of 2): nothing was trained; `--extend-to M`"
        assert caplog.text.count(said) == 1, caplog.text
    caplog.clear()
    with caplog.at_level("INFO", logger="ppcls.lt"):
        train(data, folder, extend_to=3)
    assert "nothing was trained" not in caplog.text


@pytest.mark.parametrize("where", ["latest", "CIFARResNet8/epoch_3", "best_model/best_model"])
def test_what_stock_paddleclas_left_is_not_replaced_either(where, data, tmp_path):
    path = tmp_path / f"{where}.pdparams"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    for more in ({}, {"resume": True}):
        with pytest.raises(ConfigError, match=rf"{where} \(saved .* UTC by PaddleClas without ppcls_lt\)"):
            engines.build_engine(settings(data, tmp_path, **more))


def test_logs_and_other_architectures_are_no_obstacle(data, finished, tmp_path):
    """A run of another architecture in the same folder; then each goes on as itself."""
    folder = tmp_path / "out"
    (folder / "CIFARResNet20").mkdir(parents=True)
    for file in ("train.log", "CIFARResNet20/latest.pdparams", "CIFARResNet8/train.log", "pretrained.pdparams"):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"")
    engines.build_engine(settings(data, folder))
    run_marks.mark(folder, "CIFARResNet8", "a")
    run_marks.mark(folder, "CIFARResNet20", "b")
    for arch, run in (("CIFARResNet8", "a"), ("CIFARResNet20", "b")):
        with checkpoints.saving(folder, "latest", {"run": run, "epoch": 1}) as staging:
            (staging / arch).mkdir()
            (staging / arch / "latest.pdparams").write_bytes(b"")
        run_marks.mark(folder, arch, run)
        assert checkpoints.newest(folder, arch)[1]["run"] == run
    assert checkpoints.newest(folder, "CIFARResNet8")[1]["run"] == "a"


def drop(*names):
    def change(state):
        for name in names:
            del state[name]

    return change


def test_a_checkpoint_of_0_1_0_goes_on_by_the_configuration_beside_it(data, folder):
    checkpoint = engines.saved(folder)
    rewrite_state(checkpoint, drop("settings", "lists", "extension"))
    with pytest.raises(ConfigError, match="Global.epochs: 2 in the run, 3 now"):
        train(data, folder, epochs=3, resume=True)
    train(data, folder, resume=True)
    (checkpoint.parent / "config.yaml").unlink()
    train(data, folder, epochs=3, resume=True)
    assert saved(folder, "pdstates")["epoch"] == 3


def test_the_state_of_a_run_is_no_pickle(folder):
    content = saving.read_state(engines.saved(folder))
    assert content["epoch"] == 2 and content["settings"]["Global"]["epochs"] == 2
    assert engines.saved(folder).with_suffix(".pdlt").read_bytes().startswith(b"PK")


def test_a_hostile_checkpoint_does_not_run(data, folder):
    """Named in `checkpoints`, in `pretrained_model`, and as a state: through the host and through us."""
    import pickle

    from .test_state_files import Hostile

    ran = folder / "ran"
    checkpoint = engines.saved(folder)
    checkpoint.with_name("latest.manifest.json").unlink()
    whole = {end: checkpoint.with_suffix(end).read_bytes() for end in (".pdparams", ".pdopt", ".pdstates", ".pdlt")}
    for ending in whole:
        for end, content in whole.items():
            checkpoint.with_suffix(end).write_bytes(content)
        checkpoint.with_suffix(ending).write_bytes(pickle.dumps({"w": Hostile(ran)}))
        with pytest.raises(ConfigError, match=rf"latest\{ending}: must hold arrays and plain containers only"):
            train(data, folder, checkpoints=str(checkpoint))
    checkpoint.with_suffix(".pdparams").write_bytes(pickle.dumps({"w": Hostile(ran)}))
    with pytest.raises(ConfigError, match="must hold arrays and plain containers only"):
        train(data, folder / "other", pretrained_model=str(checkpoint))
    assert not ran.exists()


class Scaler:
    """The state of a scaler of mixed precision, which Paddle has on a GPU alone."""

    def __init__(self, scale):
        self.state = {"scale": np.array([scale], "float32"), "incr_count": 3}

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state


def test_the_scaler_goes_on_where_it_was(data, tmp_path):
    for epochs, scale in (({}, 8.0), ({"extend_to": 2}, 1.0)):
        engine = engines.build_engine(settings(data, tmp_path, epochs=1, **epochs))
        engine.scaler = Scaler(scale)
        engine.train()
        assert engine.scaler.state["scale"] == 8.0 and engine.scaler.state["incr_count"] == 3


def test_the_configuration_of_an_extended_run_is_that_of_all_its_epochs(data, folder):
    train(data, folder, extend_to=3)
    (path,) = folder.rglob("config.yaml")
    section = yaml.safe_load(path.read_text())["Global"]
    assert section["epochs"] == 3
    assert not {"extend_to", "extend_schedule", "overwrite", "resume"} & section.keys()
    assert len(list(folder.rglob("epoch_3.pdopt"))) == 1
