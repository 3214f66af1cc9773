"""Classes whose images do not suffice: for every fold, for a validation list, for a test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .lists import Lines


class Classes(NamedTuple):
    """What each class has.

    Attributes:
        listed (dict): part -> lines of each class, int64 ``[C]``.
        usable (dict): part -> different images of each class that can be read, int64 ``[C]``.
        folds (int): into which training images are to be divided.
        small (array): classes with fewer usable training images than folds, the fewest first; none is in every fold,
            and one of a single image is in none.
        absent (dict): part -> classes without a usable image there, where another list has some.
    """

    listed: dict[str, np.ndarray]
    usable: dict[str, np.ndarray]
    folds: int
    small: np.ndarray
    absent: dict[str, np.ndarray]


def find(lines: Lines, readable: np.ndarray, same: np.ndarray, folds: int) -> Classes:
    """Return the ``Classes``.

    Args:
        lines (Lines): the lists.
        readable (array): of each file, bool ``[U]``.
        same (array): the first file with the same pixels ``[U]``: copies count once.
        folds (int): at least 2.
    """
    listed, usable = {}, {}
    for part in lines.parts:
        of_part = lines.of(part)
        listed[part] = np.bincount(lines.label[of_part], minlength=lines.class_num)
        read = of_part[readable[lines.file[of_part]]]
        pairs = np.unique(np.stack([lines.label[read], same[lines.file[read]]]), axis=1)
        usable[part] = np.bincount(pairs[0], minlength=lines.class_num)
    anywhere = sum(usable.values()) > 0
    train = usable[lines.parts[0]]
    small = np.flatnonzero(train < folds)
    return Classes(
        listed,
        usable,
        folds,
        small[np.argsort(train[small], kind="stable")],
        {part: np.flatnonzero((counts == 0) & anywhere) for part, counts in usable.items()},
    )
