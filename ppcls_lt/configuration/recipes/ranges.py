"""What may be tuned: ranges in recipes' files, values in a tuned one's, and where in a configuration they stand."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...basis import checks

LINEAR, LOG, COMPLEMENT = "linear", "log", "complement"
_SCALES = (LINEAR, LOG, COMPLEMENT)
_KEYS = ("low", "high", "scale", "times")
_EXPECTED = "a map of `low` and `high`, with a `scale` or without, or of `times: [low, high]`"


class Range(NamedTuple):
    """Between what a value is sought.

    Attributes:
        low, high (float): the ends, or the factors of what the configuration has.
        scale (str): ``linear``, ``log``, or ``complement``, the logarithm of 1 - value.
        times (bool): whether the ends are factors.
    """

    low: float
    high: float
    scale: str = LINEAR
    times: bool = False

    def said(self) -> str:
        """In words."""
        scale = {LINEAR: "", LOG: ", by its logarithm", COMPLEMENT: ", by the logarithm of 1 - value"}[self.scale]
        if self.times:
            return f"{self.low:g} to {self.high:g} times what the configuration has{scale}"
        return f"{self.low:g} to {self.high:g}{scale}"

    def around(self, value: float) -> Range:
        """The range itself, of a configuration that has ``value``, which lies within."""
        low, high = (self.low * value, self.high * value) if self.times else (self.low, self.high)
        return Range(min(low, value), max(high, value), self.scale)


def read(owner: str, section: object) -> dict[str, Range]:
    """Return path -> :class:`Range` of a section ``tune``.

    Raises:
        ConfigError: it is not what it must be.
    """
    return {path: _range(owner, path, given) for path, given in _map(owner, "tune", section).items()}


def read_values(owner: str, section: object) -> dict[str, float]:
    """Return path -> number of a section ``values``.

    Raises:
        ConfigError: it is not what it must be.
    """
    found = _map(owner, "values", section)
    for path, value in found.items():
        checks.number(owner, f"values.{path}", value)
    return found


def _map(owner: str, name: str, section: object) -> dict[str, Any]:
    if not isinstance(section, dict) or not section:
        checks.fail(owner, name, "a map of entries of the configuration, their keys joined by dots", section)
    for path in section:
        if not isinstance(path, str) or not all(path.split(".")):
            checks.fail(owner, name, "a map of entries of the configuration, their keys joined by dots", path)
    return section


def _range(owner: str, path: str, given: Any) -> Range:
    name = f"tune.{path}"
    if not isinstance(given, dict) or set(given) & {"low", "high"} != {"low", "high"} and set(given) != {"times"}:
        checks.fail(owner, name, _EXPECTED, given)
    for key in given:
        checks.known_name(owner, "key", key, _KEYS, key=name)
    if "times" in given:
        ends = given["times"]
        if "low" in given or not isinstance(ends, list) or len(ends) != 2:
            checks.fail(owner, name, _EXPECTED, given)
        low = checks.number(owner, f"{name}.times", ends[0], above=0, maximum=1)
        return Range(low, checks.number(owner, f"{name}.times", ends[1], minimum=1, above=low), LOG, True)
    scale = checks.choice(owner, f"{name}.scale", given.get("scale", LINEAR), _SCALES)
    low = checks.number(owner, f"{name}.low", given["low"], **({"above": 0} if scale == LOG else {}))
    high = checks.number(owner, f"{name}.high", given["high"], above=low)
    if scale == COMPLEMENT:
        checks.number(owner, f"{name}.high", high, below=1)
    return Range(low, high, scale)


def at(config: Any, path: str) -> Any:
    """Return what stands at a path of keys joined by dots, or None; entries of lists go by name or by number."""
    for key in path.split("."):
        config = _inner(config, key)
    return config


def _inner(config: Any, key: str) -> Any:
    if isinstance(config, dict):
        return config.get(key)
    if isinstance(config, list):
        if key.isdigit():
            return config[int(key)] if int(key) < len(config) else None
        return next((entry[key] for entry in config if isinstance(entry, dict) and key in entry), None)
    return None


def is_number(value: Any) -> bool:
    """Whether a value of a configuration can be tuned."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def put(config: Mapping, path: str, value: float) -> dict:
    """Return a copy of a fragment with another value where :func:`at` has one."""
    result = copy.deepcopy(dict(config))
    *above, last = path.split(".")
    inner = at(result, ".".join(above)) if above else result
    inner[last] = value
    return result


def fragment(values: Mapping[str, float]) -> dict:
    """Return the fragment of a configuration that sets values, of which none stands in a list."""
    result: dict = {}
    for path, value in values.items():
        *above, last = path.split(".")
        inner = result
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return result


def with_values(configs: Sequence[dict], values: Mapping[str, float]) -> tuple[list[dict], dict]:
    """Return fragments with values in the place of their own, and the fragment of those that none of them has.

    Args:
        configs (sequence of dict): the parts' fragments.
        values (mapping): path -> number.
    """
    found, left = list(configs), {}
    for path, value in values.items():
        holders = [index for index, config in enumerate(found) if at(config, path) is not None]
        for index in holders:
            found[index] = put(found[index], path, value)
        if not holders:
            left[path] = value
    return found, fragment(left)
