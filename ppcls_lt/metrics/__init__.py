"""Metrics over the whole evaluation set, for ``Metric.Eval``; one short file per family, found by being here."""

from ..basis import modules
from .average_precision import ManyMediumFewMAP
from .averages import BalancedAcc, GMean, MacroF1, WorstClassAcc
from .base import LongTailMetric, OneNumber, share
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
    "ManyMediumFewMAP",
    "OneNumber",
    "PerClassAcc",
    "TopK",
    "WorstClassAcc",
    "share",
]

modules.import_all(__name__, __path__)
