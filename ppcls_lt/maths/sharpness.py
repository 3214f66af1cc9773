"""Steps against sharp minima: weights moved along their gradients and back, and what a second pass must leave alone.

Nothing here waits for the device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import paddle
from paddle import nn

_TINY = 1e-12  # of the authors' code, beside the norm


@contextlib.contextmanager
def ascended(weights: Sequence[paddle.Tensor], rho: float, adaptive: bool) -> Iterator[None]:
    r"""Within the context the weights are moved up their gradients, which are 0 when it begins.

    .. math:: e = \rho \, g / (\|g\|_2 + 10^{-12}); \quad
        \text{adaptive: } e = \rho \, w^2 g / (\||w| \, g\|_2 + 10^{-12})

    The norm is that over all weights together. After the context they are what they were, to the bit. Where the norm is
    not finite, as in a step that mixed precision is going to leave out, nothing is moved.

    Args:
        weights (list of Tensor): parameters with gradients.
        rho (float): the length of the way.
        adaptive (bool): whether it is measured in the size of each weight.
    """
    with paddle.no_grad():
        kept = [weight.clone() for weight in weights]
        norms = [paddle.linalg.norm(w.abs() * w.grad if adaptive else w.grad) for w in weights]
        norm = paddle.linalg.norm(paddle.stack([each.reshape([]) for each in norms]))
        scale, finite = rho / (norm + _TINY), paddle.isfinite(norm)
        for weight, before in zip(weights, kept):
            step = weight.grad * scale
            if adaptive:
                step = step * before * before
            paddle.assign(paddle.where(finite, before + step, before), weight)
    clear(weights)
    try:
        yield
    finally:
        with paddle.no_grad():
            for weight, before in zip(weights, kept):
                paddle.assign(before, weight)


def clear(weights: Sequence[paddle.Tensor]) -> None:
    """Set the gradients of parameters to 0."""
    for weight in weights:
        weight.clear_gradient()


def weighed(outputs: Any, shares: paddle.Tensor) -> Any:
    """What a model gave, with the gradient of each image multiplied by a share; the values are the same.

    Args:
        outputs (Tensor, dict or list): tensors ``[N, ...]``, nested as models give them.
        shares (Tensor): ``[N]``.
    """
    if isinstance(outputs, dict):
        return {name: weighed(value, shares) for name, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(weighed(value, shares) for value in outputs)
    if not isinstance(outputs, paddle.Tensor) or outputs.stop_gradient:
        return outputs
    still = outputs.detach()
    share = shares.astype(outputs.dtype).reshape([-1, *[1] * (outputs.ndim - 1)])
    return still + share * (outputs - still)


class Statistics:
    """The running statistics of a model's BatchNorm layers.

    Args:
        model (nn.Layer): the model.
    """

    def __init__(self, model: nn.Layer) -> None:
        kinds = (nn.BatchNorm, nn.layer.norm._BatchNormBase)
        self._layers = [layer for layer in model.sublayers(include_self=True) if isinstance(layer, kinds)]

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Within the context a pass in training mode leaves them as they are."""
        before = [layer._momentum for layer in self._layers]
        for layer in self._layers:
            layer._momentum = 1.0
        try:
            yield
        finally:
            for layer, momentum in zip(self._layers, before):
                layer._momentum = momentum
