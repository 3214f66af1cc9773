"""What was published of the images per class of long-tailed data sets, to hold a copy against."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .group_names import THRESHOLDS
from .groups import shot_groups

_OLTR = "Liu et al., CVPR 2019; lists of github.com/zhmiao/OpenLongTailRecognition-OLTR"
_INATURALIST = "github.com/visipedia/inat_comp, 2018; largest and smallest class: Kang et al., ICLR 2020"


class Published(NamedTuple):
    """Figures of one list.

    Attributes:
        images, classes, largest, smallest (int): in all, and the images of the largest and smallest class.
        group_images, group_classes (tuple or None): images and classes with many (more than 100), medium and few (less
            than 20) images, where they were published.
        source (str): where they are from.
    """

    images: int
    classes: int
    largest: int
    smallest: int
    source: str
    group_images: tuple[int, int, int] | None = None
    group_classes: tuple[int, int, int] | None = None


# The lists that train, and where there are some those that choose (val) and test. What is not known for sure is None.
PUBLISHED = {
    "imagenet-lt": Published(115_846, 1000, 1280, 5, _OLTR),
    "imagenet-lt-val": Published(20_000, 1000, 20, 20, _OLTR),
    "imagenet-lt-test": Published(50_000, 1000, 50, 50, _OLTR),
    "places-lt": Published(62_500, 365, 4980, 5, _OLTR, (52_762, 8934, 804), (131, 163, 71)),
    "places-lt-val": Published(7300, 365, 20, 20, _OLTR),
    "places-lt-test": Published(36_500, 365, 100, 100, _OLTR),
    "inaturalist2018": Published(437_513, 8142, 1000, 2, _INATURALIST),
    "inaturalist2018-val": Published(24_426, 8142, 3, 3, _INATURALIST),
}


def differences(name: str, counts: np.ndarray) -> list[str]:
    """Return how a list differs from what was published, nothing where it does not.

    Args:
        name (str): one of ``PUBLISHED``.
        counts (array): images per class ``[C]`` of the list.
    """
    wanted = PUBLISHED[name]
    groups = list(shot_groups(counts, THRESHOLDS).values())
    found = {
        "images": (int(counts.sum()), wanted.images),
        "classes": (int(np.count_nonzero(counts)), wanted.classes),
        "images of the largest class": (int(counts.max()), wanted.largest),
        "images of the smallest class": (int(counts.min()), wanted.smallest),
        "classes with many, medium, few images": (_joined(map(len, groups)), _joined(wanted.group_classes)),
        "images of classes with many, medium, few": (
            _joined(counts[group].sum() for group in groups),
            _joined(wanted.group_images),
        ),
    }
    return [
        f"{have} {what} instead of {published}"
        for what, (have, published) in found.items()
        if published is not None and have != published
    ]


def _joined(numbers):
    return None if numbers is None else " / ".join(map(str, numbers))
