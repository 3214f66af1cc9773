"""What a pass over the evaluation set leaves of its predictions, kept on the device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import paddle

from ..basis.checks import ConfigError
from .batch import Batch
from .needs import ClassCounts, Counts, TopK


class PredictionCounts:
    """What metrics need of the predictions of a pass over the evaluation set, each need once.

    The images of each class are always counted: they tell whether all is
    defined. Nothing grows with the images, and a batch is added without waiting
    for the device. The sums are exact integers; the confidence is float64.

    Args:
        needs (iterable): of ``needs``, such as ``Confidences(bins=15)``; equal ones are one.
    """

    def __init__(self, needs: Iterable = ()) -> None:
        # The largest k first, whose classes hold those of every smaller one.
        rank = {need: -need.k if isinstance(need, TopK) else 0 for need in (Counts(), *needs)}
        self._needs = sorted(rank, key=rank.get)  # type: ignore[arg-type]  # every need has a rank
        self.reset()

    def reset(self) -> None:
        """Forget every image."""
        self._sums: dict[Any, paddle.Tensor] = {}
        self._read: dict[Any, np.ndarray] = {}

    @paddle.no_grad()
    def add(self, batch: Batch) -> None:
        """Add a ``Batch``."""
        for need in self._needs:
            sums = self._sums.get(need)
            self._sums[need] = need.add(need.start(batch.class_num) if sums is None else sums, batch)
        self._read = {}

    @property
    def begun(self) -> bool:
        """Whether a batch was added since :meth:`reset`."""
        return bool(self._sums)

    def of(self, need: Any) -> Any:
        """Return what a need comes to so far; None before the first batch, and where a logit was not finite.

        Args:
            need: one of those that this was made for.

        Raises:
            ConfigError: a label was out of range.
        """
        if need not in self._needs:
            raise KeyError(f"{need}, which no metric of the list declares in its `needs`")
        if not self.begun:
            return None
        # The last place of each row: labels out of range, and predictions that are none.
        table = self._array(Counts()).reshape(3, -1)
        if table[0, -1]:
            raise ConfigError(
                f"Metric.Eval: labels must lie in [0, {table.shape[1] - 1}), the number of logits, got "
                f"{table[0, -1]} images with others"
            )
        return None if table[1, -1] else need.read(self._array(need))

    def classes(self) -> ClassCounts | None:
        """Return the ``ClassCounts`` so far, as :meth:`of` does."""
        return self.of(Counts())

    def _array(self, need):
        if need not in self._read:
            self._read[need] = self._sums[need].numpy()
        return self._read[need]
