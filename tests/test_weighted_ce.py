"""``class_weight`` for PaddleClas's own ``CELoss``: what people try first."""

import numpy as np
import paddle
import pytest

from ppcls_lt import losses
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.callbacks import DeferredReweighting
from ppcls_lt.engine import checklist

from . import engines, reference

COUNTS = [50, 20, 5, 1]
WEIGHTS = reference.class_weights("inverse", COUNTS)
LOGITS = np.random.default_rng(0).normal(size=(6, 4))
HARD = np.array([0, 1, 2, 3, 0, 2])
SOFT = np.random.default_rng(1).dirichlet(np.ones(4), 6)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def built(ppcls, *entries):
    return ppcls.module("loss").build_loss([{"CELoss": {"weight": 1.0, **entry}} for entry in entries])


def value(combined, label):
    return float(combined(paddle.to_tensor(LOGITS), paddle.to_tensor(label))["loss"].reshape([]))


@pytest.mark.parametrize("label", [HARD, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("epsilon", [None, 0.1])
@pytest.mark.parametrize("reduction", ["weighted_mean", "mean"])
def test_it_is_the_weighted_cross_entropy(label, epsilon, reduction, ppcls):
    given = {"class_weight": "inverse", "num_class_list": COUNTS, "epsilon": epsilon, "reduction": reduction}
    wanted = reference.loss(
        "CELoss", LOGITS, label, weights=WEIGHTS, reduction=reduction, label_smoothing=epsilon or 0.0
    )
    assert value(built(ppcls, given), label) == pytest.approx(wanted, rel=1e-9)


def test_for_hard_labels_it_is_paddles_own_weighted_mean(ppcls):
    theirs = paddle.nn.functional.cross_entropy(
        paddle.to_tensor(LOGITS), paddle.to_tensor(HARD), weight=paddle.to_tensor([1.0, 2, 3, 4], dtype="float64")
    )
    assert value(built(ppcls, {"class_weight": [1, 2, 3, 4]}), HARD) == pytest.approx(float(theirs), rel=1e-9)


def test_without_class_weights_it_is_paddleclass_own_untouched(ppcls):
    own = ppcls.module("loss.celoss").CELoss
    assert ppcls.names("loss")["CELoss"] is own
    for entry in ({}, {"epsilon": 0.1}):
        (loss,) = built(ppcls, entry).loss_func
        assert type(loss) is own and loss.epsilon == entry.get("epsilon")
    first, second = built(ppcls, {"class_weight": "none"}, {}).loss_func
    assert type(first) is losses.CELoss and type(second) is own
    assert first.class_weight is None


def refused(data, tmp_path, *entries, callbacks=(), **options):
    """What a check of a configuration with these losses says."""
    config = engines.digits_config(
        data, tmp_path, losses=[{"CELoss": {"weight": 1.0, **e}} for e in entries], **options
    )
    config["Callbacks"] = list(callbacks)
    with pytest.raises(ConfigError) as caught:
        checklist.checked_plan(config, "train")
    return str(caught.value)


def test_mistakes_are_told_before_training(ppcls, data, tmp_path):
    def of(*entries, **options):
        return refused(data, tmp_path, *entries, **options)

    assert "Loss.Train[0] CELoss: unknown parameter 'class_weigth' (did you mean 'class_weight'?)" in of(
        {"class_weigth": "inverse"}
    )
    assert "CELoss: `class_weight` must be used with `num_class_list`" in of({"class_weight": "inverse"})
    assert "CELoss: `class_weight` must be given with `num_class_list`" in of({"num_class_list": "auto"})
    assert "did you mean 'inverse'?" in of({"class_weight": "inverze", "num_class_list": "auto"})
    assert "CELoss: `class_weight` must be as long as Arch.class_num (10), got 2 weights" in of(
        {"class_weight": [1, 2]}
    )
    assert "unknown parameter 'label_smoothing'" in of({"class_weight": "none", "label_smoothing": 0.1})
    weighted = {"class_weight": "inverse", "num_class_list": "auto"}
    assert "CELoss: `epsilon` must be a finite number >= 0 and < 1" in of({**weighted, "epsilon": 1.5})
    assert "CELoss is listed twice (Loss.Train[0])" in of(weighted, {})
    assert "`num_class_list` must be the counts of the training data" in of({**weighted, "num_class_list": [9] * 10})
    deferred = [{"DeferredReweighting": {"start": 2}}]
    assert "must be a list with a loss that takes class weights" in of({}, callbacks=deferred)
    DeferredReweighting(start=2).check(
        {"Global": {"epochs": 2}, "Loss": {"Train": [{"CELoss": {"class_weight": "none"}}]}}
    )


@pytest.mark.slow
def test_a_stock_training_takes_it_from_overrides(ppcls, data, tmp_path):
    """The packaged baseline, whose loss is PaddleClas's, with two ``-o``."""
    engines.write_yaml(engines.packaged("ce", data, tmp_path / "out", epochs=1), tmp_path / "ce.yaml")
    given = ["Loss.Train.0.CELoss.class_weight=inverse", "Loss.Train.0.CELoss.num_class_list=auto"]
    config = ppcls.load_config(tmp_path / "ce.yaml", given)
    config.profiler_options = None
    engine = engines.build_engine(config)
    (loss,) = engine.train_loss_func.loss_func
    counts = np.bincount([int(line.split()[1]) for line in (data / "train.txt").read_text().splitlines()])
    np.testing.assert_allclose(loss.class_weight, reference.class_weights("inverse", counts), rtol=1e-12)
    engine.train()
    assert list((tmp_path / "out").rglob("latest.pdparams"))
