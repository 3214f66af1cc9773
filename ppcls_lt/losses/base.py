"""What every long-tail loss shares: labels, class weights, divisor, precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ..basis import checks
from ..data import label_rows
from ..data.counts import CountsLike, as_counts
from ..data.weighting import WeightsLike, class_weights
from ..maths import rows
from ..maths.functional import class_cross_entropies, cross_entropy, full_precision, smoothed_cross_entropy
from ..maths.parallel import global_mean
from .batch import Batch, Outputs, features_of, logits_of

REDUCTIONS = ("mean", "weighted_mean")
_INTEGERS = (paddle.int64, paddle.int32)


class LongTailLoss(nn.Layer):
    """Base of the losses: a subclass states its formula, this does the rest.

    A loss is called as PaddleClas does: ``loss(x, label)`` with ``x`` the logits
    ``[N, C]`` or a dict with ``logits``, and ``label`` integer classes ``[N]`` or
    ``[N, 1]`` or soft labels ``[N, C]`` of a floating type, whose rows sum to 1: those
    of the first call are looked at. It returns a dict with one scalar. Everything is
    computed in float32 (float64 for float64 logits), also inside mixed precision, and
    nothing is added to checkpoints.
    Labels are taken to lie in ``[0, C)``: the Engine's data are checked before
    training, since looking at every batch would hold up the device.

    A subclass sets ``result_key`` and overrides ``from_cross_entropy``, or
    ``per_image`` and ``per_class`` (or ``of_shares``) where it is no function of the cross
    entropy. Each is given the :class:`~ppcls_lt.losses.batch.Batch`. One that is made for cosines overrides
    ``cosine_scale`` and multiplies the logits by ``logit_scale``.

    Args:
        num_class_list (list of int, str or None): training images per class, or
            the path of a label list. ``auto`` is resolved by the Engine.
        class_weight (str, dict, list or None): see
            :func:`ppcls_lt.data.weighting.class_weights`.
        reduction (str): ``mean`` divides by the number of images,
            ``weighted_mean`` by the sum of their class weights.
        allow_empty_classes (bool): accept classes without images (weight 0).
        label_smoothing (float): the share ``e`` of a label, in [0, 1), that is
            spread over all classes: the loss of an image is ``(1 - e) l(z, y) +
            e / C sum_c l(z, c)``, all of it with the weight of its own class.

    Raises:
        ConfigError: an argument is not what it must be.
    """

    result_key: str = None  # type: ignore[assignment]  # a subclass sets it
    # Wants `batch.features`, which an Engine catches at the final classifier.
    uses_features = False
    # Takes rows of labels, each 0 or 1, instead of one class an image.
    several_labels = False
    # Takes a `cosine_scale` above 1 also on an ordinary classifier, whose logits are no cosines.
    allow_unnormalized = False
    feature_source: Any = None

    def __init__(
        self,
        *,
        num_class_list: CountsLike | None,
        class_weight: WeightsLike,
        reduction: str,
        allow_empty_classes: bool,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        self.label_smoothing = checks.number(owner, "label_smoothing", label_smoothing, minimum=0, below=1)
        self.reduction = checks.choice(owner, "reduction", reduction, REDUCTIONS)
        checks.flag(owner, "allow_empty_classes", allow_empty_classes)
        self.counts: Any = None
        if num_class_list is not None:
            self.counts = as_counts(num_class_list, owner=owner, allow_empty=allow_empty_classes)
        self._classes = None if self.counts is None else len(self.counts)
        self._exact: dict[str, np.ndarray | None] = {}
        self.takes_scaled_logits = False
        # An Engine has seen labels of its data and turns this off: to look at them holds up the device.
        self.checks_labels = True
        self.set_class_weight(class_weights(class_weight, self.counts, owner=owner))

    @property
    def cosine_scale(self) -> float | None:
        """The factor ``s`` on cosines, a float, of a loss that is made for them; None of every other.

        ``Arch.classifier: normalized`` takes its scale from here.
        """
        return None

    def take_scaled_logits(self) -> None:
        """From now on the logits come multiplied by ``cosine_scale``, as from a normalised classifier."""
        self.takes_scaled_logits = True

    @property
    def logit_scale(self) -> float:
        """What a formula multiplies the logits by: ``cosine_scale``, or 1 where that is done or there is none."""
        return 1.0 if self.takes_scaled_logits or self.cosine_scale is None else self.cosine_scale

    @property
    def class_weight(self) -> np.ndarray | None:
        """The class weights in use: float array ``[C]``, or None."""
        return self._exact["class_weight"]

    def set_class_weight(self, weights: np.ndarray | None) -> None:
        """Use these class weights from now on: float array ``[C]``, or None for none."""
        self._store("class_weight", weights)

    def _store(self, name, values):
        """Keep a vector ``[C]`` as a float32 buffer that no checkpoint holds."""
        self._exact[name] = values
        if values is not None:
            self._classes = len(values)
        buffer = None if values is None else paddle.to_tensor(values, dtype="float32")
        self.register_buffer(f"_{name}", buffer, persistable=False)

    def _vector(self, name, dtype):
        """Return a stored vector ``[C]`` as a tensor of ``dtype``, or None."""
        if self._exact[name] is None:
            return None
        buffer = self._buffers[f"_{name}"]
        # Mixed precision (O2) may have cast the buffer with the other layers.
        return buffer if buffer.dtype == dtype else paddle.to_tensor(self._exact[name], dtype=dtype)

    @property
    def gathers_counts(self) -> bool:
        """Whether it counts the images that it meets in training, which an evaluation loss would lack."""
        return False

    @property
    def stands_alone(self) -> bool:
        """Whether it can be the only loss of a training."""
        return True

    def run_state(self) -> dict[str, Any]:
        """What a resumed run needs of this loss: a dict of numbers, strings and NumPy arrays.

        It lies beside a checkpoint, as that of the callbacks, and not in it: what is in
        ``state_dict`` PaddleClas would write into the model's weights (develop).
        """
        return {}

    def load_run_state(self, state: dict[str, Any]) -> None:
        """Take back what ``run_state`` gave."""

    def start_epoch(self, key: np.ndarray, *, interleaved: bool) -> None:
        """An epoch of a run begins. What draws at random does so by what is given here, so that nothing need be stored.

        Args:
            key (array): ``[2]``, uint64, for :func:`ppcls_lt.maths.randomness.uniforms`; of this epoch of this run,
                the same in every process.
            interleaved (bool): how the images of a step lie in the processes, for
                :func:`ppcls_lt.maths.parallel.places`.
        """

    def forward(self, x: Outputs, label: paddle.Tensor) -> dict[str, paddle.Tensor]:
        """Return ``{result_key: loss}`` for logits ``[N, C]`` and labels."""
        with full_precision():
            return {self.result_key: self.of_batch(self.batch(x, label))}

    def of_batch(self, batch: Batch) -> paddle.Tensor:
        """The loss of all its images, a scalar: their mean by ``reduction``. What is more than that overrides it."""
        losses, weights, divisor = self._soft(batch) if batch.is_soft else self._hard(batch)
        return global_mean(losses, weights, divisor, synchronize=self.training)

    def batch(self, x: Outputs, label: paddle.Tensor) -> Batch:
        """Return the :class:`Batch` of what PaddleClas hands over; a subclass may add to it."""
        owner = type(self).__name__
        logits = logits_of(x, owner, self._classes)
        outputs = {key: value for key, value in x.items() if key != "logits"} if isinstance(x, dict) else {}
        features = None
        if self.uses_features and self.training:
            features = features_of(x, owner, logits.shape[0], self.feature_source)
        return Batch(logits, self._label(label, logits), features, outputs)

    def from_cross_entropy(self, ce: paddle.Tensor, batch: Batch) -> paddle.Tensor:
        """Unweighted loss of each entry of ``ce``: ``[N]``, or ``[N, C]`` for soft labels."""
        return ce

    def is_cross_entropy(self, batch: Batch) -> bool:
        """Whether this loss, its weights aside, is the cross entropy, whose smoothing takes no ``[N, C]`` losses."""
        return not any(map(self._overrides, ("from_cross_entropy", "per_image", "per_class", "of_shares")))

    def per_image(self, batch: Batch) -> paddle.Tensor:
        """Unweighted loss of each image ``[N]``, whose classes are ``batch.label`` ``[N]``."""
        return self.from_cross_entropy(cross_entropy(batch.logits, batch.label), batch)

    def per_class(self, batch: Batch) -> paddle.Tensor:
        """Unweighted loss of each image were each class the true one: ``[N, C]``."""
        return self.from_cross_entropy(class_cross_entropies(batch.logits), batch)

    def of_shares(self, batch: Batch, share: paddle.Tensor) -> paddle.Tensor:
        """Loss of each image ``[N]``, its classes having the shares ``[N, C]``: ``sum_c share_c l(z, c)``, smoothed.

        A loss that knows a shorter way than by ``per_class`` overrides it, and begins with ``smoothed_shares``.
        """
        losses = self.per_class(batch)
        summed = (share * losses).sum(axis=1)
        if self.label_smoothing:
            # As if the parts of a mixed label were images of their own.
            spread = share.sum(axis=1) * rows.means(losses, self.label_smoothing)
            summed = (1.0 - self.label_smoothing) * summed + spread
        return summed

    def smoothed_shares(self, share: paddle.Tensor) -> paddle.Tensor:
        """Shares ``[N, C]`` with ``label_smoothing``, each row of the sum that it had."""
        if not self.label_smoothing:
            return share
        spread = rows.means(share, self.label_smoothing).unsqueeze(1)
        return (1.0 - self.label_smoothing) * share + spread

    def _overrides(self, name):
        """Whether a subclass has its own method of this name."""
        return getattr(type(self), name) is not getattr(LongTailLoss, name)

    def _label(self, label, logits):
        """Classes ``[N]``, int64, or soft labels ``[N, C]`` of the logits' type."""
        images = logits.shape[0]
        if label.dtype not in _INTEGERS:
            if label.shape != logits.shape:
                self._bad_label(logits, label)
            share = label.astype(logits.dtype)
            if self.checks_labels and paddle.in_dynamic_mode():
                label_rows.check_sums(type(self).__name__, share.sum(axis=1).numpy())
                self.checks_labels = False
            return share
        if label.shape != [images]:
            if label.shape != [images, 1]:
                self._bad_label(logits, label)
            label = label.squeeze(1)
        return label if label.dtype == paddle.int64 else label.astype("int64")

    def _hard(self, batch):
        """Losses ``[N]``, their weights ``[N]`` or None, and the divisor, for integer labels."""
        losses = (self._smoothed if self.label_smoothing else self.per_image)(batch)
        images = batch.logits.shape[0]
        weights = self._vector("class_weight", batch.logits.dtype)
        if weights is None:
            return losses, None, images
        weights = paddle.gather(weights, batch.label)
        return losses, weights, self._divisor(weights, images)

    def _soft(self, batch):
        """Weighted losses ``[N]``, None, and the divisor, for soft labels ``[N, C]``."""
        share, images = batch.label, batch.logits.shape[0]
        weights = self._vector("class_weight", batch.logits.dtype)
        if weights is not None:
            share = share * weights
        return self.of_shares(batch, share), None, images if weights is None else self._divisor(share, images)

    def _smoothed(self, batch):
        """Unweighted loss ``[N]`` of each image with ``label_smoothing``."""
        if self.is_cross_entropy(batch):
            return smoothed_cross_entropy(batch.logits, batch.label, self.label_smoothing)
        if self._overrides("of_shares"):
            return self.of_shares(batch, F.one_hot(batch.label, batch.logits.shape[1]).astype(batch.logits.dtype))
        own = self.per_image(batch)
        return (1.0 - self.label_smoothing) * own + rows.means(self.per_class(batch), self.label_smoothing)

    def _divisor(self, weights, images):
        """The sum of the weights for a weighted mean, else the number of images."""
        return weights.sum() if self.reduction == "weighted_mean" else images

    def _bad_label(self, logits, label):
        images, classes = logits.shape
        checks.fail(
            type(self).__name__,
            "label",
            f"integer [{images}] or [{images}, 1], or floating [{images}, {classes}] (soft labels)",
            checks.described(f"{label.dtype} {label.shape}"),
        )
