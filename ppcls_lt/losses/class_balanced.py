"""Class-balanced loss."""

from __future__ import annotations

import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..maths.sigmoid import shared_sigmoid_loss, sigmoid_loss
from .base import LongTailLoss
from .batch import Batch

FORMS = ("softmax", "sigmoid", "focal")


@register("loss")
class ClassBalancedLoss(LongTailLoss):
    r"""A loss weighted by the inverse effective number of images of the true class.

    .. math:: L = \frac{1}{N} \sum_i w_{y_i} \ell(z_i, y_i), \quad w_c \propto \frac{1 - \beta}{1 - \beta^{n_c}},
        \quad \sum_c w_c = C

    with the softmax cross entropy as ``l``, or the sum over classes of the binary
    cross entropies or of the binary focal losses of their logits.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        form (str): ``softmax``, ``sigmoid`` or ``focal``.
        beta (float): in [0, 1); 0 gives equal weights.
        gamma (float or None): focusing parameter of ``form: focal``, >= 0; by default 1.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images (weight 0).
        label_smoothing (float): see :class:`LongTailLoss`; each image keeps the
            weight of its own class.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples",
    CVPR 2019, and its code. Deviations: none in value for hard labels. Their focal
    loss is 0, its gradient NaN, for a true class with a logit of -100 in float32;
    here both are exact. Soft labels give ``sum_c y_c w_c l(z, c)``.
    """

    result_key = "ClassBalancedLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        form: str = "softmax",
        beta: float = 0.9999,
        gamma: float | None = None,
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        beta = checks.number("ClassBalancedLoss", "beta", beta, minimum=0, below=1)
        if num_class_list is None:
            checks.fail("ClassBalancedLoss", "num_class_list", "a list of counts or the path of a label list", None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight={"effective_number": {"beta": beta}},
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.form = checks.choice("ClassBalancedLoss", "form", form, FORMS)
        if gamma is not None and form != "focal":
            checks.fail("ClassBalancedLoss", "gamma", f"left out with `form: {form}`, which has none", gamma)
        given = 1.0 if gamma is None else checks.number("ClassBalancedLoss", "gamma", gamma, minimum=0)
        self.gamma = given if form == "focal" else 0.0

    def is_cross_entropy(self, batch: Batch) -> bool:
        return self.form == "softmax"

    def per_image(self, batch: Batch) -> paddle.Tensor:
        """The unweighted loss of each image, ``[N]``."""
        if self.form == "softmax":
            return super().per_image(batch)
        return sigmoid_loss(batch.logits, batch.label, self.gamma)

    def of_shares(self, batch: Batch, share: paddle.Tensor) -> paddle.Tensor:
        """Loss of each image ``[N]`` whose classes have the shares ``[N, C]``."""
        if self.form == "softmax":
            return super().of_shares(batch, share)
        share = self.smoothed_shares(share)
        return shared_sigmoid_loss(batch.logits, share, share.sum(axis=1, keepdim=True) - share, self.gamma)
