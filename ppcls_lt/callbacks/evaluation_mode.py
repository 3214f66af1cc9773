"""Training a model in evaluation mode: it is tuned as it will predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddle import nn

from ..basis.registry import register
from ..maths.batch_norm import batch_norms
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run


@register("callback")
class EvaluationMode(Callback):
    """Hold the layers of the model in evaluation mode, and train all that is trained without it.

    BatchNorm normalises by its running statistics, which stay what they are; its factor and bias are trained. Dropout
    and DropPath pass everything. So a classifier that was trained on frozen features meets the same features when
    the rest is trained too. Layers with layers of their own keep their mode, since what they give may depend on it.

    Source: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
    ICLR 2022, and their code, ``use_net_val_mode`` in both phases of LP-FT.
    """

    only_once = True

    def on_epoch_start(self, run: Run) -> None:
        # Anew for every epoch: after each evaluation the host calls model.train().
        for layer in _leaves(run.model):
            layer.eval()

    def announcement(self, run: Run) -> str:
        number = len(batch_norms(run.model))
        return f"trained in evaluation mode: no dropout; BatchNorm layers that keep their statistics: {number}"


def _leaves(model: nn.Layer) -> list[nn.Layer]:
    return [layer for layer in model.sublayers(include_self=True) if not list(layer.children())]
