"""What all metrics share: what one evaluation pass leaves of its predictions, and the host's interface."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Callable

import numpy as np
import paddle

from ..basis import checks
from .accumulator import PredictionCounts
from .batch import Batch, logits_of
from .needs import Counts


class LongTailMetric:
    """Base of the metrics. A metric declares what it needs and reads that from ``predictions``, which a list shares.

    The host calls ``reset()``, then the metric itself once per batch, then reads
    ``avg`` and ``avg_info``.

    Attributes:
        keys (tuple of str): the names that ``values()`` gives.
        smaller_is_better (bool): of two models the one with the lower value is better.
        needs (tuple): what it reads, of ``needs``: ``Counts()``, ``Confidences(bins=15)``, ``TopK(5)``; one that
            depends on an argument is set before ``super().__init__()``.
        predictions (PredictionCounts): of the images since ``reset()``; ``predictions.of(need)`` reads it.
    """

    keys: tuple[str, ...] = ()
    smaller_is_better = False
    needs: tuple = (Counts(),)
    # Takes rows of labels, each 0 or 1, instead of one class an image.
    several_labels = False

    def __init__(self) -> None:
        self.predictions = PredictionCounts(self.needs)
        self._feeds = True
        self._batches = Batch.of

    def join(self, predictions: PredictionCounts, batches: Callable[..., Batch | None], feeds: bool) -> None:
        """Read what a list of metrics collects, from now on; see :func:`share`."""
        self.predictions, self._batches, self._feeds = predictions, batches, feeds

    def reset(self) -> None:
        """Forget every image seen."""
        if self._feeds:
            self.predictions.reset()

    def __call__(self, x: paddle.Tensor | dict, label: paddle.Tensor) -> dict:
        """Add a batch: logits ``[N, C]`` (or a dict with them), classes ``[N]`` or ``[N, 1]``."""
        if self._feeds:
            batch = self._batches(x, label)
            if batch is None:
                self._refuse(x, label)
            self.predictions.add(batch)
        return {}

    def values(self) -> dict[str, float]:
        """Return the values over all images since ``reset()``: dict from ``keys`` to float.

        NaN is what is undefined: without images, and where an output was not finite.
        """
        raise NotImplementedError

    def impossible(self, images: np.ndarray | None) -> list[str]:
        """Return those of ``keys`` that can have no value.

        Args:
            images (array): evaluation images per class ``[C]``, or None if unknown.
        """
        return []

    def score(self, key: str) -> float:
        """Return the value of ``key`` such that more is better: negative where less is."""
        value = self.values()[key]
        return -value if self.smaller_is_better else value

    @property
    def avg(self) -> float:
        """Score of the first key, by which the host chooses if this metric comes first; 0 without images."""
        return self.score(self.keys[0]) if self.predictions.begun else 0.0

    @property
    def avg_info(self) -> str:
        """The values as the host logs them, but for those that are undefined (so far)."""
        known = [f"{name}: {value:.5f}" for name, value in self.values().items() if not math.isnan(value)]
        return ", ".join(known) or f"{self.keys[0]}: undefined"

    def _refuse(self, x, label):
        logits = logits_of(x)
        if not isinstance(logits, paddle.Tensor) or logits.ndim != 2:
            got = f"shape {logits.shape}" if isinstance(logits, paddle.Tensor) else type(x).__name__
            checks.fail(type(self).__name__, "x", "logits [N, C], or a dict with them", checks.described(got))
        got = checks.described(f"shape {label.shape} for {len(logits)} images")
        checks.fail(type(self).__name__, "label", "one class for each image", got)


class OneNumber(LongTailMetric):
    """A metric whose one value, under its own name, is a function of the counts per class."""

    def __init_subclass__(cls) -> None:
        cls.keys = (cls.__name__,)

    def values(self) -> dict[str, float]:
        """Return the one value by the metric's name, NaN without images."""
        seen = self.predictions.classes()
        return {self.keys[0]: float("nan") if seen is None else self.from_counts(*seen)}

    @staticmethod
    def from_counts(support: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> float:
        """The value of integer arrays ``[C]``: images of each class, predicted as it, both."""
        raise NotImplementedError


def share(metrics: Iterable[LongTailMetric], batches: Callable[..., Batch | None] = Batch.of) -> None:
    """Let metrics that see the same batches need each thing once: the first feeds, the others read.

    Args:
        metrics (iterable of LongTailMetric): before their first batch.
        batches (callable): logits and classes as the host gives them -> ``Batch`` or None; of an evaluation that
            reads the batches as well, its ``Batches``.
    """
    metrics = list(metrics)
    predictions = PredictionCounts(dict.fromkeys(need for metric in metrics for need in metric.needs))
    for number, metric in enumerate(metrics):
        metric.join(predictions, batches, feeds=number == 0)
