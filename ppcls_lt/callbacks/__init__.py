"""Callbacks: what may act between the steps and epochs of a training."""

from .base import Callback
from .bitfit import BitFit
from .class_means import ClassMeanClassifier
from .class_sharpness import FocalSAM, ImbSAM
from .classifier_stages import LearnableWeightScaling, ResetClassifier, TauNormalize
from .deferred import DeferredResampling, DeferredReweighting
from .ema import EMA
from .freeze_layers import FreezeLayers
from .learning_rates import DiscriminativeLearningRates
from .loss_schedule import LossSchedule, loss_entries
from .norm_constraints import L2NormPGD, MaxNormPGD
from .sharpness import SAM
from .swa import SWA

__all__ = [
    "EMA",
    "SAM",
    "SWA",
    "BitFit",
    "Callback",
    "ClassMeanClassifier",
    "DeferredResampling",
    "DeferredReweighting",
    "DiscriminativeLearningRates",
    "FocalSAM",
    "FreezeLayers",
    "ImbSAM",
    "L2NormPGD",
    "LearnableWeightScaling",
    "LossSchedule",
    "MaxNormPGD",
    "ResetClassifier",
    "TauNormalize",
    "loss_entries",
]
