"""LADE: the cross entropy of adjusted logits, and class by class the regulariser of the whole batch."""

import math

import numpy as np

from . import Reference, minus_log_softmax


def adjusted(logits, true, *, counts, features, remine_lambda, alpha=None, form="code"):
    """The cross entropy of an image; the regulariser alone has none."""
    if alpha is None:
        return np.zeros(len(logits))
    return minus_log_softmax(logits + np.log(np.asarray(counts) / np.sum(counts)))[:, true]


def regulariser(logits, share, *, counts, features, remine_lambda, alpha=None, form="code"):
    """``alpha R``, or ``R``, of logits and labels ``[N, C]``."""
    logits, prior = np.asarray(logits, np.float64), np.asarray(counts, np.float64) / np.sum(counts)
    images, classes = logits.shape
    total = 0.0
    for c in range(classes):
        own = share[:, c].sum()
        if form == "poster":
            if own == 0:
                continue
            weights = [sum(y / (classes * n) for y, n in zip(row, prior)) for row in share]
        else:
            weights = np.full(images, 1 / (classes * prior[c]))
        level = math.log(sum(weight * math.exp(z) for weight, z in zip(weights, logits[:, c])) / images)
        mean = (share[:, c] * logits[:, c]).sum() / own if own else 0.0
        total -= prior[c] * (mean - level - remine_lambda * level**2)
    return total * (1.0 if alpha is None else alpha)


REFERENCES = {
    "LADELoss": Reference(
        adjusted,
        params={"remine_lambda": 0.2, "alpha": 0.3},
        trained={"num_class_list": "auto", "remine_lambda": 0.1, "alpha": 0.1},
        rejected={
            "remine_lambda": [-0.1, "0.1", None, math.inf],
            "alpha": [0, -0.1, "0.1", True],
            "form": ["paper", None],
            "num_class_list": [None],
        },
        further=({"alpha": None}, {"form": "poster"}, {"form": "poster", "alpha": None}),
        term=regulariser,
    )
}
