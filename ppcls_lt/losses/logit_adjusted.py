"""Logit-adjusted cross entropy."""

from __future__ import annotations

from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from .adjusted import AdjustedLoss


@register("loss")
class LogitAdjustedLoss(AdjustedLoss):
    r"""Cross entropy of logits that are shifted by the log of the class frequencies.

    .. math:: L = \frac{1}{N} \sum_i w_{y_i} CE(z_i + \tau \log \pi, y_i), \quad \pi_c = n_c / \sum_j n_j

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        tau (float): strength of the shift, >= 0; 1 gives the balanced softmax, 0 plain cross entropy.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images, which are
            shifted as if they had one.
        label_smoothing (float): see :class:`LongTailLoss`; the labels are
            smoothed, the shift stays.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Menon et al., "Long-tail learning via logit adjustment", ICLR 2021,
    equation 10, and its code. Deviation: that code adds ``log(pi^tau + 1e-12)``,
    which differs by less than 1e-10 of the loss.
    """

    result_key = "LogitAdjustedLoss"

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
