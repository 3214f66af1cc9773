"""LoRA: updates of low rank beside the frozen weight of a ``Linear``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import paddle
from paddle import nn
from paddle.nn import functional as F


class LoRALinear(nn.Linear):
    r"""A ``Linear`` with an update of low rank, :math:`x W + b + \frac{\alpha}{r} \, x A B`.

    Made from a ``Linear`` by :func:`add`; the keys of its weight and bias stay.

    Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, and their code (loralib),
    whose ``MergedLinear`` updates parts of one matrix as well.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return ``[..., out]`` from ``[..., in]``."""
        self.used = True
        dropped = F.dropout(x, self.lora_dropout, training=self.training) if self.lora_dropout else x
        update = paddle.matmul(paddle.matmul(dropped, self.lora_A), self.spread())
        return super().forward(x) + update * self.scaling

    def spread(self) -> paddle.Tensor:
        """``lora_B`` as a matrix ``[parts r, out]`` that is zero where a part of the weight has no update."""
        _, rank, size = self.lora_B.shape
        rows, index = [], 0
        for place, updated in enumerate(self.parts):
            if updated:
                sides = (place * size, (len(self.parts) - 1 - place) * size)
                before, after = (paddle.zeros([rank, side], self.lora_B.dtype) for side in sides)
                rows.append(paddle.concat([before, self.lora_B[index], after], axis=1))
                index += 1
        return paddle.concat(rows, axis=0)


def add(layer: nn.Linear, *, r: int, lora_alpha: float, lora_dropout: float, parts: Sequence[bool]) -> None:
    r"""Turn a ``Linear`` into a :class:`LoRALinear` that gives what it gave, in place.

    :math:`A \sim U(-1 / \sqrt{D}, 1 / \sqrt{D})` for inputs ``[N, D]``, :math:`B = 0`. The draw comes from Paddle's
    global generator.

    Args:
        layer (nn.Linear): weight ``[in, out]``.
        r (int): the rank, >= 1.
        lora_alpha (float): the update is multiplied by ``lora_alpha / r``.
        lora_dropout (float): share of the inputs of the update that a training step drops, in [0, 1).
        parts (sequence of bool): of each of the equal parts that the outputs are made of, whether it is updated.
    """
    inputs, outputs = layer.weight.shape
    number, bound = sum(parts), 1 / math.sqrt(inputs)
    layer.__class__ = LoRALinear
    layer.parts, layer.scaling, layer.lora_dropout, layer.used = tuple(parts), lora_alpha / r, lora_dropout, False
    dtype, draw = layer.weight.dtype, nn.initializer.Uniform(-bound, bound)
    layer.lora_A = layer.create_parameter([inputs, number * r], dtype=dtype, default_initializer=draw)
    zeros = nn.initializer.Constant(0.0)
    layer.lora_B = layer.create_parameter([number, r, outputs // len(parts)], dtype=dtype, default_initializer=zeros)


@paddle.no_grad()
def fold(model: nn.Layer) -> int:
    """Add every update of a model to its weight, in place; return how many. The layers are ordinary ``Linear`` then.

    Args:
        model (nn.Layer): the whole model.
    """
    found = [layer for layer in model.sublayers(include_self=True) if isinstance(layer, LoRALinear)]
    for layer in found:
        weight, a, b = (each.astype("float64") for each in (layer.weight, layer.lora_A, layer.spread()))
        layer.weight.set_value((weight + layer.scaling * paddle.matmul(a, b)).astype(layer.weight.dtype))
        del layer.lora_A, layer.lora_B, layer.used
        layer.__class__ = nn.Linear
    return len(found)
