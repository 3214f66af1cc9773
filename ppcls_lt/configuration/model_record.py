"""What a checkpoint knows of its model: everything in the configuration that changes the logits.

It stands in the checkpoint's manifest. A model that is evaluated, predicts or is
exported must be the one that was trained: the same tensors on another
classifier, or with another scale, are another model, and no shape tells.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..basis import checks
from ..basis.findings import ConfigError
from ..runs import checkpoints
from . import reading as configuration

KEY = "model"
# Keys of `Arch`, at any depth, that change a training, an export's output or the speed, and no trained model's logits.
_ELSEWHERE = {
    "batch_norm_momentum",
    "bias_attr",
    "classifier",
    "classifier_scale",
    "data_format",
    "freeze_params_list",
    "infer_add_softmax",
    "infer_model_name",
    "infer_output_key",
    "lr_mult_list",
    "pretrained",
    "pretrained_list",
    "stop_grad_layers",
    "use_fused_attn",
    "use_fused_linear",
    "use_imagenet22k_pretrained",
    "use_imagenet22kto1k_pretrained",
    "use_ssld",
    "use_ssld_stage1_pretrained",
    "use_sync_bn",
    "weight_attr",
}
_ORDINARY = "ordinary"
_STATED = "scale_in_arch"  # in a record, whether the scale stands in `Arch`, for messages
_BEFORE_ADJUSTING = "the weights of the run that was adjusted (`weights` in adjustment.json beside these)"
_log = logging.getLogger("ppcls.lt")


def of(config: dict) -> dict:
    """Return the record of a configuration, plain maps, lists and values.

    Args:
        config (dict): of one stage, before the host changes it.
    """
    arch = config["Arch"]
    scale = configuration.normalized_scale(config)
    return {
        "architecture": arch.get("name"),
        "classes": configuration.class_number(config),
        "classifier": _kind(config),
        "scale": scale,
        "parameters": _told({key: value for key, value in arch.items() if key not in ("name", "class_num")}),
        "ml_decoder": _told(config.get("MLDecoder") or {}) if arch.get("use_ml_decoder", False) else None,
        "slim": _told(config.get("Slim") or {}) or None,
        "recipe": config["Global"].get("recipe"),
        **({_STATED: True} if arch.get(configuration.SCALE) is not None else {}),
    }


def check(config: dict) -> None:
    """Raise where a configuration describes another model than the checkpoint of its ``Global.pretrained_model``.

    Args:
        config (dict): of one stage, to evaluate, predict with or export.

    Raises:
        ConfigError: with every difference and what to do.
    """
    path = config["Global"].get("pretrained_model")
    if not isinstance(path, str) or path.startswith("http"):
        return
    path = path.removesuffix(checkpoints.WEIGHTS)
    record = (checkpoints.manifest_of(path) or {}).get(KEY)
    if not isinstance(record, dict):
        _log.info(
            "%s tells nothing of its model (written by PaddleClas alone or by ppcls_lt 0.1.0, or copied without its "
            "manifest): that it fits is seen by the shapes alone",
            path,
        )
        return
    found = differences(record, of(config))
    if not found:
        return
    told = "; ".join(f"{name} {there}, here {here}" for name, there, here in found)
    recipe = record.get("recipe")
    remedies = [f"`--recipe {recipe}`"] if recipe and recipe != config["Global"].get("recipe") else []
    remedies.append(f"`--run {Path(path).parent}`, which brings the configuration of the training")
    must = "hold the model that the configuration describes"
    got = checks.described(f"{path}, which was trained with {told}", whole=True)
    raise ConfigError(checks.finding("Global", "pretrained_model", must, got, f"take {' or '.join(remedies)}"))


def check_start(owner: str, key: str, path: str) -> None:
    """Raise where a training is to start from an adjusted model whose classifier no training has.

    Args:
        owner (str): the section, for the message.
        key (str): its key, for the message.
        path (str): the weights.
    """
    if _recorded(path).get("classifier") == configuration.UNIT_FEATURES:
        got = checks.described(
            f"{path}, which `ppcls-lt adjust` made: a classifier of features at unit length, which no training has",
            whole=True,
        )
        must = "hold a model that can be trained"
        raise ConfigError(checks.finding(owner, key, must, got, f"start from {_BEFORE_ADJUSTING}"))


def warn_of_start(config: dict, path: str) -> None:
    """Warn where a training takes its classifier from one of another kind, unless it makes a new one.

    Args:
        config (dict): of the stage.
        path (str): the weights whose classifier was loaded.
    """
    record, kind = _recorded(path), configuration.classifier_kind(config)
    there, here = record.get("classifier"), _kind(config)
    renewed = any(
        name in ("ResetClassifier", "ClassMeanClassifier")
        for _, name, _ in configuration.components(config, "Callbacks", None)
    )
    if there is None or there == here or renewed or kind == configuration.ETF:
        return
    recipe = record.get("recipe")
    if there == configuration.WITH_BIAS:
        same = f"{_BEFORE_ADJUSTING} can be trained on"
    elif recipe and recipe != config["Global"].get("recipe"):
        same = f"`--recipe {recipe}` trains the same model on"
    else:
        same = f"`Arch.classifier` {'left out' if there == _ORDINARY else f'as {there}'} trains the same model on"
    _log.warning(
        "weights of %s: trained with Arch.classifier %r, here %r; their class vectors give other logits here than "
        "those they were trained for: %s, ResetClassifier in `Callbacks` begins with a new classifier",
        *(path, there, here, same),
    )


def _recorded(path):
    """The record of the checkpoint at a path, empty where it has none."""
    if path.startswith(("http://", "https://")):
        return {}
    checkpoint = path.removesuffix(checkpoints.WEIGHTS)
    if not os.path.isfile(checkpoint + checkpoints.WEIGHTS):  # which is said where weights are sought
        return {}
    record = (checkpoints.manifest_of(checkpoint) or {}).get(KEY)
    return record if isinstance(record, dict) else {}


def _kind(config):
    kind = configuration.classifier_kind(config)
    return _ORDINARY if kind in (None, configuration.ETF) else kind


def differences(record: dict, current: dict) -> list[tuple[str, str, str]]:
    """Return ``(name, value of the record, value of the configuration)`` of everything that changes the logits.

    A number of classes that only one of them states is left to the shapes.
    """
    found = []
    scale = "Arch.classifier_scale" if _STATED in (*record, *current) else "LDAMLoss.s"
    for key, there in record.items():
        here = current.get(key)
        if key in ("recipe", _STATED) or there == here or (key == "classes" and None in (there, here)):
            continue
        name = {"architecture": "Arch.name", "classes": "Arch.class_num", "classifier": "Arch.classifier"}.get(key)
        name = name or {"scale": scale, "parameters": "Arch", "ml_decoder": "MLDecoder", "slim": "Slim"}.get(key)
        if isinstance(there, dict) and isinstance(here, dict):
            found += list(_inside(name, there, here))
        elif name is not None:
            found.append((name, _shown(there), _shown(here)))
    return found


def _inside(name, there, here):
    for key in [*there, *(key for key in here if key not in there)]:
        if isinstance(there.get(key), dict) and isinstance(here.get(key), dict):
            yield from _inside(f"{name}.{key}", there[key], here[key])
        elif there.get(key) != here.get(key):
            yield f"{name}.{key}", _shown(there.get(key)), _shown(here.get(key))


def _told(value):
    """A value of a configuration without what changes no logit, as JSON has it; an entry of None is none."""
    if isinstance(value, dict):
        kept = {str(key): _told(inner) for key, inner in value.items() if not _changes_nothing(key)}
        return {key: inner for key, inner in kept.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_told(inner) for inner in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _changes_nothing(key):
    return key in _ELSEWHERE or "drop" in str(key)


def _shown(value):
    return "nothing" if value is None else f"{value!r}"[:120]
