"""How far predictions are right, on a scale that does not jump and is alike for all models. NumPy only."""

from __future__ import annotations

import numpy as np

from .pooled import Pooled

# By how much a true accuracy lies off the calibrated probability, a standard deviation over recipes: docs/regret.md.
SPREAD = 0.02
_MOST = 20_000  # predictions that a temperature is fitted to
_STEPS = 40


def log_probability(logits: np.ndarray, label: np.ndarray, temperature: float) -> np.ndarray:
    """Log probability of the true class ``[J]`` of logits ``[J, C]`` divided by a temperature."""
    scaled = (logits - logits.max(axis=1, keepdims=True)) / temperature
    return scaled[np.arange(len(label)), label] - np.log(np.exp(scaled).sum(axis=1))


def temperature(logits: np.ndarray, label: np.ndarray, share: np.ndarray) -> float:
    """The temperature between 0.001 and 1000 of the least mean log loss.

    The loss is convex in the inverse temperature, and the sign of its slope is that of the mean of the expected logit
    minus that of the true class; the interval is halved by it.

    Args:
        logits (array): ``[J, C]``.
        label (array): true class ``[J]``.
        share (array): what each prediction counts ``[J]``.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    counted = np.flatnonzero(share)
    counted = counted[:: -(-len(counted) // _MOST)]
    logits, label, share = logits[counted].astype(np.float64), label[counted], share[counted]
    logits = logits - logits.max(axis=1, keepdims=True)
    true = share @ logits[np.arange(len(label)), label]
    low, high = np.log(1e-3), np.log(1e3)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        weights = np.exp(logits / np.exp(middle))
        expected = share @ ((weights * logits).sum(axis=1) / weights.sum(axis=1))
        # The true classes' logits are above what is expected: too hot.
        low, high = (low, middle) if true > expected else (middle, high)
    return float(np.exp((low + high) / 2))


def probability(logits: np.ndarray, label: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Calibrated probability of the true class ``[J]``, between 0 and 1: at the temperature that fits.

    Args:
        logits, label, share: as :func:`temperature` has them.
    """
    logits = logits.astype(np.float64)
    return np.exp(log_probability(logits, label, temperature(logits, label, share)))


def reliance(rights: np.ndarray, pooled: Pooled, weight: np.ndarray) -> float:
    """What the accuracy counts in a score, between 0 and 1, the calibrated probability counting the rest.

    ``SPREAD^2 / (SPREAD^2 + v)``, with v the variance of an accuracy, over the mean of all candidates', that is due to
    the images: the fewer, the less the accuracy counts. In a class of one image it is unknown and taken as the mean
    of the other classes'.

    Args:
        rights (array): whether each prediction is right by each candidate ``[J, K]``.
        pooled (Pooled): the predictions.
        weight (array): of each class in the mean ``[C]``.

    Source: Fay and Herriot, "Estimates of Income for Small Places", 1979, with the probability as what an accuracy is
    expected to be.
    """
    relative = rights - rights.mean(axis=1, keepdims=True)
    number, variances = [], []
    counted = np.flatnonzero(weight)
    for c in counted.tolist():
        of_images = pooled.image_means(relative, c)
        number.append(len(of_images))
        variances.append(of_images.var(axis=0, ddof=1).mean() if len(of_images) > 1 else np.nan)
    known = ~np.isnan(variances)
    if not known.any():
        return 0.0
    each = np.where(known, variances, np.mean(variances, where=known))
    return float(SPREAD**2 / (SPREAD**2 + (weight[counted] ** 2 * each / number).sum()))
