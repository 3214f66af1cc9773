"""Class-balanced loss of images with several labels."""

from __future__ import annotations

import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..maths.sigmoid import shared_sigmoid_loss
from .several_labels import SeveralLabelsLoss

FORMS = ("sigmoid", "focal")
MODES = ("by_class", "average_w")


@register("loss")
class ClassBalancedMultiLabelLoss(SeveralLabelsLoss):
    r"""Binary cross entropies or focal losses of all classes, weighted by the inverse effective number of images.

    .. math:: L = \frac{1}{N C} \sum_{i, c} w_{ic} \ell(z_{ic}, y_{ic}), \quad
        w_c \propto \frac{1 - \beta}{1 - \beta^{n_c}}, \quad \sum_c w_c = C

    with ``w_ic = w_c`` (``by_class``), or the mean of the weights of the image's
    labels (``average_w``; 1 for an image without labels).

    Args:
        num_class_list (list of int or str): training images with each label ``n_c``.
        form (str): ``sigmoid`` or ``focal``.
        beta (float): in [0, 1); 0 gives equal weights.
        gamma (float or None): focusing parameter of ``form: focal``, >= 0; by default 2.
        CB_mode (str): ``average_w`` (the default of the code) or ``by_class``.
        allow_empty_classes (bool): accept labels without images (weight 0).

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Cui et al., CVPR 2019, as Wu et al., "Distribution-Balanced Loss for
    Multi-Label Classification in Long-Tailed Datasets", ECCV 2020, use it in
    their code. Deviations: the weights are scaled to sum to C, and the focal
    loss is not doubled.
    """

    result_key = "ClassBalancedMultiLabelLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        form: str = "sigmoid",
        beta: float = 0.9,
        gamma: float | None = None,
        CB_mode: str = "average_w",
        allow_empty_classes: bool = False,
    ) -> None:
        owner = "ClassBalancedMultiLabelLoss"
        beta = checks.number(owner, "beta", beta, minimum=0, below=1)
        super().__init__(
            num_class_list=num_class_list,
            class_weight={"effective_number": {"beta": beta}},
            allow_empty_classes=allow_empty_classes,
        )
        self.form = checks.choice(owner, "form", form, FORMS)
        self.mode = checks.choice(owner, "CB_mode", CB_mode, MODES)
        if gamma is not None and form != "focal":
            checks.fail(owner, "gamma", f"left out with `form: {form}`, which has none", gamma)
        given = 2.0 if gamma is None else checks.number(owner, "gamma", gamma, minimum=0)
        self.gamma = given if form == "focal" else 0.0

    def of_labels(self, logits: paddle.Tensor, label: paddle.Tensor, weights: paddle.Tensor | None) -> paddle.Tensor:
        """The weighted loss of each image, added up over the classes: ``[N]``."""
        if weights is None:
            weights = paddle.ones([1, 1], logits.dtype)
        elif self.mode == "average_w":
            labels = label.sum(axis=1, keepdim=True)
            mean = (label * weights).sum(axis=1, keepdim=True) / labels.clip(min=1.0)
            weights = paddle.where(labels > 0, mean, paddle.ones_like(mean))
        return shared_sigmoid_loss(logits, weights * label, weights * (1.0 - label), self.gamma)
