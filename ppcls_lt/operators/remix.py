"""Mixup whose labels favour the rarer class."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..basis import checks
from ..basis.registry import register
from ..data import mixing
from .base import BatchOperator


@register("operator")
class RemixOperator(BatchOperator):
    """Images of a batch added up in pairs as by mixup; of two classes of very different size the rarer takes the label.

    The formula is that of :func:`ppcls_lt.data.mixing.remix_share`, for each pair by itself.

    Args:
        class_num (int): given by PaddleClas.
        alpha (float): of the Beta distribution of the one share of a batch, > 0.
        kappa (float): how many times as many images make a class much larger, >= 1.
        tau (float): up to which share of the pixels the rarer class takes all of the label, in [0, 1].

    Raises:
        ConfigError: a parameter is not what it must be, or the data have no class for each image.

    Source: Chou et al., "Remix: Rebalanced Mixup", ECCV Workshops 2020; the rule is that of imbalanced-DL's code.
    That of Bag of Tricks averages the shares over the batch before it weighs the losses; here each image has its own.
    """

    def __init__(self, class_num: int, alpha: float = 1.0, kappa: float = 3.0, tau: float = 0.5) -> None:
        super().__init__(class_num)
        self.alpha = checks.number("RemixOperator", "alpha", alpha, above=0)
        self.kappa = checks.number("RemixOperator", "kappa", kappa, minimum=1)
        self.tau = checks.number("RemixOperator", "tau", tau, minimum=0, maximum=1)
        self._counts = np.ones(class_num, np.int64)

    def join_data(self, dataset: Any, labels: np.ndarray, counts: np.ndarray, epochs: int) -> None:
        self._counts = counts

    def __call__(self, batch: list) -> list:
        images, labels = self._joined(batch)
        order = np.random.permutation(len(batch))
        lam = float(np.random.beta(self.alpha, self.alpha))
        mixed = lam * images + (1 - lam) * images[order]
        share = mixing.remix_share(labels, labels[order], self._counts, lam, self.kappa, self.tau)
        return list(zip(mixed, mixing.shares(labels, labels[order], share, self.class_num)))
