"""Metrics over the whole evaluation set, for ``Metric.Eval``; one short file per family."""

from .averages import BalancedAcc, GMean, MacroF1, WorstClassAcc
from .base import LongTailMetric, share
from .batch import Batch, Batches
from .calibration import ECE
from .groups import ManyMediumFewAcc
from .needs import Confidences, Counts, TopK
from .per_class import PerClassAcc

__all__ = [
    "ECE",
    "BalancedAcc",
    "Batch",
    "Batches",
    "Confidences",
    "Counts",
    "GMean",
    "LongTailMetric",
    "MacroF1",
    "ManyMediumFewAcc",
    "PerClassAcc",
    "TopK",
    "WorstClassAcc",
    "share",
]
