"""The values of every metric from single predictions: scikit-learn, or a slow loop in float64."""

import math

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ppcls_lt import metrics  # noqa: F401  registers them
from ppcls_lt.basis.registry import registered

# Those of one class an image; tests/test_several_labels.py has the others.
METRICS = {name: metric for name, metric in registered("metric").items() if not metric.several_labels}


def expected(logits, label, groups):
    """The values by name; ``groups`` are the classes of many, medium and few shots."""
    guess = logits.argmax(axis=1)
    balanced = mean_recall(label, guess, range(logits.shape[1]))
    return {
        "overall": accuracy_score(label, guess),
        "balanced": balanced,
        **{name: mean_recall(label, guess, members) for name, members in groups.items()},
        "PerClassAcc": balanced,
        "BalancedAcc": balanced,
        "MacroF1": f1_score(label, guess, average="macro", zero_division=0),
        "GMean": geometric_mean(label, guess),
        "WorstClassAcc": min(recall_score(label, guess, labels=np.unique(label), average=None)),
        "ECE": calibration_error(logits, label),
    }


def mean_recall(label, guess, members):
    """Mean recall of those classes that have images, NaN if none has."""
    there = sorted(set(members) & set(label.tolist()))
    return recall_score(label, guess, labels=there, average="macro") if there else math.nan


def geometric_mean(label, guess):
    """Root of the product of the recalls, one class after the other."""
    recalls = [np.mean(guess[label == c] == c) for c in np.unique(label)]
    return math.prod(recalls) ** (1 / len(recalls))


def calibration_error(logits, label, bins=15):
    """Guo et al., image by image in float64."""
    inside = [[] for _ in range(bins)]
    for z, y in zip(logits.astype(np.float64), label):
        p = np.exp(z - z.max())
        p /= p.sum()
        m = next(m for m in range(bins) if m / bins < p.max() <= (m + 1) / bins or m == bins - 1)
        inside[m].append((p.max(), float(p.argmax() == y)))
    gaps = [len(b) * abs(np.mean([p for p, _ in b]) - np.mean([r for _, r in b])) for b in inside if b]
    return sum(gaps) / len(label)
