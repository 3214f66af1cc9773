"""Every loss once more, slow and in float64 NumPy, one file each; the suites find a file by its being here."""

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Callable, Optional, Union

import numpy as np


def softmax(logits):
    """Softmax of each row, float64 ``[N, C]``."""
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    mass = np.exp(shifted)
    return mass / mass.sum(axis=1, keepdims=True)


def minus_log_softmax(logits):
    """``-log softmax`` of each row, float64 ``[N, C]``."""
    logits = np.asarray(logits, np.float64)
    top = logits.max(axis=1, keepdims=True)
    return top + np.log(np.exp(logits - top).sum(axis=1, keepdims=True)) - logits


@dataclass(frozen=True)
class Reference:
    """What the suites need of a loss.

    Attributes:
        formula (callable): the unweighted loss ``[N]`` of every image of logits ``[N, C]`` were the class ``true``
            its own; takes ``counts`` ``[C]``, ``features`` ``[N, D]`` and the loss's parameters by name.
        params (dict): what the contract suite builds it with, beside the counts.
        rejected (dict): parameter -> values that must be refused; of its own parameters.
        trained (dict): what the trainings build it with.
        scheme (str, dict or None): the class weights that are its default, given ``params``.
        trained_scheme: those of ``trained``; None means ``scheme``.
        reduction (str): its default divisor.
        scale (str or None): the parameter that a normalised classifier multiplies the logits by.
        term (callable or None): what is added to the mean over the batch: of logits ``[N, C]`` and shares ``[N, C]``.
        detached (bool): whether the formula takes ``at``, the logits at which it is where no gradient flows.
        further (tuple of dict): other parameters, laid over ``params``, with which it is held to the formula too.
    """

    formula: Callable
    params: dict
    trained: dict
    rejected: dict = field(default_factory=dict)
    scheme: Union[str, dict, None] = None
    trained_scheme: Union[str, dict, None] = None
    reduction: str = "mean"
    scale: Optional[str] = None
    term: Optional[Callable] = None
    detached: bool = False
    further: tuple = ()


def _found():
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {name: value for module in modules for name, value in vars(module).get("REFERENCES", {}).items()}


REFERENCES = _found()
