"""Logit-adjusted cross entropy."""

import math

import numpy as np

from . import Reference, minus_log_softmax


def logit_adjusted(logits, true, *, counts, features, tau):
    prior = np.asarray(counts, np.float64) / np.sum(counts)
    return minus_log_softmax(logits + tau * np.log(prior))[:, true]


REFERENCES = {
    "LogitAdjustedLoss": Reference(
        logit_adjusted,
        params={"tau": 1.3},
        trained={"num_class_list": "auto", "tau": 1.0},
        rejected={"tau": [-0.1, "1", True, math.inf]},
    )
}
