"""Freezing part of a model, statistics included."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..basis import checks
from ..basis.registry import register
from ._layers import check_patterns, matches
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run


@register("callback")
class FreezeLayers(Callback):
    """Freeze parameters, and hold the layers that are frozen as a whole in evaluation mode.

    A layer all of whose parameters are frozen stays in evaluation mode through
    the training, with everything inside it: its BatchNorm statistics stand
    still, its Dropout and DropPath pass everything. A layer without parameters
    follows the layer it lies in; one outside of every frozen layer, such as a
    Dropout next to the classifier, goes on as in training. A checkpoint keeps
    its keys.

    Args:
        layers (list of str): what to freeze: names, or regular expressions for
            whole names, of layers or parameters; a layer stands for everything
            inside it. None is the whole model.
        keep (list of str): what to leave out of that, named in the same way.
            None is the final classifier where ``layers`` is None, else nothing.

    Raises:
        ConfigError: a parameter is not what it must be, a name matches
            nothing, or nothing would be frozen or nothing trained.

    Source: the second stage of Kang et al., ICLR 2020, and of Alshammari et al.,
    CVPR 2022. Deviation: codes that only stop the gradients let the statistics
    of a frozen backbone drift.
    """

    def __init__(self, *, layers: Sequence[str] | None = None, keep: Sequence[str] | None = None) -> None:
        self.layers = None if layers is None else check_patterns("FreezeLayers", "layers", layers)
        self.keep = None if keep is None else check_patterns("FreezeLayers", "keep", keep)
        self._evaluated: list[str] = []

    def on_model_built(self, run: Run) -> None:
        model = run.model
        trainable = {id(parameter) for parameter in model.parameters() if not parameter.stop_gradient}
        if self.layers is None:
            chosen = _ids(model)
        else:
            chosen = _named(model, "layers", self.layers)
        if self.keep is not None:
            chosen -= _named(model, "keep", self.keep)
        elif self.layers is None:
            chosen -= _ids(run.classifier()[1])
        frozen = chosen & trainable
        if not frozen:
            got = checks.described("names of parameters that are kept or frozen already")
            checks.fail("FreezeLayers", "layers", "such that something is frozen", got)
        if frozen == trainable:
            got = checks.described("names of all trainable parameters")
            checks.fail("FreezeLayers", "layers", "such that something is left to train", got)
        for parameter in model.parameters():
            if id(parameter) in frozen:
                parameter.stop_gradient = True
        # Names, not layers: the host may put SyncBatchNorm in the place of a BatchNorm.
        self._evaluated = list(_frozen_layers(model, trainable, chosen))

    def on_epoch_start(self, run: Run) -> None:
        # Anew for every epoch: after each evaluation the host calls model.train().
        for name in self._evaluated:
            functools.reduce(getattr, name.split("."), run.model).eval()


def _ids(layer):
    return {id(parameter) for parameter in layer.parameters()}


def _named(model, name, patterns):
    """The ids of the parameters that the patterns name, by their own names or those of layers."""
    sublayers, parameters = dict(model.named_sublayers()), dict(model.named_parameters())
    found = matches("FreezeLayers", name, patterns, [*sublayers, *parameters], "layers or parameters")
    return set().union(*(_ids(sublayers[each]) if each in sublayers else {id(parameters[each])} for each in found))


def _frozen_layers(layer, trainable, chosen, prefix=""):
    """Yield the names of the outermost layers within ``layer`` that are frozen as a whole."""
    for name, child in layer.named_children():
        own = _ids(child)
        # The statistics of a BatchNorm are parameters that were never trained; they decide where it has no others.
        deciding = own & trainable or own
        if deciding and deciding <= chosen:
            yield prefix + name
        else:
            yield from _frozen_layers(child, trainable, chosen, f"{prefix}{name}.")
