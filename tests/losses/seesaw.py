"""Seesaw loss: the factors of every pair of classes written out."""

import math

import numpy as np

from . import Reference, softmax


def seesaw(logits, true, *, counts, features, p, q, eps, at=None):
    """``at``: the logits of which the factors are, through which no gradient flows; by default the same."""
    logits = np.asarray(logits, np.float64)
    shares = softmax(logits if at is None else at)
    images = np.maximum(np.asarray(counts, np.float64), 1)
    total = np.zeros(len(logits))
    for other in range(logits.shape[1]):
        mitigation = min(1.0, images[other] / images[true]) ** p
        compensation = np.maximum(1.0, shares[:, other] / np.maximum(shares[:, true], eps)) ** q
        total += (1.0 if other == true else mitigation * compensation) * np.exp(logits[:, other])
    return np.log(total) - logits[:, true]


REFERENCES = {
    "SeesawLoss": Reference(
        seesaw,
        params={"p": 0.7, "q": 1.5, "eps": 0.05},
        trained={"num_class_list": "auto", "p": 0.8, "q": 2.0, "eps": 0.01},
        rejected={
            "p": [-0.1, "1", None, math.inf],
            "q": [-0.1, "1", None, math.inf],
            "eps": [-0.1, 1, "0.01", None],
        },
        further=({"eps": 0.0}, {"p": 0.0}, {"q": 0.0}, {"p": 0.0, "q": 0.0}),
        detached=True,
    )
}
# What the authors' code had counted before the batch of an entry.
BEFORE = {"SeesawLoss": lambda loss, entry: loss.load_run_state({"counts": np.array(entry["cum_samples_before"])})}
