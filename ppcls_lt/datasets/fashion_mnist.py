"""Fashion-MNIST-LT.

Source: Xiao et al., "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..basis import checks
from ..basis.registry import register
from ..data import idx
from ..data.named_images import Images
from .base import NamedDataset

_FILES = {"train": "train", "test": "t10k"}


@register("dataset")
class LongTailFashionMNIST(NamedDataset):
    """Fashion-MNIST of its four gzip IDX files, grey as three equal channels; see :class:`NamedDataset`."""

    class_num = 10

    @classmethod
    def find(cls, image_root: str | os.PathLike, part: str) -> None:
        for name in (idx.image_file(_FILES[part]), idx.label_file(_FILES[part])):
            if not (Path(image_root) / name).is_file():
                got = checks.described(f"no {name} in {image_root}")
                checks.fail(cls.__name__, "image_root", idx.FASHION_MNIST_HELP, got)

    @classmethod
    def read_part(cls, image_root: str | os.PathLike, part: str, pixels: bool = True) -> Images:
        owner, name = cls.__name__, "image_root"
        labels = idx.read_labels(owner, name, image_root, _FILES[part], cls.class_num)
        images = None
        if pixels:
            images = idx.read_images(owner, name, image_root, _FILES[part])
            idx.check_pair(owner, name, image_root, _FILES[part], images, labels)
        names = [f"{part}/{number:05d}" for number in range(labels.size)]
        return Images(names, labels.astype(np.int64), images, Path(image_root))
