"""A training and a validation part of a label list, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import numpy as np

from ..basis import checks
from .counts import images_per_class
from .drawing import draw, one_by_one, rank_in_class
from .list_files import listed_classes


def stratified_split(
    labels: Sequence[int] | np.ndarray,
    *,
    fraction: float,
    images: Sequence[str] | None = None,
    seed: int = 0,
    allow_missing: bool = False,
    owner: str = "stratified_split",
    name: str = "labels",
    called: Callable[[str], str] = str,
    class_called: Callable[[int], str] = str,
) -> tuple[np.ndarray, np.ndarray]:
    """Split images into a training and a validation part, class by class.

    Of ``n_c`` images of class c, ``max(1, round(fraction * n_c))`` but never all
    go to validation; halves are rounded to the even number. Lines with the same
    image stay together and count once.

    Args:
        labels (array of int): class of each line ``[N]``.
        fraction (float): share of the validation part, between 0 and 1.
        images (sequence of str): image of each line, compared as they are
            written; None means that every line has its own.
        seed (int): >= 0.
        allow_missing (bool): accept classes with a single image, which then
            stays in training.
        owner, name (str): who asks, and what it calls ``labels``, for messages.
        called (callable): what it calls another argument, from its name here.
        class_called (callable): what it calls a class.

    Returns:
        tuple: the positions of the training lines and those of the validation
        lines, int64 arrays, each ascending.

    Raises:
        ConfigError: an argument is out of range, a class has a single image
            (unless ``allow_missing``), all have, or an image has two labels.
    """
    fraction = checks.number(owner, called("fraction"), fraction, above=0, below=1)
    seed = checks.integer(owner, called("seed"), seed, minimum=0)
    names, group, own = one_by_one(labels, images, owner, name)
    sizes = images_per_class(own)
    single = np.flatnonzero(sizes == 1)
    if single.size and not allow_missing:
        expected = "a list with at least 2 images of every class (or pass --allow-missing)"
        checks.fail(
            owner, name, expected, checks.described(f"a single image of {listed_classes(single, class_called)}")
        )
    wanted = np.minimum(np.maximum(np.rint(fraction * sizes), 1), sizes - 1)
    held_out = rank_in_class(own, draw(names, seed)) < wanted[own]
    if not held_out.any():
        got = checks.described("a single image of every class")
        checks.fail(owner, name, "a list with an image for validation", got)
    return np.flatnonzero(~held_out[group]), np.flatnonzero(held_out[group])
