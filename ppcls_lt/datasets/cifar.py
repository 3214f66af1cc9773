"""CIFAR-10-LT and CIFAR-100-LT.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; the long tails of Cao et al.,
"Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019.
"""

from __future__ import annotations

import os

from ..basis.registry import register
from ..data import cifar
from ..data.named_images import Images
from .base import NamedDataset


class _CIFAR(NamedDataset):
    kind: cifar.Kind

    @classmethod
    def find(cls, image_root: str | os.PathLike, part: str) -> None:
        cifar.find(cls.kind, image_root, part, cls.__name__)

    @classmethod
    def read_part(cls, image_root: str | os.PathLike, part: str, pixels: bool = True) -> Images:
        return cifar.read(cls.kind, image_root, part, cls.__name__, pixels)


@register("dataset")
class LongTailCIFAR10(_CIFAR):
    """CIFAR-10 in the binary form, the Python form or as a folder for each class; see :class:`NamedDataset`."""

    kind = cifar.CIFAR10
    class_num = 10


@register("dataset")
class LongTailCIFAR100(_CIFAR):
    """CIFAR-100, its 100 fine classes, in the binary form, the Python form or as a folder for each class."""

    kind = cifar.CIFAR100
    class_num = 100
