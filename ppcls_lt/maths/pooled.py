"""Predictions of held-out images by several seeds, pooled so that an image counts once. NumPy only.

What a candidate gets for an image is a value, such as whether its class is right. A *prediction* is one image by one
seed; the mean over a class is that over its images, an image being the mean of its predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


class Pooled:
    """Which predictions there are, in an order that depends neither on how they were listed nor on the candidates.

    Args:
        labels (sequence of int array): of each seed, ``[n_s]``.
        images (sequence of int array): number of each image, the same for all seeds, ``[n_s]``.
        class_num (int): number C of classes.

    Attributes:
        seed, image, label (int array): of each prediction ``[J]``; images are counted from 0.
        share (float array): of a prediction in the mean of its class ``[J]``.
        count (int array): images of each class ``[C]``.
    """

    def __init__(self, labels: Sequence[np.ndarray], images: Sequence[np.ndarray], class_num: int) -> None:
        seed = np.repeat(np.arange(len(labels)), [len(each) for each in labels])
        label, number = (np.concatenate([np.asarray(each, np.int64) for each in parts]) for parts in (labels, images))
        self._order = np.lexsort((seed, number, label))
        self.seed, self.label = seed[self._order], label[self._order]
        _, self.image, times = np.unique(number[self._order], return_inverse=True, return_counts=True)
        self.count = np.array([len(np.unique(self.image[self.label == c])) for c in range(class_num)])
        self.share = 1 / (times[self.image] * self.count[self.label])

    def values(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Values of each seed ``[n_s, ...]`` in this order: ``[J, ...]``."""
        return np.concatenate(parts)[self._order]

    def class_means(self, values: np.ndarray) -> np.ndarray:
        """Mean of each class ``[C, K]`` of values ``[J, K]``; NaN for a class without an image."""
        means = np.full((len(self.count), values.shape[1]), np.nan)
        for c in np.flatnonzero(self.count):
            of_class = self.label == c
            means[c] = self.share[of_class] @ values[of_class]
        return means

    def image_means(self, values: np.ndarray, label: int) -> np.ndarray:
        """Mean of each image of a class ``[n, K]`` of values ``[J, K]``."""
        of_class = self.label == label
        _, place = np.unique(self.image[of_class], return_inverse=True)
        means = np.zeros((self.count[label], values.shape[1]))
        np.add.at(means, place, (self.share[of_class] * self.count[label])[:, None] * values[of_class])
        return means

    def residuals(self, values: np.ndarray) -> np.ndarray:
        """How far each prediction lies from its expectation ``[J, K]`` of values ``[J, K]``, their variance unbiased.

        The expectation is the mean of the image, and that of the class for an image that is predicted once.
        """
        times = np.bincount(self.image)[self.image][:, None]
        sums = np.zeros((self.image.max() + 1, values.shape[1]))
        np.add.at(sums, self.image, values)
        once = times == 1
        mean = np.where(once, self.class_means(values)[self.label], sums[self.image] / times)
        number = np.where(once, self.count[self.label][:, None], times)
        return np.sqrt(number / np.maximum(number - 1, 1)) * (values - mean)

    def weights(self, groups: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Measure -> what a class counts in it ``[C]``: zeros where no class of a group has an image."""
        members: dict[str, np.ndarray] = {"balanced": np.arange(len(self.count)), **groups}
        weights = {"overall": self.count / self.count.sum()}
        for name, classes in members.items():
            judged = np.zeros(len(self.count))
            judged[classes] = self.count[classes] > 0
            weights[name] = judged / max(judged.sum(), 1)
        return weights
