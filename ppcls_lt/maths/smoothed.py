"""How far a prediction of an image is right, on a scale that does not jump and is alike for all models. NumPy only."""

from __future__ import annotations

import numpy as np

# Of the temperature that fits: near 0 the value is whether the class is right, at 1 it is the calibrated probability of
# the true class, which prefers models that know what they do not know. docs/regret.md compares some.
SHARPNESS = 0.1
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


def rightness(logits: np.ndarray, label: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Probability of the true class ``[J]`` at ``SHARPNESS`` times the temperature that fits.

    Args:
        logits, label, share: as :func:`temperature` has them.
    """
    logits = logits.astype(np.float64)
    return np.exp(log_probability(logits, label, SHARPNESS * temperature(logits, label, share)))
