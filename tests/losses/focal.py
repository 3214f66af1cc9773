"""Softmax focal loss."""

import math

from . import Reference, minus_log_softmax, softmax


def focal(logits, true, *, counts, features, gamma, scale=1.0):
    return scale * (1 - softmax(logits)[:, true]) ** gamma * minus_log_softmax(logits)[:, true]


REFERENCES = {
    "FocalLoss": Reference(
        focal,
        params={"gamma": 1.5, "scale": 10.0},
        trained={"gamma": 2.0, "scale": 1.0},
        rejected={"gamma": [-0.1, "1", True, math.inf], "scale": [0, None]},
    )
}
