"""Losses for long-tailed data: Paddle layers that PaddleClas builds by name; a file is found by its being here."""

from ..basis import modules
from .base import LongTailLoss
from .cost_sensitive import CostSensitiveCE
from .focal import FocalLoss
from .influence_balanced import IBFocalLoss, IBLoss
from .ldam import LDAMLoss

__all__ = ["LongTailLoss", "CostSensitiveCE", "LDAMLoss", "FocalLoss", "IBLoss", "IBFocalLoss"]

modules.import_all(__name__, __path__)
