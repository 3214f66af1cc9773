"""Scores from counts: pure functions, NumPy alone.

Arrays ``[C]``: ``support`` images of each class, ``predicted`` images predicted
as it, ``right`` images for which both hold. What is undefined is NaN.
"""

import numpy as np


def _ratio(numerator, divisor):
    return np.where(divisor > 0, numerator / np.maximum(divisor, 1), np.nan)


def recall(support, right):
    """``right / support``: the accuracy on each class; NaN for a class without images."""
    return _ratio(right, support)


def precision(predicted, right):
    """``right / predicted``; NaN for a class that is never predicted."""
    return _ratio(right, predicted)


def f1(support, predicted, right):
    """``2 right / (support + predicted)``; NaN for a class that has no image and is never predicted."""
    return _ratio(2 * right, support + predicted)


def mean(values):
    """Mean of what is defined, NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def lowest(values):
    """Lowest of what is defined, NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.min()) if len(values) else float("nan")


def geometric_mean(values):
    """``exp(mean(log values))`` of what is defined, 0 if one is 0, NaN if nothing is."""
    values = values[~np.isnan(values)]
    if len(values) and not values.all():
        return 0.0
    return float(np.exp(mean(np.log(values))))


def expected_calibration_error(images, confidence, right):
    """``sum_m |right_m - confidence_m| / N`` over bins ``[M]`` with those sums; NaN without images."""
    total = images.sum()
    return float(np.abs(right - confidence).sum() / total) if total else float("nan")
