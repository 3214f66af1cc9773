"""Vector scaling: a factor and a shift for each class."""

import math

import numpy as np

from . import Reference, minus_log_softmax


def vector_scaling(logits, true, *, counts, features, gamma, tau):
    counts = np.asarray(counts, np.float64)
    scaled = np.asarray(logits, np.float64) * (counts / counts.max()) ** gamma
    return minus_log_softmax(scaled + tau * np.log(counts / counts.sum()))[:, true]


REFERENCES = {
    "VSLoss": Reference(
        vector_scaling,
        params={"gamma": 0.15, "tau": 1.2},
        trained={"num_class_list": "auto", "gamma": 0.1, "tau": 1.0},
        rejected={"gamma": [-0.1, "1", True, math.inf], "tau": [-0.1, None, math.nan]},
        reduction="weighted_mean",
    )
}
