"""Configurations in which something is what it cannot be: one line each, never a traceback, nothing is built."""

import random

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import recipes
from ppcls_lt.engine import trainer

from . import engines, malformed

CASES = 400


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A configuration with every section that the package or a user may write."""
    folder = tmp_path_factory.mktemp("malformed")
    trainer.register()
    config = engines.packaged("ce", engines.write_digits(folder / "digits"), folder / "out", epochs=2)
    config["Metric"] = {
        "Train": [{"TopkAcc": {"topk": [1, 5]}}],
        "Eval": [
            {"TopkAcc": {"topk": [1, 5]}},
            {"ManyMediumFewAcc": {"num_class_list": "auto", "thresholds": [100, 20]}},
            {"ECE": {"bins": 15}},
        ],
    }
    config["Optimizer"]["lr"] = {"name": "Cosine", "learning_rate": 0.05, "warmup_epoch": 1, "eta_min": 0.0}
    config["AMP"] = {"scale_loss": 128.0, "use_dynamic_loss_scaling": True, "level": "O1"}
    config["Callbacks"] = [{"FreezeLayers": {"layers": ["conv.*"], "keep": ["fc"]}}, {"DeferredReweighting": {}}]
    config["Loss"]["Train"] = [{"LDAMLoss": {"weight": 1.0, "num_class_list": "auto", "s": 1.0}}]
    config["Global"].update(best_metric="many", report=False, eval_during_train=True, untrained=True)
    config["Infer"] = {
        "infer_imgs": "",
        "transforms": [{"DecodeImage": {}}],
        "PostProcess": {"name": "Topk", "topk": 5, "class_id_map_file": None},
    }
    return config


def ends(config, mode):
    """Whether a configuration is accepted; anything but a ``ConfigError`` comes through."""
    try:
        trainer.checked_plan(config, mode)
    except ConfigError as error:
        assert all(len(line) <= 4000 for line in str(error).splitlines()), str(error)[:300]
        return False
    return True


def test_the_configuration_itself_is_accepted(base):
    assert ends(base, "train") and ends(base, "eval")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_whatever_stands_in_a_configuration_it_is_a_message(base, seed):
    draw = random.Random(seed)
    accepted = 0
    for number in range(CASES // 4):
        config = malformed.changed(base, draw)
        if number % 3 == 0:
            name = draw.choice(["crt", "lws", "tau_norm", "weight_balancing"])
            stages = [{}, recipes.read_content(name)["config"]["Stages"][1]]
            config["Stages"] = malformed.changed(stages, draw)
        accepted += ends(config, draw.choice(["train", "train", "eval"]))
    assert accepted < CASES // 8
