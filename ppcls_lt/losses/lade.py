"""LADE loss."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.nn.functional as F

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths.adjusted import adjusted
from ..maths.functional import class_cross_entropies, cross_entropy
from ..maths.lade import lade
from .base import LongTailLoss
from .batch import Batch

FORMS = ("code", "poster")


@register("loss")
class LADELoss(LongTailLoss):
    r"""A regulariser that keeps each class's logits free of the class frequencies, alone or beside its cross entropy.

    .. math:: R = -\sum_c \pi_c \Big[ \frac{1}{N_c} \sum_{i: y_i = c} z_{ic} - L_c - \lambda L_c^2 \Big], \quad
        L_c = \log \frac{1}{N} \sum_i \frac{e^{z_{ic}}}{C \pi_c}

    over the N images of a batch, N_c of them of class c. With ``alpha`` the loss is
    the whole of LADE, ``CE(z + log pi) + alpha R``. Without it the loss is ``R``,
    which is to stand beside another in the list.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``; ``pi_c = n_c / sum n``.
        remine_lambda (float): the factor of ``L_c^2``, >= 0.
        alpha (float or None): the factor of ``R`` beside the cross entropy, > 0; None for ``R`` alone.
        form (str): ``code``, or ``poster``, the formula of the authors' poster:
            ``L_c = log mean_i (exp(z_ic) / (C pi_{y_i}))``, and the sum over the classes of the batch.
        class_weight (str, dict or list): of the cross entropy, so with ``alpha`` alone:
            ``none``, ``inverse``, ``effective_number``, ``cs_ce`` or a list.
        reduction (str): of the cross entropy, ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images, which then count as if they had one.
        label_smoothing (float): of the cross entropy, so with ``alpha`` alone; see :class:`LongTailLoss`.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Hong et al., "Disentangling Label Distribution for Long-tailed Visual
    Recognition", CVPR 2021, and its code. Deviations: their code adds 1e-9 to
    ``pi``, which moves values by 1e-7. The batch is that of all processes. With soft
    labels the mean over a class's images is weighted by their shares.
    """

    result_key = "LADELoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        remine_lambda: float = 0.1,
        alpha: float | None = None,
        form: str = "code",
        class_weight: WeightsLike = "none",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        if num_class_list is None:
            checks.fail("LADELoss", "num_class_list", "a list of counts or the path of a label list", None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.remine_lambda = checks.number("LADELoss", "remine_lambda", remine_lambda, minimum=0)
        self.alpha = None if alpha is None else checks.number("LADELoss", "alpha", alpha, above=0)
        self.form = checks.choice("LADELoss", "form", form, FORMS)
        if alpha is None:
            expected = "left out without `alpha`, the regulariser having no cross entropy"
            if self.class_weight is not None:
                checks.fail("LADELoss", "class_weight", expected, class_weight)
            if label_smoothing:
                checks.fail("LADELoss", "label_smoothing", expected, label_smoothing)
        images = np.maximum(self.counts, 1).astype(np.float64)
        prior = images / images.sum()
        self._store("prior", prior)
        self._store("log_prior", np.log(prior))
        # The uniform prior's part of each class, to which the regulariser carries the images over.
        self._store("balance", 1.0 / (len(prior) * prior))

    @property
    def stands_alone(self) -> bool:
        return self.alpha is not None

    def of_batch(self, batch: Batch) -> paddle.Tensor:
        """The regulariser, with ``alpha`` beside the mean cross entropy."""
        regulariser = self._regulariser(batch)
        return regulariser if self.alpha is None else super().of_batch(batch) + self.alpha * regulariser

    def per_image(self, batch: Batch) -> paddle.Tensor:
        """The cross entropy of each image's adjusted logits, ``[N]``."""
        return cross_entropy(self._adjusted(batch.logits), batch.label)

    def per_class(self, batch: Batch) -> paddle.Tensor:
        """The same were each class the true one, ``[N, C]``, for soft labels."""
        return class_cross_entropies(self._adjusted(batch.logits))

    def _adjusted(self, logits):
        return adjusted(logits, self._vector("log_prior", logits.dtype))

    def _regulariser(self, batch):
        logits = batch.logits
        share = batch.label if batch.is_soft else F.one_hot(batch.label, logits.shape[1]).astype(logits.dtype)
        prior, balance = self._vector("prior", logits.dtype), self._vector("balance", logits.dtype)
        poster = self.form == "poster"
        # Of each image by its label, or of each class.
        shift = paddle.log(paddle.mv(share, balance)).unsqueeze(1) if poster else paddle.log(balance)
        return lade(logits, share, shift, prior, self.remine_lambda, present_only=poster, synchronize=self.training)
