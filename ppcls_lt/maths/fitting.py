"""Fitting what an adjustment leaves open by likelihood: a factor on all logits, an offset for each class.

``batches`` is a function that gives ``(logits [n, C], label [n])`` of some images at a time, as often as it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

import numpy as np

Batches = Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]

_BOUND = 20.0  # of a factor, up and down: images that are all right would have it grow without end
_STEPS = 60
_MEMORY = 8  # pairs that the quasi-Newton method keeps


def log_probabilities(logits: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log probabilities of the right class and of the likeliest, ``[N]`` each."""
    logits = np.asarray(logits, dtype=np.float64)
    highest = logits.max(axis=1)
    total = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    return logits[np.arange(len(label)), label] - total, highest - total


def factor(batches: Batches, weights: np.ndarray) -> float:
    r"""Return the likeliest factor on all logits, between 1/20 and 20.

    .. math:: \beta = \arg\min \sum_i u_i \, CE(\beta z_i, y_i)

    It is convex in :math:`\beta`: Newton's steps, halved where they leave what is known to hold the minimum.

    Args:
        batches (callable): see the module.
        weights (array): u ``[N]``.
    """
    low, high, found = 1 / _BOUND, _BOUND, 1.0
    for _ in range(_STEPS):
        slope, curvature = _slopes(batches, weights, found)
        low, high = (found, high) if slope < 0 else (low, found)
        step = found - slope / curvature if curvature > 0 else np.inf
        # In the middle of what is left, of its logarithm, where Newton's step leads out of it.
        after = step if low < step < high else float(np.sqrt(low * high))
        if abs(after - found) <= 1e-9 * found:
            return after
        found = after
    return found


def _slopes(batches, weights, beta):
    """First and second derivative by the factor."""
    slope = curvature = 0.0
    start = 0
    for logits, label in batches():
        part = weights[start : start + len(label)]
        start += len(label)
        share = _softmax(logits * beta)
        mean = (share * logits).sum(axis=1)
        slope += float(part @ (mean - logits[np.arange(len(label)), label]))
        curvature += float(part @ ((share * logits**2).sum(axis=1) - mean**2))
    return slope, curvature


def offsets(batches: Batches, weights: np.ndarray, class_num: int, variance: float) -> np.ndarray:
    r"""Return the likeliest offsets of the classes, with a normal prior about 0.

    .. math:: o = \arg\min \sum_i u_i \, CE(z_i + o, y_i) + \|o\|^2 / (2 \sigma^2)

    Args:
        batches (callable): see the module.
        weights (array): u ``[N]``.
        class_num (int): number of classes C.
        variance (float): :math:`\sigma^2`, > 0.

    Returns:
        float64 ``[C]``.
    """

    def objective(offset):
        value, slope, start = float(offset @ offset) / (2 * variance), offset / variance, 0
        for logits, label in batches():
            part = weights[start : start + len(label)]
            start += len(label)
            moved = logits + offset
            value -= float(part @ log_probabilities(moved, label)[0])
            share = _softmax(moved) * part[:, None]
            slope = slope + share.sum(axis=0) - np.bincount(label, weights=part, minlength=class_num)
        return value / len(weights), slope / len(weights)

    return _minimum(objective, np.zeros(class_num))


def _softmax(logits):
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def _minimum(objective, start):
    """The minimum of a convex function by L-BFGS (Nocedal and Wright, algorithm 7.4), with backtracking."""
    place, pairs = start, []
    value, slope = objective(place)
    for _ in range(_STEPS * 5):
        if np.abs(slope).max() < 1e-7:
            break
        direction = -_inverse_times(slope, pairs)
        step, decline = 1.0 if pairs else 1.0 / max(np.abs(slope).sum(), 1e-12), float(direction @ slope)
        after = objective(place + step * direction)
        while after[0] > value + 1e-4 * step * decline and step > 1e-10:
            step /= 2
            after = objective(place + step * direction)
        if step <= 1e-10:
            break  # rounding is all that is left
        moved, turned = step * direction, after[1] - slope
        if float(moved @ turned) > 1e-14:
            pairs = [*pairs[-_MEMORY + 1 :], (moved, turned)]
        place, (value, slope) = place + moved, after
    return place


def _inverse_times(slope, pairs):
    """The inverse Hessian that the pairs of moves and turns tell, times a vector."""
    found, shares = slope, []
    for moved, turned in reversed(pairs):
        share = float(moved @ found) / float(moved @ turned)
        shares.append(share)
        found = found - share * turned
    if pairs:
        moved, turned = pairs[-1]
        found = found * (float(moved @ turned) / float(turned @ turned))
    for (moved, turned), share in zip(pairs, reversed(shares)):
        found = found + moved * (share - float(turned @ found) / float(moved @ turned))
    return found
