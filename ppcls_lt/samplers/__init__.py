"""Batch samplers."""

from .weight_balanced import WeightBalancedSampler

__all__ = ["WeightBalancedSampler"]
