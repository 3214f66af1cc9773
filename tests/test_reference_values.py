"""The losses against values and gradients computed by running the authors' published code.

Every loss of the files is registered. ``FORMS`` names what the second file calls otherwise; how a loss is put into the
state of an entry, where there is one, stands beside its reference as ``BEFORE``.
"""

import importlib
import pkgutil

import numpy as np
import paddle
import pytest

import ppcls_lt.losses  # noqa: F401  registers the losses
from ppcls_lt.basis.registry import registered

from . import losses as references
from .reference import AUTHORS, AUTHORS_2

# `CBSoftmaxBCE` of the first file is binary cross entropy of a softmax, which is no loss of a paper.
LATER = {"CBSoftmaxBCE"}
# The file's name -> the loss, and parameters that are its.
FORMS = {
    "ClassBalancedSigmoidCE": ("ClassBalancedLoss", {"form": "sigmoid"}),
    "ClassBalancedSigmoidFocal": ("ClassBalancedLoss", {"form": "focal"}),
    # What follows are `others` in which code and paper agree, or whose code is an option here.
    "ClassBalancedSoftmaxCE_authors": ("ClassBalancedLoss", {"form": "softmax"}),
    "ClassBalanceCE": ("ClassBalancedLoss", {"form": "softmax", "reduction": "weighted_mean"}),
    "CostSensitiveCE": ("CostSensitiveCE", {}),
    "BalancedBCE_soft": ("BalancedBCELoss", {}),
    "LabelAwareSmoothing_soft": ("LabelAwareSmoothingLoss", {}),
    "LogitAdjusted_soft": ("LogitAdjustedLoss", {}),
    "PriorCELoss": ("BalancedSoftmaxLoss", {}),
}
OTHERS = [name for name in FORMS if name in AUTHORS_2["others"]]
RENAMED = {"smoothing": "label_smoothing"}
# In words what the authors' code does, the default of each loss; smoothing that the entry's targets hold already; and
# a bound that is no parameter here.
NOT_GIVEN = ("reduction", "smoothing_in_targets", "eps")
FLOAT32_TOLERANCE = {"IBLoss": 1e-3, "IBFocalLoss": 1e-3}
# Below this a loss or a gradient of the second file is held to it absolutely: float32 has no more digits beside
# logits of ten.
SMALL = 1e-2

FIRST = [entry for entry in AUTHORS["losses"] if entry["loss"] not in LATER]
SECOND = AUTHORS_2["losses"] + [entry for name in OTHERS for entry in AUTHORS_2["others"][name]]


def loss_of(entry):
    """The loss of an entry by the name that it has here."""
    return FORMS.get(entry["loss"], (entry["loss"],))[0]


def _before():
    modules = [
        importlib.import_module(f"{references.__name__}.{m.name}") for m in pkgutil.iter_modules(references.__path__)
    ]
    return {name: function for module in modules for name, function in getattr(module, "BEFORE", {}).items()}


BEFORE = _before()


def built(entry):
    """The loss of an entry, in the state in which the authors' code was."""
    name, more = FORMS.get(entry["loss"], (entry["loss"], {}))
    params = {RENAMED.get(key, key): value for key, value in entry["params"].items() if key not in NOT_GIVEN}
    if "counts" in entry and "num_class_list" not in params and name != "SeesawLoss":
        params["num_class_list"] = entry["counts"]
    loss = registered("loss")[name](**params, **more)
    BEFORE.get(name, lambda loss, entry: None)(loss, entry)
    return loss


def name_of(entry):
    values = (f"{k}={'list' if isinstance(v, list) else v}" for k, v in entry["params"].items() if k != "reduction")
    return f"{entry['loss']}-{len(entry['logits'])}x{len(entry['logits'][0])}-{'-'.join(values)}"


def error(found, expected, least):
    """Largest deviation relative to the largest magnitude, or to ``least`` where that is more."""
    expected = np.asarray(expected)
    return np.abs(found.astype(np.float64) - expected).max() / max(np.abs(expected).max(), least)


def errors(entry, dtype):
    """Errors of the value and of each gradient that the entry holds."""
    loss = built(entry)
    inputs = {
        key: paddle.to_tensor(entry[key], dtype=dtype, stop_gradient=False)
        for key in ("logits", "features")
        if key in entry
    }
    soft = entry.get("soft_targets")
    label = paddle.to_tensor(entry["label"]) if soft is None else paddle.to_tensor(soft, dtype=dtype)
    value = loss(inputs, label)[loss.result_key]
    assert value.dtype == inputs["logits"].dtype
    value.backward()
    least = SMALL if "counts" in entry else 0.0
    result = {f"grad_{key}": error(x.grad.numpy(), entry[f"grad_{key}"], least) for key, x in inputs.items()}
    return {"value": error(value.numpy(), entry["value"], least), **result}


@pytest.mark.parametrize("entry", [*FIRST, *SECOND], ids=name_of)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_of_the_authors_code(entry, dtype):
    tolerance = 1e-6 if dtype == "float64" else FLOAT32_TOLERANCE.get(entry["loss"], 1e-4)
    found = errors(entry, dtype)
    assert all(each < tolerance for each in found.values()), found


def test_every_loss_of_the_files_is_covered():
    named = {entry["loss"] for entry in AUTHORS["losses"]}
    assert named - LATER == {"CostSensitiveCE", "LDAMLoss", "FocalLoss", "IBLoss", "IBFocalLoss"}
    for name in ("IBLoss", "IBFocalLoss"):
        assert all("grad_features" in entry for entry in FIRST if entry["loss"] == name)
    assert {loss_of(entry) for entry in SECOND} <= set(registered("loss"))


def values(name, entry, **params):
    """The value and the gradient of a loss on the logits of an entry, in float64."""
    loss = registered("loss")[name](**params)
    logits = paddle.to_tensor(entry["logits"], dtype="float64", stop_gradient=False)
    (value,) = loss(logits, paddle.to_tensor(entry["label"])).values()
    value.backward()
    return np.append(logits.grad.numpy().ravel(), value.numpy())


PLAIN = ("FocalLoss", {"gamma": 0.0})
IDENTITIES = {
    "balanced softmax is logit adjustment at tau 1": (
        ("BalancedSoftmaxLoss", {}),
        ("LogitAdjustedLoss", {"tau": 1.0}),
    ),
    "logit adjustment at tau 0 is plain": (("LogitAdjustedLoss", {"tau": 0.0}), PLAIN),
    "vector scaling with neutral parameters is plain": (("VSLoss", {"gamma": 0.0, "tau": 0.0}), PLAIN),
    "vector scaling at gamma 0 is logit adjustment": (
        ("VSLoss", {"gamma": 0.0, "tau": 0.7}),
        ("LogitAdjustedLoss", {"tau": 0.7}),
    ),
    "CDT is vector scaling at tau 0": (("CDTLoss", {"gamma": 0.3}), ("VSLoss", {"gamma": 0.3, "tau": 0.0})),
    "seesaw with p = q = 0 is plain": (("SeesawLoss", {"p": 0.0, "q": 0.0}), PLAIN),
    "label-aware smoothing of no label is plain": (
        ("LabelAwareSmoothingLoss", {"smooth_head": 0.0, "smooth_tail": 0.0}),
        PLAIN,
    ),
    "equal label-aware smoothing is label smoothing": (
        ("LabelAwareSmoothingLoss", {"smooth_head": 0.2, "smooth_tail": 0.2}),
        ("FocalLoss", {"gamma": 0.0, "label_smoothing": 0.2}),
    ),
    "class-balanced softmax is plain at beta 0": (("ClassBalancedLoss", {"beta": 0.0}), PLAIN),
    "class-balanced focal loss at gamma 0 is its sigmoid form": (
        ("ClassBalancedLoss", {"form": "focal", "gamma": 0.0}),
        ("ClassBalancedLoss", {"form": "sigmoid"}),
    ),
    "balanced binary cross entropy at tau 0 is class-balanced at beta 0": (
        ("BalancedBCELoss", {"tau": 0.0}),
        ("ClassBalancedLoss", {"form": "sigmoid", "beta": 0.0}),
    ),
    "CDT at gamma 0 is plain": (("CDTLoss", {"gamma": 0.0}), PLAIN),
}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_identities(identity):
    for entry in AUTHORS_2["losses"][::9]:
        counts = np.maximum(entry["counts"], 1).tolist()
        first, second = (values(name, entry, num_class_list=counts, **params) for name, params in IDENTITIES[identity])
        np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-14)
