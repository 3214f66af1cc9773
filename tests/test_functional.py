"""The pure losses against float64 references, in float32 where it is hard, and as laws."""

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ppcls_lt.maths import functional, rows
from ppcls_lt.maths import ldam as ldam_module

from . import reference
from .losses import softmax

GAMMAS = (0.0, 0.5, 1.0, 2.0)
DTYPES = ("float32", "float64")
FUNCTIONS = {
    "cross_entropy": lambda z, y: functional.cross_entropy(z, y),
    "class_cross_entropies": lambda z, y: functional.class_cross_entropies(z),
    "ldam": lambda z, y: ldam_module.ldam(z, y, paddle.full([z.shape[1]], 3.0, z.dtype), 2.0),
    "class_ldam": lambda z, y: ldam_module.class_ldam(z, paddle.full([z.shape[1]], 3.0, z.dtype), 2.0),
}
EXTREMES = {
    "ten thousand": [[1e4, -1e4, 0.0, 5.0], [-1e4, 1e4, 1e4, 0.0], [1e4, 1e4, 1e4, 1e4]],
    "perfect": [[1e4, 0.0, 0.0, 0.0], [200.0, 0.0, 0.0, 0.0], [40.0, 0.0, 0.0, 0.0]],
    "equal": [[0.0] * 4] * 3,
}


def run(function, logits, dtype="float64"):
    """Values and the gradient of their sum, as float64 arrays."""
    logits = paddle.to_tensor(np.asarray(logits), dtype=dtype, stop_gradient=False)
    values = function(logits)
    assert values.dtype == logits.dtype
    values.sum().backward()
    return values.numpy().astype(np.float64), logits.grad.numpy().astype(np.float64)


def led_by_true(images, classes, lead, seed=0):
    """Logits ``[N, C]``, exact in float32, whose true class is ``lead`` above the next; labels."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, classes, images)
    rows = np.arange(images)
    logits = rng.normal(size=(images, classes))
    logits[rows, label] = -np.inf
    logits -= logits.max(axis=1, keepdims=True)
    logits[rows, label] = lead
    return logits.astype(np.float32).astype(np.float64), label


def worst(found, expected):
    """Largest deviation of any image, relative to the largest magnitude of that image."""
    return (np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)).max()


class TestCrossEntropy:
    @pytest.mark.parametrize("lead", [-1e4, -65, -64, -20, 0, 20, 64, 65, 300])
    def test_float64_is_exact_also_beyond_what_the_kernel_reports(self, lead):
        logits, label = led_by_true(5, 6, lead)
        value, gradient = run(lambda z: functional.cross_entropy(z, paddle.to_tensor(label)), logits)
        np.testing.assert_allclose(value, reference.cross_entropy(logits, label), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(gradient, reference.cross_entropy_gradient(logits, label), rtol=0, atol=1e-15)

    @pytest.mark.parametrize("lead", [-1e4, -100, -65, -64, -63, -10, 0, 10])
    def test_float32_gradient_is_exact_also_beyond_what_the_kernel_reports(self, lead):
        logits, label = led_by_true(5, 6, lead)
        value, gradient = run(lambda z: functional.cross_entropy(z, paddle.to_tensor(label)), logits, "float32")
        np.testing.assert_allclose(gradient, reference.cross_entropy_gradient(logits, label), rtol=0, atol=2e-7)
        # The kernel cuts an image off where its true logit is 64 below the largest.
        true = reference.cross_entropy(logits, label)
        assert (value <= true * (1 + 1e-6) + 2e-7).all() and (value >= np.minimum(true, 64) * (1 - 1e-6) - 2e-7).all()

    @pytest.mark.parametrize("offset", [0, 30, 1e4])
    @pytest.mark.parametrize("lead", [-40, 0, 5, 10, 15, 20])
    def test_float32_of_every_class_is_as_good_as_of_one(self, lead, offset):
        logits, label = led_by_true(5, 6, lead)
        logits = (logits + offset).astype(np.float32).astype(np.float64)
        share = np.random.default_rng(1).dirichlet(np.ones(6), 5)
        function = functional.class_cross_entropies
        expected = np.stack([reference.cross_entropy(logits, np.full(5, c)) for c in range(6)], axis=1)
        value, _ = run(function, logits, "float32")
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6)
        _, gradient = run(lambda z: function(z) * paddle.to_tensor(share, dtype="float32"), logits, "float32")
        np.testing.assert_allclose(gradient, softmax(logits) - share, rtol=0, atol=1e-6)


class TestFocalAndInfluence:
    @pytest.mark.parametrize("gamma", [*GAMMAS, 0.1, 5.0])
    def test_focal(self, gamma):
        ce = np.array([1e-12, 1e-6, 0.01, 0.7, 3.0, 40.0, 1e4])
        p = np.exp(-ce)
        base = -np.expm1(-ce)
        value, gradient = run(lambda x: functional.focal(x, gamma), ce)
        # Paddle takes an exponent in float32.
        np.testing.assert_allclose(value, base**gamma * ce, rtol=1e-6)
        np.testing.assert_allclose(gradient, base**gamma + gamma * base ** (gamma - 1) * p * ce, rtol=1e-6)

    def test_focal_with_gamma_0_is_the_cross_entropy(self):
        ce = paddle.to_tensor([0.0, 1.0, 70.0])
        assert (functional.focal(ce, 0.0) == ce).all()

    def test_influence_of_the_dense_formula(self):
        rng = np.random.default_rng(0)
        logits, features = rng.normal(0, 3, (6, 4)), rng.normal(0, 1, (6, 5))
        label = np.array([0, 1, 2, 3, 0, 1])
        alpha, epsilon = 1000.0, 0.001
        norm = np.abs(features).sum(axis=1)
        influence = np.abs(softmax(logits) - np.eye(4)[label]).sum(axis=1) * norm
        ce = paddle.to_tensor(reference.cross_entropy(logits, label))
        found = functional.influence_balanced(paddle.ones_like(ce), ce, paddle.to_tensor(norm), alpha, epsilon)
        np.testing.assert_allclose(found.numpy(), alpha / (influence + epsilon), rtol=1e-9)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_l1_norm_and_its_gradient(self, dtype):
        features = np.random.default_rng(0).normal(0, 1, (6, 5)) * 10.0 ** np.arange(-35, -29)[:, None]
        features[:, 0], features[0, 1], features[1, 1] = 0.0, 1e30, -1e30
        upstream = np.arange(-2.0, 4.0)
        x = paddle.to_tensor(features, dtype=dtype, stop_gradient=False)
        norm = functional.l1_norm(x)
        (norm * paddle.to_tensor(upstream, dtype=dtype)).sum().backward()
        np.testing.assert_allclose(norm.numpy(), np.abs(features).sum(axis=1), rtol=1e-6)
        assert (x.grad.numpy() == np.sign(features) * upstream[:, None]).all()

    def test_influence_of_every_class_broadcasts_the_features(self):
        ce, norm = paddle.rand([3, 4]), paddle.rand([3])
        found = functional.influence_balanced(ce, ce, norm.unsqueeze(1), 10.0, 0.1)
        column = functional.influence_balanced(ce[:, 2], ce[:, 2], norm, 10.0, 0.1)
        np.testing.assert_allclose(found[:, 2].numpy(), column.numpy(), rtol=1e-6)


class TestLDAM:
    @pytest.mark.parametrize("classes", [2, 4, 10, 100, 1000])
    @pytest.mark.parametrize("margin", [0.0, 1.0, 5.0, 15.0])
    @pytest.mark.parametrize("lead", [0, 3, 8, 12, 15, 18, 20, 23, 25])
    def test_float32_gradient_where_the_true_class_leads(self, classes, margin, lead):
        logits, label = led_by_true(4, classes, lead, seed=classes)
        margins = np.full(classes, margin)
        value, gradient = run(lambda z: ldam(z, label, margins), logits, "float32")
        assert worst(gradient, reference.cross_entropy_gradient(logits, label, margin)) < 1e-4
        np.testing.assert_allclose(value, reference.cross_entropy(logits, label, margin), rtol=1e-4)

    @pytest.mark.parametrize("lead", [0.0, 0.3, 0.5, 0.7, 0.83])
    def test_float32_gradient_with_scaled_cosines(self, lead):
        logits, label = led_by_true(4, 10, lead)
        margins = 15 * np.linspace(0.2, 1, 10)
        _, gradient = run(lambda z: ldam(z, label, margins, 30.0), logits, "float32")
        expected = 30 * reference.cross_entropy_gradient(30 * logits, label, margins[label])
        assert worst(gradient, expected) < 1e-4

    @pytest.mark.parametrize("lead", [-1e4, -300, -65, -20, 0, 20, 60, 128])
    @pytest.mark.parametrize("margin", [15.0, 64.0])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_far_from_the_boundary(self, lead, margin, dtype):
        logits, label = led_by_true(5, 6, lead)
        value, gradient = run(lambda z: ldam(z, label, np.full(6, margin)), logits, dtype)
        precision = 1e-12 if dtype == "float64" else 1e-5
        expected = reference.cross_entropy_gradient(logits, label, margin)
        np.testing.assert_allclose(value, reference.cross_entropy(logits, label, margin), rtol=precision, atol=1e-9)
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=precision)

    @pytest.mark.parametrize("bound", [30.0, 60.0, 61.0])
    @pytest.mark.parametrize("classes", [2, 10, 1000])
    @pytest.mark.parametrize("lead", [-1.0, 0.0, 0.3, 0.7, 1.0])
    def test_float32_with_a_known_bound(self, bound, classes, lead):
        rng = np.random.default_rng(classes)
        label = rng.integers(0, classes, 4)
        cosines = rng.uniform(-1, min(1, 1 - lead), (4, classes))
        cosines[:, 0] = -1
        cosines[np.arange(4), label] = cosines.max(axis=1) + lead
        logits = np.clip(bound * cosines, -bound, bound).astype(np.float32).astype(np.float64)
        value, gradient = run(lambda z: ldam(z, label, np.full(classes, 15.0), bound=bound), logits, "float32")
        assert worst(gradient, reference.cross_entropy_gradient(logits, label, 15.0)) < 1e-4
        np.testing.assert_allclose(value, reference.cross_entropy(logits, label, 15.0), rtol=1e-4)

    @pytest.mark.parametrize("bound", [None, 7.0])
    def test_the_logits_stay_as_they_are(self, bound):
        logits, label = led_by_true(4, 5, 2.0)
        z = paddle.to_tensor(logits, stop_gradient=False)
        ldam(z, label, np.full(5, 3.0), bound=bound).sum().backward()
        np.testing.assert_array_equal(z.numpy(), logits)

    def test_upstream_gradient(self):
        logits, label = led_by_true(4, 5, 2.0)
        share = np.array([0.5, 0.0, 2.0, -1.0])
        _, gradient = run(lambda z: ldam(z, label, np.full(5, 3.0)) * paddle.to_tensor(share), logits)
        expected = share[:, None] * reference.cross_entropy_gradient(logits, label, 3.0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("lead", [-100, 0, 12, 18, 25])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_every_class_as_one_by_one(self, lead, dtype):
        logits, label = led_by_true(5, 6, lead)
        margins = np.linspace(1, 15, 6)
        value, gradient = run(
            lambda z: ldam_module.class_ldam(z, paddle.to_tensor(margins, dtype=z.dtype)).sum(axis=0), logits, dtype
        )
        each = [reference.cross_entropy(logits, np.full(5, c), margins[c]) for c in range(6)]
        slope = [reference.cross_entropy_gradient(logits, np.full(5, c), margins[c]) for c in range(6)]
        precision = 1e-10 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(value, np.sum(each, axis=1), rtol=precision)
        np.testing.assert_allclose(gradient, np.sum(slope, axis=0), rtol=0, atol=6 * precision)


def ldam(logits, label, margins, scale=1.0, bound=None):
    margins = paddle.to_tensor(margins, dtype=logits.dtype)
    return ldam_module.ldam(logits, paddle.to_tensor(label), margins, scale, bound)


class TestKept:
    def test_what_is_made_for_a_graph_stays_there(self):
        features = paddle.full([2, 1237], -1.0)  # of a shape that no other test has
        paddle.enable_static()
        try:
            rows.constant(1.0, 1237, features.dtype, str(features.place))
        finally:
            paddle.disable_static()
        assert functional.l1_norm(features).tolist() == [1237.0, 1237.0]

    def test_a_second_time_and_in_another_precision(self):
        for dtype in ("float32", "float64", "float32"):
            rows = paddle.to_tensor([[1.0, -2.0, 3.0], [0.0, 0.0, -5.0]], dtype=dtype, stop_gradient=False)
            norm = functional.l1_norm(rows)
            norm.sum().backward()
            assert norm.dtype == rows.dtype and norm.tolist() == [6.0, 5.0]
            assert rows.grad.tolist() == [[1.0, -1.0, 1.0], [0.0, 0.0, -1.0]]


class TestFinite:
    @pytest.mark.parametrize("case", EXTREMES)
    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("gamma", GAMMAS)
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_values_and_gradients(self, case, function, gamma, dtype):
        for label in (paddle.to_tensor([0, 0, 0]), paddle.to_tensor([1, 3, 2])):
            found = run(lambda z: functional.focal(FUNCTIONS[function](z, label), gamma), EXTREMES[case], dtype)  # noqa: B023
            assert all(np.isfinite(array).all() for array in found)
            assert (found[0] >= 0).all()

    @pytest.mark.parametrize("case", EXTREMES)
    @pytest.mark.parametrize("norm", [0.0, 1e-20, 1.0, 1e4])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_influence(self, case, norm, dtype):
        norm = paddle.full([3], norm, dtype)
        norm.stop_gradient = False
        for label in (paddle.to_tensor([0, 0, 0]), paddle.to_tensor([1, 3, 2])):

            def loss(z):
                ce = functional.cross_entropy(z, label)  # noqa: B023
                return functional.influence_balanced(ce, ce, norm, 1000.0, 0.001)

            found = run(loss, EXTREMES[case], dtype)
            assert all(np.isfinite(array).all() for array in (*found, norm.grad.numpy()))


@st.composite
def batches(draw, bound=30.0):
    """Logits ``[N, C]`` and labels ``[N]``."""
    images, classes = draw(st.integers(1, 4)), draw(st.integers(2, 6))
    logits = draw(arrays(np.float64, (images, classes), elements=st.floats(-bound, bound)))
    label = draw(arrays(np.int64, images, elements=st.integers(0, classes - 1)))
    return logits, label


class TestWideMargins:
    """Margins beyond the range of float32's exponential."""

    @pytest.mark.parametrize("scale, lead", [(300.0, 0.45), (300.0, 0.3), (180.0, 0.55), (180.0, 0.9), (64.0, 2.0)])
    def test_hard_and_soft_float32_equal_float64(self, scale, lead):
        found = {}
        for dtype in ("float32", "float64"):
            margin = paddle.to_tensor([0.5 * scale, 0.5 * scale], dtype=dtype)
            logits = paddle.to_tensor([[lead, 0.0]], dtype=dtype, stop_gradient=False)
            hard = ldam_module.ldam(logits, paddle.to_tensor([0]), margin, scale).sum()
            soft = ldam_module.class_ldam(logits, margin, scale)[:, 0].sum()
            found[dtype] = [
                [value.item(), *paddle.grad(value, logits)[0].numpy().reshape(-1).tolist()] for value in (hard, soft)
            ]
        np.testing.assert_allclose(found["float32"], found["float64"], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(found["float64"][0], found["float64"][1], rtol=1e-9, atol=1e-30)


class TestLaws:
    @settings(deadline=None, max_examples=30)
    @given(batches(), st.floats(-100, 100))
    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_adding_a_constant_to_the_logits_changes_nothing(self, function, batch, constant):
        logits, label = batch
        label = paddle.to_tensor(label)
        value, gradient = run(lambda z: FUNCTIONS[function](z, label), logits)
        shifted, _ = run(lambda z: FUNCTIONS[function](z, label), logits + constant)
        np.testing.assert_allclose(shifted, value, rtol=0, atol=1e-11)
        # the same law, differentiated
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-12)

    @settings(deadline=None, max_examples=30)
    @given(batches(), st.randoms(use_true_random=False))
    def test_no_class_is_special(self, batch, random):
        logits, label = batch
        order = random.sample(range(logits.shape[1]), logits.shape[1])
        margins = np.linspace(0, 15, logits.shape[1])
        value, gradient = run(lambda z: ldam(z, label, margins), logits)
        place = np.argsort(order)
        permuted, permuted_gradient = run(lambda z: ldam(z, place[label], margins[order]), logits[:, order])
        np.testing.assert_allclose(permuted, value, rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose(permuted_gradient, gradient[:, order], rtol=0, atol=1e-12)

    @settings(deadline=None, max_examples=50)
    @given(arrays(np.float64, 8, elements=st.floats(0, 1e4)), st.floats(0, 5), st.floats(0, 5))
    def test_focal_is_below_the_cross_entropy_and_falls_with_gamma(self, ce, gamma, more):
        lower = functional.focal(paddle.to_tensor(ce), gamma + more).numpy()
        upper = functional.focal(paddle.to_tensor(ce), gamma).numpy()
        assert (0 <= lower).all() and (lower <= upper).all() and (upper <= ce).all()

    @settings(deadline=None, max_examples=30)
    @given(batches(), st.floats(0, 15), st.floats(0, 15), st.sampled_from([1.0, 7.5]))
    def test_ldam_is_above_the_cross_entropy_and_rises_with_the_margin(self, batch, margin, more, scale):
        logits, label = batch
        ce = reference.cross_entropy(scale * logits, label)
        lower, _ = run(lambda z: ldam(z, label, np.full(logits.shape[1], margin), scale), logits)
        upper, _ = run(lambda z: ldam(z, label, np.full(logits.shape[1], margin + more), scale), logits)
        slack = 1e-12 * (1 + upper)
        assert (ce <= lower + slack).all() and (lower <= upper + slack).all()
        assert (upper <= ce + margin + more + slack).all()

    @settings(deadline=None, max_examples=30)
    @given(batches())
    def test_ldam_without_margin_is_the_cross_entropy(self, batch):
        logits, label = batch
        found = run(lambda z: ldam(z, label, np.zeros(logits.shape[1])), logits)
        np.testing.assert_allclose(found[0], reference.cross_entropy(logits, label), rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(found[1], reference.cross_entropy_gradient(logits, label), rtol=0, atol=1e-12)

    @settings(deadline=None, max_examples=30)
    @given(batches())
    def test_the_column_of_the_label_is_the_loss_of_the_label(self, batch):
        logits, label = batch
        margins = np.linspace(0, 15, logits.shape[1])
        z, rows = paddle.to_tensor(logits), np.arange(len(label))
        for every, one in (
            (ldam_module.class_ldam(z, paddle.to_tensor(margins), 2.0), ldam(z, label, margins, 2.0)),
            (functional.class_cross_entropies(z), functional.cross_entropy(z, paddle.to_tensor(label))),
        ):
            np.testing.assert_allclose(every.numpy()[rows, label], one.numpy(), rtol=1e-9, atol=1e-13)

    @settings(deadline=None, max_examples=50)
    @given(
        arrays(np.float64, 5, elements=st.floats(0, 1e4)),
        arrays(np.float64, 5, elements=st.floats(0, 1e4)),
        st.floats(1e-3, 1e4),
        st.floats(1e-4, 1.0),
    )
    def test_influence_lies_between_its_bounds(self, ce, norm, alpha, epsilon):
        ce, ones = paddle.to_tensor(ce), paddle.ones([5], "float64")
        found = functional.influence_balanced(ones, ce, paddle.to_tensor(norm), alpha, epsilon).numpy()
        slack = 1 + 1e-6  # Paddle 2.6 adds a Python number to a float64 tensor in float32
        assert (found <= alpha / epsilon * slack).all()
        assert (found * slack >= alpha / (2 * norm + epsilon)).all()
