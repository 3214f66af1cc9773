"""The pretrained weights that adapters lie beside: found again for a checkpoint, which holds the adapters alone."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import paddle
import paddle.distributed as dist

from ..basis import checks
from ..basis.checks import ConfigError
from ..configuration import adapters
from ..maths import adapted, lora
from ..runs import checkpoints
from . import adapting

if TYPE_CHECKING:
    from paddle import nn

    from ..host.engine import EngineView
    from .run import Run

_log = logging.getLogger("ppcls.lt")


def bring(model: nn.Layer, config: dict) -> None:
    """Give a model with adapters the pretrained weights of the checkpoint that it is going to be given.

    Args:
        model (nn.Layer): newly built, with what ``Arch.pretrained`` brings.
        config (dict): the host's configuration.

    Raises:
        ConfigError: the weights are not there or are others, or a model without adapters is to be given some.
    """
    section, found = config["Global"], adapted.of(model)
    key = "checkpoints" if section.get("checkpoints") else "pretrained_model"
    record = adapters.recorded(section.get(key))
    if record is None:
        return
    path = section[key]
    if found is None:
        got = checks.described(f"{path}, which holds adapters and what was learned beside them alone")
        remedy = "take `Arch.lora` or `Arch.adaptformer` of its training"
        checks.fail("Global", key, "name whole weights for a model without adapters", got, remedy)
    found.record = record
    state = model.state_dict()
    missing = [name for name in record["own"] if name not in state]
    if missing:
        _fail_other(path, f"one with {missing[0]}, which this model has not")
    if adapted.checksum(model, found.held) != record["crc32"]:
        _load(model, found, path, record)
    found.verified = True


def _load(model, found, path, record):
    """Read the pretrained weights from where they lay when the training began."""
    base = record["base"]
    moved = "`-o Arch.pretrained=PATH` names them where they lie now"
    if base is None:
        got = checks.described(f"others than those that the adapters of {path} were trained beside")
        checks.fail("Arch", "pretrained", "the pretrained weights of the training", got, moved)
    if not os.path.isfile(base + checkpoints.WEIGHTS):
        got = checks.described(f"{path}, whose pretrained weights {base}{checkpoints.WEIGHTS} are not there")
        checks.fail("Global", "pretrained_model", "adapters whose pretrained weights are there", got, moved)
    given, state = paddle.load(base + checkpoints.WEIGHTS), model.state_dict()
    for name in found.held:
        if name in given and list(given[name].shape) == list(state[name].shape):
            state[name].set_value(given[name].astype(state[name].dtype))
    if adapted.checksum(model, found.held) != record["crc32"]:
        got = checks.described(f"{path}; {base}{checkpoints.WEIGHTS} has changed since its training")
        checks.fail("Global", "pretrained_model", "adapters whose pretrained weights are as they were", got, moved)
    if dist.get_rank() == 0:
        _log.info("pretrained weights beside the adapters of %s: %s", path, base)


def _fail_other(path, what):
    expected = "adapters of the same model"
    checks.fail("Global", "pretrained_model", expected, checks.described(f"{path}, {what}", whole=True))


def settle(run: Run, left: dict[str, Any]) -> None:
    """Write down which pretrained weights a training's adapters lie beside, and take it into the checkpoints' facts.

    Args:
        run (Run): its model has been given its weights.
        left (dict): keys that no file held -> ``(shape in the file, shape in the model)``, or None.

    Raises:
        ConfigError: a fixed part of the model has another size than in the pretrained weights.
    """
    found = adapted.of(run.model)
    if found is None:
        return
    if found.record is None:
        misfits = {key: left[key] for key in found.fixed if left.get(key) is not None}
        if misfits:
            key, (there, here) = next(iter(misfits.items()))
            kind = adapters.asked(run.config["Arch"])[0]
            got = checks.described(f"{len(misfits)} of another size, {key} {there} for {here}")
            remedy = (
                f"a size of the images as in the pretraining, or train them too: `Arch.{kind}.modules_to_save: [{key}]`"
            )
            checks.fail("Arch", kind, "with pretrained weights of the size of all that is fixed", got, remedy)
        own = [key for key in found.fixed if key in left]
        path = run.config["Global"].get("pretrained_model") or run.config["Arch"].get("pretrained")
        named = isinstance(path, str) and not adapters.is_url(path)
        base = os.path.abspath(path).removesuffix(checkpoints.WEIGHTS) if named else None
        found.record = {"base": base, "own": own, "crc32": None}
        found.record["crc32"] = adapted.checksum(run.model, found.held)
    run.facts[adapters.RECORD] = found.record
    if dist.get_rank() == 0:
        _log.info("%s", adapting.told(run.model))


def fold_for_export(engine: EngineView) -> None:
    """Put LoRA's updates into the weights of a model that is to be exported; adapters stay layers.

    Args:
        engine (EngineView): its model has its weights.
    """
    if adapted.of(engine.model) is None:
        return
    lora.fold(engine.model)

    def export(original, *args, **kwargs):
        # The host would read the checkpoint once more, over weights that are folded now.
        section = engine.config["Global"]
        named, section["pretrained_model"] = section.get("pretrained_model"), None
        try:
            return original(*args, **kwargs)
        finally:
            section["pretrained_model"] = named

    engine.around("export", export)


def left_out(run: Run, weights: dict[str, Any]) -> dict[str, Any]:
    """Take the pretrained weights out of what a checkpoint is to hold.

    Args:
        run (Run): the training.
        weights (dict): name -> tensor.

    Raises:
        ConfigError: something has changed them.
    """
    found = adapted.of(run.model)
    if found is None or found.record is None:
        return weights
    if adapted.checksum(run.model, found.held) != found.record["crc32"]:
        raise ConfigError(
            "Callbacks: with adapters they must leave the pretrained weights as they are, got one that has changed "
            "them; a checkpoint holds what is learned beside them alone"
        )
    held = set(found.held)
    return {key: tensor for key, tensor in weights.items() if key not in held}
