"""Groups of classes by their images: many, medium, few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..basis import checks
from .counts import CountsLike, as_counts
from .group_names import GROUPS, TERTILES, THRESHOLDS


def shot_groups(
    counts: CountsLike, thresholds: Sequence[float] | str = THRESHOLDS, *, owner: str = "shot_groups"
) -> dict[str, np.ndarray]:
    """Split the classes into those with many, medium and few training images.

    With two thresholds: many have more than the first, few have less than the
    second. With ``"tertiles"``: the third (rounded down) of the classes with the
    most images, the third with the fewest; of equal classes the lower index
    counts as larger.

    Args:
        counts (sequence of int): training images per class ``[C]``.
        thresholds (pair of numbers or str): as above.

    Returns:
        dict: ``many``, ``medium`` and ``few``, each an ascending array of class
        indices, which may be empty.

    Raises:
        ConfigError: ``counts`` are no counts, or ``thresholds`` are neither.

    Source: the default, ``group_names.THRESHOLDS``, is that of Liu et al.,
    "Large-Scale Long-Tailed Recognition in an Open World", CVPR 2019 (ImageNet-LT).
    """
    counts = as_counts(counts, owner=owner, name="counts", allow_empty=True)
    if isinstance(thresholds, str) and thresholds == TERTILES:
        order = np.argsort(-counts, kind="stable")
        third = counts.size // 3
        parts = np.split(order, [third, counts.size - third])
        return {group: np.sort(part) for group, part in zip(GROUPS, parts)}
    if not isinstance(thresholds, (list, tuple)) or len(thresholds) != 2:
        checks.fail(owner, "thresholds", f"two numbers or '{TERTILES}'", thresholds)
    upper = checks.number(owner, "thresholds[0]", thresholds[0], minimum=0)
    lower = checks.number(owner, "thresholds[1]", thresholds[1], minimum=0, maximum=upper)
    many, few = counts > upper, counts < lower
    return {group: np.flatnonzero(mask) for group, mask in zip(GROUPS, (many, ~many & ~few, few))}
