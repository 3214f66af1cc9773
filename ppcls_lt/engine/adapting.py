"""Giving a transformer of PaddleClas's its adapters, and fixing the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
from paddle import nn

from ..basis import checks
from ..basis.checks import ConfigError
from ..callbacks._layers import matches
from ..configuration import adapters
from ..configuration import reading as configuration
from ..maths import adapted, adaptformer, lora
from ..maths.batch_norm import batch_norms
from ..maths.classifier import find_classifier

# The last part of a Linear's name in an attention -> of its outputs' equal parts, which are queries or values: those
# that the paper updates.
_QUERIES_AND_VALUES: dict[str, tuple[bool, ...]] = {
    "qkv": (True, False, True),
    "kv": (False, True),
    "qk": (True, False),
    **dict.fromkeys(("q", "v", "q_proj", "v_proj", "proj_q", "proj_v"), (True,)),
}


def adapt(model: nn.Layer, config: dict) -> None:
    """Give a model what ``Arch.lora`` and ``Arch.adaptformer`` ask for; nothing else but the classifier is trained.

    Args:
        model (nn.Layer): the model, with its classifier as it is to be.
        config (dict): the host's configuration.

    Raises:
        ConfigError: a value is not what it must be, or the architecture has no layers of the kind.
    """
    arch = config["Arch"]
    kinds = adapters.asked(arch)
    if not kinds:
        return
    settings = {kind: adapters.read(arch, kind) for kind in kinds}
    name = str(arch.get("name", type(model).__name__))
    class_num = configuration.class_number(config)
    classifier, layer = find_classifier(model, class_num, name)
    classes = layer.weight.shape[1]
    before = list(model.state_dict())
    saved = [pattern for each in settings.values() for pattern in each.modules_to_save]
    kept = {id(tensor) for tensor in layer.state_dict().values()} | _named(model, saved, kinds[0])
    # Running statistics follow the images.
    kept |= {id(tensor) for norm in batch_norms(model) for tensor in norm.state_dict().values() if tensor.stop_gradient}
    fixed = [key for key, tensor in model.state_dict().items() if id(tensor) not in kept]
    for parameter in model.parameters():
        if id(parameter) not in kept:
            parameter.stop_gradient = True
    added: dict[str, Any] = {}
    if adapters.LORA in settings:
        added.update(_add_lora(model, settings[adapters.LORA], classifier, classes, name))
    if adapters.ADAPTFORMER in settings:
        added.update(_add_adaptformer(model, settings[adapters.ADAPTFORMER], classes, name))
    adapted.mark(model, adapted.Adapted(fixed, [key for key in model.state_dict() if key not in before]))
    _UseCheck(model, added, name)


def told(model: nn.Layer) -> str:
    """How much of a model is learned, a line for the log."""
    sizes = [parameter.size for parameter in model.parameters()]
    learned = sum(parameter.size for parameter in model.parameters() if not parameter.stop_gradient)
    share = 100 * learned / sum(sizes)
    return f"adapters: {learned} of {sum(sizes)} parameters are learned ({share:.2g} %); checkpoints hold those alone"


def _named(model: nn.Layer, patterns: Sequence[str], kind: str) -> set[int]:
    """The ids of the parameters and buffers that patterns name, by their own names or those of layers."""
    if not patterns:
        return set()
    layers, state = dict(model.named_sublayers()), model.state_dict()
    owner = f"Arch.{kind}"
    found = matches(owner, "modules_to_save", patterns, dict.fromkeys([*layers, *state]), "layers or parameters")
    return {
        id(tensor)
        for each in found
        for tensor in (layers[each].state_dict().values() if each in layers else [state[each]])
    }


def _add_lora(model, settings, classifier, classes, arch):
    """Add updates to the queries' and values' weights, or to the whole of those that are named."""
    linears = {
        name: layer for name, layer in model.named_sublayers() if isinstance(layer, nn.Linear) and name != classifier
    }
    if settings.target_modules is not None:
        owner = "Arch.lora"
        found = matches(owner, "target_modules", settings.target_modules, linears, "Linear layers")
        parts: dict[str, tuple[bool, ...]] = {name: (True,) for name in found}
    else:
        named = {name: _QUERIES_AND_VALUES.get(name.rpartition(".")[2]) for name in linears}
        parts = {name: each for name, each in named.items() if each is not None}
        if not parts:
            got = checks.described(f"{arch}, which has none of the names {', '.join(_QUERIES_AND_VALUES)}")
            must = "with an architecture whose attention has Linear layers for queries and values"
            checks.fail("Arch", "lora", must, got, "name Linear layers in `target_modules`")
    blocks = len(set(map(_block, parts)))
    rank = adapters.width(settings.r, classes, blocks)
    for name, each in parts.items():
        lora.add(linears[name], r=rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout, parts=each)
    return {name: linears[name] for name in parts}


def _block(name):
    """The block of a layer: its name up to the number above it, as ``blocks.3`` of ``blocks.3.attn.qkv``."""
    above = name.split(".")[:-1]
    number = next((place for place in range(len(above), 0, -1) if above[place - 1].isdecimal()), len(above))
    return ".".join(above[:number])


def _add_adaptformer(model, settings, classes, arch):
    """Add an adapter to every block that has a LayerNorm ``norm2`` and a feed-forward part ``mlp``."""
    blocks = {
        name: layer
        for name, layer in model.named_sublayers()
        if isinstance(getattr(layer, "norm2", None), nn.LayerNorm) and isinstance(getattr(layer, "mlp", None), nn.Layer)
    }
    if not blocks:
        got = checks.described(f"{arch}, which has none")
        checks.fail("Arch", "adaptformer", "with a transformer whose blocks have a LayerNorm `norm2` and a `mlp`", got)
    width = adapters.width(settings.ffn_num, classes, len(blocks))
    scalar = settings.ffn_adapter_scalar
    for block in blocks.values():
        adapter = adaptformer.Adapter(
            block.norm2.weight.shape[0],
            ffn_num=width,
            scalar=None if scalar == adapters.LEARNABLE else scalar,
            layernorm=settings.ffn_adapter_layernorm_option,
            dropout=settings.dropout,
        )
        adaptformer.attach(block, adapter)
    return {f"{name}.mlp": block.adaptmlp for name, block in blocks.items()}


class _UseCheck:
    """On the model's first forward, make sure that every adapter had a part in it.

    An architecture may take a layer's weight without calling the layer; the adapter would learn nothing without a word.
    """

    def __init__(self, model: nn.Layer, added: dict[str, Any], arch: str) -> None:
        self._added, self._arch = added, arch
        self._done = False  # a flag: a copy of the model has a check of its own
        model.register_forward_post_hook(self._look)

    def _look(self, model, inputs, output):
        if self._done or not paddle.in_dynamic_mode():
            return
        self._done = True
        for name, layer in self._added.items():
            if not getattr(layer, "used", True):  # one that was folded is none any more
                raise ConfigError(
                    f"Arch: the adapters of {self._arch} must lie in layers that it calls, got `{name}`, whose weight "
                    f"it takes without calling it; name others in `lora.target_modules`, or take `adaptformer`"
                )
