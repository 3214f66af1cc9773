"""Drawing images by their names.

An image's place in a draw is a hash of the seed and its name. So a draw depends
neither on the order of the lines nor on the version of NumPy, and it hardly
changes when images are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from ..basis import checks
from .counts import images_per_class


def labels_and_images(
    labels: Sequence[int] | np.ndarray, images: Sequence[str] | None, owner: str, name: str
) -> tuple[np.ndarray, Sequence[str]]:
    """Return the labels as an array ``[N]`` and N names."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu" or labels.min() < 0:
        checks.fail(owner, name, "integers >= 0, one for each image", labels)
    if images is None:
        images = [str(position) for position in range(labels.size)]
    if len(images) != labels.size:
        got = checks.described(f"{len(images)} names")
        checks.fail(owner, "images", f"a name for each of the {labels.size} labels", got)
    return labels, images


def one_by_one(
    labels: Sequence[int] | np.ndarray, images: Sequence[str] | None, owner: str, name: str
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names of M images, the image of each line ``[N]`` by its place among them, and their classes ``[M]``.

    Args:
        labels (array of int): class of each line ``[N]``.
        images (sequence of str, optional): image of each line, compared as they are written; None means that every
            line has its own.
        owner, name (str): who asks, and what it calls ``labels``, for messages.

    Raises:
        ConfigError: an image has two labels.
    """
    labels, images = labels_and_images(labels, images, owner, name)
    places: dict[str, int] = {}
    group = np.array([places.setdefault(image, len(places)) for image in images], dtype=np.int64)
    # Images are numbered as they appear, so this is each image's first line.
    first = np.unique(group, return_index=True)[1]
    own = labels[first]
    other = np.flatnonzero(labels != own[group])
    if other.size:
        lines = (first[group[other[0]]], other[0])
        got = " and ".join(f"{labels[line]} (line {line + 1})" for line in lines)
        got = checks.described(f"the labels {got} of {images[lines[0]]!r}")
        checks.fail(owner, name, "a list with one label for every image", got)
    return list(places), group, own


def draw(names: Iterable[str], seed: int) -> np.ndarray:
    """Return for every name a number that the seed and the name decide, uint64 ``[N]``."""
    prefix = f"{seed}\n".encode()
    hashes = (
        hashlib.blake2b(prefix + name.encode("utf-8", "surrogateescape"), digest_size=8).digest() for name in names
    )
    return np.frombuffer(b"".join(hashes), dtype=">u8").astype(np.uint64)


def rank_in_class(labels: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Return the place of each image among those of its class, in the order of ``draw``, ``[N]``."""
    order = np.lexsort((draw, labels))
    starts = np.concatenate([[0], np.cumsum(images_per_class(labels))])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size) - starts[labels[order]]
    return rank
