"""Softmax equalisation loss."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from ..data.counts import CountsLike
from ..data.weighting import WeightsLike
from ..maths import parallel, randomness
from ..maths.equalization import class_equalized, equalized
from .base import LongTailLoss
from .batch import Batch, Outputs

_logger = logging.getLogger("ppcls.lt")


@dataclass
class _MaskedBatch(Batch):
    left_out: paddle.Tensor | None = None  # ``[N, C]``


@register("loss")
class EqualizationLoss(LongTailLoss):
    r"""Cross entropy in which the images of other classes push a rare class down only now and then.

    .. math:: L = -\frac{1}{N} \sum_i w_{y_i} \log \frac{e^{z_{i y_i}}}{\sum_c \tilde w_{ic} e^{z_{ic}}}, \quad
        \tilde w_{ic} = 1 - \beta_{ic} [\pi_c < \lambda] [c \ne y_i], \quad \pi_c = n_c / \sum_j n_j

    ``beta`` is 1 with the probability ``gamma``, drawn for each image and class
    in each step: a function of the run's seed, the epoch, the step and the
    image's place in the batch of all processes. In evaluation nothing is left out.

    Args:
        num_class_list (list of int or str): training images per class ``n_c``.
        gamma (float): probability of leaving a rare class out, in [0, 1]; 0 gives plain cross entropy.
        lambda_ (float or None): a class whose share of the images is below is
            rare; written ``lambda`` in the YAML. None is ``0.5 / C``.
        class_weight (str, dict or list): ``none``, ``inverse``,
            ``effective_number``, ``cs_ce`` or a list.
        reduction (str): ``mean`` (the authors') or ``weighted_mean``.
        allow_empty_classes (bool): accept classes without images, which count
            as if they had one.
        label_smoothing (float): see :class:`LongTailLoss`; every class counts
            with its own softmax.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: Tan et al., "Equalization Loss for Long-Tailed Object Recognition",
    CVPR 2020, section 3.3, in the form of BagofTricks-LT, which takes the
    class's share of the images for the paper's image frequency. Deviations: the
    exponentials are taken from the largest logit down; the default of
    ``lambda`` goes with the number of classes and is that code's 0.05 for
    CIFAR-10 and 0.005 for CIFAR-100.
    """

    result_key = "EqualizationLoss"

    def __init__(
        self,
        *,
        num_class_list: CountsLike,
        gamma: float = 0.9,
        lambda_: float | None = None,
        class_weight: WeightsLike = "none",
        reduction: str = "mean",
        allow_empty_classes: bool = False,
        label_smoothing: float = 0.0,
        **reserved: Any,
    ) -> None:
        lambda_ = _lambda(lambda_, reserved)
        if num_class_list is None:
            checks.fail("EqualizationLoss", "num_class_list", "a list of counts or the path of a label list", None)
        super().__init__(
            num_class_list=num_class_list,
            class_weight=class_weight,
            reduction=reduction,
            allow_empty_classes=allow_empty_classes,
            label_smoothing=label_smoothing,
        )
        self.gamma = checks.number("EqualizationLoss", "gamma", gamma, minimum=0, maximum=1)
        images = np.maximum(self.counts, 1)
        if lambda_ is None:
            lambda_ = 0.5 / len(images)
        self.lambda_ = checks.number("EqualizationLoss", "lambda", lambda_, minimum=0)
        rare = images / images.sum() < self.lambda_
        # What the number of an image and class must lie below to leave the class out.
        self.threshold = np.where(rare, self.gamma, 0.0).astype(np.float32)
        self._store("threshold", self.threshold)
        self._key = np.zeros(2, np.uint64)
        self._step = 0
        self._interleaved = False
        self._said = bool(rare.any()) or self.gamma == 0

    @staticmethod
    def further_parameters() -> tuple[str, ...]:
        """Parameters that no name of Python's can hold: ``lambda`` is a keyword of the language."""
        return ("lambda",)

    def start_epoch(self, key: np.ndarray, *, interleaved: bool) -> None:
        self._key, self._step, self._interleaved = key, 0, interleaved

    def batch(self, x: Outputs, label: paddle.Tensor) -> _MaskedBatch:
        """The batch with what is left out, ``[N, C]``, or None where nothing is."""
        batch = super().batch(x, label)
        return _MaskedBatch(**vars(batch), left_out=self._left_out(batch.logits) if self.training else None)

    def places(self, images: int) -> range:
        """Where this process's images lie in the batch of all."""
        return parallel.places(images, interleaved=self._interleaved, synchronize=self.training)

    def uniforms(self, images: int) -> np.ndarray:
        """A number in [0, 1) for each image and class of the step at hand: ``[N, C]``."""
        return randomness.uniforms(self._key, self._step, self.places(images), len(self.threshold))

    def _left_out(self, logits):
        if not self._said:
            self._said = True
            _logger.warning(
                "EqualizationLoss: no class has a share of the images below `lambda` (%g), so that it is plain cross "
                "entropy",
                self.lambda_,
            )
        if not self.threshold.any():
            return None
        self._step += 1
        return (self._on_device if logits.place.is_gpu_place() else self._on_host)(logits)

    def _on_host(self, logits):
        return paddle.to_tensor((self.uniforms(logits.shape[0]) < self.threshold).astype(np.float32), logits.dtype)

    def _on_device(self, logits):
        """The same, which nothing waits for: sending what the host drew would, for all that is queued."""
        places = self.places(logits.shape[0])
        uniforms = randomness.device_uniforms(self._key, self._step, places, len(self.threshold))
        return (uniforms < self._vector("threshold", paddle.float32)).astype(logits.dtype)

    def per_image(self, batch: Any) -> paddle.Tensor:
        """Cross entropy without what is left out, ``[N]``."""
        if batch.left_out is None:
            return super().per_image(batch)
        return equalized(batch.logits, batch.label, batch.left_out)

    def per_class(self, batch: Any) -> paddle.Tensor:
        """The same were each class the true one, ``[N, C]``."""
        return super().per_class(batch) if batch.left_out is None else class_equalized(batch.logits, batch.left_out)


def _lambda(given, reserved):
    """The parameter that is called ``lambda_`` in Python and ``lambda`` in a configuration."""
    unknown = next((name for name in reserved if name != "lambda"), None)
    if unknown is not None:
        raise TypeError(f"EqualizationLoss got an unexpected keyword argument {unknown!r}")
    if not reserved:
        return given
    if given is not None:
        checks.fail("EqualizationLoss", "lambda", "given once, as `lambda` or as `lambda_`", reserved["lambda"])
    return reserved["lambda"]
