"""Counts of the predictions of an evaluation pass, kept on the device."""

from typing import NamedTuple

import numpy as np
import paddle
import paddle.nn.functional as F

from ..basis.checks import ConfigError


class ClassCounts(NamedTuple):
    """Images per class, int64 arrays ``[C]``."""

    support: np.ndarray  # of the class
    predicted: np.ndarray  # predicted as the class
    right: np.ndarray  # both


class ConfidenceBins(NamedTuple):
    """Images per bin of confidence, float64 arrays ``[M]``."""

    images: np.ndarray
    confidence: np.ndarray  # its sum
    right: np.ndarray  # images predicted right


class PredictionCounts:
    """What a pass over the evaluation set leaves of its predictions.

    Three integers a class and, if ``bins`` is not 0, three numbers a bin of
    confidence; nothing grows with the images. A batch is added without waiting
    for the device. The sums are exact integers; the confidence is float64.

    Memory: 24 bytes a class and 24 bytes a bin. With bins, also a float64 copy
    of the logits of one batch.

    Args:
        bins (int): number M of bins of equal width over (0, 1], or 0.
    """

    def __init__(self, bins=0):
        self.bins = bins
        self.reset()

    def reset(self):
        """Forget every image."""
        self._table = self._bins = None
        self._table_read = self._bins_read = None

    @paddle.no_grad()
    def add(self, logits, label):
        """Add a batch: logits ``[N, C]`` and classes ``[N]``, int64."""
        classes = logits.shape[1]
        # One more place per row takes what belongs to no class: a wrong guess, a label out of range, and
        # what is predicted where a logit is not finite, which its sum tells.
        nowhere = paddle.full_like(label, classes)
        guess = paddle.where(paddle.isfinite(logits.sum(axis=1)), logits.argmax(axis=1), nowhere)
        hit = guess == label
        place = paddle.where((label >= 0) & (label < classes), label, nowhere)
        row = classes + 1
        places = paddle.concat([place, row + guess, 2 * row + paddle.where(hit, place, nowhere)])
        if self._table is None:
            self._table = paddle.zeros([3 * row], dtype="int64")
        self._table = paddle.index_add(self._table, places, 0, paddle.ones_like(places))
        if self.bins:
            self._add_confidence(logits, hit.astype("float64"))
        self._table_read = self._bins_read = None

    def _add_confidence(self, logits, hit):
        confidence = F.softmax(logits.astype("float64"), axis=1).max(axis=1)
        # Bin m holds ((m - 1) / M, m / M]. Clipped as integer, where a NaN has become one too.
        place = (paddle.ceil(confidence * self.bins).astype("int64") - 1).clip(0, self.bins - 1)
        if self._bins is None:
            self._bins = paddle.zeros([self.bins, 3], dtype="float64")
        sums = paddle.stack([paddle.ones_like(hit), confidence, hit], axis=1)
        self._bins = paddle.index_add(self._bins, place, 0, sums)

    @property
    def begun(self):
        """Whether a batch was added since :meth:`reset`."""
        return self._table is not None

    def classes(self):
        """Return the ``ClassCounts`` so far; None before the first batch, and where a logit was not finite.

        Raises:
            ConfigError: a label was out of range.
        """
        if not self.begun:
            return None
        if self._table_read is None:
            self._table_read = self._table.numpy().reshape(3, -1)
        table = self._table_read
        if table[0, -1]:
            raise ConfigError(
                f"Metric.Eval: labels must lie in [0, {table.shape[1] - 1}), the number of logits, got "
                f"{table[0, -1]} images with others"
            )
        return None if table[1, -1] else ClassCounts(*table[:, :-1])

    def confidence(self):
        """Return the ``ConfidenceBins`` so far, or None as :meth:`classes` does; raises as it does."""
        if self.classes() is None:
            return None
        if self._bins_read is None:
            self._bins_read = ConfidenceBins(*self._bins.numpy().T)
        return self._bins_read
