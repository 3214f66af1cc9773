"""Weights, sorting and drawing, against references that go image by image."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data.counts import images_per_class
from ppcls_lt.data.resampling import (
    alias_table,
    class_probabilities,
    draws,
    repeated,
    repeats,
    shuffles,
    sorted_by_class,
)
from ppcls_lt.data.sampling_modes import image_weights

# The document's example.
COUNTS = [410, 506, 146, 103]
WEIGHTS = [0.00248924, 0.00202661, 0.00689909, 0.00975834]

counts_lists = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


def reference_probabilities(mode, counts, parameter=None):
    """How likely a draw is of each class, from the papers' formulas for classes.

    With n images, 1 - beta^n is (1 - beta) times the sum of the first n powers of beta.
    """
    filled = [n for n in counts if n]
    if mode == "effective_number":
        mass = [n / math.fsum(parameter**k for k in range(n)) if n else 0.0 for n in counts]
    elif mode == "repeat_factor":
        threshold = 1 / len(filled) if parameter is None else parameter
        mass = [n * max(1.0, math.sqrt(threshold * sum(counts) / n)) if n else 0.0 for n in counts]
    elif mode == "every_image":
        low, high = 0.0, parameter * sum(counts)
        for _ in range(200):
            level = (low + high) / 2
            low, high = (level, high) if sum(max(n, level) for n in filled) < parameter * sum(counts) else (low, level)
        mass = [max(n, low) if n else 0.0 for n in counts]
    elif mode == "progressive":
        mass = [(1 - parameter) * n / sum(counts) + parameter * (n > 0) / len(filled) for n in counts]
    else:
        exponent = {"class_balanced": 0, "square_root": 1 / 2, "power": parameter}[mode]
        mass = [float(n) ** exponent if n else 0.0 for n in counts]
    return np.array(mass) / math.fsum(mass)


RULES = [
    ("effective_number", {}, 0.9999),
    ("effective_number", {"beta": 0.99}, 0.99),
    ("class_balanced", {}, None),
    ("square_root", {}, None),
    ("power", {"exponent": 0.3}, 0.3),
    ("progressive", {"progress": 0.25}, 0.25),
    ("repeat_factor", {}, None),
    ("repeat_factor", {"oversample_thr": 0.6}, 0.6),
    ("every_image", {}, 2.0),
    ("every_image", {"times": 1.1}, 1.1),
    ("every_image", {"times": 30}, 30),
]


class TestImageWeights:
    def test_of_the_document(self):
        assert np.allclose(image_weights("effective_number", COUNTS), WEIGHTS, rtol=0, atol=5e-9)

    @pytest.mark.parametrize("mode, params, parameter", RULES)
    def test_give_the_probabilities_of_the_paper(self, mode, params, parameter):
        counts = [5000, 0, 410, 506, 146, 103, 1]
        found = class_probabilities(image_weights(mode, counts, **params), counts)
        assert np.allclose(found, reference_probabilities(mode, counts, parameter), rtol=1e-12, atol=0)

    @given(counts_lists, st.sampled_from(RULES))
    def test_of_an_empty_class_are_zero(self, counts, rule):
        weights = image_weights(rule[0], counts, **rule[1])
        assert np.isfinite(weights).all()
        assert ((weights > 0) == (np.array(counts) > 0)).all()
        assert class_probabilities(weights, counts).sum() == pytest.approx(1, abs=1e-12)

    @given(counts_lists)
    def test_between_the_data_and_balance(self, counts):
        def probabilities(mode, **params):
            return class_probabilities(image_weights(mode, counts, **params), counts)

        as_they_are = np.array(counts) / sum(counts)
        balanced = probabilities("class_balanced")
        for found, expected in (
            (probabilities("power", exponent=1), as_they_are),
            (probabilities("power", exponent=0), balanced),
            (probabilities("power", exponent=0.5), probabilities("square_root")),
            (probabilities("progressive", progress=0), as_they_are),
            (probabilities("progressive", progress=1), balanced),
            (probabilities("effective_number", beta=0), as_they_are),
            (probabilities("effective_number", beta=1 - 1e-12), balanced),
        ):
            assert np.allclose(found, expected, rtol=1e-5, atol=0)

    @pytest.mark.parametrize(
        "mode, params, message",
        [
            ("class_balance", {}, "did you mean 'class_balanced'"),
            (3, {}, "`mode` must be one of .*effective_number, class_balanced"),
            ("effective_number", {"beta": 1}, "`beta` must be a finite number >= 0 and < 1, got 1"),
            ("power", {}, "`exponent` must be a finite number >= 0 and <= 1, got None"),
            ("power", {"exponent": -0.1}, "`exponent` must be"),
            ("progressive", {}, "`progress` must be"),
            ("repeat_factor", {"oversample_thr": 0}, "`oversample_thr` must be a finite number > 0 and <= 1, got 0"),
            ("every_image", {"times": 0.9}, "`times` must be a finite number >= 1, got 0.9"),
            ("square_root", {"beta": 0.9}, "`beta` must be left out with mode 'square_root', got 0.9"),
        ],
    )
    def test_mistakes(self, mode, params, message):
        with pytest.raises(ConfigError, match="^image_weights: .*" + message):
            image_weights(mode, COUNTS, **params)

    def test_no_images(self):
        with pytest.raises(ConfigError, match="image_weights: `counts` must be a list with at least one image"):
            image_weights("class_balanced", [0, 0])


class TestRepeats:
    @given(st.lists(st.integers(0, 30), min_size=1, max_size=8).filter(any), st.integers(0, 2**32), st.data())
    def test_every_image_as_often_as_its_factor_says(self, counts, seed, data):
        factors = np.array([data.draw(st.floats(1, 4)) for _ in counts])
        images = np.arange(sum(counts), dtype=np.int32)
        generator = np.random.default_rng(seed)
        shown = repeats(generator, images, np.array(counts), factors, more=3)
        assert shown.dtype == np.int32 and len(shown) == repeated(np.array(counts), factors) + 3
        times = np.bincount(shown[:-3], minlength=len(images))
        owner = np.repeat(np.arange(len(counts)), counts)
        for c, n in enumerate(counts):
            mine = times[owner == c]
            assert n == 0 or mine.min() >= 1 and mine.max() - mine.min() <= 1
            # A class has its images and its excess, rounded up or down after all were scaled to a whole number.
            assert abs(mine.sum() - n * factors[c]) < 2.0

    def test_on_average_each_as_often_as_its_factor_says(self):
        counts, factors = np.array([5, 2, 1]), np.array([1.0, 1.25, 2.5])
        times, epochs = np.zeros(8), 4000
        for seed in range(epochs):
            shown = repeats(np.random.default_rng(seed), np.arange(8), counts, factors)
            assert len(shown) == 10
            times += np.bincount(shown, minlength=8)
        np.testing.assert_allclose(times / epochs, np.repeat(factors, counts), atol=5 * 0.5 / np.sqrt(epochs))

    def test_the_order_is_random(self):
        counts = np.array([50, 50])
        shown = repeats(np.random.default_rng(0), np.arange(100), counts, np.array([1.0, 1.0]))
        assert sorted(shown) == list(range(100)) and 30 < (shown[:50] < 50).sum() * 2 < 70


class TestSortedByClass:
    @given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.sampled_from(["u1", "u2", "u4"]))
    def test_small(self, labels, dtype):
        counts = images_per_class(np.array(labels, dtype))
        images = sorted_by_class(np.array(labels, dtype), counts)
        assert counts.tolist() == [labels.count(c) for c in range(max(labels) + 1)]
        assert images.tolist() == sorted(range(len(labels)), key=labels.__getitem__)
        assert images.dtype == np.int32

    # More than one part, and labels of 8, 16 and 32 bits.
    @pytest.mark.parametrize("classes", [1, 256, 257, 65536, 65537, 90000])
    def test_in_parts(self, classes):
        labels = np.random.default_rng(0).integers(0, classes, 200_000)
        labels[-1] = classes - 1
        labels = labels.astype(np.min_scalar_type(classes - 1))
        counts = images_per_class(labels)
        assert (counts == np.bincount(labels)).all()
        assert (sorted_by_class(labels, counts) == np.argsort(labels, kind="stable")).all()

    def test_of_a_subset(self):
        generator = np.random.default_rng(0)
        labels = generator.integers(0, 300, 150_000).astype(np.uint16)
        indices = generator.integers(0, 10**6, 150_000)
        images = sorted_by_class(labels, images_per_class(labels), indices)
        assert (images == indices[np.argsort(labels, kind="stable")]).all()

    def test_indices_beyond_32_bits(self):
        labels = np.array([1, 0, 1], np.uint8)
        images = sorted_by_class(labels, images_per_class(labels), np.array([2**31, 7, 2**31 - 1]))
        assert images.tolist() == [7, 2**31, 2**31 - 1]


class TestAliasTable:
    @given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=50))
    def test_holds_the_probabilities(self, mass):
        probabilities = np.array(mass) / sum(mass)
        part, alias = alias_table(probabilities)
        found = part.copy()
        np.add.at(found, alias, 1 - part)
        assert ((part >= 0) & (part <= 1)).all()
        assert np.allclose(found / len(mass), probabilities, rtol=0, atol=1e-14)


def generator(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


class TestDraws:
    COUNTS = np.array([0, 40, 1, 0, 7, 300, 0])
    PROBABILITIES = np.array([0, 0.3, 0.05, 0, 0.6, 0.05, 0])
    IMAGES = np.random.default_rng(1).permutation(1000)[:348].astype(np.int32)

    def drawn(self, size=10**6):
        return draws(generator(), size, self.IMAGES, self.COUNTS, self.PROBABILITIES)

    def test_follow_the_probabilities(self):
        drawn = self.drawn()
        filled = self.COUNTS > 0
        expected = np.repeat(self.PROBABILITIES[filled] / self.COUNTS[filled], self.COUNTS[filled]) * drawn.size
        observed = np.bincount(drawn, minlength=1000)
        assert observed[self.IMAGES].sum() == drawn.size
        assert stats.chisquare(observed[self.IMAGES], expected).pvalue > 1e-3
        classes = np.repeat(np.arange(7), self.COUNTS)
        by_class = np.bincount(classes, observed[self.IMAGES])[filled[:6]]
        assert stats.chisquare(by_class, self.PROBABILITIES[filled] * drawn.size).pvalue > 1e-3

    def test_are_independent_of_one_another(self):
        class_of = np.empty(1000, np.int64)
        class_of[self.IMAGES] = np.repeat(np.arange(7), self.COUNTS)
        classes = class_of[self.drawn()]
        for distance in (1, 2, 2**16):
            pairs = Counter(zip(classes[:-distance].tolist(), classes[distance:].tolist()))
            table = [[pairs[a, b] for b in (1, 2, 4, 5)] for a in (1, 2, 4, 5)]
            assert stats.chi2_contingency(table).pvalue > 1e-3

    def test_a_class_of_probability_zero_is_never_drawn(self):
        probabilities = np.array([0, 0.5, 0.5, 0, 0, 0, 0])
        drawn = draws(generator(), 10**5, self.IMAGES, self.COUNTS, probabilities)
        assert set(drawn.tolist()) == set(self.IMAGES[:41].tolist())

    def test_of_a_single_image(self):
        drawn = draws(generator(), 5, np.array([9], np.int64), np.array([0, 1]), np.array([0.0, 1.0]))
        assert drawn.tolist() == [9] * 5 and drawn.dtype == np.int64


class TestShuffles:
    @given(st.integers(1, 30), st.integers(1, 100))
    def test_hold_every_image_equally_often_but_one(self, images, size):
        shuffled = shuffles(generator(), size, np.arange(images, dtype=np.int32))
        for start in range(0, size, images):
            part = shuffled[start : start + images].tolist()
            assert len(set(part)) == len(part)
        assert shuffled.size == size and set(shuffled.tolist()) <= set(range(images))

    def test_are_uniform(self):
        rng = generator()
        orders = Counter(tuple(shuffles(rng, 4, np.arange(4)).tolist()) for _ in range(12000))
        assert len(orders) == 24 and stats.chisquare(list(orders.values())).pvalue > 1e-3
