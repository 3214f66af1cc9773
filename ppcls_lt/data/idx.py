"""Reading the gzip IDX files of MNIST and its successors: images ``[M, H, W]`` and labels ``[M]``, unsigned bytes."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib

import numpy as np

from ..basis import checks

FASHION_MNIST_HELP = (
    "a folder with the four Fashion-MNIST files (`apt-get install dataset-fashion-mnist` on Debian and "
    "Ubuntu, or download them from https://github.com/zalandoresearch/fashion-mnist and pass their folder)"
)
_IMAGES, _LABELS = 0x803, 0x801


def image_file(part: str) -> str:
    """The name of the file with the images of a part, ``train`` or ``t10k``."""
    return f"{part}-images-idx3-ubyte.gz"


def label_file(part: str) -> str:
    """The name of the file with the labels of a part."""
    return f"{part}-labels-idx1-ubyte.gz"


def read_images(owner: str, name: str, folder: str | os.PathLike, part: str) -> np.ndarray:
    """Return the images ``[M, H, W]`` of one part.

    Args:
        owner, name (str): who asks, and the parameter that holds the folder, for messages.
        folder (str): with the four files.
        part (str): ``train`` or ``t10k``.

    Raises:
        ConfigError: the file is not there, or damaged.
    """
    return _read(owner, name, folder, image_file(part), _IMAGES)


def read_labels(owner: str, name: str, folder: str | os.PathLike, part: str, classes: int) -> np.ndarray:
    """Return the labels ``[M]`` of one part, below ``classes``; otherwise like :func:`read_images`."""
    labels = _read(owner, name, folder, label_file(part), _LABELS)
    if labels.max(initial=0) >= classes:
        got = checks.described(f"label {labels.max()} in {folder}")
        checks.fail(owner, name, f"a folder with {part} labels from 0 to {classes - 1}", got)
    return labels


def check_pair(
    owner: str, name: str, folder: str | os.PathLike, part: str, images: np.ndarray, labels: np.ndarray
) -> None:
    """Raise unless there are as many images as labels."""
    if len(images) != len(labels):
        got = checks.described(f"{len(images)} and {len(labels)} in {folder}")
        checks.fail(owner, name, f"a folder with as many {part} images as labels", got)


def _read(owner, name, folder, file_name, magic):
    """Return the unsigned bytes of a gzip IDX file in the shape its header says."""
    path = os.path.join(folder, file_name)
    try:
        with gzip.open(path) as file:
            data = file.read()
    except FileNotFoundError:
        checks.fail(owner, name, FASHION_MNIST_HELP, checks.described(f"no {file_name} in {folder}"))
    except (OSError, EOFError, zlib.error) as error:
        checks.fail(owner, name, FASHION_MNIST_HELP, checks.described(f"{file_name}: {error}"))
    # Header: the magic number, whose last byte is the number of axes, then each axis.
    axes = magic & 0xFF
    start = 4 * (1 + axes)
    found, *shape = struct.unpack_from(f">{1 + axes}I", data) if len(data) >= start else [0]
    if found != magic or len(data) - start != math.prod(shape):
        got = checks.described(f"{len(data)} bytes of type {found:#x} in {path}")
        checks.fail(owner, name, f"a folder whose {file_name} is a whole IDX file of type {magic:#x}", got)
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)
