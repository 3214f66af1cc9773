"""Mean average precision by groups of labels, for images with several labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike, as_counts
from ..data.group_names import GROUPS, THRESHOLDS
from ..data.groups import shot_groups
from ..maths import ranking, scores
from .base import LongTailMetric
from .batch import logits_of


@register("metric")
class ManyMediumFewMAP(LongTailMetric):
    """Mean average precision of all labels, and of those with many, a medium number of and few training images.

    The average precision of a label is the mean of the precision at each image
    that has it, images ranked by their logit. Labels that no evaluation image
    has are left out of the means; a group without any other is NaN. Logits and
    labels of the whole evaluation set are kept on the device.

    Args:
        num_class_list (list of int or str): training images with each label ``[C]``.
        thresholds (list or str): as of ``ManyMediumFewAcc``.
        allow_empty_classes (bool): accept labels without training images.

    Raises:
        ConfigError: an argument is not what it must be; the model gives another
            number of logits than there are counts.

    Source: Wu et al., "Distribution-Balanced Loss for Multi-Label
    Classification in Long-Tailed Datasets", ECCV 2020, has the groups; the value
    is scikit-learn's ``average_precision_score``.
    """

    keys = ("mAP", *(f"mAP_{name}" for name in GROUPS))
    several_labels = True

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        thresholds: Sequence[float] | str = THRESHOLDS,
        allow_empty_classes: bool = False,
    ) -> None:
        super().__init__()
        self.counts = as_counts(num_class_list, owner="ManyMediumFewMAP", allow_empty=allow_empty_classes)
        self.groups = shot_groups(self.counts, thresholds, owner="ManyMediumFewMAP")
        self.reset()

    def join(self, predictions: Any, batches: Callable, feeds: bool) -> None:
        """What it reads no other metric does."""

    def reset(self) -> None:
        """Forget every image seen."""
        self._seen: list[tuple[paddle.Tensor, paddle.Tensor]] = []
        self._read: list[tuple[np.ndarray, np.ndarray]] = []  # what was asked for by then, no more on the device
        self._found: dict[str, float] | None = None

    def __call__(self, x: paddle.Tensor | dict, label: paddle.Tensor) -> dict:
        """Add a batch: logits ``[N, C]``, or a dict with them; labels ``[N, C]``, or ``[N, 2, C]`` with shares."""
        logits = logits_of(x)
        if not isinstance(logits, paddle.Tensor) or logits.ndim != 2:
            self._refuse(x, label)
        if label.ndim == 3:
            label = label[:, 0]
        if label.shape != logits.shape:
            expected = f"{logits.shape}, 1 for each label that an image has, else 0"
            checks.fail("ManyMediumFewMAP", "label", expected, checks.described(f"shape {label.shape}"))
        if logits.shape[1] != len(self.counts):
            expected = f"as long as the model's logits ({logits.shape[1]})"
            got = checks.described(f"{len(self.counts)} counts")
            checks.fail("ManyMediumFewMAP", "num_class_list", expected, got)
        self._seen.append((logits.detach().astype("float32"), label.detach() > 0.5))
        self._found = None
        return {}

    def per_class(self) -> np.ndarray:
        """Average precision of each label, float array ``[C]``; NaN where the set has no image with it."""
        if self._seen:
            logits, labels = (paddle.concat(part).numpy() for part in zip(*self._seen))
            self._read.append((logits, labels))
            self._seen = []
        if not self._read:
            return np.full(len(self.counts), np.nan)
        logits, labels = (np.concatenate(part) for part in zip(*self._read))
        if not np.isfinite(logits).all():
            return np.full(len(self.counts), np.nan)
        return ranking.average_precision(logits, labels)

    def values(self) -> dict[str, float]:
        """Return ``{"mAP": ..., "mAP_many": ..., "mAP_medium": ..., "mAP_few": ...}``."""
        if self._found is None:
            each = self.per_class()
            self._found = {"mAP": scores.mean(each)}
            self._found.update((f"mAP_{name}", scores.mean(each[members])) for name, members in self.groups.items())
        return self._found

    def impossible(self, images: np.ndarray | None) -> list[str]:
        """Return the groups without any label, or without any that an image of the evaluation set has."""
        return [
            f"mAP_{name}"
            for name, members in self.groups.items()
            if not len(members) or (images is not None and not images[members].any())
        ]

    @property
    def avg(self) -> float:
        """The mean over all labels, 0 without images."""
        return self.values()["mAP"] if self._seen or self._read else 0.0
