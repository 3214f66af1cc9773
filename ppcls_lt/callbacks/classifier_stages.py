"""What a second stage does to the classifier that a first stage has trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import paddle
from paddle import nn

from ..basis import checks
from ..basis.registry import register
from ..maths.classifier import NormalizedLinear, normalize
from ..maths.projections import tau_normalize_
from ._layers import check_norms_matter, check_not_fixed, check_not_normalized
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run


@register("callback")
class ResetClassifier(Callback):
    r"""Draw the final classifier anew: classifier re-training (cRT).

    .. math:: w, b \sim U(-1 / \sqrt{D}, 1 / \sqrt{D})

    for features ``[N, D]``. A normalised classifier starts with unit vectors, as
    it does in a new model. The draw comes from Paddle's global generator.
    Freeze the rest with ``FreezeLayers``.

    Source: Kang et al., "Decoupling Representation and Classifier for
    Long-Tailed Recognition", ICLR 2020; the distribution is that of the
    PyTorch layer in their code.
    """

    needs_classifier = True

    def check(self, config: dict) -> None:
        check_not_fixed("ResetClassifier", config)

    def on_model_built(self, run: Run) -> None:
        _, layer = run.classifier()
        if isinstance(layer, NormalizedLinear):
            normalize(layer, layer.scale)
            return
        bound = 1 / math.sqrt(layer.weight.shape[0])
        for parameter in [layer.weight] if layer.bias is None else [layer.weight, layer.bias]:
            drawn = paddle.uniform(parameter.shape, dtype="float32", min=-bound, max=bound)
            parameter.set_value(drawn.astype(parameter.dtype))


@register("callback")
class TauNormalize(Callback):
    r"""Divide each class vector of the final classifier by a power of its norm (tau-normalisation).

    .. math:: w_c \leftarrow w_c / \|w_c\|_2^\tau, \quad b_c \leftarrow 0

    It needs no training; choose tau on validation images. A vector shorter than
    1e-12 has no direction and is left alone.

    Args:
        tau (float): in [0, 2]; 0 drops the bias and no more, 1 gives unit vectors.

    Raises:
        ConfigError: ``tau`` is not what it must be, or the classifier is normalised.

    Source: Kang et al., ICLR 2020. The paper takes tau from (0, 1), its code
    tries 0 to 2; both discard the bias.
    """

    only_once = True
    needs_classifier = True

    def __init__(self, *, tau: float = 1.0) -> None:
        self.tau = checks.number("TauNormalize", "tau", tau, minimum=0, maximum=2)

    def check(self, config: dict) -> None:
        check_not_fixed("TauNormalize", config)
        check_not_normalized("TauNormalize", config)

    def on_model_built(self, run: Run) -> None:
        _, layer = run.classifier()
        check_norms_matter("TauNormalize", layer)
        tau_normalize_(layer.weight, self.tau, class_axis=1)
        if layer.bias is not None:
            layer.bias.set_value(paddle.zeros_like(layer.bias))


class ScaledLinear(nn.Linear):
    """``scale * (x W + b)``: a ``Linear`` with one factor ``scale[c]`` for each class."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return logits ``[N, C]`` from features ``[N, D]``."""
        return super().forward(x) * self.scale


@register("callback")
class LearnableWeightScaling(Callback):
    r"""Learn one factor for each class (LWS), with the final classifier frozen or trained slowly.

    .. math:: z_c = f_c (w_c \cdot h + b_c), \quad f_c = 1 \text{ at the start}

    A checkpoint holds the products, ``f_c w_c`` and ``f_c b_c``, under the keys
    of the architecture, and so is one of an ordinary model. Freeze the rest with
    ``FreezeLayers``, keeping ``<classifier>.scale``: its default keeps that.

    Args:
        lr_factor (float or None): > 0, train the classifier too, with the learning rate times this; None freezes it.

    Raises:
        ConfigError: ``lr_factor`` is not what it must be, or the classifier is normalised.

    Source: Kang et al., ICLR 2020, and their code, which scales the bias too; ``lr_factor`` of Zhong et al., CVPR 2021
    (MiSLAS), whose code trains the classifier beside the factors.
    """

    only_once = True
    needs_classifier = True

    def __init__(self, *, lr_factor: float | None = None) -> None:
        owner = "LearnableWeightScaling"
        self.lr_factor = None if lr_factor is None else checks.number(owner, "lr_factor", lr_factor, above=0)
        self.hidden_keys: list[str] = []
        self._name: str | None = None
        self._kept: dict[str, Any] = {}
        self._layers: dict[str, nn.Layer] = {}

    def check(self, config: dict) -> None:
        check_not_fixed("LearnableWeightScaling", config)
        check_not_normalized("LearnableWeightScaling", config)

    def on_model_built(self, run: Run) -> None:
        self._name, layer = run.classifier()
        check_norms_matter("LearnableWeightScaling", layer)
        for parameter in layer.parameters():
            if self.lr_factor is None:
                parameter.stop_gradient = True
            else:
                parameter.optimize_attr["learning_rate"] *= self.lr_factor
        layer.__class__ = ScaledLinear
        layer.scale = layer.create_parameter(
            [layer.weight.shape[1]],
            dtype=layer.weight.dtype,
            default_initializer=nn.initializer.Constant(1.0),
        )
        self.hidden_keys = [f"{self._name}.scale"]
        self._layers = {"model": layer}

    def on_checkpoint_loaded(self, run: Run) -> None:
        self._layers = {which: run.classifier(model)[1] for which, model in zip(("model", "ema"), run.models)}
        if not run.resumed:
            return
        # The checkpoint has the products; the factors cannot be told from them.
        for key, parameter in self._parts():
            if key not in self._kept:
                got = checks.described(f"one without {key!r}")
                checks.fail("LearnableWeightScaling", "Global.checkpoints", "a checkpoint of the same model", got)
            parameter.set_value(paddle.to_tensor(self._kept[key]).astype(parameter.dtype))
        self._kept = {}

    def on_save(self, run: Run, weights: dict[str, Any]) -> None:
        scale = _at_least_float32(weights.pop(f"{self._name}.scale"))
        for key in (f"{self._name}.weight", f"{self._name}.bias"):
            if key in weights:
                weights[key] = (_at_least_float32(weights[key]) * scale).astype(weights[key].dtype)

    def state_dict(self) -> dict[str, Any]:
        return {key: _at_least_float32(parameter).numpy() for key, parameter in self._parts()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._kept = dict(state)

    def _parts(self):
        """Yield ``("model.weight", parameter)`` and the like."""
        for which, layer in self._layers.items():
            for part, parameter in layer.named_parameters():
                yield f"{which}.{part}", parameter


def _at_least_float32(tensor):
    return tensor if tensor.dtype == paddle.float64 else tensor.astype("float32")
