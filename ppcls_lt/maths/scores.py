"""Scores from counts: pure functions, NumPy alone.

Arrays ``[C]``: ``support`` images of each class, ``predicted`` images predicted
as it, ``right`` images for which both hold. What is undefined is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Of confidence, as in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
BINS = 15
MAX_BINS = 10_000
Z95 = 1.959964  # of the normal distribution, for intervals of 95 %


def _ratio(numerator, divisor):
    return np.where(divisor > 0, numerator / np.maximum(divisor, 1), np.nan)


def recall(support: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``right / support``: the accuracy on each class; NaN for a class without images."""
    return _ratio(right, support)


def precision(predicted: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``right / predicted``; NaN for a class that is never predicted."""
    return _ratio(right, predicted)


def f1(support: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``2 right / (support + predicted)``; NaN for a class that has no image and is never predicted."""
    return _ratio(2 * right, support + predicted)


def mean(values: np.ndarray) -> float:
    """Mean of what is defined, NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def lowest(values: np.ndarray) -> float:
    """Lowest of what is defined, NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.min()) if len(values) else float("nan")


def geometric_mean(values: np.ndarray) -> float:
    """``exp(mean(log values))`` of what is defined, 0 if one is 0, NaN if nothing is."""
    values = values[~np.isnan(values)]
    if len(values) and not values.all():
        return 0.0
    return float(np.exp(mean(np.log(values))))


def wilson(share: Any, images: Any, z: float = Z95) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the interval of a share that so many images gave; NaN without images.

    Args:
        share (array): right ones among the images.
        images (array): their number.
        z (float): quantile of the normal distribution; 1.96 for 95 %.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    share, images = np.asarray(share, np.float64), np.asarray(images, np.float64)
    known = np.where(images > 0, images, np.nan)
    middle = (share + z**2 / (2 * known)) / (1 + z**2 / known)
    half = z * np.sqrt(share * (1 - share) / known + (z / (2 * known)) ** 2) / (1 + z**2 / known)
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)


def mean_interval(share: np.ndarray, images: np.ndarray) -> tuple[float, float]:
    r"""Return the ends of the 95 % interval of the mean of independent shares, from the Wilson interval of each.

    .. math:: \bar p \mp \frac 1 K \sqrt{\sum_k (p_k - e_k)^2}

    with the lower, or the upper, ends :math:`e_k`. Of one share it is its own interval. NaN if none is defined.

    Args:
        share (array): of each class ``[K]``; NaN ones are left out.
        images (array): behind each ``[K]``.

    Source: Zou and Donner, "Construction of confidence limits about effect measures: a general approach", 2008.
    """
    known = ~np.isnan(share)
    if not known.any():
        return float("nan"), float("nan")
    share, (low, high) = share[known], wilson(share[known], images[known])
    below, above = (np.sqrt(((share - end) ** 2).sum()) / share.size for end in (low, high))
    return float(share.mean() - below), float(share.mean() + above)


def confidence_bins(
    confidence: np.ndarray, right: np.ndarray, bins: int, weights: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    """Sums over bins of confidence ``((m - 1) / M, m / M]``: images, confidence, right, float64 ``[M]`` each.

    Args:
        confidence (array): highest probability of each image ``[N]``.
        right (array of bool): whether its class is the right one ``[N]``.
        bins (int): number M of bins.
        weights (array, optional): how much each image counts ``[N]``; 1 without.
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    # A NaN, of a model that has diverged, has its place too.
    place = np.clip(np.ceil(np.nan_to_num(confidence) * bins).astype(np.int64) - 1, 0, bins - 1)
    share = np.ones_like(confidence) if weights is None else weights
    summed = (share, share * confidence, share * np.asarray(right, dtype=np.float64))
    return tuple(np.bincount(place, weights=each, minlength=bins) for each in summed)


def expected_calibration_error(images: np.ndarray, confidence: np.ndarray, right: np.ndarray) -> float:
    """``sum_m |right_m - confidence_m| / N`` over bins ``[M]`` with those sums; NaN without images."""
    total = images.sum()
    return float(np.abs(right - confidence).sum() / total) if total else float("nan")
