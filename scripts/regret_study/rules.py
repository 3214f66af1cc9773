"""Scores by which a recipe could be chosen, each a function of the predictions of held-out images."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Callable, NamedTuple

import numpy as np

from ppcls_lt.maths.pooled import Pooled
from ppcls_lt.maths.smoothed import log_probability, reliance, temperature

from .kept import Comparison


class Predictions(NamedTuple):
    """What all recipes predict for the images that some seeds held out."""

    logits: np.ndarray  # [R, J, C]
    pooled: Pooled
    temperatures: list[float]  # [R], of the least balanced log loss

    @property
    def label(self) -> np.ndarray:
        return self.pooled.label


def predictions(comparison: Comparison, folds: int, seeds: Sequence[int] | None = None) -> Predictions:
    """The predictions of these seeds, or of all, pooled."""
    held = comparison.held[folds]
    seeds = np.unique(held.seed).tolist() if seeds is None else seeds
    chosen = [np.flatnonzero(held.seed == seed) for seed in seeds]
    pooled = Pooled([comparison.labels[held.image[each]] for each in chosen], [held.image[each] for each in chosen], 10)
    logits = np.stack([pooled.values([row[each] for each in chosen]) for row in held.logits]).astype(float)
    return Predictions(logits, pooled, [temperature(each, pooled.label, pooled.share) for each in logits])


Value = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def accuracy(logits: np.ndarray, label: np.ndarray, fitted: float) -> np.ndarray:
    """Whether the class is right ``[J]``, of logits ``[J, C]`` and true classes ``[J]``."""
    return (logits.argmax(axis=1) == label).astype(float)


def log_loss(logits: np.ndarray, label: np.ndarray, fitted: float) -> np.ndarray:
    """The negative of it, as it is."""
    return log_probability(logits, label, 1.0)


def scaled_log_loss(logits: np.ndarray, label: np.ndarray, fitted: float) -> np.ndarray:
    """The negative of it at the fitted temperature."""
    return log_probability(logits, label, fitted)


def probability(logits: np.ndarray, label: np.ndarray, fitted: float) -> np.ndarray:
    """Of the true class, as it is."""
    return np.exp(log_probability(logits, label, 1.0))


def scaled_probability(logits: np.ndarray, label: np.ndarray, fitted: float, share: float) -> np.ndarray:
    """Of the true class, at a share of the fitted temperature."""
    return np.exp(log_probability(logits, label, share * fitted))


def mixture(logits: np.ndarray, label: np.ndarray, fitted: float) -> np.ndarray:
    """The mean of being right and of the probability at the fitted temperature."""
    return (accuracy(logits, label, fitted) + scaled_probability(logits, label, fitted, 1.0)) / 2


def score(value: Value, found: Predictions, shrinkage: float = 0.0) -> np.ndarray:
    """The mean over classes of a value of each prediction, of every recipe ``[R]``; see :func:`shrunk`."""
    rows = zip(found.logits, found.temperatures)
    values = np.stack([value(logits, found.label, fitted) for logits, fitted in rows], axis=1)
    return shrunk(found.pooled.class_means(values), found.pooled.count, shrinkage).mean(axis=0)


def by_reliance(found: Predictions) -> np.ndarray:
    """The package's own: as :func:`mixture`, but of the accuracy as much as the number of images is worth."""
    right = np.stack([accuracy(logits, found.label, 1.0) for logits in found.logits], axis=1)
    judged = found.pooled.count > 0
    share = reliance(right, found.pooled, judged / judged.sum())
    whole = functools.partial(scaled_probability, share=1.0)
    return share * score(accuracy, found) + (1 - share) * score(whole, found)


def shrunk(means: np.ndarray, count: np.ndarray, strength: float) -> np.ndarray:
    """Means of classes ``[C, K]`` drawn towards those of classes of like size; without images, wholly.

    ``(n_c m_c + strength p_c) / (n_c + strength)``, where p_c is the mean over all classes, weighted by
    ``n_j exp(-|log n_c / n_j| / log 2)``, a class without an image counting as one with half an image. With strength 0
    classes without images are left out.
    """
    if strength == 0:
        return means[count > 0]
    size = np.maximum(count, 0.5)
    near = count * np.exp(-np.abs(np.log(size[:, None] / size)) / np.log(2))
    own = np.nan_to_num(means)
    others = near @ own / near.sum(axis=1, keepdims=True)
    weight = (count / (count + strength))[:, None]
    return weight * own + (1 - weight) * others


VALUES: dict[str, Value] = {
    "accuracy": accuracy,
    **{
        f"probability, {share} of the temperature": functools.partial(scaled_probability, share=share)
        for share in (0.1, 0.25, 0.5, 1.0)
    },
    "accuracy and probability": mixture,
    "log loss, scaled": scaled_log_loss,
    "probability, as it is": probability,
    "log loss, as it is": log_loss,
}
SHRINKAGES = (0, 4)
SCORES = {
    "accuracy and probability, by the number of images": by_reliance,
    **{
        f"{name}, shrunk" if strength else name: functools.partial(score, value, shrinkage=strength)
        for name, value in VALUES.items()
        for strength in SHRINKAGES
    },
}
