"""PaddleClas's ``CELoss`` with class weights, which stands for it where it is given them."""

import math

from . import Reference, minus_log_softmax


def cross_entropy(logits, true, *, counts, features, class_weight=None):
    return minus_log_softmax(logits)[:, true]


REFERENCES = {
    "CELoss": Reference(
        cross_entropy,
        params={"class_weight": "inverse"},
        trained={"num_class_list": "auto", "class_weight": "inverse"},
        rejected={"class_weight": [None], "epsilon": [-0.1, 1, "0.1", True, math.nan]},
        scheme="inverse",
        reduction="weighted_mean",
    )
}
