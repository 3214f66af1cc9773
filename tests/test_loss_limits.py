"""Where losses of the literature break in their authors' code, or are not what they look like."""

import numpy as np
import paddle
import pytest

from ppcls_lt import losses
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import validation
from ppcls_lt.testing.losses import inputs, value_and_gradients

from . import reference
from .losses import REFERENCES


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_class_balanced_focal_loss_in_float32_is_exact_where_sigmoids_end(gamma):
    """At -100 of the true class the authors' value is 0 and their gradient NaN; at +20 a port's gradient is NaN."""
    counts, params = [50, 20, 5, 1], {"form": "focal", "beta": 0.99, "gamma": gamma}
    logits = np.array([[-100.0, 1, 2, 3], [20, -5, 0, 1], [0, 100, -100, 50], [-90, -90, -90, -90]])
    label = np.array([0, 0, 1, 3])
    found, gradients = value_and_gradients(
        losses.ClassBalancedLoss(num_class_list=counts, **params),
        inputs("float32", logits),
        paddle.to_tensor(label),
    )
    weights = reference.class_weights("effective_number", counts, beta=0.99)

    def wanted(z):
        return reference.loss("ClassBalancedLoss", z, label, weights=weights, reduction="mean", **params)

    assert found == pytest.approx(wanted(logits), rel=1e-6)
    np.testing.assert_allclose(gradients["logits"], reference.gradient(wanted, logits), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape, power", [("concave", None), ("linear", None), ("convex", None), ("exp", 2.0)])
def test_label_aware_smoothing_of_equal_counts_is_that_of_the_rarest(shape, power):
    loss = losses.LabelAwareSmoothingLoss(num_class_list=[7] * 4, smooth_tail=0.1, shape=shape, power=power)
    plain = losses.FocalLoss(gamma=0.0, label_smoothing=0.1)
    logits, label = paddle.to_tensor(np.eye(4) * 3), paddle.to_tensor([0, 1, 3, 2])
    assert float(loss(logits, label)[loss.result_key]) == pytest.approx(float(plain(logits, label)["FocalLoss"]))


def test_absent_classes_push_in_lades_code_and_not_on_its_poster():
    label = paddle.to_tensor([0, 1, 0, 1])
    for form, pushes in (("code", True), ("poster", False)):
        loss = losses.LADELoss(num_class_list=[50, 20, 5], form=form)
        x = paddle.to_tensor(np.random.default_rng(0).normal(size=(4, 3)), stop_gradient=False)
        loss(x, label)["LADELoss"].backward()
        assert x.grad.numpy()[:, 2].any() == pushes


def test_the_two_forms_of_lade_are_one_for_equal_counts():
    x, label = paddle.to_tensor(np.random.default_rng(0).normal(size=(6, 3))), paddle.to_tensor([0, 1, 2, 1, 0, 0])
    code, poster = (
        losses.LADELoss(num_class_list=[9] * 3, form=form)(x, label)["LADELoss"] for form in ("code", "poster")
    )
    assert float(code) == pytest.approx(float(poster), rel=1e-12)


def test_seesaws_classes_in_parts_are_those_at_once(monkeypatch):
    """Soft labels take every class in its turn, as many at a time as memory allows."""
    rng = np.random.default_rng(0)
    x, label = rng.normal(size=(5, 7)), paddle.to_tensor(rng.dirichlet(np.ones(7), 5))
    found = []
    for entries in (2**24, 5 * 7 * 3):
        monkeypatch.setattr("ppcls_lt.maths.seesaw._MOST_ENTRIES", entries)
        found.append(value_and_gradients(losses.SeesawLoss(num_class_list=list(range(1, 8))), inputs(logits=x), label))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    np.testing.assert_allclose(found[0][1]["logits"], found[1][1]["logits"], rtol=1e-12)


@pytest.mark.parametrize(
    "name, params, said",
    [
        ("ClassBalancedLoss", {"form": "sigmoid", "gamma": 1.0}, "`gamma` must be left out with `form: sigmoid`"),
        ("LabelAwareSmoothingLoss", {"shape": "exp"}, "`power` must be a finite number > 0, got None"),
        ("LabelAwareSmoothingLoss", {"power": 2.0}, "`power` must be left out with `shape: concave`"),
        ("LADELoss", {"class_weight": "inverse"}, "`class_weight` must be left out without `alpha`"),
        ("LADELoss", {"label_smoothing": 0.1}, "`label_smoothing` must be left out without `alpha`"),
        ("BalancedBCELoss", {"num_class_list": [5]}, "`num_class_list` must be of two classes or more, got 1 class"),
    ],
)
def test_what_would_do_nothing_is_refused(name, params, said):
    with pytest.raises(ConfigError, match=f"^{name}: {said}"):
        getattr(losses, name)(**{"num_class_list": [50, 20, 5, 1], **params})


def test_where_a_loss_may_stand():
    """A regulariser is no loss of a training, and a loss that counts images has none to evaluate with."""

    def found(part, *entries, callbacks=()):
        config = {"Global": {}, "Arch": {"class_num": 4}, "Loss": {part: list(entries)}, "Callbacks": list(callbacks)}
        return [(f.path, f.text) for f in validation.losses(config, "train")]

    alone, beside = {"LADELoss": {"weight": 1.0, "num_class_list": [4, 3, 2, 1]}}, {"CELoss": {"weight": 1.0}}
    ((path, text),) = found("Train", alone)
    assert path == "Loss.Train.0.LADELoss.alpha" and "must be given where it is the only loss" in text
    before = {"LossSchedule": {"before": alone, "start": 2}}
    ((path, _),) = found("Train", beside, beside, callbacks=[before])
    assert "before[0]" in path or "before.0" in path
    assert not found("Train", alone, beside) and not found("Eval", alone)
    ((path, text),) = found("Eval", {"SeesawLoss": {"weight": 1.0}})
    assert path == "Loss.Eval.0.SeesawLoss.num_class_list" and "must be given to an evaluation loss" in text
    assert not found("Train", {"SeesawLoss": {"weight": 1.0}})
    assert not found("Eval", {"SeesawLoss": {"weight": 1.0, "p": 0.0}})


def test_defaults_are_those_of_the_authors_code():
    assert {"p": 0.8, "q": 2.0, "eps": 0.01} == {k: getattr(losses.SeesawLoss(), k) for k in ("p", "q", "eps")}
    assert losses.ClassBalancedLoss(num_class_list=[3, 1], form="focal").gamma == 1.0
    assert REFERENCES["SeesawLoss"].trained["eps"] == 0.01
