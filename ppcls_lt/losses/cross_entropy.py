"""PaddleClas's cross entropy with class weights."""

from __future__ import annotations

from ..basis import checks
from ..basis.registry import extend
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from .base import LongTailLoss


@extend("loss", "class_weight", "num_class_list", "allow_empty_classes")
class CELoss(LongTailLoss):
    r"""PaddleClas's ``CELoss`` where it is given class weights, which it has not.

    .. math:: L = \frac{\sum_i w_{y_i} CE(z_i, y_i)}{\sum_i w_{y_i}}

    Without ``class_weight`` the name means PaddleClas's own, unchanged.

    Args:
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        num_class_list (list of int, str or None): training images per class,
            needed by class weights that are computed from counts.
        epsilon (float or None): label smoothing, in [0, 1), as of PaddleClas's own;
            each image keeps the weight of its own class.
        reduction (str): ``weighted_mean`` or ``mean``.
        allow_empty_classes (bool): accept classes without images (weight 0).

    Raises:
        ConfigError: an argument is not what it must be; no ``class_weight``.

    Source: PaddleClas's ``CELoss``; the mean is that of Paddle's and PyTorch's
    weighted cross entropy. Deviations: soft labels are used as they come, while
    PaddleClas's own in develop applies a softmax to them, and each class of a mixed
    label keeps its own weight.
    """

    result_key = "CELoss"

    def __init__(
        self,
        *,
        class_weight: WeightsLike = None,
        num_class_list: CountsLike | None = None,
        epsilon: float | None = None,
        reduction: str = "weighted_mean",
        allow_empty_classes: bool = False,
    ) -> None:
        if class_weight is None:
            expected = "given with `num_class_list` or `allow_empty_classes`, which PaddleClas's own has not"
            checks.fail("CELoss", "class_weight", expected, None)
        smoothing = 0.0 if epsilon is None else checks.number("CELoss", "epsilon", epsilon, minimum=0, below=1)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=smoothing,
        )
