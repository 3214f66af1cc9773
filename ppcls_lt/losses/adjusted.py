"""What the losses share that are a cross entropy of logits scaled and shifted class by class."""

from __future__ import annotations

import numpy as np
import paddle

from ..basis import checks
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.adjusted import Spread, adjusted
from .base import LongTailLoss
from .batch import Batch, Outputs


class AdjustedLoss(LongTailLoss):
    """Cross entropy of ``scale * logits + shift``; soft labels and smoothing act on the same adjusted logits.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``. With
            ``allow_empty_classes`` a class without images is adjusted as if it had one.
        gamma (float): ``scale_c = (n_c / n_max)^gamma``, >= 0; 0 leaves the logits.
        tau (float): ``shift_c = tau log(n_c / sum n)``, >= 0; 0 is no shift.
        class_weight, reduction, allow_empty_classes, label_smoothing: see :class:`LongTailLoss`.

    Raises:
        ConfigError: an argument is not what it must be.
    """

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        gamma: float,
        tau: float,
        class_weight: WeightsLike,
        reduction: str,
        allow_empty_classes: bool,
        label_smoothing: float,
    ) -> None:
        owner = type(self).__name__
        if num_class_list is None:
            checks.fail(owner, "num_class_list", "a list of counts or the path of a label list", None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.gamma = checks.number(owner, "gamma", gamma, minimum=0)
        self.tau = checks.number(owner, "tau", tau, minimum=0)
        images = np.maximum(self.counts, 1).astype(np.float64)
        self._store("scale", (images / images.max()) ** self.gamma if self.gamma else None)
        self._store("shift", self.tau * np.log(images / images.sum()) if self.tau else None)
        self._scale_rows, self._shift_rows = Spread(), Spread()

    def batch(self, x: Outputs, label: paddle.Tensor) -> Batch:
        """The batch with adjusted logits, of which the loss is the cross entropy."""
        batch = super().batch(x, label)
        logits = batch.logits
        scale, shift = self._vector("scale", logits.dtype), self._vector("shift", logits.dtype)
        batch.logits = adjusted(
            logits,
            None if shift is None else self._shift_rows.beside(logits, shift),
            None if scale is None else self._scale_rows.beside(logits, scale),
        )
        return batch
