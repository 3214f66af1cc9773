"""Freezing part of a model, statistics included."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..basis import checks
from ..basis.registry import register
from ..maths.batch_norm import batch_norms, half_frozen
from ._layers import check_not_fixed, check_patterns, matches
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run


_AUTO = "auto"


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
        shift_bn (bool or str): let the running statistics of frozen BatchNorm layers go on
            adapting to the images of this stage, and let a batch be normalised by its own, as in
            a stage in which they are trained; their weights stay frozen. ``auto`` does so where there are such layers.

    Raises:
        ConfigError: a parameter is not what it must be, a name matches
            nothing, or nothing would be frozen or nothing trained.

    Source: the second stage of Kang et al., ICLR 2020, and of Alshammari et al.,
    CVPR 2022; ``shift_bn`` of Zhong et al., CVPR 2021 (MiSLAS), and their code. Deviations: codes that
    only stop the gradients let the statistics of a frozen backbone drift, that of MiSLAS the
    Dropout of it too.
    """

    def __init__(
        self, *, layers: Sequence[str] | None = None, keep: Sequence[str] | None = None, shift_bn: bool | str = False
    ) -> None:
        self.layers = None if layers is None else check_patterns("FreezeLayers", "layers", layers)
        self.keep = None if keep is None else check_patterns("FreezeLayers", "keep", keep)
        self.needs_classifier = layers is None and keep is None
        if not isinstance(shift_bn, bool) and shift_bn != _AUTO:
            checks.fail("FreezeLayers", "shift_bn", f"true or false, or {_AUTO}", shift_bn)
        self.shift_bn = shift_bn
        self._evaluated: list[str] = []

    def check(self, config: dict) -> None:
        if self.layers is None and self.keep is None:
            check_not_fixed("FreezeLayers", config)

    def on_model_built(self, run: Run) -> None:
        model = run.model
        trainable = {id(parameter) for parameter in model.parameters() if not parameter.stop_gradient}
        chosen = self._chosen(run)
        frozen = chosen & trainable
        if not frozen:
            got = checks.described("names of parameters that are kept or frozen already")
            checks.fail("FreezeLayers", "layers", "such that something is frozen", got)
        if frozen == trainable:
            got = checks.described("names of all trainable parameters")
            checks.fail("FreezeLayers", "layers", "such that something is left to train", got)
        halves = half_frozen(model, frozen, trainable - frozen)
        for parameter in model.parameters():
            if id(parameter) in halves:
                parameter.optimize_attr["learning_rate"] = 0.0
            elif id(parameter) in frozen:
                parameter.stop_gradient = True
        # Names, not layers: the host may put SyncBatchNorm in the place of a BatchNorm.
        self._evaluated = list(_frozen_layers(model, trainable, chosen))
        if self.shift_bn is True and not any(batch_norms(_named_layer(model, name)) for name in self._evaluated):
            got = checks.described("true where no BatchNorm layer is frozen")
            checks.fail("FreezeLayers", "shift_bn", "false or left out", got)

    def _chosen(self, run):
        """The ids of the parameters that are to be frozen, whether they are trained or not."""
        model = run.model
        chosen = _ids(model) if self.layers is None else _named(model, "layers", self.layers)
        if self.keep is not None:
            chosen -= _named(model, "keep", self.keep)
        elif self.layers is None:
            chosen -= _ids(run.classifier()[1])
        return chosen

    def on_epoch_start(self, run: Run) -> None:
        # Anew for every epoch: after each evaluation the host calls model.train().
        for name in self._evaluated:
            layer = _named_layer(run.model, name)
            layer.eval()
            for each in batch_norms(layer) if self.shift_bn else ():
                each.train()


def _named_layer(model, name):
    return functools.reduce(getattr, name.split("."), model)


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
