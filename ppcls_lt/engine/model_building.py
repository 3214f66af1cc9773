"""Building one model: the host's, with the kind of classifier that the configuration names."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

import paddle

from .. import host
from ..basis.checks import ConfigError
from ..configuration import adapters, callback_entries
from ..configuration import reading as configuration
from ..maths.classifier import LogitsCheck, UnitFeaturesLinear, find_classifier, give_bias, normalize
from . import adapting, base_weights, weights

if TYPE_CHECKING:
    from paddle import nn

# Keys of the section `Arch` that the host's architectures do not know.
OWN = (*configuration.CLASSIFIER_KEYS, *adapters.KINDS)


def build_model(original: Callable, config: dict, mode: str = "train") -> nn.Layer:
    """The host's ``build_model``, which also understands the keys of ``Arch`` that this package adds."""
    model = _with_classifier(original, config, mode)
    adapting.adapt(model, config)
    base_weights.bring(model, config)
    return model


def check_later(plan: Sequence[dict], index: int, model: nn.Layer) -> None:
    """Raise where a callback of a later stage asks for the final Linear of a model that has none.

    Args:
        plan (list of dict): the configuration of every stage.
        index (int): the stage that begins, counted from 0.
        model (nn.Layer): its model.

    Raises:
        ConfigError: as said, before that stage is trained in vain.
    """
    arch = plan[index]["Arch"].get("name")
    for stage in plan[index + 1 :]:
        needing = [type(each).__name__ for each in callback_entries.build(stage) if each.needs_classifier]
        if not needing or stage["Arch"].get("name") != arch:
            continue
        try:
            find_classifier(model, configuration.class_number(stage), str(arch))
        except ConfigError as error:
            raise ConfigError(f"{error}; {needing[0]}, of a later stage, asks for it") from error


def _with_classifier(original, config, mode):
    config = _with_paths(config)
    kind, scale = configuration.classifier_kind(config), configuration.normalized_scale(config)
    if not any(key in config["Arch"] for key in OWN):
        return original(config, mode)
    # Several architectures swallow an unknown key, others fail on it.
    bare = type(config)(config)
    bare["Arch"] = type(config["Arch"])({k: v for k, v in config["Arch"].items() if k not in OWN})
    model = original(bare, mode)
    if kind is None:
        return model
    # A path in `pretrained` has been loaded by the architecture already.
    loaded = isinstance(config["Arch"].get("pretrained"), str)
    arch = config["Arch"].get("name", type(model).__name__)
    name, layer = find_classifier(model, configuration.class_number(config), arch)
    if mode != "export":
        check_classifier(model, name, layer, config)
    if scale is not None:
        normalize(layer, scale, redraw=not loaded)
    elif kind in configuration.ADJUSTED:
        give_bias(layer)
        if kind == configuration.UNIT_FEATURES:
            layer.__class__ = UnitFeaturesLinear
    return model


def _with_paths(config):
    """A configuration with paths in the place of URLs in ``Arch``, which PaddleClas 2.4 and 2.5 do not read there."""
    arch = copy.deepcopy(config["Arch"])
    for _, holder, key in weights.in_arch(arch):
        if isinstance(holder[key], str) and holder[key].startswith(("http://", "https://")):
            holder[key] = host.weights_at(holder[key])
    if arch == config["Arch"]:
        return config
    changed = type(config)(config)
    changed["Arch"] = arch
    return changed


def check_classifier(model: nn.Layer, name: str, layer: nn.Layer, config: dict) -> None:
    """Have a model's logits compared with its classifier's output: on the first forward, or now if that is static."""
    LogitsCheck(model, name, layer, config["Arch"].get("name", type(model).__name__))
    if config["Global"].get("to_static", False):
        shape = config["Global"].get("image_shape", [3, 224, 224])
        model.eval()
        with paddle.no_grad():
            model(paddle.randn([2, *shape]))
        model.train()
