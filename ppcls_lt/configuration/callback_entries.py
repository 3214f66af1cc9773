"""The list ``Callbacks``: what is wrong with its entries, and the callbacks that they are."""

from __future__ import annotations

import inspect
import os
import pydoc
import sys
from collections.abc import Iterator
from typing import Any, Callable

from ..basis import checks
from ..basis.findings import ConfigError, Finding, of, place, raise_all
from ..basis.registry import registered
from ..callbacks import Callback
from . import trying
from .reading import malformed, sound


def build(config: dict) -> list[Callback]:
    """Build the callbacks of a configuration, in order.

    Args:
        config (dict): the configuration.

    Raises:
        ConfigError: a name or a parameter is unknown, or a value is not what it
            must be.
    """
    built, entries = [], _Entries()
    raise_all(malformed(config, "Callbacks", None))
    for where, name, params in sound(config, "Callbacks", None):
        raise_all(entries.findings(where, name, params))
        built.append(entries.component(where, name)(**params))
    return built


def findings(config: dict, wanted: Callable[[str], bool]) -> Iterator[Finding]:
    """Yield the ``Finding`` of every mistake in the entries, and of what the callbacks say of the configuration.

    Args:
        config (dict): the configuration of a stage.
        wanted (callable): name -> whether that entry is looked at.
    """
    entries = _Entries()
    for where, name, params in sound(config, "Callbacks", None):
        if not wanted(name):
            continue
        at = place(f"{where} {name}")
        found = list(entries.findings(where, name, params))
        yield from found
        if any(finding.path in ("", place(where), place(where, str(name))) for finding in found):
            continue  # there is nothing of that name, or it is there already
        callback = yield from trying.mistakes(entries.component(where, name), params, at)
        if callback is not None and not found:
            yield from (finding.below(at) for finding in of(callback.check, config))


def is_path(name: object) -> bool:
    """Whether a callback's name is the dotted path of a user's own class, which must be imported."""
    return "." in str(name)


class _Entries:
    """Remembers which callbacks a list has, for those that may be there once."""

    def __init__(self) -> None:
        self._seen: list[type[Callback]] = []

    def findings(self, where, name, params):
        """Yield what shows of one entry without building it."""
        try:
            component = self.component(where, name)
        except ConfigError as error:
            yield from error.findings
            return
        allowed = inspect.signature(component).parameters
        for param in params:
            if param == "start" and param not in allowed:
                text = (
                    f"{where} {name}: has no `start`, it acts from the beginning of a training, got start = "
                    f"{params['start']!r}; to begin later, let a second entry of `Stages` begin there"
                )
                yield checks.worded(text, f"{where} {name}", "start", "be left out", params["start"])
            else:
                yield from of(checks.known_name, f"{where} {name}", "parameter", param, list(allowed))
        for param in trying.lacking(component, params):
            yield checks.finding(f"{where} {name}", param, "be given", checks.described("nothing"))
        if component.only_once and component in self._seen:
            got = checks.described("a second one")
            yield checks.worded(f"{where}: {name} is listed twice", where, "", f"be the only {name}", got)
        self._seen.append(component)

    @staticmethod
    def component(where: str, name: str) -> Any:
        """One of this package's callbacks, or a user's by its dotted path."""
        known = registered("callback")
        if not is_path(name):
            checks.known_name(where, "callback", name, list(known))
            return known[name]
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        try:
            component = pydoc.locate(name)
        except pydoc.ErrorDuringImport as error:
            text = f"{where}: {name} must be importable: {error}"
            raise ConfigError(
                checks.worded(text, where, name, "be importable", checks.described(str(error)))
            ) from error
        if not (inspect.isclass(component) and issubclass(component, Callback)):
            must = "be the path of a subclass of ppcls_lt.callbacks.Callback"
            text = f"{where}: {name} must {must}, got {component!r}"
            raise ConfigError(checks.worded(text, where, name, must, checks.described(repr(component))))
        return component
