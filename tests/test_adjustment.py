"""Adjusting logits after training: the authors' values, slow references, and a choice that nothing leaks into."""

import json

import numpy as np
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.maths import adjustment, cross_validation, fitting
from ppcls_lt.maths.adjustment import METHODS, Classifier, Outputs
from ppcls_lt.reports import adjustment as report

from .reference import DATA

AUTHORS = json.loads((DATA / "authors_code_values_2.json").read_text())["others"]
CLASSES, FEATURES = 5, 4
GROUPS = {"many": np.array([0]), "medium": np.array([1, 2]), "few": np.array([3, 4])}
# With which it differs from the definition by less than 1e-9 of a logit.
TINY = 1e-12


def softmax(logits):
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


@pytest.fixture
def case():
    """A classifier of rare and common classes, features ``[N, D]`` and what it gives for them."""
    draw = np.random.default_rng(3)
    counts = np.array([400, 150, 60, 20, 8])
    centres = draw.normal(size=(CLASSES, FEATURES)) * 1.5
    label = np.repeat(np.arange(CLASSES), [40, 30, 20, 12, 10])
    features = centres[label] + draw.normal(size=(label.size, FEATURES))
    weight, bias = centres.T, np.log(counts / counts.sum()) - 0.5 * (centres**2).sum(axis=1)
    means = centres.T / np.linalg.norm(centres, axis=1)
    target = np.full(CLASSES, 1 / CLASSES)
    classifier = Classifier(weight, bias, counts, target, means=means)
    return classifier, features, Outputs(features @ weight, label, features @ means)


def changed(name, classifier, outputs, strength):
    method = METHODS[name]
    return method.change(classifier, method.prepared(classifier, outputs), strength)


@pytest.mark.parametrize("entry", AUTHORS["PosthocLogitAdjustment"], ids=lambda entry: f"tau{entry['params']['tau']}")
def test_logit_adjustment_is_that_of_the_authors_code(entry):
    counts, logits, tau = np.array(entry["counts"]), np.array(entry["logits"]), entry["params"]["tau"]
    zeros = np.zeros(counts.size)
    classifier = Classifier(np.zeros((1, counts.size)), zeros, counts, np.full(counts.size, 1 / counts.size))
    change = METHODS["logit_adjustment"].change(classifier, None, tau)
    outputs = Outputs(logits, np.zeros(len(logits), dtype=int))
    found = change.logits(outputs)
    # Their 1e-12 within the logarithm, which the formula does not have, shows where the prior's power is as small.
    prior = (counts / counts.sum()) ** tau
    assert np.abs(found - np.array(entry["adjusted"])).max() <= 1e-9 + 1.01 * np.log1p(TINY / prior.min())
    assert adjustment.predicted(change, outputs).tolist() == entry["prediction"]


@pytest.mark.parametrize("entry", AUTHORS["TauNormalisation"], ids=lambda entry: f"tau{entry['params']['tau']}")
def test_tau_normalisation_is_that_of_the_authors_code(entry):
    weight, features = np.array(entry["weight"]).T, np.array(entry["features"])
    counts = np.ones(weight.shape[1])
    classifier = Classifier(weight, np.array(entry["bias"]), counts, counts / counts.size)
    change = METHODS["tau_norm"].change(classifier, None, entry["params"]["tau"])
    found, bias = change.folded(classifier)
    np.testing.assert_allclose(found.T, entry["normalised_weight"], rtol=1e-12)
    np.testing.assert_allclose(features @ found + bias, entry["logits"], rtol=1e-9, atol=1e-12)
    assert (features @ found + bias).argmax(axis=1).tolist() == entry["prediction"]


@pytest.mark.parametrize("name", METHODS)
def test_what_is_folded_gives_the_adjusted_logits(name, case):
    classifier, features, outputs = case
    change = changed(name, classifier, outputs, 0.5)
    weight, bias = change.times(0.7).folded(classifier)
    np.testing.assert_allclose(features @ weight + bias, 0.7 * change.logits(outputs), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_a_small_strength_is_near_none(name, case):
    """But for the bias that tau-normalisation drops."""
    classifier, _, outputs = case
    if name == "tau_norm":
        classifier = classifier._replace(bias=np.zeros(CLASSES))
    found = changed(name, classifier, outputs, 1e-9).logits(outputs)
    np.testing.assert_allclose(found, adjustment.nothing(classifier).logits(outputs), atol=1e-6)


def test_a_given_prior_is_that_of_bayes(case):
    """Of a model whose probabilities are right, logit adjustment with tau 1 gives those of the target prior."""
    classifier, _, outputs = case
    target = np.array([0.1, 0.1, 0.2, 0.2, 0.4])
    change = METHODS["logit_adjustment"].change(classifier._replace(target=target), None, 1.0)
    shares = softmax(outputs.dense + classifier.bias) * target / (classifier.counts / classifier.counts.sum())
    np.testing.assert_allclose(softmax(change.logits(outputs)), shares / shares.sum(axis=1, keepdims=True), rtol=1e-9)


def test_the_nearest_class_mean_is_the_nearest(case):
    classifier, features, outputs = case
    change = changed("nearest_class_mean", classifier, outputs, 1.0)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = np.linalg.norm(unit[:, None] - classifier.means.T, axis=2)
    assert adjustment.predicted(change, outputs).tolist() == distances.argmin(axis=1).tolist()


@pytest.mark.parametrize("scale", [0.2, 1.0, 7.0])
def test_the_temperature_is_the_likeliest(scale, case):
    classifier, _, outputs = case
    start = adjustment.nothing(classifier).times(scale)
    found = adjustment.inverse_temperature([(start, outputs)], classifier)
    weights = 1 / np.bincount(outputs.label)[outputs.label]

    def loss(beta):
        shares = softmax(beta * start.logits(outputs))
        return -weights @ np.log(shares[np.arange(outputs.label.size), outputs.label])

    tried = found * np.exp(np.linspace(-2, 2, 2001))
    assert min(map(loss, tried)) >= loss(found) - 1e-9


def test_a_temperature_is_bounded_where_every_image_is_right():
    label = np.array([0, 1] * 5)
    batches = [(np.eye(2)[label] * 3, label)]
    assert 5 < fitting.factor(lambda: batches, np.ones(10)) <= 20


@pytest.mark.parametrize("variance", [0.01, 1.0, 100.0])
def test_offsets_are_the_likeliest(variance, case):
    """The penalised likelihood, which is convex, has no slope there."""
    classifier, _, outputs = case
    change = changed("class_offsets", classifier, outputs, variance)
    logits = outputs.dense + classifier.bias
    weights = 1 / np.bincount(outputs.label)[outputs.label]
    weights *= weights.size / weights.sum()
    offset = change.offset - classifier.bias
    slope = weights @ (softmax(logits + offset) - np.eye(CLASSES)[outputs.label]) + offset / variance
    np.testing.assert_allclose(slope / weights.size, 0, atol=1e-6)
    assert np.abs(offset).max() > 0.01


def test_folds_spread_every_class():
    label = np.repeat(np.arange(6), [40, 21, 5, 3, 1, 1])
    fold = cross_validation.folds(label, 5)
    for one in range(6):
        sizes = np.bincount(fold[label == one], minlength=5)
        assert sizes.max() - sizes.min() <= 1
    assert (fold == cross_validation.folds(label, 5)).all()


@pytest.mark.parametrize("name", METHODS)
def test_no_image_has_a_part_in_its_own_prediction(name, case):
    """Another label of some images of a fold changes what is predicted of other folds, and not of them."""
    classifier, _, outputs = case
    fold = cross_validation.folds(outputs.label, 5)
    other = outputs.label.copy()
    inside = fold == 2
    other[inside] = (other[inside] + 1) % CLASSES
    score = cross_validation.by("balanced", GROUPS, classifier.target)
    judged = [
        cross_validation.choose(METHODS[name], classifier, each, fold, score).judged
        for each in (outputs, outputs._replace(label=other))
    ]
    assert (judged[0].predicted[inside] == judged[1].predicted[inside]).all()
    np.testing.assert_array_equal(judged[0].highest[inside], judged[1].highest[inside])
    assert (judged[0].highest[~inside] != judged[1].highest[~inside]).any()


@pytest.mark.parametrize("name", METHODS)
def test_a_strength_of_0_is_nothing(name, case):
    classifier, _, outputs = case
    fold = cross_validation.folds(outputs.label, 5)
    score = cross_validation.by("balanced", GROUPS, classifier.target)
    found = cross_validation.choose(METHODS[name], classifier, outputs, fold, score, strength=0.0)
    assert found.strength == 0 and found.temperature == 1
    weight, bias = found.change.folded(classifier)
    np.testing.assert_array_equal(weight, classifier.weight)
    np.testing.assert_array_equal(bias, classifier.bias)
    np.testing.assert_array_equal(found.judged.predicted, (outputs.dense + classifier.bias).argmax(axis=1))


def test_the_best_strength_is_chosen_and_of_equals_the_smallest(case):
    classifier, _, outputs = case
    fold = cross_validation.folds(outputs.label, 5)

    share = np.log(classifier.counts / classifier.counts.sum())

    def of_class_4(tau):
        return ((outputs.dense + classifier.bias - tau * share).argmax(axis=1) == 4).sum()

    wanted = of_class_4(0.8)
    assert of_class_4(0) < wanted

    def enough(label, predicted):
        return float((predicted == 4).sum() >= wanted)

    found = cross_validation.choose(METHODS["logit_adjustment"], classifier, outputs, fold, enough)
    assert found.strength == min(tau for tau in np.arange(21) / 10 if of_class_4(tau) >= wanted)


def test_accuracies_are_those_of_the_groups_and_of_the_prior():
    label, predicted = np.array([0, 0, 1, 1, 3]), np.array([0, 1, 1, 1, 0])
    found = cross_validation.accuracies(label, predicted, GROUPS, np.array([0.1, 0.3, 0.2, 0.2, 0.2]))
    assert found["overall"] == 0.6
    assert found["balanced"] == 0.5
    assert (found["many"], found["medium"], found["few"]) == (0.5, 1.0, 0.0)
    assert found["prior"] == pytest.approx((0.1 * 0.5 + 0.3 * 1.0) / 0.6)


@pytest.mark.parametrize(
    "name, change, part",
    [
        ("logit_adjustment", {"counts": np.array([4, 0, 1, 0, 2])}, "2 classes: 1, 3"),
        ("logit_adjustment", {"target": np.array([0.5, 0.5, 0, 0, 0])}, "`--prior` must be above 0"),
        ("nearest_class_mean", {"counts": np.array([4, 0, 1, 1, 2])}, "none of class 1"),
        ("tau_norm", {"normalized": True}, "got normalized"),
    ],
)
def test_what_does_not_suit_a_classifier_is_refused(name, change, part, case):
    with pytest.raises(ConfigError, match=part):
        METHODS[name].check(case[0]._replace(**change))


def test_probabilities_that_are_worse_are_told():
    said = report.caution({"nll": 1.6}, {"nll": 19.859}, 13)
    assert "NLL 19.859 against 1.600 on 13 held-out images" in said
    assert report.caution({"nll": 1.6}, {"nll": 1.6}, 13) is report.caution({"nll": 1.6}, {"nll": 1.2}, 13) is None
