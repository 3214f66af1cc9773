"""Building a component once to hear all that it says of its parameters, before any data are read."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from typing import Any

from ..basis.findings import ConfigError, Finding
from ..host import known_keys


def mistakes(component: Any, params: dict, place: str) -> Generator[Finding, None, Any]:
    """Yield the ``Finding`` of every parameter that a component refuses; return the component, or None if it did.

    It is built again without what it has refused, so that mistakes behind the first are found as well. What it does
    not know and what it lacks is not said here: the known keys say so.

    Args:
        component (type): takes keyword arguments and raises ``ConfigError``.
        params (dict): what the configuration gives it.
        place (str): where that stands, as ``-o`` names it.
    """
    known = known_keys.parameters(component, params)
    if not known.swallows:
        params = {name: value for name, value in params.items() if name in known.names}
    refused = False
    while not lacking(component, params):
        try:
            built = component(**params)
        except ConfigError as error:
            refused = True
            yield from (finding.below(place) for finding in error.findings)
            left = {name: value for name, value in params.items() if not _names(error, name)}
            if len(left) == len(params):
                return None  # of no parameter in particular
            params = left
        else:
            return None if refused else built
    return None


def outcome(findings: Generator[Finding, None, Any]) -> Any:
    """What a generator such as :func:`mistakes` returns, whatever it finds."""
    while True:
        try:
            next(findings)
        except StopIteration as end:
            return end.value


def lacking(component: Any, params: dict) -> Any:
    """The parameters that a component must be given and is not."""
    return [
        param.name
        for param in inspect.signature(component).parameters.values()
        if param.default is param.empty
        and param.kind not in (param.VAR_POSITIONAL, param.VAR_KEYWORD)
        and param.name not in params
    ]


def _names(error, name):
    """Whether an error is of the parameter ``name``, or of an entry of it."""
    return any(name in finding.path.split(".")[1:2] for finding in error.findings)
