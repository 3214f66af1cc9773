"""Adjustments of the runs of a comparison, given to a classifier that none of their held-out images is left for."""

import numpy as np
import pytest

from ppcls_lt.jobs.refitted import transferred
from ppcls_lt.maths.adjustment import METHODS, Change, Classifier, Outputs

CLASSES, FEATURES = 4, 6


def classifier(seed):
    draw = np.random.default_rng(seed)
    counts = np.array([90, 30, 10, 3])
    means = draw.standard_normal((FEATURES, CLASSES))
    uniform = np.full(CLASSES, 1 / CLASSES)
    weight = draw.standard_normal((FEATURES, CLASSES))
    return Classifier(weight, draw.standard_normal(CLASSES), counts, uniform, means=means)


def adjusted(method, strength, seed):
    """What a run keeps of its adjustment."""
    own, draw = classifier(seed), np.random.default_rng(100 + seed)
    features, label = draw.standard_normal((40, FEATURES)), np.arange(40) % CLASSES
    outputs = Outputs(features @ own.weight, label, features @ own.means)
    if strength:
        change = METHODS[method].change(own, METHODS[method].prepared(own, outputs), strength)
    else:
        change = Change(np.ones(CLASSES), own.bias)
    kept = {name: np.asarray(value).tolist() for name, value in change._asdict().items()}
    return {"method": method, "strength": strength, "change": {**kept, "bias": own.bias.tolist()}}


@pytest.mark.parametrize("method", ["logit_adjustment", "tau_norm"])
def test_what_only_has_a_strength_takes_the_median(method):
    final = classifier(9)
    strength, change = transferred(final, [adjusted(method, strength, i) for i, strength in enumerate((0.2, 1.0, 0.5))])
    expected = METHODS[method].change(final, None, 0.5)
    assert strength == 0.5
    np.testing.assert_allclose(change.scale, expected.scale)
    np.testing.assert_allclose(change.offset, expected.offset)


def test_offsets_are_the_mean_of_those_of_the_runs():
    final, found = classifier(9), [adjusted("class_offsets", 1.0, seed) for seed in range(3)]
    _, change = transferred(final, found)
    moved = sum(np.array(each["change"]["offset"]) - classifier(seed).bias for seed, each in enumerate(found)) / 3
    np.testing.assert_allclose(change.offset - final.bias, moved)
    np.testing.assert_allclose(change.scale, 1)


def test_the_factor_of_the_nearest_mean_is_the_mean_of_those_that_have_one():
    found = [adjusted("nearest_class_mean", strength, seed) for seed, strength in enumerate((0.0, 0.4, 0.6))]
    strength, change = transferred(classifier(9), found)
    factors = [found[1]["change"]["mix"] / 0.4, found[2]["change"]["mix"] / 0.6]
    assert strength == 0.4
    assert change.mix == pytest.approx(0.4 * np.mean(factors))
    np.testing.assert_allclose(change.scale, 0.6)
    np.testing.assert_allclose(change.offset, 0.6 * classifier(9).bias)


@pytest.mark.parametrize("method", ["class_offsets", "nearest_class_mean", "logit_adjustment"])
def test_a_median_of_nothing_changes_nothing(method):
    final = classifier(9)
    strength, change = transferred(final, [adjusted(method, strength, i) for i, strength in enumerate((0.0, 0.0, 0.5))])
    assert strength == 0
    np.testing.assert_array_equal(change.offset, final.bias)
    np.testing.assert_array_equal(change.scale, 1)
    assert change.mix == 0
