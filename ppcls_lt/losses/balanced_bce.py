"""Balanced binary cross entropy."""

from __future__ import annotations

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.sigmoid import shared_sigmoid_loss, sigmoid_loss
from .base import LongTailLoss
from .batch import Batch


@register("loss")
class BalancedBCELoss(LongTailLoss):
    r"""Binary cross entropies of logits shifted by the log odds of the class frequencies, summed over classes.

    .. math:: L = \frac{1}{N} \sum_i \sum_c BCE\big(z_{ic} + \tau (\log \pi_c - \log (1 - \pi_c)), y_{ic}\big),
        \quad \pi_c = n_c / \sum_j n_j

    Args:
        num_class_list (list of int or str): training images per class ``n_c``, of two classes or more.
        tau (float): strength of the shift, >= 0; 0 gives the plain binary cross entropy.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images, which then
            count as if they had one, with weight 0 in computed class weights.
        label_smoothing (float): see :class:`LongTailLoss`; the authors' runs have 0.1.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Xu et al., "Learning Imbalanced Data with Vision Transformers" (LiVT),
    CVPR 2023, and its code. Deviations: ``tau`` acts, their ``--bal_tau`` is not
    read; ``label_smoothing`` acts on soft labels too, theirs on hard ones alone.
    """

    result_key = "BalancedBCELoss"

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
        if num_class_list is None:
            checks.fail("BalancedBCELoss", "num_class_list", "a list of counts or the path of a label list", None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.tau = checks.number("BalancedBCELoss", "tau", tau, minimum=0)
        if len(self.counts) < 2:
            got = checks.described(f"{len(self.counts)} class, whose odds are infinite")
            checks.fail("BalancedBCELoss", "num_class_list", "of two classes or more", got)
        images = np.maximum(self.counts, 1).astype(np.float64)
        self._store("shift", self.tau * np.log(images / (images.sum() - images)))

    def per_image(self, batch: Batch) -> paddle.Tensor:
        """The unweighted loss of each image, ``[N]``."""
        return sigmoid_loss(self._shifted(batch.logits), batch.label)

    def of_shares(self, batch: Batch, share: paddle.Tensor) -> paddle.Tensor:
        """Loss of each image ``[N]`` whose classes have the shares ``[N, C]``."""
        share = self.smoothed_shares(share)
        return shared_sigmoid_loss(self._shifted(batch.logits), share, share.sum(axis=1, keepdim=True) - share)

    def _shifted(self, logits):
        return logits + self._vector("shift", logits.dtype)
