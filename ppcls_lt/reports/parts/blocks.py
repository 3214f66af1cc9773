"""Classes joined to blocks, for pictures in which not every class has a place of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

BLOCKS = 40  # a side of a picture


def joined(order: np.ndarray, groups: Mapping[str, np.ndarray], number: int = BLOCKS) -> list[np.ndarray]:
    """Join neighbouring classes to blocks of about equal size, never across groups.

    Args:
        order (array of int): all classes ``[C]``, those of a group one after another.
        groups (dict): group -> classes, in the same order; {} for none.
        number (int): of blocks; two more at most, as the parts of a group are rounded up.

    Returns:
        list of array: the classes of each block.
    """
    rank = np.empty(order.size, dtype=int)
    rank[order] = np.arange(order.size)
    blocks = []
    for members in groups.values() or [order]:
        members = members[np.argsort(rank[members])]
        if members.size:
            blocks += np.array_split(members, -(-members.size * number // order.size))
    return blocks
