"""Slow, independent float64 references in NumPy, written from the papers' formulas."""

import json
from pathlib import Path

import numpy as np

from .losses import REFERENCES

DATA = Path(__file__).parent / "data"
AUTHORS = json.loads((DATA / "authors_code_values.json").read_text())
AUTHORS_2 = json.loads((DATA / "authors_code_values_2.json").read_text())


def cross_entropy(logits, label, margin=0.0):
    """``-log softmax`` of the labels, ``[N]``, with ``margin`` taken off the true logits.

    Exact however far a class leads: the true class is kept apart from the others.
    """
    others, true = _apart(logits, label, margin)
    top = others.max(axis=1)
    rest = top + np.log(np.exp(others - top[:, None]).sum(axis=1))
    return np.logaddexp(0.0, rest - true)


def cross_entropy_gradient(logits, label, margin=0.0):
    """Gradient ``[N, C]`` of :func:`cross_entropy`, without cancellation in the true class."""
    others, true = _apart(logits, label, margin)
    top = np.maximum(others.max(axis=1), true)
    mass = np.exp(others - top[:, None])
    p = mass / (mass.sum(axis=1) + np.exp(true - top))[:, None]
    p[np.arange(len(p)), label] = -p.sum(axis=1)
    return p


def _apart(logits, label, margin):
    """The logits with -inf for the true class, and those of the true class less ``margin``."""
    others = np.array(logits, np.float64)
    rows = np.arange(len(others))
    true = others[rows, label] - margin
    others[rows, label] = -np.inf
    return others, true


def class_weights(scheme, counts, *, beta=None, gamma=None):
    """Class weights ``[C]`` from counts; 0 for an empty class, the others as if it were not there."""
    counts = np.asarray(counts, np.float64)
    present = counts > 0
    n = counts[present]
    if scheme == "cs_ce":
        weights = (n.min() / n) ** gamma
    else:
        weights = 1 / n if scheme == "inverse" else (1 - beta) / (1 - beta**n)
        weights = weights * len(n) / weights.sum()
    result = np.zeros_like(counts)
    result[present] = weights
    return result


def loss(name, logits, label, *, weights=None, reduction, label_smoothing=0.0, **params):
    """The loss of a batch; ``label`` is ``[N]`` classes or ``[N, C]`` shares.

    With ``label_smoothing`` each part of a label is spread, with the weight of its own class.
    """
    logits = np.asarray(logits, np.float64)
    images, classes = logits.shape
    label = np.asarray(label)
    given_share = label.astype(np.float64) if label.ndim == 2 else np.eye(classes)[label]
    share = given_share if weights is None else given_share * np.asarray(weights, np.float64)
    formula, term = REFERENCES[name].formula, REFERENCES[name].term
    given = {"counts": None, "features": None, **params}
    each = np.stack([formula(logits, c, **given) for c in range(classes)], axis=1)
    each = (1 - label_smoothing) * each + label_smoothing * each.mean(axis=1, keepdims=True)
    total = (share * each).sum()
    mean = total / (share.sum() if reduction == "weighted_mean" and weights is not None else images)
    return mean if term is None else mean + term(logits, given_share, **given)


def gradient(function, at, step=1e-6):
    """Central differences of a scalar function of an array."""
    at = np.asarray(at, np.float64)
    result = np.empty_like(at)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        result[index] = (function(up) - function(down)) / (2 * step)
    return result
