"""Accuracy by groups of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike, as_counts
from ..data.group_names import GROUPS, THRESHOLDS
from ..data.groups import shot_groups
from ..maths import scores
from .base import LongTailMetric


@register("metric")
class ManyMediumFewAcc(LongTailMetric):
    """Accuracy overall and on classes with many, a medium number of and few training images.

    ``overall`` is the share of images predicted right, ``balanced`` the mean
    recall of the classes, ``many``, ``medium`` and ``few`` the mean recall of the
    group's classes. Classes that the evaluation set lacks are left out of the
    means; a group without any other is NaN.

    Args:
        num_class_list (list of int or str): training images per class ``[C]``.
        thresholds (list or str): ``[100, 20]``: many has more than 100 training
            images, few has less than 20; ``tertiles``: a third of the classes each.
        allow_empty_classes (bool): accept classes without training images.
        group_by (list of int or str): counts ``[C]`` or a label list that the
            groups are made from instead, for example the list that training and
            validation images were split from.

    Raises:
        ConfigError: an argument is not what it must be; the model gives another
            number of logits than there are counts.

    Source: the groups of Liu et al., CVPR 2019 (ImageNet-LT).
    """

    keys = ("overall", "balanced", *GROUPS)

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        thresholds: Sequence[float] | str = THRESHOLDS,
        allow_empty_classes: bool = False,
        group_by: CountsLike | None = None,
    ) -> None:
        super().__init__()
        self.counts = as_counts(num_class_list, owner="ManyMediumFewAcc", allow_empty=allow_empty_classes)
        grouping = self.counts
        if group_by is not None:
            grouping = as_counts(
                group_by, owner="ManyMediumFewAcc", name="group_by", class_num=self.counts.size, allow_empty=True
            )
        self.groups = shot_groups(grouping, thresholds, owner="ManyMediumFewAcc")

    def per_class(self) -> np.ndarray:
        """Recall of each class, float array ``[C]``; NaN where the set has no image of it."""
        seen = self.predictions.classes()
        if seen is None:
            return np.full(len(self.counts), np.nan)
        if len(seen.support) != len(self.counts):
            got = checks.described(f"{len(self.counts)} counts")
            expected = f"as long as the model's logits ({len(seen.support)})"
            checks.fail("ManyMediumFewAcc", "num_class_list", expected, got)
        return scores.recall(seen.support, seen.right)

    def values(self) -> dict[str, float]:
        """Return ``{"overall": ..., "balanced": ..., "many": ..., "medium": ..., "few": ...}``."""
        recall = self.per_class()
        seen = self.predictions.classes()
        result = {
            "overall": float("nan") if seen is None else float(seen.right.sum() / seen.support.sum()),
            "balanced": scores.mean(recall),
        }
        result.update((name, scores.mean(recall[members])) for name, members in self.groups.items())
        return result

    def impossible(self, images: np.ndarray | None) -> list[str]:
        """Return the groups without any class, or without any class that the evaluation set has."""
        return [
            name
            for name, members in self.groups.items()
            if not len(members) or (images is not None and not images[members].any())
        ]
