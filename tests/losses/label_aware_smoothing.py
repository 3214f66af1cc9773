"""Label-aware smoothing: the cross entropy with the target written out, image by image."""

import math

import numpy as np

from . import Reference, minus_log_softmax


def smoothing(counts, head, tail, shape, power):
    """The share that a label of each class gives away, by the formulas of the paper's section 4.3."""
    counts = np.asarray(counts, np.float64)
    least, most = counts.min(), counts.max()
    place = (counts - least) / (most - least)
    return {
        "concave": lambda: tail + (head - tail) * np.sin(place * math.pi / 2),
        "linear": lambda: tail + (head - tail) * place,
        "convex": lambda: head + (head - tail) * np.sin(1.5 * math.pi + place * math.pi / 2),
        "exp": lambda: tail + (head - tail) * place**power,
    }[shape]()


def label_aware(logits, true, *, counts, features, smooth_head, smooth_tail, shape, power=None, spread="all"):
    share = smoothing(counts, smooth_head, smooth_tail, shape, power)[true]
    classes = len(counts)
    if spread == "all":
        target = np.full(classes, share / classes)
        target[true] += 1 - share
    else:
        target = np.full(classes, share / (classes - 1))
        target[true] = 1 - share
    return (minus_log_softmax(logits) * target).sum(axis=1)


REFERENCES = {
    "LabelAwareSmoothingLoss": Reference(
        label_aware,
        params={"smooth_head": 0.4, "smooth_tail": 0.1, "shape": "exp", "power": 1.5},
        trained={"num_class_list": "auto", "smooth_head": 0.3, "smooth_tail": 0.0, "shape": "concave"},
        rejected={
            "smooth_head": [-0.1, 1, "0.3", None],
            "smooth_tail": [-0.1, 1, "0.3", None],
            "shape": ["sine", None, 1],
            "power": [0, "2", None, math.inf],
            "spread": ["none", None],
            "num_class_list": [None],
        },
        further=(
            *({"shape": shape, "power": None} for shape in ("concave", "linear", "convex")),
            {"spread": "others"},
            {"spread": "others", "smooth_head": 0.9},
        ),
    )
}
