"""Operators on images and batches that PaddleClas lacks, under ``transform_ops`` and ``batch_transform_ops``."""

from .base import BatchOperator
from .cifar10_policy import CIFAR10Policy
from .cmo import CMOOperator
from .remix import RemixOperator

__all__ = ["BatchOperator", "CIFAR10Policy", "CMOOperator", "RemixOperator"]
