"""Scores by which a recipe could be chosen, each a function of the predictions of held-out images."""

from __future__ import annotations

from typing import Callable

import numpy as np

from ppcls_lt.maths.pooled import Pooled

from .kept import Comparison

Score = Callable[[np.ndarray, Pooled], np.ndarray]


def pooled(comparison: Comparison, folds: int) -> tuple[np.ndarray, Pooled]:
    """Logits of all recipes ``[R, J, C]`` in the order of the pooled predictions, and those."""
    held = comparison.held[folds]
    found = Pooled(held.parts(comparison.labels[held.image]), held.parts(held.image), 10)
    return np.stack([found.values(held.parts(logits)) for logits in held.logits]), found


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """``log softmax`` over the last axis."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def of_true_class(values: np.ndarray, found: Pooled) -> np.ndarray:
    """``[J]`` of ``[J, C]``."""
    return values[np.arange(len(found.label)), found.label]


def temperature(logits: np.ndarray, found: Pooled) -> float:
    """The temperature of the least balanced log loss, of a grid."""
    grid = np.geomspace(0.05, 50, 61)
    share = found.share / (found.count > 0).sum()
    losses = [-(share @ of_true_class(log_probabilities(logits / t), found)) for t in grid]
    return float(grid[int(np.argmin(losses))])


def right(logits: np.ndarray, found: Pooled) -> np.ndarray:
    """Whether the class is right ``[J]``."""
    return (logits.argmax(axis=1) == found.label).astype(float)


def log_loss(logits: np.ndarray, found: Pooled) -> np.ndarray:
    return of_true_class(log_probabilities(logits), found)


def scaled_log_loss(logits: np.ndarray, found: Pooled) -> np.ndarray:
    return log_loss(logits / temperature(logits, found), found)


def probability(logits: np.ndarray, found: Pooled) -> np.ndarray:
    return np.exp(log_loss(logits, found))


def scaled_probability(logits: np.ndarray, found: Pooled) -> np.ndarray:
    return np.exp(scaled_log_loss(logits, found))


def mixture(logits: np.ndarray, found: Pooled) -> np.ndarray:
    """The mean of being right and of the scaled probability."""
    return (right(logits, found) + scaled_probability(logits, found)) / 2


def balanced(value: Callable, shrinkage: float = 0.0) -> Score:
    """The mean over classes of a value of each prediction; see :func:`shrunk`."""

    def score(logits, found):
        values = np.stack([value(each, found) for each in logits], axis=1)
        return shrunk(found.class_means(values), found.count, shrinkage).mean(axis=0)

    return score


def shrunk(means: np.ndarray, count: np.ndarray, strength: float) -> np.ndarray:
    """Means of classes ``[C, K]`` drawn towards those of classes of like size; without images, wholly.

    ``(n_c m_c + strength p_c) / (n_c + strength)``, where p_c is the mean over all classes, weighted by
    ``n_j exp(-|log n_c / n_j| / log 2)``, a class without an image counting as one with half an image. With strength 0
    classes without images are left out.
    """
    judged = count > 0
    if strength == 0:
        return means[judged]
    size = np.maximum(count, 0.5)
    near = count * np.exp(-np.abs(np.log(size[:, None] / size)) / np.log(2))
    own = np.nan_to_num(means)
    others = near @ own / near.sum(axis=1, keepdims=True)
    weight = (count / (count + strength))[:, None]
    return weight * own + (1 - weight) * others


VALUES = {
    "accuracy": right,
    "log loss": log_loss,
    "log loss, scaled": scaled_log_loss,
    "probability": probability,
    "probability, scaled": scaled_probability,
    "accuracy and probability": mixture,
}
SHRINKAGES = (0, 1, 4)
SCORES = {
    name if not strength else f"{name}, shrunk by {strength}": balanced(value, strength)
    for name, value in VALUES.items()
    for strength in SHRINKAGES
}
