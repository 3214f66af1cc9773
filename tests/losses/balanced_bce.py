"""Balanced binary cross entropy: a sum over classes, its logits shifted by the log odds of the classes."""

import math

import numpy as np

from . import Reference


def balanced_bce(logits, true, *, counts, features, tau):
    logits = np.asarray(logits, np.float64)
    prior = np.asarray(counts, np.float64) / np.sum(counts)
    odds = np.exp(logits) * (prior / (1 - prior)) ** tau
    there = np.arange(logits.shape[1]) == true
    return -np.log(np.where(there, odds, 1.0) / (1 + odds)).sum(axis=1)


REFERENCES = {
    "BalancedBCELoss": Reference(
        balanced_bce,
        params={"tau": 1.3},
        trained={"num_class_list": "auto", "tau": 1.0},
        rejected={"tau": [-0.1, "1", True, math.inf], "num_class_list": [None, [5]]},
        further=({"tau": 0.0},),
    )
}
