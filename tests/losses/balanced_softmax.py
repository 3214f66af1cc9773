"""Balanced softmax: each term of the softmax times the images of its class."""

import math

import numpy as np

from . import Reference


def balanced_softmax(logits, true, *, counts, features, tau):
    logits = np.asarray(logits, np.float64)
    terms = np.asarray(counts, np.float64) ** tau * np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.log(terms.sum(axis=1)) - np.log(terms[:, true])


REFERENCES = {
    "BalancedSoftmaxLoss": Reference(
        balanced_softmax,
        params={"tau": 0.75},
        trained={"num_class_list": "auto", "tau": 1.0},
        rejected={"tau": [-0.1, "1", True, math.inf]},
    )
}
