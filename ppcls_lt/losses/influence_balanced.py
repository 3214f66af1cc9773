"""Influence-balanced losses."""

import logging

import paddle

from ..basis import checks
from ..basis.registry import register
from ..maths.functional import focal, influence_balanced, l1_norm
from .base import LongTailLoss

_logger = logging.getLogger("ppcls.lt")


class _InfluenceBalanced(LongTailLoss):
    """What IB and IB_Focal share: features, the factor, evaluation without it."""

    uses_features = True

    def __init__(
        self, *, alpha, epsilon, num_class_list, class_weight, reduction, allow_empty_classes, label_smoothing
    ):
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
        self.feature_source = None
        self._said = False

    def feature_norm(self, x):
        """L1 norm of each image's features ``[N]``, or None when evaluating."""
        if not self.training:
            if not self._said:
                self._said = True
                _logger.info(
                    "%s: evaluating as its cross entropy, without the influence factor, since PaddleClas "
                    "passes no features to the evaluation loss",
                    type(self).__name__,
                )
            return None
        if self.feature_source is not None:
            features = self.feature_source.take()
        elif isinstance(x, dict) and "features" in x:
            features = x["features"]
        else:
            checks.fail(
                type(self).__name__,
                "x",
                "a dict with `features`, the input of the final classifier [N, D], when there is no Engine",
                checks.described(f"keys {sorted(x)}" if isinstance(x, dict) else type(x).__name__),
            )
        images = (x["logits"] if isinstance(x, dict) else x).shape[0]
        if not isinstance(features, paddle.Tensor) or features.ndim < 2 or features.shape[0] != images:
            got = f"shape {features.shape}" if isinstance(features, paddle.Tensor) else type(features).__name__
            checks.fail(type(self).__name__, "features", f"a tensor [{images}, D]", checks.described(got))
        if features.dtype not in (paddle.float32, paddle.float64):
            features = features.astype("float32")
        return l1_norm(features if features.ndim == 2 else features.flatten(1))

    def _balanced(self, loss, ce, feature_norm):
        """``factor * loss`` elementwise; ``loss`` when there are no features."""
        return loss if feature_norm is None else influence_balanced(loss, ce, feature_norm, self.alpha, self.epsilon)


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
        alpha=1000.0,
        epsilon=0.001,
        num_class_list=None,
        class_weight="auto",
        reduction="mean",
        allow_empty_classes=False,
        label_smoothing=0.0,
    ):
        super().__init__(
            alpha=alpha,
            epsilon=epsilon,
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )

    def is_cross_entropy(self, feature_norm):
        return feature_norm is None

    def from_cross_entropy(self, ce, feature_norm):
        """``factor * ce`` elementwise; ``ce`` when there are no features."""
        return self._balanced(ce, ce, feature_norm)


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
        alpha=1000.0,
        epsilon=0.001,
        gamma=1.0,
        num_class_list=None,
        class_weight="auto",
        reduction="mean",
        allow_empty_classes=False,
        label_smoothing=0.0,
    ):
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

    def is_cross_entropy(self, feature_norm):
        return feature_norm is None and self.gamma == 0

    def from_cross_entropy(self, ce, feature_norm):
        """``factor * (1 - p)^gamma * ce`` elementwise; no factor without features."""
        return self._balanced(focal(ce, self.gamma), ce, feature_norm)
