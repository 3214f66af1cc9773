"""Steps against sharp minima: weights moved along their gradients and back, and the gradient of a part of the images.

Nothing here waits for the device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import paddle

_TINY = 1e-12  # of the authors' code, beside the norm


class Ascent:
    r"""A way up the gradient, and back.

    .. math:: e = \rho \, g / (\|g\|_2 + 10^{-12}); \quad
        \text{adaptive: } e = \rho \, w^2 g / (\||w| \, g\|_2 + 10^{-12})

    The norm is that over all weights together.

    Args:
        rho (float): the length of the way.
        adaptive (bool): whether it is measured in the size of each weight.
        guarded (bool): go no way where the norm is not finite, as in a step that mixed precision is going to leave out.
    """

    def __init__(self, rho: float, adaptive: bool, *, guarded: bool = False) -> None:
        self._rho = rho
        self._adaptive = adaptive
        self._guarded = guarded
        # The weights as they were, in memory that stays: on the CPU to ask for it takes longer than to copy.
        self._kept: dict[int, paddle.Tensor] = {}

    @contextlib.contextmanager
    def up(self, weights: Sequence[paddle.Tensor]) -> Iterator[None]:
        """Within the context the weights are moved and have no gradients at first; then they are back, to the bit.

        Args:
            weights (list of Tensor): parameters with gradients, which are used up.
        """
        with paddle.no_grad():
            scale, finite = self._scale(weights)
            for weight in weights:
                before = self._keep(weight)
                step = weight.grad.multiply_(scale.astype(weight.dtype))
                if self._adaptive:
                    step = step.multiply_(before).multiply_(before)
                if finite is None:
                    weight.add_(step)
                else:
                    paddle.assign(paddle.where(finite, before + step, before), weight)
        clear(weights)
        try:
            yield
        finally:
            with paddle.no_grad():
                for weight in weights:
                    paddle.assign(self._kept[id(weight)], weight)

    def _scale(self, weights):
        """What the gradients are multiplied by ``[1]``, and whether it can be, or None."""
        # A product with itself: on the CPU Paddle's norm takes nine times as long.
        pushed = [(w.abs() * w.grad if self._adaptive else w.grad).flatten() for w in weights]
        squares = paddle.stack([paddle.dot(each, each).reshape([1]) for each in pushed])
        norm = squares.sum(axis=0).sqrt()
        return self._rho / (norm + _TINY), paddle.isfinite(norm) if self._guarded else None

    def _keep(self, weight):
        kept = self._kept.get(id(weight))
        if kept is None:
            kept = self._kept[id(weight)] = weight.detach().clone()
        else:
            paddle.assign(weight, kept)
        return kept


def clear(weights: Sequence[paddle.Tensor]) -> None:
    """Let the gradients of parameters go; the next pass gives them new ones, which is quicker than to add to zeros."""
    for weight in weights:
        weight.clear_gradient(False)


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
