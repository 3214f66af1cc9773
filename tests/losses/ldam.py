"""LDAM: a margin off the true logit, then the scale."""

import math

import numpy as np

from . import Reference, minus_log_softmax


def ldam(logits, true, *, counts, features, max_m, s, class_weight=None):
    counts = np.asarray(counts, np.float64)
    margin = max_m * counts[true] ** -0.25 / (counts**-0.25).max()
    shifted = np.array(logits, np.float64)
    shifted[:, true] -= margin
    return minus_log_softmax(s * shifted)[:, true]


REFERENCES = {
    "LDAMLoss": Reference(
        ldam,
        params={"max_m": 0.4, "s": 20.0},
        trained={"num_class_list": "auto", "max_m": 0.5, "s": 30.0, "class_weight": "effective_number"},
        rejected={"max_m": [0, "0.5"], "s": [0, -30, math.nan], "allow_unnormalized": [0]},
        trained_scheme="effective_number",
        reduction="weighted_mean",
        scale="s",
    )
}
