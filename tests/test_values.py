"""Values and sections that can only be mistakes, and that PaddleClas's own configurations have none of them."""

import os
from pathlib import Path

import pytest

from ppcls_lt import host
from ppcls_lt.basis import patterns
from ppcls_lt.basis.findings import ConfigError, raise_all
from ppcls_lt.configuration import stages, structure, values
from ppcls_lt.engine import trainer

from . import engines

ROOT = os.environ.get("PADDLECLAS_ROOT")
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    trainer.register()
    return engines.packaged("ce", engines.write_digits(folder / "digits"), folder / "out", epochs=2)


def with_entry(config, place, value):
    """A copy in which one entry, its place written with dots, is another; a number is an index of a list."""
    result = stages.merged(config, {})
    *path, last = place.split(".")
    inner = result
    for key in path:
        inner = inner.setdefault(key, {})
    inner[last] = value
    return result


def fails(config, place, value, message):
    with pytest.raises(ConfigError, match=message) as error:
        trainer.checked_plan(with_entry(config, place, value), "train")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "place, value, message",
    [
        ("Global", "text", "Global: must be a map, got 'text'"),
        ("Arch", "ResNet50", "Arch: must be a map"),
        ("Arch.Head", "text", "Arch.Head: must be a map"),
        ("Arch.name", ["ResNet50"], "Arch: `name` must be a text"),
        ("DataLoader", 1, "DataLoader: must be a map"),
        ("DataLoader.Train", "x", "DataLoader.Train: must be a map"),
        ("DataLoader.Train.dataset", "x", "DataLoader.Train.dataset: must be a map"),
        ("DataLoader.Train.sampler", None, "DataLoader.Train: `sampler` must be a map"),
        (
            "DataLoader.Train.dataset.transform_ops",
            "x",
            "DataLoader.Train.dataset: `transform_ops` must be a list of op",
        ),
        ("DataLoader.Train.dataset.transform_ops", [1], r"`transform_ops\[0\]` must be a map with one key"),
        ("Loss", [1], "Loss: must be a map"),
        ("Metric", "x", "Metric: must be a map"),
        ("Optimizer", "x", "Optimizer: must be a map"),
        ("Optimizer", [1], r"`Optimizer\[0\]` must be a map with one key"),
        ("Optimizer.lr", 0.1, "Optimizer.lr: must be a map"),
        ("Optimizer.regularizer", "L2", "Optimizer.regularizer: must be a map"),
        ("AMP", True, "AMP: must be a map"),
    ],
)
def test_sections_that_are_none(config, place, value, message):
    fails(config, place, value, message)


@pytest.mark.parametrize(
    "place",
    [
        *("Arch.name", "Global.eval_interval", "Optimizer.momentum", "Optimizer.regularizer"),
        *("Optimizer.regularizer.coeff", "Optimizer.lr.name", "Optimizer.lr.learning_rate"),
        *("DataLoader.Train.dataset.image_root", "DataLoader.Eval.dataset.image_root"),
        *(f"DataLoader.{part}.sampler.{name}" for part in ("Train", "Eval") for name in ("drop_last", "shuffle")),
        *("DataLoader.Train.loader.num_workers", "DataLoader.Eval.loader.num_workers"),
    ],
)
def test_a_key_with_nothing_behind_it(config, place):
    """Which the host or Paddle answers with a traceback, or takes for something."""
    owner, _, name = place.rpartition(".")
    fails(
        with_entry(config, "Global.eval_during_train", True),
        place,
        None,
        f"{owner}: `{name}` must have a value, or be left out, got None",
    )


def test_what_images_are_normalised_by_are_numbers(config):
    """The host makes NaN of what is none, and an evaluation then has figures of nothing."""
    for part in ("Train", "Eval"):
        place = f"DataLoader.{part}.dataset.transform_ops"
        number = next(
            i
            for i, each in enumerate(config["DataLoader"][part]["dataset"]["transform_ops"])
            if "NormalizeImage" in each
        )
        for name, value in (("mean", None), ("std", None), ("std", 0), ("mean", "0.5")):
            changed = with_entry(config, "Global.seed", 0)
            entry = changed["DataLoader"][part]["dataset"]["transform_ops"][number]["NormalizeImage"]
            entry[name] = [value, 0.5, 0.5]
            with pytest.raises(ConfigError, match=rf"{place}\[{number}\] NormalizeImage: `{name}\[0\]` must be a"):
                trainer.checked_plan(changed, "train")
    fails(config, "Infer.transforms", [{"DecodeImage": None}, None], r"Infer: `transforms\[1\]` must be a map")


@pytest.mark.parametrize(
    "place, values, message",
    [
        ("Optimizer.lr.learning_rate", (NAN, INFINITY, -0.1, True, "fast"), "`learning_rate` must be a finite number"),
        ("Optimizer.lr.warmup_epoch", (-1, NAN, True), "`warmup_epoch` must be a finite number"),
        ("Optimizer.lr.step_size", (0, -1), "`step_size` must be a finite number > 0"),
        ("Optimizer.momentum", (1, 1.5, -0.1, NAN, True), "`momentum` must be a finite number"),
        ("Optimizer.regularizer.coeff", (NAN, -1e-4, True), "`coeff` must be a finite number"),
        ("Optimizer.regularizer.name", ("L3", "l2"), "regularizer: .*(one of L1, L2|unknown regularizer)"),
        ("Optimizer.weight_decay", (INFINITY, -1), "`weight_decay` must be a finite number"),
        ("Optimizer.clip_norm", (0, -1), "`clip_norm` must be a finite number > 0"),
        ("Global.epochs", (-1, 2.5, True, "2"), "`epochs` must be"),
        ("Global.save_interval", (0, -2, 0.5, True, None), "`save_interval` must be"),
        ("Global.eval_interval", (0, -1, 1.5, True), "`eval_interval` must be an integer >= 1"),
        ("Global.start_eval_epoch", (-1, 0.5), "`start_eval_epoch` must be an integer >= 0"),
        ("Global.print_batch_step", (0, -1, 1.5, True, None), "`print_batch_step` must be"),
        ("Global.update_freq", (0, -2, 0.5, True), "`update_freq` must be an integer >= 1"),
        ("Global.eval_during_train", ("False", "no", 2), "`eval_during_train` must be true or false"),
        ("Global.image_shape", (3, [3, 16], [3, 0, 16], [3, 16.5, 16], [3, 10**9, 16]), "image_shape"),
        ("DataLoader.Train.loader.num_workers", (-1, 0.5, True, 10**6), "`num_workers` must be an integer >= 0"),
        ("DataLoader.Train.sampler.batch_size", (0, -8, 1.5, True, 10**12), "`batch_size` must be an integer >= 1"),
        ("DataLoader.Train.sampler.drop_last", ("False", 2), "`drop_last` must be true or false"),
        ("Arch.class_num", (10**12, True, 0, 2.5), "Arch: `class_num` must be"),
        ("AMP.scale_loss", (0, -1, NAN), "`scale_loss` must be a finite number"),
        ("AMP.level", ("O3", 2), "`level` must be one of O0, O1, O2"),
        ("EMA.decay", (1, 1.5, -0.1), "`decay` must be a finite number"),
        ("Infer.transforms", ([{"NormalizeImage": {"scale": NAN}}],), r"`scale` must be a finite number, got nan"),
        ("Metric.Eval", ([{"TopkAcc": {"topk": 100}}],), "`topk` must be at most 10, the number of classes, got 100"),
        ("Metric.Eval", ([{"TopkAcc": {"topk": [1, 0]}}],), "`topk` must be an integer >= 1"),
        ("Metric.Eval", ([{"ECE": {"bins": 10**11}}],), "`bins` must be at most 10000"),
    ],
)
def test_values_that_can_only_be_mistakes(config, place, values, message):
    config = with_entry(config, "Global.eval_during_train", True)
    for value in values:
        fails(config, place, value, message)


def test_schedules_whose_parts_do_not_fit(config):
    def lr(**entries):
        return {"name": "Piecewise", "decay_epochs": [1, 2], "values": [0.1, 0.01, 0.001], **entries}

    assert trainer.checked_plan(with_entry(config, "Optimizer.lr", lr()), "train")
    fails(config, "Optimizer.lr", lr(values=[0.1]), "`values` must be one more than `decay_epochs`.*1 of them for 2")
    fails(config, "Optimizer.lr", lr(decay_epochs=[2, 1]), "`decay_epochs` must be a list of numbers that grow")
    fails(config, "Optimizer.lr", lr(decay_epochs=[-1, 1]), r"`decay_epochs\[0\]` must be a finite number >= 0")
    fails(config, "Optimizer.lr", lr(values=0.1), "`values` must be a list of numbers")


def test_values_that_are_unusual_and_meant(config):
    for place, value in (
        ("Global.save_interval", -1),
        ("Global.eval_during_train", 0),
        ("Optimizer.lr.learning_rate", 0),
        ("Optimizer.lr.learning_rate", 1000.0),
        ("Optimizer.lr.warmup_epoch", 0.5),
        ("Metric.Train", [{"TopkAcc": {"topk": [1, 5, 50]}}]),
        ("AMP", None),
    ):
        assert trainer.checked_plan(with_entry(config, place, value), "train"), place


def test_labels_and_lines_of_any_length(config, tmp_path):
    path = tmp_path / "list.txt"
    for line, message in (
        ("x" * 10**6 + " 0\n", "must name an image|does not exist|an existing|`cls_label_path`"),
        ("x.jpg " + "1" * 10**6 + "\n", "`cls_label_path` must be a list"),
        ("x.jpg 1000000000000\n", "`cls_label_path` must be a list of labels"),
        ("x" * 10**6 + "\n", "`cls_label_path` must be a list of lines"),
    ):
        path.write_text(line)
        changed = with_entry(config, "DataLoader.Train.dataset.cls_label_path", str(path))
        with pytest.raises(ConfigError, match=message) as error:
            trainer.checked_plan(changed, "train")
        assert len(str(error.value)) < 1500


@pytest.mark.skipif(ROOT is None, reason="needs PADDLECLAS_ROOT, a source checkout of PaddleClas")
def test_every_training_configuration_of_paddleclas_passes():
    trainer.register()
    passed = 0
    for path in sorted((Path(ROOT) / "ppcls" / "configs").rglob("*.yaml")):
        config = host.load_config(path, [])
        if "Arch" not in config or "Train" not in (config.get("DataLoader") or {}):
            continue
        raise_all(structure.sections(config))
        raise_all(values.findings(config, ["Train"]))
        passed += 1
    assert passed > 300


class TestPatterns:
    @pytest.mark.parametrize(
        "pattern",
        [
            *("fc", r"layer[34]\..*", r"(conv|bn)\d+\.(weight|bias)", r"(?:backbone\.)?blocks\.(1[01]|\d)\..*"),
            *(r"(a|b)*c", r"(ab){3}", r".*a.*b.*c.*", "x{2,5}", r"[(*+]+", r"\(\*\)\+"),
        ],
    )
    def test_that_end(self, pattern):
        patterns.check("FreezeLayers", "layers", pattern)

    @pytest.mark.parametrize(
        "pattern",
        [
            *("(a+)+$", "([a-z]+)*x", "(a|ab)*c", "(?:a?){30}", "((a*)b?)+", "(?P<n>a+)+", "(?=(a+)+)b", "(.*){2}"),
            *("a?" * 9 + "a" * 9, ".*" * 5, "(a|ab)" * 9, "a" * 201, "(", "[", "a{1,99999999999}", 5, None),
        ],
    )
    def test_that_may_not(self, pattern):
        with pytest.raises(ConfigError, match="FreezeLayers: `layers` must be a name or a regular expression"):
            patterns.check("FreezeLayers", "layers", pattern)

    def test_in_a_configuration(self, config):
        fails(
            config, "Optimizer", [{"SGD": {"scope": "(a+)+$"}}], r"Optimizer\[0\].SGD: `scope` must be a name or a reg"
        )
        callbacks = [{"FreezeLayers": {"layers": ["(a+)+$"]}}]
        fails(config, "Callbacks", callbacks, r"FreezeLayers: `layers\[0\]` must be .* a repeat within a repeat")
