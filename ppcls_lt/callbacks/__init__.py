"""Callbacks: what may act between the steps and epochs of a training."""

from .base import Callback
from .class_sharpness import FocalSAM, ImbSAM
from .classifier_stages import LearnableWeightScaling, ResetClassifier, TauNormalize
from .deferred import DeferredResampling, DeferredReweighting
from .freeze_layers import FreezeLayers
from .loss_schedule import LossSchedule, loss_entries
from .norm_constraints import L2NormPGD, MaxNormPGD
from .sharpness import SAM

__all__ = [
    "SAM",
    "Callback",
    "DeferredResampling",
    "DeferredReweighting",
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
