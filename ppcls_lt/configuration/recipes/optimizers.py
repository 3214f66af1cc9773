"""What parts set of the optimizer, in the form that the configuration's own takes."""

from __future__ import annotations

from typing import Any

from ...basis import checks
from ..merging import merged
from . import kinds
from .combination import Part

_KEY, _STAGES = "Optimizer", "Stages"
_REGULARIZER, _WEIGHT_DECAY = "regularizer", "weight_decay"


def check(part: Part, base: dict) -> None:
    """Raise where a part sets something of one optimizer and the configuration has a list of them.

    Args:
        part (Part): it, of which a user's own fragment may bring a whole optimizer in the place of the list.
        base (dict): the configuration.

    Raises:
        ConfigError: as said.
    """
    if not isinstance(base.get(_KEY), list):
        return
    if part.kind in (kinds.DECAY, kinds.SCHEDULE, kinds.OPTIMIZER) or any(map(_is_partial, _scopes(part.config))):
        remedy = f"write one optimizer with its `name` in the place of the list, or leave out {part.via}"
        checks.fail(
            "configuration", _KEY, f"one optimizer, for {part.said}", checks.described("a list of them"), remedy
        )


def fitted(fragment: dict, optimizer: Any) -> dict:
    """Return a part's fragment with L2 weight decay as the optimizer takes it: AdamW has no regularizer.

    Args:
        fragment (dict): what a part changes, in all of a training or in its ``Stages``.
        optimizer (dict): the section that the configuration has.
    """
    if not isinstance(optimizer, dict):
        return fragment
    result = _with_decay(fragment, optimizer)
    if isinstance(fragment.get(_STAGES), list):
        inner = merged({_KEY: optimizer}, {_KEY: result.get(_KEY) or {}})[_KEY]
        result = {**result, _STAGES: [_with_decay(stage, inner) for stage in fragment[_STAGES]]}
    return result


def _scopes(fragment: dict) -> list:
    """A fragment and what it has as stages."""
    stages = fragment.get(_STAGES)
    return [fragment, *(stages if isinstance(stages, list) else ())]


def _is_partial(scope: Any) -> bool:
    """Whether a fragment, or a stage, changes an optimizer that another place names."""
    own = kinds.at(scope, (_KEY,))
    return isinstance(own, dict) and "name" not in own


def _with_decay(scope: Any, optimizer: dict) -> Any:
    """A fragment, or a stage, whose regularizer is the ``weight_decay`` of an optimizer that has one."""
    own = kinds.at(scope, (_KEY,))
    coefficient = kinds.at(own, (_REGULARIZER, "coeff"))
    # Of another optimizer, which the fragment names, the regularizer is meant as it is.
    if coefficient is None or "name" in own or kinds.at(own, (_REGULARIZER, "name")) != "L2":
        return scope
    if not str(optimizer.get("name")).startswith("AdamW") and optimizer.get(_WEIGHT_DECAY) is None:
        return scope
    left = {key: value for key, value in own.items() if key != _REGULARIZER}
    return {**scope, _KEY: {**left, _WEIGHT_DECAY: coefficient}}
