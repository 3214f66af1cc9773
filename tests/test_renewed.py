"""A run that an earlier version began by a recipe goes on by today's recipe of that name."""

import numpy as np
import paddle
import pytest

from ppcls_lt import losses
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import recipes
from ppcls_lt.configuration.renewed import renewed
from ppcls_lt.engine import resuming

# Of `cb_ce` in 0.1.0, and of the second stage of `weight_balancing`.
FORMER = {
    "weight": 1.0,
    "gamma": 0.0,
    "num_class_list": "auto",
    "class_weight": "effective_number",
    "reduction": "weighted_mean",
}


def stage(loss):
    return {
        "Global": {"epochs": 4, "output_dir": "output"},
        "Arch": {"name": "ResNet18"},
        "DataLoader": {},
        "Loss": {"Train": [loss], "Eval": [{"CELoss": {"weight": 1.0}}]},
    }


def settled(before, now):
    state = {"settings": stage(before), "lists": {}, "extension": None, "epoch": 2}
    return resuming.settle(stage(now), state, "latest", True)


def test_cb_ce_goes_on():
    (now,) = recipes.read_content("cb_ce")["config"]["Loss"]["Train"]
    assert "ClassBalancedLoss" in now
    assert settled({"FocalLoss": FORMER}, now) == (None, False)
    assert settled(now, {"FocalLoss": FORMER}) == (None, False)
    assert settled({"FocalLoss": FORMER}, {"FocalLoss": FORMER}) == (None, False)
    assert renewed(stage(now)) == stage(now) == renewed(stage({"FocalLoss": FORMER}))


def test_so_do_ce_drw_and_weight_balancing():
    (now,) = recipes.read_content("weighted_ce")["config"]["Loss"]["Train"]
    former = {"FocalLoss": {"weight": 1.0, "gamma": 0.0, "reduction": "weighted_mean"}}
    assert "CELoss" in now and settled(former, now) == (None, False)
    second = recipes.read_content("weight_balancing")["config"]["Stages"][1]
    before = {**second, "Loss": {"Train": [{"FocalLoss": FORMER}]}}
    assert second != before and renewed({"Stages": [{}, second]}) == renewed({"Stages": [{}, before]})


@pytest.mark.parametrize("other", [{"gamma": 1.0}, {"reduction": "mean"}, {"class_weight": "inverse"}])
def test_another_loss_does_not(other):
    (now,) = recipes.read_content("cb_ce")["config"]["Loss"]["Train"]
    with pytest.raises(ConfigError, match="got other ones"):
        settled({"FocalLoss": {**FORMER, **other}}, now)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_its_values_are_those_of_before_to_the_last_bit(dtype):
    (now,) = recipes.read_content("cb_ce")["config"]["Loss"]["Train"]
    random = np.random.default_rng(0)
    logits = random.normal(size=(9, 4))
    for label in (random.integers(0, 4, 9), random.dirichlet(np.ones(4), 9)):
        found = []
        for ((name, params),) in ({"FocalLoss": FORMER}.items(), now.items()):
            params = {key: value for key, value in params.items() if key != "weight"}
            loss = getattr(losses, name)(**{**params, "num_class_list": [50, 20, 5, 1]})
            x = paddle.to_tensor(logits, dtype=dtype, stop_gradient=False)
            value = loss(x, paddle.to_tensor(label))[loss.result_key]
            value.backward()
            found.append((float(value), x.grad.numpy().tolist()))
        assert found[0] == found[1]
