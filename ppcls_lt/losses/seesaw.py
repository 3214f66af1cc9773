"""Seesaw loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.parallel import join_
from ..maths.seesaw import Factors, seesaw, shared_seesaw
from .base import LongTailLoss
from .batch import Batch


@register("loss")
class SeesawLoss(LongTailLoss):
    r"""Cross entropy that pushes less against rare classes, and more against those that are mistaken for the true one.

    .. math:: L = \frac{1}{N} \sum_i -\log \frac{e^{z_{iy}}}{\sum_j M_{yj} C_{ij} e^{z_{ij}}}, \quad
        M_{yj} = \min\Big(1, \frac{n_j}{n_y}\Big)^p, \quad C_{ij} = \max\Big(1, \frac{s_{ij}}{\max(s_{iy}, eps)}\Big)^q

    with ``s`` the softmax of ``z``. Without ``num_class_list`` the images per class
    ``n`` are those met so far in training, the batch among them, in all processes
    together; a run that goes on has those of before. A class counts as 1 at least.
    No gradient flows through ``M`` and ``C``.

    Args:
        p (float): exponent of the mitigation factor ``M``, >= 0; 0 leaves it out.
        q (float): exponent of the compensation factor ``C``, >= 0; 0 leaves it out.
        eps (float): least probability of the true class in ``C``, in [0, 1); 0 is the paper's form.
        num_class_list (list of int, str or None): training images per class, in
            the place of those met so far.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images in ``num_class_list``
            (they count as 1, with weight 0 in computed class weights).
        label_smoothing (float): see :class:`LongTailLoss`; every class counts with
            its own factors, which takes C times as long.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Wang et al., "Seesaw Loss for Long-Tailed Instance Segmentation", CVPR
    2021, and the code of its authors' MMPretrain. Deviations: counts of all
    processes, theirs are those of each; soft labels are counted by their shares.
    """

    result_key = "SeesawLoss"

    def __init__(
        self,
        *,
        p: float = 0.8,
        q: float = 2.0,
        eps: float = 0.01,
        num_class_list: CountsLike | None = None,
        class_weight: WeightsLike = "none",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.p = checks.number("SeesawLoss", "p", p, minimum=0)
        self.q = checks.number("SeesawLoss", "q", q, minimum=0)
        self.eps = checks.number("SeesawLoss", "eps", eps, minimum=0, below=1)
        self._factors = Factors(self.p, self.q, self.eps)
        # float64 ``[C]``, exact up to 2^53; no buffer, which mixed precision would cast.
        self._met: paddle.Tensor | None = None
        if self.counts is not None:
            self._store("log_count", np.log(np.maximum(self.counts, 1)))

    @property
    def gathers_counts(self) -> bool:
        return self.counts is None and self.p > 0

    def run_state(self) -> dict[str, Any]:
        """The images per class met so far, float64 ``[C]``."""
        return {} if self._met is None else {"counts": self._met.numpy()}

    def load_run_state(self, state: dict[str, Any]) -> None:
        self._met = paddle.to_tensor(state["counts"], dtype="float64") if state else None

    def of_batch(self, batch: Batch) -> paddle.Tensor:
        """The mean over the batch, which is counted before."""
        if self.gathers_counts:
            self._count(batch)
        return super().of_batch(batch)

    def per_image(self, batch: Batch) -> paddle.Tensor:
        """The unweighted loss of each image, ``[N]``."""
        if self.is_cross_entropy(batch):
            return super().per_image(batch)
        return seesaw(batch.logits, batch.label, self._log_counts(batch.logits), self._factors)

    def of_shares(self, batch: Batch, share: paddle.Tensor) -> paddle.Tensor:
        """Loss of each image ``[N]`` whose classes have the shares ``[N, C]``."""
        if self.is_cross_entropy(batch):
            return super().of_shares(batch, share)
        share = self.smoothed_shares(share)
        return shared_seesaw(batch.logits, share, self._log_counts(batch.logits), self._factors)

    def is_cross_entropy(self, batch: Batch) -> bool:
        return self.p == 0 and self.q == 0

    def _count(self, batch):
        """Add the images of this batch, in training and in all processes, to those met so far."""
        classes = batch.logits.shape[1]
        if self._met is None:
            self._met = paddle.zeros([classes], "float64")
        if not self.training:
            return
        if batch.is_soft:
            counts = batch.label.detach().astype("float64").sum(axis=0)
        else:
            ones = paddle.ones([batch.logits.shape[0]], "float64")
            counts = paddle.scatter_nd_add(paddle.zeros([classes], "float64"), batch.label.unsqueeze(1), ones)
        self._met = self._met + join_(counts, synchronize=True)

    def _log_counts(self, logits):
        """Log of the images of each class, at least 0, ``[C]``."""
        if self.counts is not None:
            return self._vector("log_count", logits.dtype)
        if self._met is None:  # without the factor that asks for it
            return paddle.zeros([logits.shape[1]], logits.dtype)
        return paddle.log(self._met.clip(min=1.0)).astype(logits.dtype)
