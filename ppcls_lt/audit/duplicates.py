"""Images that are there several times, to the pixel or nearly, within and between lists."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import measures

# Bits in which two perceptual hashes of 64 may differ for the images to be compared.
BITS = 8
# Difference of two small pictures, as a share of their contrast, up to which they are one picture.
DIFFERENCE = 0.35
_FLOOR = 6.0  # grey levels; a contrast below it is that of noise
_PRODUCTS = 2**26  # pairs of a block, which fill 256 MB


class Duplicates(NamedTuple):
    """What is alike among U files.

    Attributes:
        same (array): the first file with the same pixels, or the file itself, int64 ``[U]``.
        near (array): pairs of files, each the first with its pixels, the lower first, int64 ``[P, 2]``.
        difference (array): of each pair, 0 to ``DIFFERENCE``, float32 ``[P]``; the most alike first.
    """

    same: np.ndarray
    near: np.ndarray
    difference: np.ndarray


def find(rows: np.ndarray, blank: np.ndarray) -> Duplicates:
    """Return the ``Duplicates`` of files.

    Candidates are pairs whose hashes (DCT of the image at 32 pixels) differ in at most ``BITS`` of 64 bits; of these
    are near duplicates the pairs whose pictures of 16 x 16 pixels differ by at most ``DIFFERENCE`` of their contrast.

    Args:
        rows (array): of ``measures.ROW`` ``[U]``.
        blank (array): files without a picture, as black ones, bool ``[U]``: they are all alike, and compared to the
            pixel alone.
    """
    read = rows["status"] == measures.READ
    same = np.arange(rows.size)
    first: dict[bytes, int] = {}
    for file in np.flatnonzero(read).tolist():
        same[file] = first.setdefault(rows["pixels"][file].tobytes(), file)
    compared = np.flatnonzero(read & ~blank & (same == np.arange(rows.size)))
    pairs, differences = _near(rows["hash"][compared], rows["small"][compared])
    order = np.argsort(differences, kind="stable")
    return Duplicates(same, compared[pairs[order]], differences[order])


def _near(hashes, small):
    """Pairs ``[P, 2]`` of n images and their differences ``[P]``."""
    # The scalar product of two hashes of +1 and -1 is 64 - 2 bits in which they differ.
    bits = np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1
    pictures = small.reshape(len(small), measures.SIDE**2, 3)
    found, differences = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.float32)]
    rows = max(1, _PRODUCTS // max(1, len(bits)))
    for start in range(0, len(bits), rows):
        alike = bits[start : start + rows] @ bits[start:].T >= 64 - 2 * BITS
        left, right = np.nonzero(alike)
        left, right = left[left < right], right[left < right]
        for part in range(0, left.size, 100_000):
            pair = np.stack([left[part : part + 100_000], right[part : part + 100_000]], axis=1) + start
            difference = differ(pictures[pair[:, 0]], pictures[pair[:, 1]])
            close = difference <= DIFFERENCE
            found.append(pair[close])
            differences.append(difference[close])
    return np.concatenate(found), np.concatenate(differences)


def differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the root mean square difference of small pictures over their contrast, float32 ``[P]``.

    A constant that is added to one of them does not count.

    Args:
        one, other (array): uint8 ``[P, pixels, 3]``.
    """
    one, other = (each.astype(np.float32) for each in (one, other))
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (one, other))
    contrast = np.sqrt(((one**2).mean(axis=(1, 2)) + (other**2).mean(axis=(1, 2))) / 2)
    return np.sqrt(((one - other) ** 2).mean(axis=(1, 2))) / np.maximum(contrast, _FLOOR)
