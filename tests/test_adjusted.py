"""Logits scaled and shifted by class: the vector and its matrix, which the CPU is given, are equal."""

import copy
import pickle

import numpy as np
import paddle
import pytest

from ppcls_lt.losses import VSLoss
from ppcls_lt.maths.adjusted import Spread, adjusted

SHIFT, SCALE = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.25, 3.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_forms_are_equal(dtype):
    vectors = [paddle.to_tensor(vector, dtype=dtype) for vector in (SHIFT, SCALE)]
    results = []
    for spread in (lambda z, vector: vector, lambda z, vector: Spread().beside(z, vector)):
        z = paddle.to_tensor(np.random.default_rng(0).normal(size=(4, 3)), dtype=dtype, stop_gradient=False)
        found = adjusted(z, *(spread(z, vector) for vector in vectors))
        found.square().sum().backward()
        np.testing.assert_allclose(found.numpy(), z.numpy() * SCALE + SHIFT, rtol=1e-6, atol=1e-6)
        results.append((found.numpy(), z.grad.numpy()))
    np.testing.assert_array_equal(*results)


def test_a_matrix_is_kept_for_batches_of_one_size():
    spread, vector = Spread(), paddle.to_tensor(SHIFT)
    first = spread.beside(paddle.zeros([4, 3], "float64"), vector)
    assert first.shape == [4, 3] and spread.beside(paddle.ones([4, 3], "float64"), vector) is first
    assert spread.beside(paddle.zeros([2, 3], "float64"), vector).shape == [2, 3]
    single = spread.beside(paddle.zeros([2, 3], "float32"), paddle.to_tensor(SHIFT, dtype="float32"))
    assert single.dtype == paddle.float32
    assert copy.deepcopy(spread)._matrix is None and pickle.loads(pickle.dumps(spread))._matrix is None


def test_batches_of_changing_sizes():
    loss, label = VSLoss(num_class_list=[50, 20, 5]), paddle.to_tensor([0, 2, 1, 0])
    logits = paddle.to_tensor(np.random.default_rng(1).normal(size=(4, 3)))
    whole = loss(logits, label)["VSLoss"]
    halves = [loss(logits[rows], label[rows])["VSLoss"] for rows in (slice(0, 3), slice(3, 4))]
    assert float(whole) == pytest.approx((3 * float(halves[0]) + float(halves[1])) / 4, rel=1e-12)
