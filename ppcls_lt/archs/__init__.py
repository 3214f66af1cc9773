"""Architectures that PaddleClas lacks."""

from .cifar_resnet import (
    CIFARResNet,
    CIFARResNet8,
    CIFARResNet20,
    CIFARResNet32,
    CIFARResNet44,
    CIFARResNet56,
    CIFARResNet110,
)

__all__ = [
    "CIFARResNet",
    "CIFARResNet8",
    "CIFARResNet20",
    "CIFARResNet32",
    "CIFARResNet44",
    "CIFARResNet56",
    "CIFARResNet110",
]
