"""Label-aware smoothing."""

from __future__ import annotations

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths import rows
from ..maths.functional import class_cross_entropies, smoothed_cross_entropy
from .base import LongTailLoss
from .batch import Batch

# Share of the way from the tail's smoothing to the head's, of ``t`` in [0, 1].
SHAPES = {
    "concave": lambda t, power: np.sin(t * np.pi / 2),
    "linear": lambda t, power: t,
    "convex": lambda t, power: 1 + np.sin(1.5 * np.pi + t * np.pi / 2),
    "exp": lambda t, power: t**power,
}
SPREADS = ("all", "others")


@register("loss")
class LabelAwareSmoothingLoss(LongTailLoss):
    r"""Cross entropy with labels that are smoothed the more, the more images their class has.

    .. math:: L = \frac{1}{N} \sum_i (1 - \epsilon_{y_i}) CE(z_i, y_i) + \frac{\epsilon_{y_i}}{C} \sum_c CE(z_i, c),
        \quad \epsilon_c = tail + (head - tail) \, f\Big(\frac{n_c - n_{min}}{n_{max} - n_{min}}\Big)

    with ``f(t)`` = ``sin(t pi / 2)`` (concave), ``t`` (linear), ``1 - cos(t pi / 2)``
    (convex) or ``t^power`` (exp). Where all classes have as many images, each is as
    the rarest.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        smooth_head (float): share that is spread of the label of the class with most images, in [0, 1).
        smooth_tail (float): the same of the class with fewest.
        shape (str): ``concave``, ``linear``, ``convex`` or ``exp``.
        power (float or None): exponent of ``shape: exp``, > 0, which needs it.
        spread (str): ``all`` spreads over all classes, as the authors' code does;
            ``others`` over all but the true one, as their paper.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images, which then are
            as the rarest, with weight 0 in computed class weights.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Zhong et al., "Improving Calibration for Long-Tailed Recognition"
    (MiSLAS), CVPR 2021, and its code. Deviations: none from the code, which gives
    NaN where all classes have as many images. Soft labels give
    ``sum_c y_c w_c l(z, c)``.
    """

    result_key = "LabelAwareSmoothingLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        smooth_head: float = 0.3,
        smooth_tail: float = 0.0,
        shape: str = "concave",
        power: float | None = None,
        spread: str = "all",
        class_weight: WeightsLike = "none",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
    ) -> None:
        owner = "LabelAwareSmoothingLoss"
        if num_class_list is None:
            checks.fail(owner, "num_class_list", "a list of counts or the path of a label list", None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
        )
        self.smooth_head = checks.number(owner, "smooth_head", smooth_head, minimum=0, below=1)
        self.smooth_tail = checks.number(owner, "smooth_tail", smooth_tail, minimum=0, below=1)
        self.shape = checks.choice(owner, "shape", shape, tuple(SHAPES))
        self.spread = checks.choice(owner, "spread", spread, SPREADS)
        if shape == "exp":
            power = checks.number(owner, "power", power, above=0)
        elif power is not None:
            checks.fail(owner, "power", f"left out with `shape: {shape}`, which has none", power)
        self.power = power
        smoothing = self._shares_spread()
        if spread == "others":
            # The same loss, once the share that all classes get takes in what the true one keeps.
            smoothing = smoothing * len(smoothing) / max(len(smoothing) - 1, 1)
        self._store("smoothing", smoothing)

    def _shares_spread(self):
        """The share of each class's labels that is spread, float64 ``[C]``."""
        smallest = self.counts[self.counts > 0].min()
        images = np.maximum(self.counts, smallest).astype(np.float64)
        span = images.max() - smallest
        place = (images - smallest) / (span if span > 0 else 1.0)
        return self.smooth_tail + (self.smooth_head - self.smooth_tail) * SHAPES[self.shape](place, self.power)

    def per_image(self, batch: Batch) -> paddle.Tensor:
        """The unweighted loss of each image, ``[N]``."""
        smoothing = paddle.gather(self._vector("smoothing", batch.logits.dtype), batch.label)
        return smoothed_cross_entropy(batch.logits, batch.label, smoothing)

    def per_class(self, batch: Batch) -> paddle.Tensor:
        """The same were each class the true one, ``[N, C]``, for soft labels."""
        smoothing = self._vector("smoothing", batch.logits.dtype)
        losses = class_cross_entropies(batch.logits)
        return (1.0 - smoothing) * losses + smoothing * rows.means(losses).unsqueeze(1)
