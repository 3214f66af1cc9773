"""Folds of a label list, class by class: every image of a class is held out once, each time another part trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .counts import images_per_class
from .drawing import draw, one_by_one, rank_in_class

NEVER = -1  # the fold of what is never held out


def stratified_folds(
    labels: Sequence[int] | np.ndarray,
    *,
    number: int,
    partition: int = 0,
    images: Sequence[str] | None = None,
    owner: str = "stratified_folds",
    name: str = "labels",
) -> np.ndarray:
    """Return the fold of each line ``[N]``, 0 to ``number - 1``, or ``NEVER``.

    The images of a class are put in an order that the partition and their names decide, and dealt to fold 0, 1, 2 and
    so on in turn. So two folds differ by one image of a class at most, and a class of fewer images than folds is in the
    first of them. What a fold leaves has an image of every class; a class of a single image is in no fold. Lines with
    the same image stay together and count once.

    Args:
        labels (array of int): class of each line ``[N]``.
        number (int): of folds, at least 2.
        partition (int): >= 0; each is another way to divide the images.
        images (sequence of str, optional): image of each line, compared as they are written; None means that every
            line has its own.
        owner, name (str): who asks, and what it calls ``labels``, for messages.

    Raises:
        ConfigError: an image has two labels.
    """
    names, group, own = one_by_one(labels, images, owner, name)
    fold = rank_in_class(own, draw(names, partition)) % number
    fold[images_per_class(own)[own] < 2] = NEVER
    return fold[group]


def fold_of(seed: int, number: int) -> tuple[int, int]:
    """Return the partition and its fold that a run with this seed holds out; as many seeds in turn take each."""
    return divmod(seed, number)
