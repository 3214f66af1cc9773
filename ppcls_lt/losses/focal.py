"""Focal loss."""

from __future__ import annotations

import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.functional import focal
from .base import LongTailLoss
from .batch import Batch


@register("loss")
class FocalLoss(LongTailLoss):
    r"""Softmax focal loss.

    .. math:: L = \frac{scale}{N} \sum_i w_{y_i} (1 - p_{y_i})^\gamma CE_i

    Args:
        gamma (float): focusing parameter, >= 0.
        scale (float): constant factor, > 0; the IB authors' code has 10.
        num_class_list (list of int, str or None): training images per class,
            needed by class weights that are computed from counts.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images (weight 0).
        label_smoothing (float): see :class:`LongTailLoss`; every class counts
            with its own modulation.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Lin et al., ICCV 2017; LDAM-DRW and IB-Loss code. Deviation: those
    codes take ``p = exp(-w CE)``, which is no probability when there are class
    weights; here the weight multiplies after the modulation, as the paper's
    alpha does. Without class weights the values are theirs.
    """

    result_key = "FocalLoss"

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        scale: float = 1.0,
        num_class_list: CountsLike | None = None,
        class_weight: WeightsLike = "none",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.gamma = checks.number("FocalLoss", "gamma", gamma, minimum=0)
        self.scale = checks.number("FocalLoss", "scale", scale, above=0)

    def is_cross_entropy(self, batch: Batch) -> bool:
        return self.gamma == 0 and self.scale == 1

    def from_cross_entropy(self, ce: paddle.Tensor, batch: Batch) -> paddle.Tensor:
        """``scale * (1 - p)^gamma * ce``, elementwise."""
        loss = focal(ce, self.gamma)
        return loss if self.scale == 1 else self.scale * loss
