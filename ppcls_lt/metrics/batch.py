"""One batch of an evaluation, and what becomes of its logits, computed once for all who ask."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import paddle
import paddle.nn.functional as F

_WIDE = (paddle.float32, paddle.float64)


class Batch:
    """Logits with their classes; each reduction is computed when it is first asked for, and kept.

    Nothing here waits for the device. The memory of the reductions is that of a batch.

    Args:
        logits (Tensor): ``[N, C]``.
        label (Tensor): ``[N]`` or ``[N, 1]``, integers.
    """

    @paddle.no_grad()
    def __init__(self, logits: paddle.Tensor, label: paddle.Tensor) -> None:
        # The CPU finds no maximum of float16.
        self.logits = logits if logits.dtype in _WIDE else logits.astype("float32")
        self.label = label.reshape([-1]).astype("int64")
        self.class_num = logits.shape[1]
        self._confidence: dict[Any, paddle.Tensor] = {}
        self._top: Any = None

    @classmethod
    def of(cls, x: paddle.Tensor | dict, label: paddle.Tensor) -> Batch | None:
        """Return the batch of what the host gives its metrics, or None where that is no classification.

        Args:
            x (Tensor or dict): logits ``[N, C]``, or a dict with them.
            label (Tensor): classes ``[N]`` or ``[N, 1]``.
        """
        logits = logits_of(x)
        if not isinstance(logits, paddle.Tensor) or logits.ndim != 2:
            return None
        return cls(logits, label) if label.shape in ([len(logits)], [len(logits), 1]) else None

    @cached_property
    def sums(self) -> paddle.Tensor:
        """The sum of each image's logits ``[N]``: finite if they all are."""
        return self.logits.sum(axis=1)

    @cached_property
    def finite(self) -> paddle.Tensor:
        """Whether the logits of each image are finite, bool ``[N]``."""
        return paddle.isfinite(self.sums)

    @cached_property
    def highest(self) -> paddle.Tensor:
        """The class of each image's highest logit, int64 ``[N]``."""
        return self.logits.argmax(axis=1)

    # One more place behind the classes takes what belongs to none.

    @cached_property
    def nowhere(self) -> paddle.Tensor:
        """That place, for each image, int64 ``[N]``."""
        return paddle.full_like(self.label, self.class_num)

    @cached_property
    def place(self) -> paddle.Tensor:
        """The class of each image, int64 ``[N]``; nowhere if it is out of range."""
        return paddle.where((self.label >= 0) & (self.label < self.class_num), self.label, self.nowhere)

    @cached_property
    def guess(self) -> paddle.Tensor:
        """The class that is predicted, int64 ``[N]``; nowhere if a logit is not finite."""
        return paddle.where(self.finite, self.highest, self.nowhere)

    @cached_property
    def right(self) -> paddle.Tensor:
        """Whether each image is predicted right, bool ``[N]``."""
        return self.guess == self.label

    def confidence(self, dtype: Any = None) -> paddle.Tensor:
        """Return the highest softmax probability of each image ``[N]``, in ``dtype`` or in that of the logits."""
        dtype = self.logits.dtype if dtype is None else dtype
        if dtype not in self._confidence:
            self._confidence[dtype] = F.softmax(self.logits.astype(dtype), axis=1).max(axis=1)
        return self._confidence[dtype]

    def top(self, k: int) -> paddle.Tensor:
        """Return the classes of the ``k`` highest logits, or of all C, the highest first, int64 ``[N, k]``."""
        k = min(k, self.class_num)
        if self._top is None or self._top.shape[1] < k:
            self._top = self.logits.topk(k, axis=1)[1]
        return self._top[:, :k]


class Batches:
    """Gives all who see the same call of the host's metrics the same :class:`Batch`."""

    _batch: Batch | None
    _seen: tuple | None

    def __init__(self) -> None:
        self.forget()

    def __call__(self, x: paddle.Tensor | dict, label: paddle.Tensor) -> Batch | None:
        """Return ``Batch.of(x, label)``, made anew only for other objects than the last."""
        if self._seen is None or self._seen[0] is not x or self._seen[1] is not label:
            self._batch, self._seen = Batch.of(x, label), (x, label)
        return self._batch

    def forget(self) -> None:
        """Keep no batch in memory."""
        self._seen = self._batch = None


def logits_of(x: paddle.Tensor | dict) -> Any:
    """Return the logits of what the host gives its metrics: itself, or an entry of it; None without one."""
    return x.get("logits") if isinstance(x, dict) else x
