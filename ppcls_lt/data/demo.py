"""Small long-tailed data sets of real images, as PNG files with PaddleClas lists.

Each function fills a folder with ``train.txt``, ``val.txt`` and ``test.txt``
(lines ``image label``, images relative to the folder), the images, and
``meta.json`` with the parameters and the images per class. The same parameters
always give the same files.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np

from ..basis import checks
from . import idx
from .counts import images_per_class
from .profiles import long_tail_profile

_CLASSES = 10  # in either data set
_DIGITS_MAX, _DIGITS_VAL, _DIGITS_TEST = 90, 30, 50
_FASHION_ORDER = (9, 8, 7, 5, 1, 3, 0, 4, 2, 6)


def write_digits(folder: str | os.PathLike, *, ratio: float = 15, seed: int = 0) -> dict[str, list[int]]:
    """Write scikit-learn's 1,797 handwritten digits as a long-tailed data set.

    8x8 grayscale PNG files. Per class, drawn by ``seed``: 50 test images, 30
    validation images, and of the others as many training images as an
    exponential profile from 90 (class 0) to ``90 / ratio`` (class 9) says.

    Args:
        folder (str): where to write; made if missing.
        ratio (float): largest training class over smallest, 1 to 90.
        seed (int): which images are drawn, >= 0.

    Returns:
        dict: ``train``, ``val`` and ``test``, each a list of images per class.

    Raises:
        ConfigError: an argument is out of range, or ``folder`` holds something else.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits",
    UCI Machine Learning Repository, 1998.
    """
    owner = "write_digits"
    ratio = checks.number(owner, "ratio", ratio, minimum=1, maximum=_DIGITS_MAX)
    seed = checks.integer(owner, "seed", seed, minimum=0)

    def splits():
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        profile = long_tail_profile(_DIGITS_MAX, ratio, _CLASSES)
        test, val, train = [], [], []
        for indices, n_train in zip(_shuffled_classes(digits.target, seed), profile):
            held_out = _DIGITS_TEST + _DIGITS_VAL
            test.extend(indices[:_DIGITS_TEST])
            val.extend(indices[_DIGITS_TEST:held_out])
            train.extend(indices[held_out : held_out + n_train])
        parts = {"train": train, "val": val, "test": test}
        return {split: (images, digits.target, indices) for split, indices in parts.items()}

    return _write_once(owner, folder, {"data": "digits", "ratio": ratio, "seed": seed}, splits)


def write_fashion_mnist(
    folder: str | os.PathLike,
    *,
    source: str | os.PathLike = "/usr/share/datasets/fashion-mnist",
    ratio: float = 100,
    seed: int = 0,
    n_max: int = 5000,
    n_val: int = 500,
) -> dict[str, list[int]]:
    """Write Fashion-MNIST as a long-tailed data set.

    28x28 grayscale PNG files. The training images follow an exponential profile
    from ``n_max`` to ``n_max / ratio``, the classes in the order 9, 8, 7, 5, 1,
    3, 0, 4, 2, 6; labels keep their meaning. ``n_val`` further training images
    per class are for validation. The test images are the 10,000 original ones.

    Args:
        folder (str): where to write; made if missing.
        source (str): the folder of the four gzip IDX files.
        ratio (float): largest training class over smallest, 1 to ``n_max``.
        seed (int): which images are drawn, >= 0.
        n_max (int): training images of the largest class.
        n_val (int): validation images of every class.

    Returns:
        dict: ``train``, ``val`` and ``test``, each a list of images per class.

    Raises:
        ConfigError: an argument is out of range, the files are missing, damaged
            or too few, or ``folder`` holds something else.

    Source: Xiao et al., "Fashion-MNIST: a Novel Image Dataset for Benchmarking
    Machine Learning Algorithms", 2017.
    """
    owner = "write_fashion_mnist"
    n_max = checks.integer(owner, "n_max", n_max, minimum=1)
    n_val = checks.integer(owner, "n_val", n_val, minimum=1)
    ratio = checks.number(owner, "ratio", ratio, minimum=1, maximum=n_max)
    seed = checks.integer(owner, "seed", seed, minimum=0)

    def splits():
        images, labels = _read_pair(owner, source, "train")
        test_images, test_labels = _read_pair(owner, source, "t10k")
        n_train = dict(zip(_FASHION_ORDER, long_tail_profile(n_max, ratio, _CLASSES)))
        train, val = [], []
        for label, indices in enumerate(_shuffled_classes(labels, seed)):
            end = n_train[label] + n_val
            if indices.size < end:
                expected = f"a folder with at least {end} training images of class {label}"
                checks.fail(owner, "source", expected, checks.described(f"{indices.size} in {source}"))
            train.extend(indices[: n_train[label]])
            val.extend(indices[n_train[label] : end])
        return {
            "train": (images, labels, train),
            "val": (images, labels, val),
            "test": (test_images, test_labels, range(len(test_labels))),
        }

    params = {"data": "fashion_mnist", "ratio": ratio, "seed": seed, "n_max": n_max, "n_val": n_val}
    return _write_once(owner, folder, params, splits)


def _shuffled_classes(labels, seed):
    """Yield for every class the indices of its images in a seeded random order."""
    generator = np.random.default_rng(seed)
    for label in range(_CLASSES):
        yield generator.permutation(np.flatnonzero(labels == label))


def _write_once(owner, folder, params, splits):
    """Build ``folder`` from ``splits()`` unless it holds just that; return the counts.

    ``splits`` is a function, so that nothing is read when nothing is to be
    written. It returns per split: images ``[M, H, W]``, labels ``[M]``, indices.
    """
    folder = Path(os.path.abspath(folder))
    counts = _existing(owner, folder, params)
    if counts is not None:
        return counts
    splits = splits()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A sibling is on the same disk, so the rename at the end is atomic.
    partial = folder.with_name(f".{folder.name}.{os.urandom(8).hex()}.partial")
    try:
        partial.mkdir()
        counts = {name: _write_split(partial, name, *split) for name, split in splits.items()}
        (partial / "meta.json").write_text(json.dumps({"parameters": params, "counts": counts}, indent=1))
        try:
            os.rename(partial, folder)
        except OSError:
            # Another process may have been faster; then its folder must match.
            counts = _existing(owner, folder, params)
            if counts is None:
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return counts


def _existing(owner, folder, params):
    """Return the recorded counts of ``folder``, or None if it is missing or empty."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    expected = f"a new folder, or one written with {params} ({folder})"
    try:
        meta = json.loads((folder / "meta.json").read_text())
        found, counts = meta["parameters"], meta["counts"]
    except (OSError, ValueError, KeyError, TypeError):
        checks.fail(owner, "folder", expected, checks.described("something else"))
    if found != params:
        checks.fail(owner, "folder", expected, checks.described(f"one written with {found}"))
    for name, images in counts.items():
        lost = _lost(folder, name, sum(images))
        if lost:
            remedy = f"delete {folder} to write it anew"
            checks.fail(owner, "folder", expected, checks.described(f"one in which {lost}"), remedy)
    return counts


def _lost(folder, split, images):
    """What of a split is no longer there, or ""."""
    path = folder / f"{split}.txt"
    listed = path.read_text().splitlines() if path.is_file() else []
    if len(listed) != images:
        return f"{path.name} has {len(listed)} lines and not {images}"
    gone = next((line for line in listed if not (folder / line.rsplit(" ", 1)[0]).is_file()), None)
    return "" if gone is None else f"{gone.rsplit(' ', 1)[0]} is not there"


def _write_split(folder, split, images, labels, indices):
    """Write the chosen images and their list; return the images per class."""
    from PIL import Image

    lines = []
    for label in range(_CLASSES):
        (folder / split / str(label)).mkdir(parents=True)
    for index in indices:
        name = f"{split}/{labels[index]}/{index:05d}.png"
        Image.fromarray(images[index]).save(f"{folder}/{name}", compress_level=1)
        lines.append(f"{name} {labels[index]}\n")
    (folder / f"{split}.txt").write_text("".join(lines))
    return images_per_class(labels[list(indices)], _CLASSES).tolist()


def _read_pair(owner, source, part):
    """Return images ``[M, H, W]`` and labels ``[M]`` of one part of Fashion-MNIST."""
    images = idx.read_images(owner, "source", source, part)
    labels = idx.read_labels(owner, "source", source, part, _CLASSES)
    idx.check_pair(owner, "source", source, part, images, labels)
    return images, labels
