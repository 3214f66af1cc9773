"""Known keys: misspelt and misplaced ones are named before training; what PaddleClas's own files say is let through."""

import copy
import json
import os
from pathlib import Path

import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.spelling import nearest
from ppcls_lt.commands import main as cli
from ppcls_lt.configuration import reading as config
from ppcls_lt.configuration import recipes, schema, stages

from . import engines, stock
from .stock import needs_checkout

PADDLEX = os.environ.get("PADDLEX_ROOT")
STOCK = yaml.safe_load(stock.CONFIGURATION)
# What a configuration may gain, to have keys of every kind below.
FULLER = {
    "Callbacks": [{"LossSchedule": {"before": [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}], "start": 2}}],
    "Slim": {"prune": {"name": "fpgm", "pruned_ratio": 0.3}},
}


@pytest.fixture(autouse=True)
def registered(ppcls):
    """PaddleClas, with this package registered in it."""


def changed(changes):
    """The stock-like configuration with entries put at dotted paths."""
    result = copy.deepcopy(STOCK)
    for path, value in changes.items():
        *parents, key = path.split(".")
        place = result
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
        place[int(key) if isinstance(place, list) else key] = value
    return result


def errors(changes, mode="train"):
    return [finding.text for finding in schema.findings(changed(changes), mode)]


def unread(changes, mode="train"):
    before = schema.looked_over(STOCK, mode)[1]
    return [path for path in schema.looked_over(changed(changes), mode)[1] if path not in before]


def maps(value, path=()):
    """The paths of every map of a configuration."""
    if isinstance(value, dict):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from maps(below, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


MISSPELLINGS = {
    "left out": lambda key, i: key[:i] + key[i + 1 :],
    "doubled": lambda key, i: key[: i + 1] + key[i:],
    "swapped": lambda key, i: key[: i - 1] + key[i] + key[i - 1] + key[i + 1 :],
    "in the other case": lambda key, i: key[:i] + key[i].swapcase() + key[i + 1 :],
}


@pytest.mark.slow
@pytest.mark.parametrize("slip", MISSPELLINGS)
def test_every_misspelt_key_is_an_error(slip):
    base = {**STOCK, **FULLER}
    assert schema.looked_over(base, "train")[0] == []
    known_nowhere = schema.looked_over(base, "train")[1]
    tried = 0
    for path in maps(base):
        for number, key in enumerate(at(base, path)):
            misspelt = MISSPELLINGS[slip](key, 1 + number % (len(key) - 1) if len(key) > 1 else 0)
            dotted = ".".join(map(str, (*path, key)))
            if misspelt in (key, "", *at(base, path)) or dotted in known_nowhere or path[:1] == ("Callbacks",):
                continue
            trial = copy.deepcopy(base)
            items = list(at(trial, path).items())
            at(trial, path).clear()
            at(trial, path).update((misspelt if name == key else name, value) for name, value in items)
            found = [finding.text for finding in schema.findings(trial, "train")]
            assert found and misspelt in found[0], (dotted, misspelt, found)
            tried += 1
    assert tried > 80


NEAR_OR_MISPLACED = {
    "a section": ({"Optimiser": {}}, "configuration: unknown section 'Optimiser' (did you mean 'Optimizer'?)"),
    "a section of ours": ({"Callback": []}, "configuration: unknown section 'Callback' (did you mean 'Callbacks'?)"),
    "a part": ({"Loss.train": []}, "Loss: unknown key 'train' (did you mean 'Train'?)"),
    "a key": ({"Global.epoch": 1}, "Global: unknown key 'epoch' (did you mean 'epochs'?)"),
    "a key of ours": (
        {"Global.best_metrics": "many"},
        "Global: unknown key 'best_metrics' (did you mean 'best_metric'?)",
    ),
    "a schedule's": (
        {"Optimizer.lr.warmup_epochs": 1},
        "Optimizer.lr Cosine: unknown parameter 'warmup_epochs' (did you mean 'warmup_epoch'?)",
    ),
    "a loader's": (
        {"DataLoader.Train.loader.num_worker": 0},
        "DataLoader.Train.loader: unknown key 'num_worker' (did you mean 'num_workers'?)",
    ),
    "words in another order": (
        {"Arch.num_class": 10},
        "Arch MobileNetV3_small_x0_35: unknown parameter 'num_class' (did you mean 'class_num'?)",
    ),
    "an architecture's": (
        {"Arch.pretrain": True},
        "Arch MobileNetV3_small_x0_35: unknown parameter 'pretrain' (did you mean 'pretrained'?)",
    ),
    "of Global, in Arch": (
        {"Arch.epochs": 3},
        "Arch MobileNetV3_small_x0_35: unknown parameter 'epochs' (its place is `Global.epochs`)",
    ),
    "of Arch, in Global": (
        {"Global.use_ssld": True},
        "Global: unknown key 'use_ssld' (its place is `Arch.use_ssld`)",
    ),
    "of the loader, in the sampler": (
        {"DataLoader.Train.sampler.num_workers": 0},
        "DataLoader.Train.sampler DistributedBatchSampler: unknown parameter 'num_workers' "
        "(its place is `DataLoader.Train.loader.num_workers`)",
    ),
    "of the schedule, in the optimizer": (
        {"Optimizer.learning_rate": 0.1},
        "Optimizer Momentum: unknown parameter 'learning_rate' (its place is `Optimizer.lr.learning_rate`)",
    ),
    "of the optimizer, in the schedule": (
        {"Optimizer.lr.momentum": 0.9},
        "Optimizer.lr Cosine: unknown parameter 'momentum' (its place is `Optimizer.momentum`)",
    ),
    "of Global, at the top": ({"epochs": 3}, "configuration: unknown section 'epochs' (its place is `Global.epochs`)"),
    "a section, in another": ({"Global.Loss": {}}, "Global: unknown key 'Loss' (its place is `Loss`)"),
}
FATAL = {
    "a schedule": ({"Optimizer.lr.name": "Cosin"}, "Optimizer.lr: unknown schedule 'Cosin' (did you mean 'Cosine'?)"),
    "a regularizer": (
        {"Optimizer.regularizer.name": "L3"},
        "Optimizer.regularizer: unknown regularizer 'L3' (known: L1, L2)",
    ),
    "a regularizer's parameter": (
        {"Optimizer.regularizer.coef": 1e-4},
        "Optimizer.regularizer L2: unknown parameter 'coef' (did you mean 'coeff'?)",
    ),
    "an optimizer's parameter": (
        {"Optimizer.rho": 0.9},
        "Optimizer Momentum: unknown parameter 'rho'",
    ),
    "an optimizer": (
        {"Optimizer.name": "Momentun"},
        "Optimizer: unknown optimizer 'Momentun' (did you mean 'Momentum'?)",
    ),
    "a sampler's parameter": (
        {"DataLoader.Train.sampler.seed": 1},
        "DataLoader.Train.sampler DistributedBatchSampler: unknown parameter 'seed'",
    ),
    "a data set": (
        {"DataLoader.Train.dataset.name": "ImageNetDatset"},
        "DataLoader.Train.dataset: unknown data set 'ImageNetDatset' (did you mean 'ImageNetDataset'?)",
    ),
    "a data set's parameter": (
        {"DataLoader.Train.dataset.transforms_op": []},
        "DataLoader.Train.dataset ImageNetDataset: unknown parameter 'transforms_op' (did you mean 'transform_ops'?)",
    ),
    "an operator": (
        {"DataLoader.Train.dataset.transform_ops.1": {"RandCropImge": {"size": 224}}},
        "DataLoader.Train.dataset.transform_ops[1]: unknown transform operator 'RandCropImge' "
        "(did you mean 'RandCropImage'?)",
    ),
    "an operator's parameter": (
        {"DataLoader.Train.dataset.transform_ops.1": {"RandCropImage": {"size": 224, "ratios": 1}}},
        "DataLoader.Train.dataset.transform_ops[1] RandCropImage: unknown parameter 'ratios' (did you mean 'ratio'?)",
    ),
    "a flag of an operator that is text": (
        {"DataLoader.Train.dataset.transform_ops.0": {"DecodeImage": {"to_rgb": "yess"}}},
        "DataLoader.Train.dataset.transform_ops[0] DecodeImage: `to_rgb` must be true or false, got 'yess' (str)",
    ),
    "an operator without what it needs": (
        {"DataLoader.Train.dataset.transform_ops.1": {"RandCropImage": None}},
        "DataLoader.Train.dataset.transform_ops[1] RandCropImage: `size` must be given, got nothing",
    ),
    "an operator that is no map": (
        {"DataLoader.Train.dataset.transform_ops.1": "RandCropImage"},
        "DataLoader.Train.dataset.transform_ops[1]: must be a map with one key, the name, got 'RandCropImage'",
    ),
    "a batch operator": (
        {"DataLoader.Train.dataset.batch_transform_ops": [{"MixupOperater": {"alpha": 0.2}}]},
        "DataLoader.Train.dataset.batch_transform_ops[0]: unknown transform operator 'MixupOperater' "
        "(did you mean 'MixupOperator'?)",
    ),
    "a batch operator's parameter": (
        {"DataLoader.Train.dataset.batch_transform_ops": [{"MixupOperator": {"alfa": 0.2}}]},
        "DataLoader.Train.dataset.batch_transform_ops[0] MixupOperator: unknown parameter 'alfa' "
        "(did you mean 'alpha'?)",
    ),
    "a batch operator within another": (
        {"DataLoader.Train.dataset.batch_transform_ops": [{"OpSampler": {"CutmixOperatr": {"alpha": 0.2, "prob": 1}}}]},
        "DataLoader.Train.dataset.batch_transform_ops[0] OpSampler: unknown operator 'CutmixOperatr' "
        "(did you mean 'CutmixOperator'?)",
    ),
    "a loss's parameter": (
        {"Loss.Train.0": {"CELoss": {"weight": 1.0, "epsilonn": 0.1}}},
        "Loss.Train[0] CELoss: unknown parameter 'epsilonn' (did you mean 'epsilon'?)",
    ),
    "a metric's parameter": (
        {"Metric.Eval.0": {"TopkAcc": {"topK": [1, 5]}}},
        "Metric.Eval[0] TopkAcc: unknown parameter 'topK' (did you mean 'topk'?)",
    ),
    "no name": ({"Arch": {"class_num": 10}}, "Arch: `name` must be given, got nothing"),
    "a list for a map": ({"Optimizer.lr": 0.1}, "Optimizer.lr: must be a map, got 0.1"),
    "a map for a list": (
        {"DataLoader.Train.dataset.transform_ops": {"DecodeImage": None}},
        "DataLoader.Train.dataset.transform_ops: must be a list of one-key maps, got dict",
    ),
}


@pytest.mark.parametrize("mistake", NEAR_OR_MISPLACED)
def test_what_paddleclas_would_drop_is_an_error(mistake):
    changes, expected = NEAR_OR_MISPLACED[mistake]
    assert expected in " | ".join(errors(changes))


@pytest.mark.parametrize("mistake", FATAL)
def test_what_paddleclas_would_fail_on_is_an_error_that_nothing_allows(mistake):
    changes, expected = FATAL[mistake]
    assert expected in " | ".join(errors({**changes, "Global.allow_new": True}))


def test_post_processing_is_checked_where_it_is_built():
    changes = {"Infer.PostProcess": {"name": "Topk", "topk": 5, "class_file": "labels.txt"}}
    expected = "Infer.PostProcess Topk: unknown parameter 'class_file'"
    assert any(message.startswith(expected) for message in errors(changes, "infer"))
    assert errors(changes, "train") == [] and unread(changes, "train") == ["Infer.PostProcess.class_file"]
    changes = {"Infer.PostProcess": {"name": "OfAnotherRelease"}}
    (message,) = errors(changes, "infer")
    assert message.startswith("Infer.PostProcess: unknown post-processing 'OfAnotherRelease'")
    assert "build_postprocess" not in message
    assert errors(changes, "train") == []


def test_what_merely_is_unused_is_told_once_in_one_line(caplog):
    trial = changed({"load_static_weights": True, "IndexProcess": {"batch_size": 4}, "Arch.foo": 1})
    with caplog.at_level("WARNING", logger="ppcls"):
        schema.tell_unread([trial, copy.deepcopy(trial)], "train")
    lines = [record.getMessage() for record in caplog.records if "nothing reads" in record.getMessage()]
    assert len(lines) == 1
    assert all(path in lines[0] for path in ("load_static_weights", "IndexProcess", "Arch.foo"))
    assert lines[0].startswith("keys of the configuration that nothing reads: ")


def test_allow_new_turns_what_paddleclas_would_drop_into_a_line_of_the_log():
    changes = {"Global.epoch": 1, "Arch.epochs": 3}
    assert len(errors(changes)) == 2
    assert errors({**changes, "Global.allow_new": True}) == []
    assert unread({**changes, "Global.allow_new": True}) == ["Global.epoch", "Arch.epochs"]
    with pytest.raises(ConfigError, match="Global: `allow_new` must be true or false"):
        errors({"Global.allow_new": "yes"})


def test_several_mistakes_are_told_at_once():
    found = list(schema.findings(changed({"Global.epoch": 1, "Loss.train": []}), "train"))
    assert [(finding.path, finding.got, finding.meant) for finding in found] == [
        ("Global.epoch", "'epoch'", "Global.epochs"),
        ("Loss.train", "'train'", "Loss.Train"),
    ]


@pytest.mark.parametrize(
    "path, value, expected",
    [
        ("Global.epoch", 1, "-o Global.epoch: Global: unknown key 'epoch' (did you mean 'epochs'?)"),
        ("Globl.epochs", 3, "-o Globl.epochs: configuration: unknown section 'Globl' (did you mean 'Global'?)"),
        ("Global.quite_another", 3, "-o Global.quite_another: Global: unknown key 'quite_another'"),
    ],
)
def test_an_override_must_name_something(path, value, expected):
    trial = changed({path: value})
    with pytest.raises(ConfigError) as raised:
        schema.check_overrides(trial, [(tuple(path.split(".")), value)])
    assert str(raised.value).startswith(expected) and "Global.allow_new=True" in str(raised.value)
    trial["Global"]["allow_new"] = True
    schema.check_overrides(trial, [(tuple(path.split(".")), value)])


@pytest.mark.parametrize(
    "path, value, expected",
    [
        ("Loss.Train.0.FocalLoss", {"gamma": 2}, "Loss.Train[0]: unknown key 'FocalLoss', the entry there is CELoss"),
        (
            "DataLoader.Train.dataset.transform_ops.1.RandCropImag.size",
            32,
            "DataLoader.Train.dataset.transform_ops[1]: unknown key 'RandCropImag', the entry there is RandCropImage",
        ),
    ],
)
def test_an_override_must_name_the_entry_that_is_there(path, value, expected):
    parts = tuple(path.split("."))
    with pytest.raises(ConfigError) as raised:
        schema.check_overrides(changed({path: value}), [(parts, value)])
    assert str(raised.value) == f"-o {path}: {expected}"


def test_no_place_is_suggested_that_is_another():
    sampler = {"name": "MultiScaleSampler", "scales": [8, 16], "first_bs": 4, "batch_size": 8}
    message = errors({"DataLoader.Train.sampler": sampler})[0]
    assert "unknown parameter 'batch_size'" in message and "its place" not in message and "first_bs" in message
    trial = changed({"Arch": {"name": "DistillationModel", "models": [], "pretrained": True}})
    with pytest.raises(ConfigError, match="unknown parameter 'pretrained'") as raised:
        schema.check_overrides(trial, [(("Arch", "pretrained"), True)])
    assert "pretrained_list" not in str(raised.value)


@pytest.mark.parametrize(
    "path, value",
    [
        ("Global.seed", 1),
        ("Global.infer_imgs", "x"),  # as in the file: a line in the log
        ("Global.recipe", "cs_ce"),
        ("Global.image_shape.0", 3),
        ("Arch.pretrained", True),
        ("Arch.classifier", "normalized"),
        ("AMP.level", "O2"),
        ("Slim.prune.pruned_ratio", 0.3),
        ("Loss.Train.0.CELoss.epsilon", 0.1),
        ("Optimizer.lr.eta_min", 0.0),
        ("Optimizer.clip_norm", 1.0),
        ("DataLoader.Train.dataset.batch_transform_ops", [{"MixupOperator": {"alpha": 0.2}}]),
        ("DataLoader.Train.dataset.transform_ops.1.RandCropImage.scale", [0.1, 1.0]),
        ("Infer.PostProcess.delimiter", ","),
        ("Callbacks", []),
    ],
)
def test_an_override_may_name_what_is_known_and_not_there(path, value):
    schema.check_overrides(changed({path: value}), [(tuple(path.split(".")), value)])


def packaged():
    folder = next(folder for folder in config._CONFIG_FOLDERS if folder.is_dir())
    return sorted(folder.rglob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [None, *recipes.names()])
def test_our_own_configurations_and_recipes_bring_nothing_unknown(recipe):
    own = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in packaged()}
    assert own
    for name, base in {**own, "stock": STOCK}.items():
        expected = schema.looked_over(base, "train")[1] if name == "stock" else []
        plan = stages.plan({**base, "Global": {**base["Global"], "recipe": recipe}})
        for mode in ("train", "eval", "infer", "export"):
            for stage in plan:
                assert schema.looked_over(stage, mode) == ([], expected), name


def test_nearly():
    names = ["epochs", "class_num", "lr", "Train", "T"]
    assert [
        nearest(name, names) for name in ("epoch", "num_class", "lrr", "train", "t", "Eval", "foo", "classnumb")
    ] == [
        "epochs",
        "class_num",
        "lr",
        "Train",
        "T",
        None,
        None,
        "class_num",
    ]


def test_the_command_says_it_before_anything_is_trained(tmp_path, capsys):
    stock.write_data(tmp_path / "data")
    path = stock.write(tmp_path)
    given = stock.flags(path, tmp_path / "data", tmp_path / "out", workers=0)
    assert cli.main(["train", "-c", str(path), *given, "-o", "Global.epoch=1"]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("ppcls-lt: error: ") and "(did you mean 'epochs'?)" in message
    assert not list(tmp_path.rglob("*.pdparams"))


# The operators that these files name and PaddleClas does not find: it cannot train from them either.
UNBUILDABLE = {"PULC/clarity_assessment/PPLCNet_x1_0.yaml": "BlurImage", "ResNet50_UReID_infer.yaml": "RandomCrop"}
OTHER = (("StrategySearch",), ("GeneralRecognition",), ("quick_start", "kunlun"))


def of_folder(folder, tmp_path):
    result = engines.run(
        ["-m", "tests.schema_of", folder, tmp_path / "found.json"], cwd=tmp_path, python_path=[stock.CHECKOUT]
    )
    assert result.returncode == 0, result.stdout
    return json.loads((tmp_path / "found.json").read_text())


@needs_checkout
def test_every_training_configuration_of_a_checkout_passes(tmp_path):
    result = of_folder(Path(stock.CHECKOUT) / "ppcls" / "configs", tmp_path)
    assert len(result["found"]) > 300
    for name, found in result["found"].items():
        assert bool(found["errors"]) == bool(found["unbuildable"]), (name, found)
        assert found["unbuildable"] in ([], [UNBUILDABLE.get(name)])
    with_unread = sum(bool(found["unread"]) for found in result["found"].values())
    assert 0 < with_unread < len(result["found"]) / 3
    # A search, an index, and what is left of version 1: nothing that this engine trains.
    assert all(Path(name).match("*search.yaml") or Path(name).parts[:-1] in OTHER for name in result["other"])


@needs_checkout
@pytest.mark.skipif(not PADDLEX, reason="needs a source checkout of PaddleX: set PADDLEX_ROOT to its folder")
def test_every_configuration_of_paddlex_passes(tmp_path):
    """As PaddleX writes them: it puts the kind of data set in, which the files of two modules leave to it."""
    files = Path(PADDLEX) / "paddlex" / "repo_apis" / "PaddleClas_api" / "configs"
    for path in files.glob("*.yaml"):
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        dataset = settings["DataLoader"]["Train"].get("dataset", {})
        if dataset.get("name") == "CustomLabelDataset":
            dataset["name"] = "ClsDataset"
        (tmp_path / "configs").mkdir(exist_ok=True)
        (tmp_path / "configs" / path.name).write_text(yaml.safe_dump(settings), encoding="utf-8")
    result = of_folder(tmp_path / "configs", tmp_path)
    assert len(result["found"]) > 80 and not result["other"]
    assert {name: found["errors"] for name, found in result["found"].items() if found["errors"]} == {}
