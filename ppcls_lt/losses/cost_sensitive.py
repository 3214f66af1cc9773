"""Cost-sensitive cross entropy."""

from __future__ import annotations

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from .base import LongTailLoss


@register("loss")
class CostSensitiveCE(LongTailLoss):
    r"""Cross entropy weighted by inverse class frequency to a power.

    .. math:: L = \frac{\sum_i w_{y_i} CE_i}{\sum_i w_{y_i}}, \quad w_c = (n_{min} / n_c)^\gamma

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        gamma (float): exponent, >= 0; 0 gives plain cross entropy.
        reduction (str): ``weighted_mean`` (the authors') or ``mean``.
        allow_empty_classes (bool): accept classes without images (weight 0).
        label_smoothing (float): see :class:`LongTailLoss`; each image keeps the
            weight of its own class.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Zhang et al., "Bag of Tricks for Long-Tailed Visual Recognition",
    AAAI 2021, and its BagofTricks-LT code. Deviations: none for hard labels;
    soft labels give ``sum_c y_c w_c CE_c`` with divisor ``sum y_c w_c``.
    """

    result_key = "CS_CELoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        gamma: float = 1.0,
        reduction: str = "weighted_mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        gamma = checks.number("CostSensitiveCE", "gamma", gamma, minimum=0)
        super().__init__(
            num_class_list=num_class_list,
            class_weight={"cs_ce": {"gamma": gamma}},
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
