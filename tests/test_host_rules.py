"""What PaddleClas answers by a traceback, some of it after an epoch: said before, and sync BN left out on a CPU."""

import importlib.util
import logging
import sys
from pathlib import Path

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import devices, host_rules
from ppcls_lt.configuration.merging import merged
from ppcls_lt.engine import checklist

from . import engines

HEAD = {"name": "ArcMargin", "embedding_size": 8, "class_num": 10, "margin": 0.2, "scale": 30}
MIXED = [{"CutmixOperator": {"alpha": 0.2}}]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture
def config(data, tmp_path):
    return engines.digits_config(data, tmp_path, losses=[{"CELoss": {"weight": 1.0}}], eval_during_train=True)


def put(config, path, value):
    *above, last = path.split(".")
    for key in above:
        config = config[key]
    config[last] = value


def said(config, mode="train"):
    return [finding.text for finding in checklist.looked_over(config, mode)[1]]


PK = {"name": "PKSampler", "batch_size": 64, "sample_per_id": 3, "shuffle": True, "drop_last": False}
IDENTITY = {"name": "DistributedRandomIdentitySampler", "batch_size": 2, "num_instances": 4, "drop_last": False}


@pytest.mark.parametrize(
    "path, value, sentence",
    [
        ("Global.eval_mode", "retrieva", "Global: `eval_mode` must be one of classification, retrieval"),
        ("Global.eval_mode", "retrieval", "DataLoader.Eval: `Query` must be a section, to evaluate retrieval"),
        ("Loss.Eval", [], "Loss: `Eval` must be a list of losses, or be left out"),
        ("Metric.Eval", [{"Recallk": {"topk": [1]}}], "Metric.Eval[0]: Recallk must be used with `Global.eval_mode"),
        ("DataLoader.Train.sampler", PK, "DataLoader.Train.sampler: `batch_size` must be a multiple of `sample_per"),
        ("DataLoader.Train.sampler", IDENTITY, "DataLoader.Train.sampler: `batch_size` must be at least `num_inst"),
        ("Slim", {"quant": {"name": "pact"}}, "configuration: `Slim` must be left out (`-o Slim=None`) without P"),
    ],
)  # fmt: skip
def test_it_is_said_before_anything_is_built(path, value, sentence, config):
    if path == "Slim" and importlib.util.find_spec("paddleslim"):
        pytest.skip("PaddleSlim is installed")
    put(config, path, value)
    assert [text for text in said(config) if text.startswith(sentence)]
    with pytest.raises(ConfigError):
        engines.build_engine(config)


def test_a_sampler_of_ones_own_goes_by_its_own_rules(config):
    own = {"name": "Own", "batch_size": 32, "sample_per_id": 5, "num_instances": 64}
    put(config, "DataLoader.Train.sampler", own)
    assert list(host_rules.samplers(config, ["Train", "Eval"])) == []


def test_mixed_images_are_refused_before_a_margin(config):
    config["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = MIXED
    assert list(host_rules.margins(config, ["Train", "Eval"])) == []
    config["Arch"]["Head"] = HEAD
    (finding,) = host_rules.margins(config, ["Train", "Eval"])
    assert finding.text.endswith("got CutmixOperator, whose images have several classes, before ArcMargin")
    assert list(host_rules.margins(config, ["Eval"])) == []


def test_files_of_other_names_are_looked_for(tmp_path):
    face = {"name": "AdaFaceDataset", "root_dir": str(tmp_path), "label_path": "nowhere.txt"}
    config = {"DataLoader": {"Train": {"dataset": face}, "Eval": {"dataset": {"name": "FiveValidationDataset"}}}}
    (finding,) = host_rules.files(config, ["Train", "Eval"])
    assert finding.text.startswith("DataLoader.Train.dataset: `label_path` must be an existing path, got 'nowhere.txt'")


@pytest.mark.parametrize(
    "section, sentence",
    [
        ({"quant": {"name": "abc"}}, "Slim.quant: `name` must be one of pact, got 'abc'"),
        (
            {"prune": {"name": "fpg", "pruned_ratio": 0.3}},
            "Slim.prune: `name` must be one of fpgm, l1_norm (did you mean 'fpgm'?)",
        ),
        ({"prune": {"name": "FPGM", "pruned_ratio": 2}}, "Slim.prune: `pruned_ratio` must be a finite number >= 0 and"),
        ({"prune": {"name": "l1_norm", "pruned_ratio": 0.3}, "quant": False}, None),
    ],
)
def test_what_slim_is_given(section, sentence, tmp_path, monkeypatch):
    (tmp_path / "paddleslim.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    sys.modules.pop("paddleslim", None)
    found = [finding.text for finding in devices.findings({"Global": {"device": "cpu"}, "Slim": section})]
    assert len(found) == (sentence is not None) and all(text.startswith(sentence) for text in found)


@pytest.mark.slow
def test_a_model_with_synchronised_layers_lives_on_a_cpu(config, tmp_path, caplog):
    config["Arch"] = type(config)(name="MobileNetV3_small_x0_35", class_num=10, use_sync_bn=True)
    with caplog.at_level(logging.WARNING, "ppcls.lt"):
        engines.build_engine(config).train()
    line = "Arch: `use_sync_bn` is left out, since Paddle has no such layer for the CPU; each process normalises by the"
    assert caplog.text.count(line) == 1
    again = engines.digits_config(
        Path(config["DataLoader"]["Train"]["dataset"]["image_root"]),
        tmp_path / "evaluated",
        losses=config["Loss"]["Train"],
    )
    again["Arch"] = type(again)(name="MobileNetV3_small_x0_35", class_num=10, use_sync_bn=True)
    again["Global"]["pretrained_model"] = str(next(tmp_path.glob("**/latest.pdparams"))).removesuffix(".pdparams")
    assert 0 <= engines.build_engine(again, "eval").eval() <= 1


def test_synchronised_layers_stay_where_there_are_some():
    stage = {"Global": {"device": "gpu"}, "Arch": {"name": "ResNet50", "use_sync_bn": True}}
    assert devices.settled(stage, "train") is stage
    assert devices.settled(stage, "export")["Arch"] == {"name": "ResNet50", "use_sync_bn": False}
    assert stage["Arch"]["use_sync_bn"]


def test_a_sampler_of_ours_takes_over_the_sizes_of_a_multi_scale_one():
    several = {"sampler": {"name": "MultiScaleSampler", "scales": [8, 12], "first_bs": 16, "divided_factor": 4}}
    ours = {"name": "WeightBalancedSampler", "mode": "class_balanced"}
    assert merged(several, {"sampler": ours})["sampler"] == {**ours, "batch_size": 16, "scales": [8, 12]}
    assert merged(several, {"sampler": {"name": ["a list"]}})["sampler"] == {"name": ["a list"]}  # which is said later
    theirs = {"name": "DistributedBatchSampler"}
    assert merged(several, {"sampler": theirs})["sampler"] == theirs


@pytest.mark.slow
def test_resampling_trains_on_several_scales(config):
    train = config["DataLoader"]["Train"]
    train["dataset"]["name"] = "MultiScaleDataset"
    train["sampler"] = type(config)(
        {"name": "MultiScaleSampler", "scales": [8, 12], "first_bs": 16, "divided_factor": 4, "is_training": True}
    )
    config["Global"].update(recipe="resample", epochs=1)
    engine = engines.build_engine(config)
    engine.train()
    assert {tuple(batch[0].shape[2:]) for batch in engine.train_dataloader} == {(8, 8), (12, 12)}
