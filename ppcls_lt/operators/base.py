"""What an operator on batches of this package is: it may know the data and the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..basis import checks


class BatchOperator:
    """Base of what may stand under ``batch_transform_ops``; it is called in the loader with a list of samples.

    Random draws come from NumPy's global generator, as those of PaddleClas's operators do: a run seeds it for each
    epoch and process, and Paddle from it that of each worker.

    Args:
        class_num (int): the classes; PaddleClas gives them where a parameter has this name.
    """

    def __init__(self, class_num: int) -> None:
        self.class_num = checks.integer(type(self).__name__, "class_num", class_num, minimum=1)

    def join_data(self, dataset: Any, labels: np.ndarray, counts: np.ndarray, epochs: int) -> None:
        """Take the training data, before any batch.

        Args:
            dataset (paddle.io.Dataset): what the loader reads.
            labels (array): its labels ``[images]``.
            counts (array): images per class ``[C]``.
            epochs (int): of the training.
        """

    def start_epoch(self, epoch: int, epochs: int) -> None:
        """An epoch, counted from 1, begins; no worker of the loader has been started for it."""

    def announcement(self, epochs: int) -> str | None:
        """A line for the log about what it will do in so many epochs, or None."""
        return None

    def __call__(self, batch: list) -> list:
        """Return the samples of a batch, ``(image, label)``, changed."""
        raise NotImplementedError

    @staticmethod
    def _joined(batch: Sequence) -> tuple[np.ndarray, np.ndarray]:
        """Images ``[N, channels, height, width]`` and classes ``[N]`` of a batch."""
        images, labels = zip(*((sample[0], sample[1]) for sample in batch))
        return np.stack(images), np.asarray(labels, np.int64).reshape(len(batch))
