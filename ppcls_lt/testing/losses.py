"""What a loss must hold to, each law a function; :func:`check_loss` goes through all of them.

Every function takes ``build``, which makes the loss from keyword arguments with everything else that it needs,
for :data:`CLASSES` classes::

    from ppcls_lt.testing.losses import check_loss

    def test_my_loss():
        check_loss(lambda **more: MyLoss(num_class_list=[50, 20, 5, 1], tau=1.3, **more), formula=my_formula)
"""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from typing import Any, Callable

import numpy as np
import paddle

from ..basis.checks import ConfigError
from ..losses import LongTailLoss
from . import mixed_precision

CLASSES = 4
_rng = np.random.default_rng(0)
LOGITS = _rng.normal(0, 1.5, (6, CLASSES))
FEATURES = _rng.normal(0, 1, (6, 5))
HARD = np.array([0, 1, 2, 3, 0, 2])
SOFT = _rng.dirichlet(np.ones(CLASSES), 6)
LABELS = {"hard": HARD, "soft": SOFT}


def check_loss(
    build: Callable[..., LongTailLoss], *, formula: Callable[..., float] | None = None, parameters: dict | None = None
) -> None:
    """Hold a loss to all of :data:`CHECKS`, and to its formula.

    Args:
        build (callable): as above.
        formula (callable, optional): as :func:`check_formula` takes it.
        parameters (dict, optional): what a formula is called with, beside logits and label.

    Raises:
        AssertionError: what was expected and what was found.
    """
    for check in CHECKS:
        check(build)
    if formula is not None:
        check_formula(build, formula, **(parameters or {}))


def inputs(
    dtype: str = "float64", logits: np.ndarray = LOGITS, features: np.ndarray = FEATURES
) -> dict[str, paddle.Tensor]:
    """What PaddleClas hands over: a dict of tensors that take a gradient."""
    arrays = {"logits": logits, "features": features}
    return {key: paddle.to_tensor(value, dtype=dtype, stop_gradient=False) for key, value in arrays.items()}


def labels(label: np.ndarray, dtype: str = "float64") -> paddle.Tensor:
    """Classes ``[N]`` or soft labels ``[N, C]`` as a tensor."""
    return paddle.to_tensor(label) if np.ndim(label) == 1 else paddle.to_tensor(label, dtype=dtype)


def value(loss: LongTailLoss, x: dict[str, paddle.Tensor], label: paddle.Tensor) -> paddle.Tensor:
    """The one scalar that a loss returns."""
    (result,) = loss(x, label).values()
    return result


def value_and_gradients(
    loss: LongTailLoss, x: dict[str, paddle.Tensor], label: paddle.Tensor
) -> tuple[float, dict[str, np.ndarray]]:
    """The value, and its gradients by input (zeros for an input that does not enter), as float64 arrays."""
    result = value(loss, x, label)
    result.backward()
    gradients = {k: (t.grad if t.grad is not None else paddle.zeros_like(t)) for k, t in x.items()}
    return float(result.numpy().reshape([])), {k: g.astype("float64").numpy() for k, g in gradients.items()}


def slope(function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """The gradient of a scalar function of an array, by central differences."""
    result = np.empty_like(at)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        result[index] = (function(up) - function(down)) / (2 * step)
    return result


def check_formula(build: Callable[..., LongTailLoss], formula: Callable[..., float], **parameters: Any) -> None:
    """Value and gradient in float64 are those of a formula written from the paper.

    Args:
        build (callable): as above.
        formula (callable): the loss of the batch, a float, from logits ``[N, C]`` and classes ``[N]``, NumPy arrays.
        **parameters: handed on to it.
    """
    found, gradients = value_and_gradients(build(), inputs(), labels(HARD))
    wanted = formula(LOGITS, HARD, **parameters)
    assert math.isclose(found, wanted, rel_tol=1e-9), f"the formula gives {wanted}, the loss {found}"
    wanted = slope(lambda z: formula(z, HARD, **parameters), LOGITS)
    difference = np.abs(gradients["logits"] - wanted).max()
    assert difference <= 1e-6 * np.abs(wanted).max(), f"the gradient differs from the formula's by {difference}"


def check_result(build: Callable[..., LongTailLoss]) -> None:
    """One scalar under the loss's own key, from a layer that takes keyword arguments only."""
    loss = build()
    assert isinstance(loss, LongTailLoss), f"a subclass of LongTailLoss, got {type(loss).__mro__[1].__name__}"
    assert isinstance(loss.result_key, str), f"result_key is a name that no other loss has, got {loss.result_key!r}"
    result = loss(inputs(), labels(HARD))
    assert list(result) == [loss.result_key], f"a dict with {loss.result_key!r} alone, got {list(result)}"
    assert result[loss.result_key].size == 1, f"one scalar, got {result[loss.result_key].shape}"
    # A loss that says which further ones it takes has `**`.
    allowed = ["keyword-only", "variadic keyword"] if hasattr(loss, "further_parameters") else ["keyword-only"]
    found = inspect.signature(type(loss)).parameters.values()
    positional = [p.name for p in found if p.kind.description not in allowed]
    assert not positional, f"keyword-only parameters, got {positional}"


def check_label_types(build: Callable[..., LongTailLoss]) -> None:
    """Classes as ``[N]`` and ``[N, 1]``, int32 and int64, give one value."""
    wanted = float(value(build(), inputs(), labels(HARD)))
    for shape in ([6], [6, 1]):
        for dtype in ("int32", "int64"):
            found = float(value(build(), inputs(), paddle.to_tensor(HARD.reshape(shape), dtype=dtype)))
            assert found == wanted, f"{dtype} {shape}: {found}, while int64 [6] gives {wanted}"


def check_soft_labels(build: Callable[..., LongTailLoss]) -> None:
    """A soft label that is all one class gives the value and the gradients of that class."""
    reductions = ("mean", "weighted_mean") if "reduction" in inspect.signature(type(build())).parameters else (None,)
    for reduction in reductions:
        more = {} if reduction is None else {"reduction": reduction}
        for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-5)):
            hard, hard_gradients = value_and_gradients(build(**more), inputs(dtype), labels(HARD))
            soft, gradients = value_and_gradients(build(**more), inputs(dtype), labels(np.eye(CLASSES)[HARD], dtype))
            assert math.isclose(soft, hard, rel_tol=tolerance), f"{dtype}, {more}: soft {soft}, hard {hard}"
            for key, gradient in hard_gradients.items():
                difference = np.abs(gradients[key] - gradient).max()
                assert difference <= 10 * tolerance * np.abs(gradient).max(), (
                    f"{dtype}, {more}, {key}: gradients differ"
                )


def check_precision(build: Callable[..., LongTailLoss]) -> None:
    """Half precision, mixed precision and a loss that was cast compute in float32, and give its values."""
    for kind, label in LABELS.items():
        for dtype in ("float16", "bfloat16"):
            half = {key: x.astype(dtype).detach() for key, x in inputs("float32").items()}
            for x in half.values():
                x.stop_gradient = False
            rounded = {key: x.astype("float32").numpy() for key, x in half.items()}
            given = labels(label, dtype)
            result = value(build(), half, given)
            wanted = value(build(), inputs("float32", **rounded), given if kind == "hard" else given.astype("float32"))
            assert result.dtype == paddle.float32, f"{dtype}: float32, got {result.dtype}"
            assert float(result) == float(wanted), f"{dtype}, {kind}: {float(result)}, in float32 {float(wanted)}"
            result.backward()
            gradient = half["logits"].grad
            assert gradient.dtype == half["logits"].dtype and np.isfinite(gradient.astype("float32").numpy()).all()
    plain = float(value(build(), inputs("float32"), labels(HARD)))
    for level in ("O1", "O2"):
        with paddle.amp.auto_cast(level=level, dtype="bfloat16"):  # where the device is one that it acts on
            mixed = value(build(), inputs("float32"), labels(HARD))
        assert mixed.dtype == paddle.float32 and float(mixed) == plain, f"{level}: {float(mixed)}, plain {plain}"
        with mixed_precision.level(level) as is_off:
            seen = _calls_of(build(), is_off)
            assert not is_off(), f"{level}: switched off behind the loss too"
        assert seen and all(seen), f"{level}: the loss is not computed with `auto_cast` switched off"
    loss = build()
    loss.to(dtype="float16")
    assert float(value(loss, inputs("float32"), labels(HARD))) == plain, "a loss cast with its model changes its value"


def _calls_of(loss, tell):
    """What is told each time that a part of a loss is computed."""
    seen = []
    for name in ("batch", "of_batch"):
        original = getattr(loss, name)

        def spied(*args, original=original):
            seen.append(tell())
            return original(*args)

        setattr(loss, name, spied)
    value(loss, inputs("float32"), labels(HARD))
    return seen


def check_finite(build: Callable[..., LongTailLoss]) -> None:
    """Extreme logits, perfect predictions and features of zeros give finite values and gradients."""
    perfect = 1e4 * np.eye(CLASSES)[HARD]
    for dtype in ("float32", "float64"):
        for label in LABELS.values():
            for logits in (np.sign(LOGITS) * 1e4, perfect, perfect / 250, -perfect, 0 * LOGITS):
                for features in (FEATURES, 0 * FEATURES):
                    x = inputs(dtype, logits, features)
                    found, gradients = value_and_gradients(build(), x, labels(label, dtype))
                    finite = math.isfinite(found) and all(np.isfinite(g).all() for g in gradients.values())
                    assert finite, f"not finite in {dtype} for logits up to {np.abs(logits).max():g}: {found}"


def check_checkpoint(build: Callable[..., LongTailLoss]) -> None:
    """It adds nothing to checkpoints and has no parameters."""
    loss = build()
    assert not loss.state_dict() and not loss.parameters(), f"nothing to save, got {list(loss.state_dict())}"


def check_copies(build: Callable[..., LongTailLoss]) -> None:
    """A copy gives the same value, and one that was pickled does."""
    wanted = float(value(build(), inputs("float32"), labels(HARD)))
    copies = [copy.deepcopy(build())]
    if paddle.__version__ >= "3":  # Paddle 2.6 cannot pickle its own tensors
        copies.append(pickle.loads(pickle.dumps(build())))
    for other in copies:
        found = float(value(other, inputs("float32"), labels(HARD)))
        assert found == wanted, f"a copy gives {found}, the loss {wanted}"


def check_messages(build: Callable[..., LongTailLoss]) -> None:
    """Inputs of a wrong shape or type are named by a ``ConfigError``."""
    given = {"logits": paddle.zeros([6, CLASSES]), "features": paddle.ones([6, 5])}
    wrong = [
        ({"logits": paddle.zeros([6, CLASSES, 1])}, HARD),
        ({"logits": LOGITS}, HARD),
        ({"logits": None}, HARD),
        ({}, HARD[:5]),
        ({}, HARD.reshape(2, 3)),
        ({}, HARD.astype("float32")),
        ({}, SOFT[:5]),
        ({}, SOFT[:, :3]),
        ({}, np.eye(CLASSES, dtype="int64")[HARD]),
    ]
    for x, label in wrong:
        loss = build()
        try:
            loss({**given, **x}, paddle.to_tensor(label))
        except ConfigError as error:
            assert str(error).startswith(f"{type(loss).__name__}: `"), f"a message that names the loss, got {error}"
        else:
            raise AssertionError(f"a ConfigError for {sorted(x) or 'labels'} {np.shape(label)}, got none")


CHECKS = (
    check_result,
    check_label_types,
    check_soft_labels,
    check_precision,
    check_finite,
    check_checkpoint,
    check_copies,
    check_messages,
)
