"""What parts change in whatever losses there are: smoothed labels, cross entropy for mixed ones and for weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ...basis import checks
from ...basis.registry import found
from . import kinds
from .combination import Part

# PaddleClas's cross entropy applies a softmax to mixed labels (docs/versions.md) and takes no class weights;
# with `class_weight` the name stands for the package's own, which does otherwise.
_CE, _EPSILON = "CELoss", "epsilon"
_SCHEDULE, _BEFORE = "LossSchedule", "before"
_WEIGHING = "DeferredReweighting"


def adapted(config: dict, parts: Sequence[Part]) -> dict:
    """Return a configuration, changed in place, whose training losses are as the parts and mixed labels need them.

    Args:
        config (dict): a configuration to which the parts have been added.
        parts (list of Part): of the recipe.
    """
    for part in parts:
        given = kinds.at(part.config, kinds.LOSSES)
        if isinstance(given, dict) and given:
            _change(config, partial(_with, given=given, part=part))
    if any(part.kind is not None and _weighs(part) for part in parts):
        _change(config, _ours)
    brought = any(isinstance(kinds.at(part.config, kinds.LOSSES), list) for part in parts)
    # The base's own loss stays as it is with the base's own mixing.
    if any(part.kind == kinds.MIXING for part in parts) or brought and _mixes(config):
        _change(config, lambda entry: entry if _smooths(entry) else _ours(entry))
    return config


def _mixes(config: dict) -> bool:
    """Whether images are mixed in some stage, be it by the configuration's own operators."""
    return any(kinds.at(scope, kinds.BATCHES) for scope in _scopes(config))


def _change(config: dict, change: Callable) -> None:
    """Change every training loss of a configuration and of its stages."""
    for scope in _scopes(config):
        listed = kinds.at(scope, kinds.LOSSES)
        if isinstance(listed, list):
            scope["Loss"]["Train"] = [change(entry) for entry in listed]
        for entry in _list(scope, "Callbacks"):
            params = entry.get(_SCHEDULE) if isinstance(entry, dict) else None
            if isinstance(params, dict) and params.get(_BEFORE):
                before = params[_BEFORE]
                if isinstance(before, str):
                    before = {before: {"weight": 1.0}}
                params[_BEFORE] = [change(each) for each in before] if isinstance(before, list) else change(before)


def _scopes(config: dict) -> list[dict]:
    """A configuration and its stages."""
    return [config, *(stage for stage in _list(config, "Stages") if isinstance(stage, dict))]


def _list(config: dict, key: str) -> list:
    """A list of a configuration, empty where there is none."""
    value = config.get(key)
    return value if isinstance(value, list) else []


def _with(entry: Any, given: dict, part: Part) -> Any:
    """A loss with further parameters of a part, by the names that it has for them."""
    if not (isinstance(entry, str) or isinstance(entry, dict) and len(entry) == 1):
        return entry  # malformed, which is said later
    name = kinds.entry_name(entry)
    params = dict((entry[name] if isinstance(entry, dict) else None) or {})
    ours = None if name == _CE else found("loss", name, params)
    if ours is not None:
        _check_known(name, ours, params, given, part)
    named = {_EPSILON if (name, key) == (_CE, "label_smoothing") else key: value for key, value in given.items()}
    return {name: {**params, **copy.deepcopy(named)}}


def _check_known(name: str, ours: Any, params: dict, given: dict, part: Part) -> None:
    """Raise if a loss of this package, or a user's, has no parameter that a part gives to every loss."""
    from ...host import known_keys  # imports Paddle, as whoever registered a loss has

    known = known_keys.parameters(ours, params)
    lacking = [key for key in given if key not in known.names]
    if lacking and not known.swallows:
        got = checks.described(f"{name}, which has no parameter `{lacking[0]}`")
        expected = f"a list of losses to which the part {part.name} can be added"
        checks.fail("configuration", "Loss.Train", expected, got, f"leave out {part.name}, or take another loss")


def _ours(entry: Any) -> Any:
    """The package's own cross entropy in the place of the host's."""
    params = entry.get(_CE) if isinstance(entry, dict) and len(entry) == 1 else None
    if entry != _CE and list(entry if isinstance(entry, dict) else ()) != [_CE]:
        return entry
    return {_CE: {**(params or {}), "class_weight": (params or {}).get("class_weight", "none")}}


def _smooths(entry: Any) -> bool:
    """Whether an entry is a cross entropy that smooths labels, which the host's does without a softmax."""
    params = entry.get(_CE) if isinstance(entry, dict) else None
    return bool(isinstance(params, dict) and params.get(_EPSILON))


def _weighs(part: Part) -> bool:
    """Whether a part sets class weights."""
    return any(kinds.callback_name(entry) == _WEIGHING for entry in _list(part.config, "Callbacks"))
