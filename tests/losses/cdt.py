"""Class-dependent temperatures."""

import math

import numpy as np

from . import Reference, minus_log_softmax


def class_dependent_temperatures(logits, true, *, counts, features, gamma):
    counts = np.asarray(counts, np.float64)
    temperature = (counts.max() / counts) ** gamma
    return minus_log_softmax(np.asarray(logits, np.float64) / temperature)[:, true]


REFERENCES = {
    "CDTLoss": Reference(
        class_dependent_temperatures,
        params={"gamma": 0.4},
        trained={"num_class_list": "auto", "gamma": 0.2},
        rejected={"gamma": [-0.1, "1", True, math.inf]},
        reduction="weighted_mean",
    )
}
