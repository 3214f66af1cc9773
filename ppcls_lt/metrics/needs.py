"""What a metric can need of a pass over the evaluation set; equal needs of several are computed once.

A need is a value: two are equal if their parameters are. Its ``start`` gives
what is zero before the first batch, and ``add`` what it is after one more; both
stay on the device. ``read`` gives the arrays of what a metric then sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import paddle

from .batch import Batch


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


@dataclass(frozen=True)
class Counts:
    """Images of each class, predicted as it, and both: ``ClassCounts``. 24 bytes a class."""

    def start(self, class_num: int) -> paddle.Tensor:
        return paddle.zeros([3 * (class_num + 1)], dtype="int64")

    def add(self, table: paddle.Tensor, batch: Batch) -> paddle.Tensor:
        row = batch.class_num + 1
        right = paddle.where(batch.right, batch.place, batch.nowhere)
        places = paddle.concat([batch.place, row + batch.guess, 2 * row + right])
        return paddle.index_add(table, places, 0, paddle.ones_like(places))

    def read(self, table: np.ndarray) -> ClassCounts:
        return ClassCounts(*table.reshape(3, -1)[:, :-1])


@dataclass(frozen=True)
class Confidences:
    """Images, confidence and right predictions over ``bins`` of confidence: ``ConfidenceBins``. 24 bytes a bin.

    Bin ``m`` of ``M`` holds the images whose highest softmax probability, in float64, is in ``((m - 1) / M, m / M]``.
    """

    bins: int

    def start(self, class_num: int) -> paddle.Tensor:
        return paddle.zeros([self.bins, 3], dtype="float64")

    def add(self, sums: paddle.Tensor, batch: Batch) -> paddle.Tensor:
        confidence = batch.confidence(paddle.float64)
        # Clipped as integer, where a NaN has become one too.
        place = (paddle.ceil(confidence * self.bins).astype("int64") - 1).clip(0, self.bins - 1)
        more = paddle.stack([paddle.ones_like(confidence), confidence, batch.right.astype("float64")], axis=1)
        return paddle.index_add(sums, place, 0, more)

    def read(self, sums: np.ndarray) -> ConfidenceBins:
        return ConfidenceBins(*sums.T)


@dataclass(frozen=True)
class TopK:
    """Images of each class whose class is among the ``k`` with the highest logits, int64 ``[C]``. 8 bytes a class."""

    k: int

    def start(self, class_num: int) -> paddle.Tensor:
        return paddle.zeros([class_num + 1], dtype="int64")

    def add(self, hits: paddle.Tensor, batch: Batch) -> paddle.Tensor:
        among = (batch.top(self.k) == batch.label.unsqueeze(1)).any(axis=1)
        place = paddle.where(among, batch.place, batch.nowhere)
        return paddle.index_add(hits, place, 0, paddle.ones_like(place))

    def read(self, hits: np.ndarray) -> np.ndarray:
        return hits[:-1]
