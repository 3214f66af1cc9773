"""The influence-balanced losses."""

import math

import numpy as np

from . import Reference, minus_log_softmax, softmax
from .focal import focal


def factor(logits, true, features, alpha, epsilon):
    onehot = np.eye(np.shape(logits)[1])[true]
    influence = np.abs(softmax(logits) - onehot).sum(axis=1) * np.abs(np.asarray(features, np.float64)).sum(axis=1)
    return alpha / (influence + epsilon)


def ib(logits, true, *, counts, features, alpha, epsilon):
    return factor(logits, true, features, alpha, epsilon) * minus_log_softmax(logits)[:, true]


def ib_focal(logits, true, *, counts, features, alpha, epsilon, gamma):
    loss = focal(logits, true, counts=counts, features=features, gamma=gamma)
    return factor(logits, true, features, alpha, epsilon) * loss


_COMMON = {"rejected": {"alpha": [0, "1000"], "epsilon": [0, [1]]}, "scheme": "inverse"}
_FOCAL = {**_COMMON, "rejected": {**_COMMON["rejected"], "gamma": [-0.1, "1", True, math.inf]}}
_TRAINED = {"num_class_list": "auto", "alpha": 1000.0, "epsilon": 0.001}

REFERENCES = {
    "IBLoss": Reference(ib, params={"alpha": 500.0, "epsilon": 0.01}, trained=_TRAINED, **_COMMON),
    "IBFocalLoss": Reference(
        ib_focal,
        params={"alpha": 500.0, "epsilon": 0.01, "gamma": 1.5},
        trained={**_TRAINED, "gamma": 1.0},
        **_FOCAL,
    ),
}
