"""AdaptFormer: a small network beside the feed-forward part of every block of a transformer."""

from __future__ import annotations

import math
from typing import Any

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..basis.checks import ConfigError


class Adapter(nn.Layer):
    r"""A bottleneck, :math:`s \, \mathrm{ReLU}(x W_{down} + b_{down}) W_{up} + b_{up}` with :math:`s` over all of it.

    :math:`W_{down} \sim U(-1 / \sqrt{D}, 1 / \sqrt{D})`, the rest is 0, so that it gives 0 at first.

    Args:
        size (int): D, of what enters and leaves.
        ffn_num (int): width of the bottleneck.
        scalar (float or None): s; None is learned from 1.
        layernorm (str): ``in`` normalises what enters, ``out`` what leaves, ``none`` nothing.
        dropout (float): within the bottleneck, in [0, 1).

    Source: Chen et al., "AdaptFormer: Adapting Vision Transformers for Scalable Visual Recognition", NeurIPS 2022, and
    their code (``ffn_adapter_init_option`` lora, ``ffn_option`` parallel). Deviation: where the block has DropPath or a
    learned scale on its feed-forward part, that acts on the adapter too. LIFT draws the same variance from a normal
    distribution.
    """

    def __init__(self, size: int, *, ffn_num: int, scalar: float | None, layernorm: str, dropout: float) -> None:
        super().__init__()
        bound = 1 / math.sqrt(size)
        zeros = nn.initializer.Constant(0.0)
        drawn = paddle.ParamAttr(initializer=nn.initializer.Uniform(-bound, bound))
        self.down_proj = nn.Linear(size, ffn_num, drawn, paddle.ParamAttr(initializer=zeros))
        self.up_proj = nn.Linear(
            ffn_num, size, paddle.ParamAttr(initializer=zeros), paddle.ParamAttr(initializer=zeros)
        )
        self.scale: Any = scalar
        if scalar is None:
            self.scale = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))
        self.layernorm, self.dropout = layernorm, dropout
        self.adapter_layer_norm_before: Any = None if layernorm == "none" else nn.LayerNorm(size)
        self.used = False
        self._residual: list[paddle.Tensor] = []

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return ``[..., D]`` from ``[..., D]``."""
        self.used = True
        if self.layernorm == "in":
            x = self.adapter_layer_norm_before(x)
        down = F.dropout(F.relu(self.down_proj(x)), self.dropout, training=self.training)
        up = self.up_proj(down) * self.scale
        return self.adapter_layer_norm_before(up) if self.layernorm == "out" else up

    def take(self, norm: nn.Layer, inputs: tuple) -> None:
        """Forward pre-hook of the norm before the feed-forward part: what enters it enters the adapter."""
        self._residual = [inputs[0]]

    def give(self, mlp: nn.Layer, inputs: tuple, output: paddle.Tensor) -> paddle.Tensor:
        """Forward post-hook of the feed-forward part: the adapter's output is added."""
        if not self._residual:
            raise ConfigError(
                "Arch: `adaptformer` must be with an architecture whose blocks have `norm2` before `mlp`, got one with "
                "another order; `lora` needs none"
            )
        return output + self(self._residual.pop())


def attach(block: nn.Layer, adapter: Adapter) -> None:
    """Give a block with layers ``norm2`` and ``mlp`` an adapter beside the latter, as its layer ``adaptmlp``.

    Args:
        block (nn.Layer): computes ``x + mlp(norm2(x))``.
        adapter (Adapter): of the size of x.
    """
    block.adaptmlp = adapter
    # Methods of the layer, which a copy of the model binds to its own.
    block.norm2.register_forward_pre_hook(adapter.take)
    block.mlp.register_forward_post_hook(adapter.give)
