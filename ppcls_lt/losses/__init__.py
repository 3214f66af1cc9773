"""Losses for long-tailed data: Paddle layers that PaddleClas builds by name; a file is found by its being here."""

from ..basis import modules
from .balanced_softmax import BalancedSoftmaxLoss
from .base import LongTailLoss
from .cdt import CDTLoss
from .cost_sensitive import CostSensitiveCE
from .equalization import EqualizationLoss
from .focal import FocalLoss
from .influence_balanced import IBFocalLoss, IBLoss
from .ldam import LDAMLoss
from .logit_adjusted import LogitAdjustedLoss
from .vs import VSLoss

__all__ = [
    "BalancedSoftmaxLoss",
    "CDTLoss",
    "CostSensitiveCE",
    "EqualizationLoss",
    "FocalLoss",
    "IBFocalLoss",
    "IBLoss",
    "LDAMLoss",
    "LogitAdjustedLoss",
    "LongTailLoss",
    "VSLoss",
]

modules.import_all(__name__, __path__)
