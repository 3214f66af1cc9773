"""Operations on rows: the plain form and that of the CPU are equal, and give no denormal numbers on the CPU."""

import numpy as np
import paddle
import pytest

from ppcls_lt.maths import rows
from ppcls_lt.maths.ldam import class_ldam, ldam

TINY = {"float32": np.finfo(np.float32).tiny, "float64": np.finfo(np.float64).tiny}
DTYPES = ["float32", "float64"]
PAIRS = {name: function for name, function in vars(rows).items() if hasattr(function, "on_cpu")}


def matrix(dtype, shape=(5, 1237), factor=3.0):
    array = np.random.default_rng(0).normal(0, factor, shape)
    array[0, :3] = 0.0
    return paddle.to_tensor(array, dtype=dtype)


def arguments(name, dtype):
    """What a pair is called with."""
    m = matrix(dtype)
    column = paddle.to_tensor([1.0, -2.0, 0.0, 1e-30, 0.5], dtype=dtype)
    below = m - m.max()
    return {
        "signs": (m, column),
        "means": (m, 0.3),
        "exp": (below,),
        "exp_": (below,),
        "scale_": (paddle.exp(below), column),
        "log1p": (paddle.exp(below),),
    }.get(name, (m,))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PAIRS)
def test_both_forms_are_equal(name, dtype):
    found = [
        getattr(PAIRS[name], form)(*(a.clone() if isinstance(a, paddle.Tensor) else a for a in arguments(name, dtype)))
        for form in ("plain", "on_cpu")
    ]
    precision = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(found[1].numpy(), found[0].numpy(), rtol=precision, atol=1e-30)


def test_the_cpu_takes_its_own_form():
    assert rows.is_on_cpu(matrix("float32"))
    paddle.enable_static()
    try:
        assert not rows.is_on_cpu(paddle.static.data("x", [2, 3]))  # of a graph, which may run anywhere
    finally:
        paddle.disable_static()


def denormal(array):
    """How many entries are denormal numbers."""
    size = np.abs(array)
    return int(((size > 0) & (size < TINY[str(array.dtype)])).sum())


@pytest.mark.parametrize("factor", [0.03, 1.0, 5.0, 100.0])
@pytest.mark.parametrize("lead", [0.0, 0.7, 1.5, 10.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_ldam_computes_with_no_denormal_numbers(factor, lead, dtype):
    """Spread logits, and true classes that lead far: the CPU takes ten times as long for such numbers."""
    rng = np.random.default_rng(1)
    logits = rng.standard_normal((16, 300)) * factor
    label = rng.integers(0, 300, 16)
    logits[np.arange(16), label] += lead * factor
    z = paddle.to_tensor(logits, dtype=dtype, stop_gradient=False)
    loss = ldam(z, paddle.to_tensor(label), paddle.linspace(0, 15, 300, dtype=dtype), 30.0)
    loss.mean().backward()
    gradient = z.grad.numpy()
    gradient[np.arange(16), label] = 0  # one number a row, whatever it is
    assert denormal(gradient) == 0
    z.clear_grad()
    each = class_ldam(z, paddle.linspace(0, 15, 300, dtype=dtype), 30.0)
    assert np.isfinite(each.numpy()).all()
