"""Averages of a model's weights, kept beside it and put in its place for a while.

Nothing here waits for the device, :func:`as_arrays` aside.
"""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn

from . import adapted

_FLOATS = (paddle.float16, paddle.bfloat16, paddle.float32, paddle.float64)


def floating(model: nn.Layer) -> dict[str, paddle.Tensor]:
    """What there is to average in a model: name -> tensor, each tensor once, running statistics included.

    The pretrained weights beside adapters never change.
    """
    found: dict[int, tuple[str, paddle.Tensor]] = {}
    held = set(adapted.held(model))
    for name, tensor in model.state_dict().items():
        if tensor.dtype in _FLOATS and name not in held:
            found.setdefault(id(tensor), (name, tensor))
    return dict(found.values())


def copies(tensors: dict[str, paddle.Tensor]) -> dict[str, paddle.Tensor]:
    """The same as tensors of their own, without gradients."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


@paddle.no_grad()
def move(average: dict[str, paddle.Tensor], weights: dict[str, paddle.Tensor], share: float) -> None:
    r"""Move an average to the weights by a share of the way: :math:`a \leftarrow (1 - s) \, a + s \, w`, in place.

    Args:
        average (dict): name -> tensor.
        weights (dict): the same names.
        share (float): s, in [0, 1]; 1 gives the weights themselves.
    """
    for name, tensor in average.items():
        # Three steps in place: on the CPU memory for what lies between takes longer than they do.
        tensor.subtract_(weights[name]).scale_(1 - share).add_(weights[name])


@paddle.no_grad()
def swap(model: dict[str, paddle.Tensor], other: dict[str, paddle.Tensor]) -> None:
    """Exchange what two dicts of tensors hold, in place."""
    for name, tensor in model.items():
        before = tensor.clone()
        paddle.assign(other[name], tensor)
        paddle.assign(before, other[name])


def as_arrays(tensors: dict[str, paddle.Tensor]) -> dict[str, np.ndarray]:
    """Name -> NumPy array."""
    return {name: tensor.numpy() for name, tensor in tensors.items()}
