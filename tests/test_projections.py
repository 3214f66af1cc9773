"""Norms and projections of class vectors, against NumPy, laws and the authors' code."""

import itertools

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from paddle import nn

from ppcls_lt.maths.projections import (
    class_norms,
    max_norm_radius,
    project_to_ball_,
    project_to_sphere_,
    tau_normalize_,
)

from .reference import AUTHORS

# Magnitudes far from float32's subnormal numbers, where no relative precision exists.
numbers = st.floats(-1e6, 1e6, width=32).map(lambda x: x if abs(x) > 1e-6 else 0.0)
class_vectors = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=numbers)
orders = st.sampled_from([1, 1.5, 2, 3, 7.3])


def norms_of(rows, p=2):
    """The p-norm of each row, in float64."""
    return np.sum(np.abs(np.ascontiguousarray(rows, np.float64)) ** p, axis=1) ** (1 / p)


def projected(rows, radius, p=2, dtype=None):
    """Rows projected onto the ball, as a Linear stores them and back."""
    weight = paddle.to_tensor(np.ascontiguousarray(rows.T), dtype=dtype)
    project_to_ball_(weight, radius, class_axis=1, p=p)
    return weight.astype("float64" if weight.dtype == paddle.float64 else "float32").numpy().T


def layouts(rows):
    """The same class vectors ``[C, D]`` as weights of a Linear and of a convolution, with their class axes."""
    rows = np.asarray(rows)
    return [
        (paddle.to_tensor(np.ascontiguousarray(rows.T)), 1, lambda weight: weight.numpy().T),
        (paddle.to_tensor(rows.reshape(len(rows), -1, 2, 1)), 0, lambda weight: weight.numpy().reshape(len(rows), -1)),
    ]


@pytest.mark.parametrize("entry", AUTHORS["projections"], ids=lambda entry: f"thresh={entry['thresh']}")
@pytest.mark.parametrize("layout", [0, 1], ids=["linear", "convolution"])
@pytest.mark.parametrize("dtype, precision", [(np.float64, 1e-13), (np.float32, 1e-6)])
class TestAuthorsCode:
    def weight(self, entry, name, layout, dtype):
        return layouts(np.asarray(entry[name], dtype))[layout]

    def test_max_norm(self, entry, layout, dtype, precision):
        at_start, axis, _ = self.weight(entry, "weight_at_threshold", layout, dtype)
        weight, axis, rows = self.weight(entry, "weight_before", layout, dtype)
        radius = max_norm_radius(at_start, entry["thresh"], axis, entry["lp_norm"])
        assert radius.shape == [] and radius.dtype == paddle.float64
        np.testing.assert_allclose(radius.item(), entry["radius"], rtol=precision)
        project_to_ball_(weight, radius, axis, entry["lp_norm"])
        np.testing.assert_allclose(rows(weight), entry["weight_after_maxnorm"], rtol=precision)

    def test_l2_normalisation(self, entry, layout, dtype, precision):
        weight, axis, rows = self.weight(entry, "weight_before", layout, dtype)
        project_to_sphere_(weight, axis)
        np.testing.assert_allclose(rows(weight), entry["weight_after_l2_normalisation"], rtol=precision)


class TestClassNorms:
    @pytest.mark.parametrize(
        "shape, p",
        [
            *itertools.product([(7, 24), (1, 4), (4, 2), (1000, 300), (300, 1000)], [1, 2, 3.5, 50]),
            *itertools.product([(2, 600000), (600000, 2)], [3.5]),  # in parts
        ],
    )
    def test_value(self, shape, p):
        rows = np.random.default_rng(0).normal(0, 3, shape)
        for weight, axis, _ in layouts(rows):
            norms = class_norms(weight, axis, p)
            assert norms.dtype == paddle.float64
            np.testing.assert_allclose(norms.numpy(), norms_of(rows, p), rtol=1e-12)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
    def test_every_type_is_summed_in_float64(self, dtype):
        weight = paddle.to_tensor(np.random.default_rng(0).normal(0, 300, (2000, 3)), dtype=dtype)
        exact = norms_of(weight.astype("float32").numpy().T)
        np.testing.assert_allclose(class_norms(weight, 1).numpy(), exact, rtol=1e-14)

    @pytest.mark.parametrize("size", [1e-30, 1e30])
    def test_high_orders_neither_vanish_nor_overflow(self, size):
        weight = paddle.to_tensor(np.full([8, 1], size), dtype="float32")
        np.testing.assert_allclose(class_norms(weight, 1, p=400).numpy(), size * 8 ** (1 / 400), rtol=1e-6)

    @pytest.mark.parametrize("p", [1, 2, 3])
    def test_zeros(self, p):
        assert class_norms(paddle.zeros([4, 2]), 1, p).tolist() == [0, 0]


class TestMaxNormRadius:
    @given(class_vectors, orders)
    def test_ends_are_the_smallest_and_largest_norm(self, rows, p):
        weight = paddle.to_tensor(rows)
        norms = class_norms(weight, 0, p)
        assert max_norm_radius(weight, 0.0, 0, p).item() == norms.min().item()
        assert max_norm_radius(weight, 1.0, 0, p).item() == norms.max().item()

    def test_one_class_is_its_own_radius(self):
        rows = np.random.default_rng(0).normal(0, 3, (1, 24)).astype(np.float32)
        weight = paddle.to_tensor(rows)
        for thresh in np.linspace(0, 1, 41).tolist():
            radius = max_norm_radius(weight, thresh, 0)
            assert radius.item() == class_norms(weight, 0).item()
            np.testing.assert_array_equal(projected(rows, radius), rows)


class TestProjectToBall:
    @given(class_vectors, st.floats(1e-3, 1e6), orders)
    def test_laws(self, rows, radius, p):
        found = projected(rows, radius, p)
        before, after = norms_of(rows, p), norms_of(found, p)
        # One rounding of the reference above the radius, nothing of the projection's.
        assert (after <= radius * (1 + 1e-15)).all()
        inside = before < radius * (1 - 1e-12)
        np.testing.assert_array_equal(found[inside].view(np.uint32), rows[inside].view(np.uint32))
        outside = before > radius * (1 + 1e-12)
        nearest = rows[outside].astype(np.float64) * (radius / before[outside, None])
        np.testing.assert_allclose(found[outside], nearest, rtol=3e-7, atol=1e-30)
        np.testing.assert_array_equal(projected(found, radius, p).view(np.uint32), found.view(np.uint32))

    @given(arrays(np.float64, (5, 4), elements=numbers), st.floats(1e-3, 1e6), orders)
    def test_the_layout_does_not_matter(self, rows, radius, p):
        found = []
        for weight, axis, back in layouts(rows):
            project_to_ball_(weight, radius, axis, p)
            found.append(back(weight))
            project_to_ball_(weight, radius, axis, p)
            np.testing.assert_array_equal(back(weight), found[-1])
        np.testing.assert_allclose(found[0], found[1], rtol=1e-13)

    @pytest.mark.parametrize("length", [1, 3, 2048])
    def test_long_constant_vectors_whose_rounding_adds_up(self, length):
        rows = np.repeat(np.random.default_rng(0).uniform(1, 9, (50, 1)), length, axis=1).astype(np.float32)
        found = projected(rows, 0.1)
        norms = norms_of(found)
        assert (norms <= 0.1).all() and (norms > 0.1 * (1 - 3e-7)).all()

    @pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
    def test_a_second_projection_changes_nothing(self, dtype):
        found = projected(np.random.default_rng(0).normal(0, 9, (200, 2048)), 0.1, dtype=dtype)
        np.testing.assert_array_equal(projected(found, 0.1, dtype=dtype), found)

    @pytest.mark.parametrize("dtype, epsilon", [("float16", 2**-10), ("bfloat16", 2**-7)])
    def test_sixteen_bits_are_scaled_in_float32(self, dtype, epsilon):
        rows = np.random.default_rng(0).normal(0, 1, (40, 30)).astype(np.float32)
        rows[:20] /= 100
        stored = projected(rows, 1e9, dtype=dtype)
        found = projected(rows, 1.0, dtype=dtype)
        np.testing.assert_array_equal(found[:20], stored[:20])
        assert (norms_of(found[20:]) <= 1).all() and (norms_of(found[20:]) > 1 - 2 * epsilon).all()
        directions = np.sum(found[20:] * stored[20:], axis=1) / (norms_of(found[20:]) * norms_of(stored[20:]))
        assert (directions > 1 - epsilon**2).all()
        np.testing.assert_array_equal(projected(found, 1.0, dtype=dtype), found)

    @pytest.mark.parametrize("shape", [(300000, 5), (3, 400000)])
    @pytest.mark.parametrize("views", [True, False])
    def test_large_weights_are_scaled_in_parts(self, shape, views):
        rows = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
        radius = float(np.median(norms_of(rows)))
        flag = "FLAGS_use_stride_kernel"
        before = paddle.get_flags(flag)
        paddle.set_flags({flag: views})  # off, a slice is a copy
        try:
            found = projected(rows, radius)
        finally:
            paddle.set_flags(before)
        expected = rows * np.minimum(1, radius / norms_of(rows))[:, None]
        np.testing.assert_allclose(found, expected, rtol=3e-7)

    @pytest.mark.parametrize("radius", [0.0, 2.0])
    def test_zero_vectors_stay(self, radius):
        found = projected(np.array([[0, 0], [3, 4]], np.float32), radius)
        np.testing.assert_allclose(found, [[0, 0], [0.6 * radius, 0.8 * radius]], rtol=3e-7)

    def test_a_parameter_stays_trainable(self):
        layer = nn.Linear(5, 3)
        weight, optimizer = layer.weight, paddle.optimizer.SGD(0.1, parameters=layer.parameters())
        layer(paddle.ones([2, 5])).sum().backward()
        optimizer.step()
        project_to_ball_(weight, 0.01, class_axis=1)
        project_to_sphere_(weight, class_axis=1)
        assert layer.weight is weight and weight.is_leaf and not weight.stop_gradient
        optimizer.clear_grad()
        before = weight.numpy()
        layer(paddle.ones([2, 5])).sum().backward()
        np.testing.assert_array_equal(weight.grad.numpy(), np.full([5, 3], 2.0))
        optimizer.step()
        np.testing.assert_allclose(weight.numpy(), before - 0.2, rtol=1e-6)


class TestTauNormalize:
    @pytest.mark.parametrize("tau", [0.0, 0.3, 0.7, 1.0, 2.0])
    def test_value(self, tau):
        rows = np.random.default_rng(0).normal(0, 3, (7, 24))
        for weight, axis, back in layouts(rows):
            tau_normalize_(weight, tau, axis)
            np.testing.assert_allclose(back(weight), rows / norms_of(rows)[:, None] ** tau, rtol=1e-14)

    @given(class_vectors)
    def test_tau_zero_changes_no_bit(self, rows):
        weight = paddle.to_tensor(rows)
        tau_normalize_(weight, 0.0, class_axis=0)
        np.testing.assert_array_equal(weight.numpy().view(np.uint32), rows.view(np.uint32))

    @pytest.mark.parametrize("tau", [1.0, 2.0])
    def test_a_vector_without_direction_stays(self, tau):
        rows = np.array([[0, 0], [1e-20, 0], [1e-40, 1e-41], [3e-12, 4e-12]], np.float32)
        weight = paddle.to_tensor(rows)
        tau_normalize_(weight, tau, class_axis=0)
        np.testing.assert_array_equal(weight.numpy()[:3], rows[:3])
        np.testing.assert_allclose(weight.numpy()[3], np.array([0.6, 0.8]) * 5e-12 ** (1 - tau), rtol=1e-6)

    @given(class_vectors)
    def test_the_sphere(self, rows):
        weight = paddle.to_tensor(rows)
        project_to_sphere_(weight, class_axis=0)
        np.testing.assert_allclose(norms_of(weight.numpy()), rows.any(axis=1), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_nothing_is_read_by_the_host(monkeypatch, dtype):
    """Each of these methods would wait for the device."""
    weight = paddle.randn([6, 4]).astype(dtype)

    def forbidden(*args, **kwargs):
        raise AssertionError("a tensor was read")

    for name in ("numpy", "item", "tolist", "__bool__", "__float__", "__int__", "__index__", "__array__"):
        monkeypatch.setattr(paddle.Tensor, name, forbidden)
    with pytest.raises(AssertionError, match="a tensor was read"):
        float(weight[0, 0])
    project_to_ball_(weight, max_norm_radius(weight, 0.1, 1), 1)
    project_to_ball_(weight, 0.1, 1, p=3)
    project_to_sphere_(weight, 1)
