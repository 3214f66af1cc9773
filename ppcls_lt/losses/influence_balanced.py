"""Influence-balanced losses."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.functional import focal, influence_balanced, l1_norm
from .base import LongTailLoss
from .batch import Batch, Outputs

_logger = logging.getLogger("ppcls.lt")


@dataclass
class _NormedBatch(Batch):
    feature_norm: paddle.Tensor | None = None  # L1, ``[N]``


class _InfluenceBalanced(LongTailLoss):
    """What IB and IB_Focal share: features, the factor, evaluation without it."""

    uses_features = True

    def __init__(
        self,
        *,
        alpha: float,
        epsilon: float,
        num_class_list: CountsLike | None,
        class_weight: WeightsLike,
        reduction: str,
        allow_empty_classes: bool,
        label_smoothing: float,
    ) -> None:
        if isinstance(class_weight, str) and class_weight == "auto":
            class_weight = "none" if num_class_list is None else "inverse"
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        owner = type(self).__name__
        self.alpha = checks.number(owner, "alpha", alpha, above=0)
        self.epsilon = checks.number(owner, "epsilon", epsilon, above=0)
        self._said = False

    def batch(self, x: Outputs, label: paddle.Tensor) -> _NormedBatch:
        """The batch with the L1 norm of each image's features ``[N]``, None when evaluating."""
        batch = super().batch(x, label)
        if batch.features is None and not self._said:
            self._said = True
            _logger.info(
                "%s: evaluating as its cross entropy, without the influence factor, since PaddleClas "
                "passes no features to the evaluation loss",
                type(self).__name__,
            )
        norm = None if batch.features is None else l1_norm(batch.features)
        return _NormedBatch(**vars(batch), feature_norm=norm)

    def _balanced(self, loss, ce, batch):
        """``factor * loss`` elementwise; ``loss`` when there are no features."""
        norm = batch.feature_norm
        if norm is None:
            return loss
        norm = norm if ce.ndim == 1 else norm.unsqueeze(1)
        return influence_balanced(loss, ce, norm, self.alpha, self.epsilon)


@register("loss")
class IBLoss(_InfluenceBalanced):
    r"""Influence-balanced loss: an image counts less the more it bends the boundary.

    .. math:: L = \frac{1}{N} \sum_i w_{y_i} \frac{\alpha \, CE_i}
        {\|softmax(z_i) - e_{y_i}\|_1 \|h_i\|_1 + \epsilon}

    ``h`` is what enters the final classifier: in an Engine it is caught there;
    alone, the loss takes ``x["features"]`` ``[N, D]``. In evaluation the factor
    is left out.

    Args:
        alpha (float): > 0. The authors' runs have 1000, their code's default is 10000.
        epsilon (float): > 0.
        num_class_list (list of int, str or None): training images per class.
        class_weight (str, dict or list): ``auto`` (``inverse`` if there are
            counts, else ``none``), ``none``, ``inverse``, ``effective_number``,
            ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images (weight 0).
        label_smoothing (float): see :class:`LongTailLoss`; every class counts
            with its own factor.

    Raises:
        ConfigError: an argument is not what it must be; no features in training.

    Source: Park et al., ICCV 2021, and the IB-Loss code. Deviation: alpha 1000.
    The authors train with plain cross entropy first and turn to IB halfway, at
    a hundredth of the learning rate. Soft labels give ``sum_c y_c w_c IB_c``,
    with each class's own factor.
    """

    result_key = "IBLoss"

    def __init__(
        self,
        *,
        alpha: float = 1000.0,
        epsilon: float = 0.001,
        num_class_list: CountsLike | None = None,
        class_weight: WeightsLike = "auto",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            alpha=alpha,
            epsilon=epsilon,
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )

    def is_cross_entropy(self, batch: Any) -> bool:
        return batch.feature_norm is None

    def from_cross_entropy(self, ce: paddle.Tensor, batch: Any) -> paddle.Tensor:
        """``factor * ce`` elementwise; ``ce`` when there are no features."""
        return self._balanced(ce, ce, batch)


@register("loss", "IB_FocalLoss")
class IBFocalLoss(_InfluenceBalanced):
    r"""Influence-balanced focal loss: IB's factor times ``(1 - p_y)^gamma CE``.

    Also registered under the authors' name ``IB_FocalLoss``.

    Args:
        alpha (float), epsilon (float): as in :class:`IBLoss`.
        gamma (float): focusing parameter, >= 0.
        num_class_list, class_weight, reduction, allow_empty_classes,
            label_smoothing: as in :class:`IBLoss`.

    Raises:
        ConfigError: an argument is not what it must be; no features in training.

    Source: Park et al., ICCV 2021, and the IB-Loss code. Deviations: alpha
    1000, and class weights multiply after the modulation (see ``FocalLoss``).
    Without class weights the values are the authors'.
    """

    result_key = "IBFocalLoss"

    def __init__(
        self,
        *,
        alpha: float = 1000.0,
        epsilon: float = 0.001,
        gamma: float = 1.0,
        num_class_list: CountsLike | None = None,
        class_weight: WeightsLike = "auto",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            alpha=alpha,
            epsilon=epsilon,
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.gamma = checks.number("IBFocalLoss", "gamma", gamma, minimum=0)

    def is_cross_entropy(self, batch: Any) -> bool:
        return batch.feature_norm is None and self.gamma == 0

    def from_cross_entropy(self, ce: paddle.Tensor, batch: Any) -> paddle.Tensor:
        """``factor * (1 - p)^gamma * ce`` elementwise; no factor without features."""
        return self._balanced(focal(ce, self.gamma), ce, batch)
