"""A configuration as plain maps and lists, to keep and to compare."""

from __future__ import annotations

import numbers
from typing import Any

# Of the whole run, not of a stage that has been resolved.
_RUN_ONLY = ("recipe", "resume", "run", "class_names", "overwrite", "extend_to", "extend_schedule")


def reusable(config: dict) -> dict:
    """Return a stage's configuration as plain maps and lists that train the same again."""
    result = plain({key: value for key, value in config.items() if key not in ("profiler_options", "start_from")})
    section = result["Global"]
    for key in _RUN_ONLY:
        section.pop(key, None)
    if section.get("checkpoints") is not None:
        section["checkpoints"] = None
    return result


def plain(value: Any) -> Any:
    """Return a value of a configuration as plain maps, lists, numbers and text."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    # Of NumPy too; whatever else Python may put there is shown, not kept.
    for kind, number in ((numbers.Integral, int), (numbers.Real, float)):
        if isinstance(value, kind):
            return number(value)  # type: ignore[call-overload]  # the stubs know no number of `numbers`
    return str(value)
