"""What the losses share whose images have several labels each, or none."""

from __future__ import annotations

from typing import Any

import paddle

from ..basis import checks
from ..data import label_rows
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.parallel import global_mean
from .base import LongTailLoss
from .batch import Batch


class SeveralLabelsLoss(LongTailLoss):
    """Base of the losses for rows of labels, each 0 or 1, as ``MultiLabelDataset`` gives them.

    Labels are ``[N, C]`` of any type, or ``[N, 2, C]``, where PaddleClas's option
    ``label_ratio`` has put the labels' shares behind them. Those of the first
    call are looked at, as :class:`LongTailLoss` does. The loss is the mean over
    images and classes. A subclass overrides ``of_labels``.

    Args:
        num_class_list (list of int or str): training images with each label ``[C]``.
        class_weight, allow_empty_classes: see :class:`LongTailLoss`.

    Raises:
        ConfigError: an argument is not what it must be.
    """

    several_labels = True

    def __init__(
        self, *, num_class_list: CountsLike, class_weight: WeightsLike = "none", allow_empty_classes: bool = False
    ) -> None:
        if num_class_list is None:
            expected = "a list with the images of each label (`auto` where an Engine builds the data)"
            checks.fail(type(self).__name__, "num_class_list", expected, None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction="mean",
            allow_empty_classes=allow_empty_classes,
        )

    def of_batch(self, batch: Batch) -> paddle.Tensor:
        """The mean over the images of all processes and over the classes, a scalar."""
        weights = self._vector("class_weight", batch.logits.dtype)
        losses = self.of_labels(batch.logits, batch.label, weights) / batch.logits.shape[1]
        return global_mean(losses, None, batch.logits.shape[0], synchronize=self.training)

    def of_labels(self, logits: paddle.Tensor, label: paddle.Tensor, weights: paddle.Tensor | None) -> paddle.Tensor:
        """The loss of each image, added up over the classes: ``[N]``.

        Args:
            logits (Tensor), label (Tensor): ``[N, C]``, of one type.
            weights (Tensor or None): of the classes, ``[C]``.
        """
        raise NotImplementedError

    def _label(self, label: Any, logits: Any) -> Any:
        images, classes = logits.shape
        owner = type(self).__name__
        if label.shape == [images, 2, classes]:
            label = label[:, 0]
        if label.shape != logits.shape:
            got = checks.described(f"{label.dtype} {label.shape}")
            checks.fail(owner, "label", f"[{images}, {classes}], 1 for each label that an image has, else 0", got)
        label = label.astype(logits.dtype)
        if self.checks_labels and paddle.in_dynamic_mode():
            label_rows.check_zeros_and_ones(owner, label.numpy())
            self.checks_labels = False
        return label
