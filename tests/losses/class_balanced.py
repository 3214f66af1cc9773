"""Class-balanced losses: the softmax cross entropy, and sums over classes of binary losses of sigmoids."""

import math

import numpy as np

from . import Reference, minus_log_softmax


def sigmoid_sum(logits, true, gamma):
    """``-(1 - p)^gamma log p`` of every class added up, ``p`` the probability of what is so: there, or not."""
    logits = np.asarray(logits, np.float64)
    there = np.arange(logits.shape[1]) == true
    minus_log = np.logaddexp(0.0, np.where(there, -logits, logits))
    return ((1 - np.exp(-minus_log)) ** gamma * minus_log).sum(axis=1)


def class_balanced(logits, true, *, counts, features, form, beta, gamma=1.0):
    if form == "softmax":
        return minus_log_softmax(logits)[:, true]
    return sigmoid_sum(logits, true, gamma if form == "focal" else 0.0)


REFERENCES = {
    "ClassBalancedLoss": Reference(
        class_balanced,
        params={"form": "focal", "beta": 0.99, "gamma": 1.5},
        trained={"num_class_list": "auto", "form": "sigmoid", "beta": 0.9999},
        rejected={
            "form": ["sigmoidal", None, 1],
            "beta": [-0.1, 1, "0.9", True],
            "gamma": [-0.1, "1", True, math.inf],
            "num_class_list": [None],
        },
        scheme={"effective_number": {"beta": 0.99}},
        trained_scheme={"effective_number": {"beta": 0.9999}},
        further=({"form": "softmax", "gamma": None}, {"form": "sigmoid", "gamma": None}, {"gamma": 0.5}),
    )
}
