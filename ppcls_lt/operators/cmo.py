"""Rare images pasted into common ones (CMO)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..basis import checks
from ..basis.registry import register
from ..data import mixing
from .base import BatchOperator


@register("operator")
class CMOOperator(BatchOperator):
    r"""A box of another image in each image of a batch; the other is drawn in the whole data set, by class weights.

    One box and one share for all images of a batch. An image of class c is drawn with a weight of :math:`n_c^{-r}`. The
    share of the image's own label is that of the pixels that it keeps.

    Args:
        class_num (int): given by PaddleClas.
        weighted_alpha (float): r, >= 0; 1 draws every class equally often.
        beta (float): of the Beta distribution of the share, > 0.
        mixup_prob (float): how probable it is that a batch is mixed, in (0, 1].
        start_data_aug (int): no batch of the epochs up to this one and the next is, counted from 1.
        end_data_aug (int): none of so many last epochs.

    Raises:
        ConfigError: a parameter is not what it must be, the data have no class for each image, or no epoch is left.

    Source: Park et al., "The Majority Can Help the Minority", CVPR 2022, and their code, whose parameters have these
    names. There an epoch counts from 0 and must be above ``start_data_aug``, so that with 3 the first four are left
    out; the paper says three. Its weight of an image is as here, so that r = 1 is class-balanced.
    """

    def __init__(
        self,
        class_num: int,
        weighted_alpha: float = 1.0,
        beta: float = 1.0,
        mixup_prob: float = 0.5,
        start_data_aug: int = 3,
        end_data_aug: int = 3,
    ) -> None:
        super().__init__(class_num)
        self.weighted_alpha = checks.number("CMOOperator", "weighted_alpha", weighted_alpha, minimum=0)
        self.beta = checks.number("CMOOperator", "beta", beta, above=0)
        self.mixup_prob = checks.number("CMOOperator", "mixup_prob", mixup_prob, above=0, maximum=1)
        self.start = checks.integer("CMOOperator", "start_data_aug", start_data_aug, minimum=-1)
        self.end = checks.integer("CMOOperator", "end_data_aug", end_data_aug, minimum=0)
        self._dataset: Any = None
        self._active = True  # before the first epoch a batch is made to see that it can be

    def join_data(self, dataset: Any, labels: np.ndarray, counts: np.ndarray, epochs: int) -> None:
        if epochs > 0 and not any(self._is_active(epoch, epochs) for epoch in range(1, epochs + 1)):
            got = checks.described(f"{self.start} and {self.end}, which leave none of {epochs} epochs")
            checks.fail("CMOOperator", "start_data_aug", "with `end_data_aug` such that an epoch is between", got)
        if type(dataset).__name__ == "MultiScaleDataset":
            must = "one that shows an image at one size, since another is read beside each batch"
            checks.fail("CMOOperator", "DataLoader.Train.dataset.name", must, "MultiScaleDataset")
        self._dataset = dataset
        # Sorted by class, the images of one class stand side by side.
        self._order = np.argsort(labels, kind="stable")
        self._counts = counts
        self._begins = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._probabilities = mixing.class_probabilities(counts, self.weighted_alpha)

    def start_epoch(self, epoch: int, epochs: int) -> None:
        self._active = self._is_active(epoch, epochs)

    def announcement(self, epochs: int) -> str:
        active = [epoch for epoch in range(1, epochs + 1) if self._is_active(epoch, epochs)]
        times = 1 + self.mixup_prob * len(active) / epochs
        return (
            f"CMOOperator mixes {100 * self.mixup_prob:g} % of the batches of epochs {active[0]} to {active[-1]}, each "
            f"with as many images that it reads and changes besides: {times:.2f} times as many over the training"
        )

    def __call__(self, batch: list) -> list:
        images, labels = self._joined(batch)
        if not self._active or np.random.rand() >= self.mixup_prob:
            return list(zip(images, mixing.shares(labels, labels, 1.0, self.class_num)))
        others, other_labels = self._joined([self._dataset[index] for index in self._draw(len(batch))])
        lam = float(np.random.beta(self.beta, self.beta))
        first, second = images.shape[2:]
        centre = np.random.randint(first), np.random.randint(second)
        top, left, bottom, right = mixing.box(first, second, lam, centre)
        images[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
        kept = 1 - (bottom - top) * (right - left) / (first * second)
        return list(zip(images, mixing.shares(labels, other_labels, kept, self.class_num)))

    def _is_active(self, epoch, epochs):
        return self.start < epoch - 1 < epochs - self.end

    def _draw(self, number):
        """The positions of so many images in the data set: a class first, then an image of it."""
        classes = np.random.choice(self.class_num, size=number, p=self._probabilities)
        return self._order[self._begins[classes] + np.random.randint(self._counts[classes])]
