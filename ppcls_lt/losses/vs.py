"""Vector-scaling loss."""

from __future__ import annotations

from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from .adjusted import AdjustedLoss


@register("loss")
class VSLoss(AdjustedLoss):
    r"""Cross entropy of logits that are scaled and shifted class by class.

    .. math:: L = \frac{\sum_i w_{y_i} CE(\Delta \odot z_i + \tau \log \pi, y_i)}{\sum_i w_{y_i}}, \quad
        \Delta_c = (n_c / n_{max})^\gamma, \quad \pi_c = n_c / \sum_j n_j

    ``tau = 0`` is CDT, ``gamma = 0`` logit adjustment, both 0 plain cross entropy.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        gamma (float): exponent of the multiplicative factor, >= 0.
        tau (float): strength of the additive shift, >= 0.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``weighted_mean`` (the authors') or ``mean``.
        allow_empty_classes (bool): accept classes without images, which are
            scaled and shifted as if they had one.
        label_smoothing (float): see :class:`LongTailLoss`.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Kini et al., "Label-Imbalanced and Group-Sensitive Classification
    under Overparameterization", NeurIPS 2021, and its code, whose
    defaults are these. Deviations: none.
    """

    result_key = "VSLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        gamma: float = 0.3,
        tau: float = 1.0,
        class_weight: WeightsLike = "none",
        reduction: str = "weighted_mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            num_class_list=num_class_list,
            gamma=gamma,
            tau=tau,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
