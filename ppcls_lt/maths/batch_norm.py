"""The running statistics of BatchNorm."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Callable

import paddle.distributed as dist
from paddle import nn

_KINDS = (nn.BatchNorm, nn.layer.norm._BatchNormBase)


def batch_norms(layer: nn.Layer) -> list[nn.Layer]:
    """The BatchNorm layers in a layer, itself included."""
    return [each for each in layer.sublayers(include_self=True) if isinstance(each, _KINDS)]


def half_frozen(model: nn.Layer, frozen: set[int], learned: set[int]) -> set[int]:
    """Return the ids of frozen parameters that must keep a gradient, so that another of the same layer has one.

    Of the factor and the bias of a BatchNorm or InstanceNorm Paddle computes both gradients or none; LayerNorm and
    GroupNorm have each by itself. With a learning rate of 0 such a parameter stays what it is.

    Args:
        model (nn.Layer): the model.
        frozen, learned (set of int): ids of its parameters.
    """
    found = set()
    for layer in model.sublayers(include_self=True):
        if isinstance(layer, (*_KINDS, nn.layer.norm._InstanceNormBase)):
            own = {id(parameter) for parameter in layer.parameters(include_sublayers=False)}
            found |= own & frozen if own & learned else set()
    return found


class Statistics:
    """The running means and variances of a model's BatchNorm layers.

    Args:
        model (nn.Layer): the model.
    """

    def __init__(self, model: nn.Layer) -> None:
        self._layers = batch_norms(model)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Within the context a pass in training mode leaves them as they are."""
        with self._momenta():
            self._set_momentum(1.0)
            yield

    def measure(self, passes: Iterable[tuple[int, Callable]]) -> None:
        """Make them the means over passes in training mode, each batch with as much weight as it has images.

        Layers in evaluation mode keep theirs. In several processes they are the means over all.

        Args:
            passes (iterable): ``(images, forward)`` of each batch.
        """
        layers = [layer for layer in self._layers if layer.training]
        if not layers:
            return
        seen = 0
        with self._momenta():
            for images, forward in passes:
                self._set_momentum(seen / (seen + images))
                forward()
                seen += images
        if dist.is_initialized() and dist.get_world_size() > 1:
            for layer in layers:
                for values in (layer._mean, layer._variance):
                    dist.all_reduce(values)
                    values.scale_(1 / dist.get_world_size())

    def _set_momentum(self, momentum):
        for layer in self._layers:
            layer._momentum = momentum

    @contextlib.contextmanager
    def _momenta(self):
        before = [layer._momentum for layer in self._layers]
        try:
            yield
        finally:
            for layer, momentum in zip(self._layers, before):
                layer._momentum = momentum


def share_statistics(models: Sequence[nn.Layer]) -> None:
    """Give rank 0's BatchNorm statistics to every process; each had its own images."""
    if not (dist.is_initialized() and dist.get_world_size() > 1):
        return
    for model in models:
        for layer in batch_norms(model):
            dist.broadcast(layer._mean, src=0)
            dist.broadcast(layer._variance, src=0)
