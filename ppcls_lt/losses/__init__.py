"""Losses for long-tailed data: Paddle layers that PaddleClas builds by name; a file is found by its being here."""

from ..basis import modules
from .balanced_bce import BalancedBCELoss
from .balanced_softmax import BalancedSoftmaxLoss
from .base import LongTailLoss
from .cdt import CDTLoss
from .class_balanced import ClassBalancedLoss
from .class_balanced_multi_label import ClassBalancedMultiLabelLoss
from .cost_sensitive import CostSensitiveCE
from .cross_entropy import CELoss
from .distribution_balanced import DistributionBalancedLoss
from .equalization import EqualizationLoss
from .focal import FocalLoss
from .influence_balanced import IBFocalLoss, IBLoss
from .label_aware_smoothing import LabelAwareSmoothingLoss
from .lade import LADELoss
from .ldam import LDAMLoss
from .logit_adjusted import LogitAdjustedLoss
from .seesaw import SeesawLoss
from .several_labels import SeveralLabelsLoss
from .vs import VSLoss

__all__ = [
    "BalancedBCELoss",
    "BalancedSoftmaxLoss",
    "CDTLoss",
    "CELoss",
    "ClassBalancedLoss",
    "ClassBalancedMultiLabelLoss",
    "CostSensitiveCE",
    "DistributionBalancedLoss",
    "EqualizationLoss",
    "FocalLoss",
    "IBFocalLoss",
    "IBLoss",
    "LADELoss",
    "LDAMLoss",
    "LabelAwareSmoothingLoss",
    "LogitAdjustedLoss",
    "LongTailLoss",
    "SeesawLoss",
    "SeveralLabelsLoss",
    "VSLoss",
]

modules.import_all(__name__, __path__)
