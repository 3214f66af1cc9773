"""Choosing the strength of an adjustment on held-out images, and judging it on images that it was not chosen on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable, NamedTuple

import numpy as np

from ..data.drawing import draw, rank_in_class
from . import adjustment, scores
from .adjustment import Change, Classifier, Method, Outputs

# Takes classes [N] and predicted classes [N]; more is better.
Score = Callable[[np.ndarray, np.ndarray], float]


class Judged(NamedTuple):
    """What was predicted of N images."""

    predicted: np.ndarray  # [N]
    right: np.ndarray  # log probability of the right class [N]
    highest: np.ndarray  # log probability of the likeliest class [N]


class Chosen(NamedTuple):
    """An adjustment, and what it predicts of each image where it is chosen and fitted without that image's fold."""

    strength: float
    temperature: float  # by which the adjusted logits are divided, 1 without
    change: Change
    judged: Judged
    without: dict[int, Change]  # fold -> what is chosen and fitted without it


def folds(label: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    """Return the fold of each image ``[N]``, 0 to ``number - 1``; each class is spread over them evenly.

    Args:
        label (array of int): classes ``[N]``.
        number (int): how many.
        seed (int): of the draw.
    """
    names = [str(i) for i in range(len(label))]
    # Classes begin at different folds, or the first would get every class of one image.
    return (rank_in_class(label, draw(names, seed)) + label) % number


def judged(change: Change, outputs: Outputs) -> Judged:
    """Return what the adjusted logits predict."""
    return Judged(adjustment.predicted(change, outputs), *adjustment.log_probabilities(change, outputs))


def choose(
    method: Method,
    classifier: Classifier,
    outputs: Outputs,
    fold: np.ndarray,
    score: Score,
    *,
    strength: float | None = None,
    calibrate: bool = True,
) -> Chosen:
    """Choose the strength of a method by cross-validation, and judge the whole procedure by another around it.

    For each fold, the strength is chosen by the ``score`` of the other folds' images, of which each fold in turn is
    predicted by what is fitted on the rest; of equals it is the smallest. The temperature is fitted on those same
    predictions. What is fitted with both on all the other folds predicts the fold. So no image has a part in its own
    prediction.

    Args:
        method (Method): how to adjust.
        classifier (Classifier): the trained one.
        outputs (Outputs): what it gives for the N held-out images.
        fold (array of int): as :func:`folds` returns them.
        score (callable): what the strength is chosen by.
        strength (float, optional): taken instead of a choice.
        calibrate (bool): fit a temperature besides, for the target prior.
    """
    search = _Search(method, classifier, outputs, fold, score, strength, calibrate)
    parts = [search.result(excluded=one) for one in np.unique(fold)]
    arrays = [np.zeros(len(fold), dtype=int), np.zeros(len(fold)), np.zeros(len(fold))]
    for one, (_, _, change) in zip(np.unique(fold), parts):
        inside = fold == one
        for array, found in zip(arrays, judged(change, outputs.of(inside))):
            array[inside] = found
    strength, temperature, change = search.result()
    without = {int(one): part for one, (_, _, part) in zip(np.unique(fold), parts)}
    return Chosen(strength, temperature, change, Judged(*arrays), without)


def held_out_logits(chosen: Chosen, outputs: Outputs, fold: np.ndarray) -> np.ndarray:
    """Return the adjusted logits of each image by what was chosen and fitted without its fold, float32 ``[N, C]``.

    Args:
        chosen (Chosen): the adjustment.
        outputs (Outputs): what the classifier gives for the N images that it was chosen on.
        fold (array of int): as :func:`choose` had it.
    """
    found = np.empty(outputs.dense.shape, dtype=np.float32)
    for one, change in chosen.without.items():
        found[fold == one] = change.logits(outputs.of(fold == one))
    return found


class _Search:
    """Fits and predictions, each made once: outside two folds it does not matter which of them came first."""

    def __init__(
        self,
        method: Method,
        classifier: Classifier,
        outputs: Outputs,
        fold: np.ndarray,
        score: Score,
        strength: float | None,
        calibrate: bool,
    ) -> None:
        self._method, self._classifier, self._outputs, self._fold = method, classifier, outputs, fold
        self._score, self._given = score, strength
        self._calibrates = calibrate and not method.by_likelihood
        self._weights = adjustment.image_weights(outputs.label, classifier.target)
        self._prepared: dict = {}
        self._changes: dict = {}
        self._found: dict = {}

    def result(self, excluded=None):
        """The strength, the temperature and the change that the images outside a fold give, or all of them."""
        strength = self._strength(excluded) if self._given is None else self._given
        without = () if excluded is None else (excluded,)
        change = self._change(strength, without)
        inverse = 1.0
        if self._calibrates and strength > 0:
            inverse = adjustment.inverse_temperature(self._judging(strength, without), self._classifier)
            change = change.times(inverse)
        elif self._method.by_likelihood:
            inverse = float(change.scale[0])
        return strength, 1 / inverse, change

    def _judging(self, strength, without):
        """The images outside some folds with their logits' change, which is not fitted on them."""
        if not self._method.fits:
            return [(self._change(strength, without), self._outside(without))]
        others = [one for one in np.unique(self._fold) if one not in without]
        changes = [self._change(strength, tuple(sorted((*without, one)))) for one in others]
        return [(change, self._outputs.of(self._fold == one)) for one, change in zip(others, changes)]

    def _strength(self, excluded):
        """The strength that is best for the images outside a fold, or all; of equals the smallest."""
        inside = np.full(len(self._fold), True) if excluded is None else self._fold != excluded
        values = [self._value(strength, excluded, inside) for strength in self._method.strengths]
        return self._method.strengths[int(np.argmax(values))]

    def _value(self, strength, excluded, inside):
        found = np.zeros(len(self._fold))
        for one in np.unique(self._fold[inside]):
            without = tuple({one, excluded} - {None}) if self._method.fits else ()
            found[self._fold == one] = self._outcome(strength, tuple(sorted(without)), one)
        if self._method.by_likelihood:
            return float(self._weights[inside] @ found[inside]) / inside.sum()
        return self._score(self._outputs.label[inside], found[inside].astype(int))

    def _outcome(self, strength, without, one):
        """Of a fold's images the predicted classes, or the log probabilities, after a fit outside some folds."""
        key = strength, without, one
        if key not in self._found:
            change, images = self._change(strength, without), self._outputs.of(self._fold == one)
            likely = self._method.by_likelihood
            self._found[key] = (
                adjustment.log_probabilities(change, images)[0] if likely else adjustment.predicted(change, images)
            )
        return self._found[key]

    def _change(self, strength, without):
        if strength == 0:
            return adjustment.nothing(self._classifier)
        if (strength, without) not in self._changes:
            if without not in self._prepared:
                self._prepared[without] = self._method.prepared(self._classifier, self._outside(without))
            self._changes[strength, without] = self._method.change(self._classifier, self._prepared[without], strength)
        return self._changes[strength, without]

    def _outside(self, without):
        return self._outputs.of(~np.isin(self._fold, without)) if without else self._outputs


def accuracies(label: np.ndarray, predicted: np.ndarray, groups: Mapping, target: np.ndarray) -> dict[str, float]:
    """Return accuracies: ``overall``, ``balanced``, of each group, and ``prior``, where classes come by the target.

    What has no image is NaN, as in ``ManyMediumFewAcc``.

    Args:
        label (array of int): classes ``[N]``.
        predicted (array of int): predicted classes ``[N]``.
        groups (dict): name -> classes.
        target (array): prior of the classes ``[C]``.
    """
    recall = recalls(label, predicted, target.size)
    there = ~np.isnan(recall)
    share = target[there].sum()
    found = {"overall": float(np.mean(label == predicted)), "balanced": scores.mean(recall)}
    found.update((name, scores.mean(recall[members])) for name, members in groups.items())
    return {**found, "prior": float(recall[there] @ target[there] / share) if share else float("nan")}


def recalls(label: np.ndarray, predicted: np.ndarray, class_num: int) -> np.ndarray:
    """Return the accuracy on each class ``[C]``, NaN without images."""
    support, right = (np.bincount(each, minlength=class_num) for each in (label, label[label == predicted]))
    return scores.recall(support, right)


def calibration(label: np.ndarray, found: Judged, target: np.ndarray) -> dict[str, float]:
    """Return ``ece`` and ``nll``, expected calibration error and negative log likelihood for the target prior."""
    weights = adjustment.image_weights(label, target)
    sums = scores.confidence_bins(np.exp(found.highest), found.predicted == label, scores.BINS, weights)
    return {"ece": scores.expected_calibration_error(*sums), "nll": float(-(weights @ found.right) / len(label))}


def by(measure: str, groups: Mapping[str, np.ndarray], target: np.ndarray) -> Score:
    """Return the score that is one of :func:`accuracies`; undefined is worst."""

    def score(label: np.ndarray, predicted: np.ndarray) -> float:
        value = accuracies(label, predicted, groups, target)[measure]
        return -np.inf if np.isnan(value) else value

    return score
