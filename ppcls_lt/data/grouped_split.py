"""A training and a held-out part of images that come in groups: each patient, video or product on one side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from .counts import images_per_class
from .drawing import draw


def grouped_split(
    labels: Sequence[int] | np.ndarray, groups: Sequence[str], *, fraction: float, seed: int = 0
) -> np.ndarray:
    """Return which images are held out, a mask ``[N]``: whole groups, about a share of every class.

    Of ``n_c`` images of class c, ``max(1, round(fraction * n_c))`` are wanted, halves rounded to the even number. Class
    by class, those in the fewest groups first, its groups are gone through in an order that the seed and their names
    decide. One is held out where that brings its classes, each by its own size, nearer to what is wanted, or where its
    class has none yet; never where a class of it would have no image left to train on. So a class in two groups or more
    is on both sides unless a group of other classes stands against it, and where every image is a group of its own this
    is ``splits.stratified_split``.

    Args:
        labels (array of int): class of each image ``[N]``.
        groups (sequence of str): the group of each image.
        fraction (float): share to hold out, between 0 and 1.
        seed (int): >= 0.
    """
    labels = np.asarray(labels)
    sizes = images_per_class(labels)
    wanted = np.maximum(np.rint(fraction * sizes), 1).astype(int)
    content: dict[str, Counter] = defaultdict(Counter)
    for label, group in zip(labels.tolist(), groups):
        content[group][label] += 1
    names = list(content)
    order = [names[place] for place in np.argsort(draw(names, seed), kind="stable")]
    of_class: dict[int, list] = defaultdict(list)
    for group in order:
        for label in content[group]:
            of_class[label].append(group)
    held = np.zeros(sizes.size, dtype=int)
    chosen: set = set()

    def nearer(group):
        gain = 0.0
        for label, images in content[group].items():
            before, after = abs(held[label] - wanted[label]), abs(held[label] + images - wanted[label])
            gain += (before - after) / sizes[label]
        return gain > 0

    for label in sorted(of_class, key=lambda each: (len(of_class[each]), each)):
        for group in of_class[label]:
            if held[label] >= wanted[label]:
                break
            if group in chosen or any(held[c] + n >= sizes[c] for c, n in content[group].items()):
                continue
            if held[label] == 0 or nearer(group):
                chosen.add(group)
                for each, images in content[group].items():
                    held[each] += images
    return np.array([group in chosen for group in groups])
