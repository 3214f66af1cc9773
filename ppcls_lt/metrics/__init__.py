"""Metrics over the whole evaluation set, for ``Metric.Eval``; one short file per family."""

from .averages import BalancedAcc, GMean, MacroF1, WorstClassAcc
from .base import LongTailMetric, share
from .calibration import ECE
from .groups import ManyMediumFewAcc
from .per_class import PerClassAcc

__all__ = [
    "ECE",
    "BalancedAcc",
    "GMean",
    "LongTailMetric",
    "MacroF1",
    "ManyMediumFewAcc",
    "PerClassAcc",
    "WorstClassAcc",
    "share",
]
