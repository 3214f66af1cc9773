"""Balanced softmax."""

from __future__ import annotations

from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from .adjusted import AdjustedLoss


@register("loss")
class BalancedSoftmaxLoss(AdjustedLoss):
    r"""Cross entropy of a softmax whose terms are multiplied by the images of their class.

    .. math:: L = -\frac{1}{N} \sum_i w_{y_i}
        \log \frac{n_{y_i}^\tau e^{z_{i y_i}}}{\sum_c n_c^\tau e^{z_{ic}}}

    It is :class:`~ppcls_lt.losses.LogitAdjustedLoss` under the name of its own paper, where ``tau`` is 1.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        tau (float): strength, >= 0; the paper has 1.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images, which count
            as if they had one.
        label_smoothing (float): see :class:`LongTailLoss`.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual
    Recognition", NeurIPS 2020, and its code. Deviation: none in
    value; ``tau``, which that code lacks, is that of the LiVT code.
    """

    result_key = "BalancedSoftmaxLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        tau: float = 1.0,
        class_weight: WeightsLike = "none",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            num_class_list=num_class_list,
            gamma=0.0,
            tau=tau,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
