"""Cost-sensitive cross entropy: the formula is the cross entropy, the weights are the class weights."""

import math

from . import Reference, minus_log_softmax


def cost_sensitive(logits, true, *, counts, features, gamma=1.0):
    return minus_log_softmax(logits)[:, true]


REFERENCES = {
    "CostSensitiveCE": Reference(
        cost_sensitive,
        params={"gamma": 0.7},
        trained={"num_class_list": "auto", "gamma": 1.0},
        rejected={"gamma": [-0.1, "1", True, math.inf]},
        scheme={"cs_ce": {"gamma": 0.7}},
        trained_scheme={"cs_ce": {"gamma": 1.0}},
        reduction="weighted_mean",
    )
}
