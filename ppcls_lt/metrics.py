"""Metrics that show the tail, for the ``Metric`` section."""

import numpy as np
import paddle

from .counts import as_counts, shot_groups
from .registry import register


@register("metric")
class ManyMediumFewAcc:
    """Accuracy overall and on classes with many, a medium number of and few training images.

    A group's accuracy is the mean of its classes' recalls; classes that the
    evaluation set lacks are left out. Memory: two integers a class.

    Args:
        num_class_list (list of int or str): training images per class.
        thresholds (list or str): ``[100, 20]``: many has more than 100 training
            images, few has less than 20; ``tertiles``: a third of the classes each.
        allow_empty_classes (bool): accept classes without training images.

    Source: the groups of Liu et al., CVPR 2019 (ImageNet-LT).
    """

    def __init__(self, *, num_class_list, thresholds=(100, 20), allow_empty_classes=False):
        self.counts = as_counts(num_class_list, owner="ManyMediumFewAcc", allow_empty=allow_empty_classes)
        self.groups = shot_groups(self.counts, thresholds, owner="ManyMediumFewAcc")
        self.reset()

    def reset(self):
        """Forget every image seen."""
        self._seen = self._right = None

    def __call__(self, x, label):
        """Add a batch: logits ``[N, C]`` (or a dict with them), classes ``[N]`` or ``[N, 1]``."""
        logits = x["logits"] if isinstance(x, dict) else x
        label = label.reshape([-1]).astype("int64")
        classes = len(self.counts)
        hit = (logits.argmax(axis=1) == label).astype("float32")
        seen = paddle.bincount(label, minlength=classes)
        # counts of one batch, exact in float32
        right = paddle.bincount(label, weights=hit, minlength=classes).astype(seen.dtype)
        self._seen = seen if self._seen is None else self._seen + seen
        self._right = right if self._right is None else self._right + right
        return {}

    def per_class(self):
        """Recall of each class, float array ``[C]``; NaN where the set has no image of it."""
        if self._seen is None:
            return np.full(len(self.counts), np.nan)
        seen = self._seen.numpy()
        return np.where(seen > 0, self._right.numpy() / np.maximum(seen, 1), np.nan)

    def values(self):
        """Return ``{"overall": ..., "many": ..., "medium": ..., "few": ...}``."""
        recall = self.per_class()
        present = ~np.isnan(recall)
        result = {"overall": self.avg}
        for name, members in self.groups.items():
            members = members[present[members]]
            result[name] = float(recall[members].mean()) if len(members) else float("nan")
        return result

    @property
    def avg(self):
        """Overall accuracy, with which the host chooses the best model if this metric comes first."""
        if self._seen is None:
            return 0.0
        return float(self._right.sum()) / float(self._seen.sum())

    @property
    def avg_info(self):
        """The values as the host logs them."""
        return ", ".join(f"{name}: {value:.5f}" for name, value in self.values().items())
