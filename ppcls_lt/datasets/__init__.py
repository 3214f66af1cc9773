"""Long-tailed data sets by name, for ``DataLoader.*.dataset.name``."""

from .base import NamedDataset
from .cifar import LongTailCIFAR10, LongTailCIFAR100
from .fashion_mnist import LongTailFashionMNIST

__all__ = ["LongTailCIFAR10", "LongTailCIFAR100", "LongTailFashionMNIST", "NamedDataset"]
