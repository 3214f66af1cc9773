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


def draw(names: Iterable[str], seed: int) -> np.ndarray:
    """Return for every name a number that the seed and the name decide, uint64 ``[N]``."""
    prefix = f"{seed}\n".encode()
    hashes = (hashlib.blake2b(prefix + name.encode("utf-8"), digest_size=8).digest() for name in names)
    return np.frombuffer(b"".join(hashes), dtype=">u8").astype(np.uint64)


def rank_in_class(labels: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Return the place of each image among those of its class, in the order of ``draw``, ``[N]``."""
    order = np.lexsort((draw, labels))
    starts = np.concatenate([[0], np.cumsum(images_per_class(labels))])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size) - starts[labels[order]]
    return rank
