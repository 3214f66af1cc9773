"""Label-distribution-aware margin loss."""

from __future__ import annotations

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.ldam import class_ldam, ldam
from .base import LongTailLoss
from .batch import Batch


@register("loss")
class LDAMLoss(LongTailLoss):
    r"""Cross entropy with a margin that is wider the rarer the true class.

    .. math:: L = \frac{\sum_i w_{y_i} CE(s (z_i - m_{y_i} e_{y_i}), y_i)}{\sum_i w_{y_i}},
        \quad m_c = max\_m \, (n_{min} / n_c)^{1/4}

    It is made for cosines: use it with ``Arch.classifier: normalized``, which
    then multiplies by ``s`` itself. Built alone, the loss multiplies.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        max_m (float): margin of the rarest class, > 0, in units of the cosine.
        s (float): scale of the logits, > 0.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``weighted_mean`` (the authors') or ``mean``.
        allow_empty_classes (bool): accept classes without images (weight 0 in
            computed class weights, margin ``max_m``).
        label_smoothing (float): see :class:`LongTailLoss`; every class counts
            with its own margin.
        allow_unnormalized (bool): accept, in an Engine, ``s`` > 1 on an
            ordinary classifier, where the logits are no cosines.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Cao et al., NeurIPS 2019, and the LDAM-DRW code. Deviation: none in
    value; the gradient is computed so that float32 keeps it exact where the
    true class leads far.
    """

    result_key = "LDAMLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        max_m: float = 0.5,
        s: float = 30.0,
        class_weight: WeightsLike = "none",
        reduction: str = "weighted_mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
        allow_unnormalized: bool = False,
    ) -> None:
        if num_class_list is None:
            checks.fail("LDAMLoss", "num_class_list", "a list of counts or the path of a label list", None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.max_m = checks.number("LDAMLoss", "max_m", max_m, above=0)
        self.s = checks.number("LDAMLoss", "s", s, above=0)
        self.allow_unnormalized = checks.flag("LDAMLoss", "allow_unnormalized", allow_unnormalized)
        smallest = self.counts[self.counts > 0].min()
        ratio = smallest / np.maximum(self.counts, smallest)
        self._store("margin", self.s * self.max_m * ratio**0.25)

    @property
    def cosine_scale(self) -> float:
        """``s``."""
        return self.s

    def per_image(self, batch: Batch) -> paddle.Tensor:
        """LDAM of each image, ``[N]``."""
        # Scaled logits are those of a normalised classifier: cosines times s.
        bound = self.s if self.takes_scaled_logits else None
        return ldam(batch.logits, batch.label, self._vector("margin", batch.logits.dtype), self.logit_scale, bound)

    def per_class(self, batch: Batch) -> paddle.Tensor:
        """LDAM of each image were each class the true one, ``[N, C]``."""
        return class_ldam(batch.logits, self._vector("margin", batch.logits.dtype), self.logit_scale)
