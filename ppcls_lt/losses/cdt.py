"""Class-dependent temperatures."""

from __future__ import annotations

from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from .adjusted import AdjustedLoss


@register("loss")
class CDTLoss(AdjustedLoss):
    r"""Cross entropy of logits that are divided by a temperature of their class, higher the rarer the class.

    .. math:: L = \frac{\sum_i w_{y_i} CE(z_i / a, y_i)}{\sum_i w_{y_i}}, \quad a_c = (n_{max} / n_c)^\gamma

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        gamma (float): exponent of the temperature, >= 0; 0 gives plain cross entropy.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``weighted_mean`` (the code's) or ``mean``.
        allow_empty_classes (bool): accept classes without images, which have
            the temperature of one.
        label_smoothing (float): see :class:`LongTailLoss`.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Ye et al., "Identifying and Compensating for Feature Deviation in
    Imbalanced Deep Learning", 2020; the default and the divisor are
    BagofTricks-LT's. Deviations: none.
    """

    result_key = "CDTLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        gamma: float = 0.2,
        class_weight: WeightsLike = "none",
        reduction: str = "weighted_mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            num_class_list=num_class_list,
            gamma=gamma,
            tau=0.0,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
