"""What parts change in whatever losses there are: labels smoothed, and cross entropy that takes mixed ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from ...basis import registry
from . import kinds
from .combination import Part

_CE, _EPSILON = "CELoss", "epsilon"
# PaddleClas's cross entropy applies a softmax to mixed labels (docs/versions.md); with this key it is the package's,
# which does not.
_MIXED = {"class_weight": "none"}
_SCHEDULE, _BEFORE = "LossSchedule", "before"


def adapted(config: dict, parts: Sequence[Part]) -> dict:
    """Return a configuration, changed in place, whose training losses are as the parts need them.

    Args:
        config (dict): a configuration to which the parts have been added.
        parts (list of Part): of the recipe.
    """
    smoothing: dict[str, Any] = {}
    for part in parts:
        given = kinds.at(part.config, kinds.LOSSES)
        smoothing.update(given if isinstance(given, dict) else {})
    if smoothing:
        _change(config, lambda entry: _with(entry, smoothing))
    if any(part.kind == kinds.MIXING for part in parts):
        _change(config, _for_mixed_labels)
    return config


def _change(config: dict, change: Callable) -> None:
    """Change every training loss of a configuration and of its stages."""
    for scope in [config, *(stage for stage in config.get("Stages") or [] if isinstance(stage, dict))]:
        listed = kinds.at(scope, kinds.LOSSES)
        if isinstance(listed, list):
            scope["Loss"]["Train"] = [change(entry) for entry in listed]
        for entry in scope.get("Callbacks") or []:
            params = entry.get(_SCHEDULE) if isinstance(entry, dict) else None
            if isinstance(params, dict) and params.get(_BEFORE):
                before = params[_BEFORE]
                if isinstance(before, str):
                    before = {before: {"weight": 1.0}}
                params[_BEFORE] = [change(each) for each in before] if isinstance(before, list) else change(before)


def _with(entry: Any, given: dict) -> Any:
    """A loss with further parameters, by the names that it has for them."""
    if not (isinstance(entry, str) or isinstance(entry, dict) and len(entry) == 1):
        return entry  # malformed, which is said later
    name = kinds.entry_name(entry)
    params = dict((entry[name] if isinstance(entry, dict) else None) or {})
    named = {_EPSILON if (name, key) == (_CE, "label_smoothing") else key: value for key, value in given.items()}
    return {name: {**params, **copy.deepcopy(named)}}


def _for_mixed_labels(entry: Any) -> Any:
    params = entry.get(_CE) if isinstance(entry, dict) else None
    if kinds.entry_name(entry) != _CE or (params or {}).get(_EPSILON) or registry.found("loss", _CE, params):
        return entry
    kept = {key: value for key, value in (params or {}).items() if key != _EPSILON}
    return {_CE: {**kept, **_MIXED}}
