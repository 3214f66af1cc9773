"""Keywords of Python and flags of the command line: the one as the other, and messages in the words of Python."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ..basis import checks
from ..basis.findings import ConfigError
from ..commands import main as command_line
from ..commands import parser as command_parser

if TYPE_CHECKING:
    import argparse

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FLAG = re.compile(r"(--[a-z][a-z-]+)(?: ('[^'`]+'|[^\s`A-Z][^\s`]*)(?=`))?")
# What the commands call otherwise than the functions do.
_CALLED = {"`SOURCE`": "`data`", "`--names`": "`classes`"}
# The commands whose flags are keywords, or are given by name in `lists` and `flags`; of `train` these alone.
_COMMANDS, _OF_TRAIN = ("lists", "compare"), ("--resume", "--overwrite")


def checked(function: _Function) -> _Function:
    """Let a function answer a keyword that it does not have with its nearest, and speak in the words of Python.

    Args:
        function (callable): all of whose mistakes of the user's are a ``ConfigError``.
    """
    known = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def asked(*args: Any, **keywords: Any) -> Any:
        for name in keywords:
            checks.known_name(function.__name__, "keyword", name, known)
        with in_python():
            return function(*args, **keywords)

    return asked  # type: ignore[return-value]  # of the same signature


@contextlib.contextmanager
def in_python() -> Iterator[None]:
    """Within it a ``ConfigError`` names keywords where the command line has flags, and says so of a missing Paddle."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(*(each._replace(**_worded(each)) for each in error.findings)) from None
    except ModuleNotFoundError as error:
        if error.name != "paddle":
            raise
        raise ConfigError(command_line.NO_PADDLE) from error


def _worded(finding):
    return {name: _in_words(getattr(finding, name)) for name in ("must", "got", "remedy", "text")}


def _in_words(text):
    for name, keyword in _CALLED.items():
        text = text.replace(name, keyword)
    known = _keywords()

    def keyword(found):
        flag, value = found.groups()
        if flag not in known:
            return found[0]
        return known[flag] if value is None else f'{known[flag]}="{shlex.split(value)[0]}"'

    return _FLAG.sub(keyword, text)


@functools.cache
def _keywords():
    """Flag -> how a call in Python writes it."""
    _, commands = command_line.make_parser(command_parser.Parser)
    switches = {*_OF_TRAIN, *(flag for name in _COMMANDS for flag in commands[name].switches)}
    every = {*_OF_TRAIN, *(flag for name in _COMMANDS for flag in commands[name].flags)}
    return {flag: flag[2:].replace("-", "_") + ("=True" if flag in switches else "") for flag in every}


def flags(given: Mapping[str, Any], owner: str) -> list[str]:
    """Return keywords as flags; what is None or False is left out.

    Args:
        given (dict): keyword -> value: true, a number, a text, a path, or a list of them.
        owner (str): the function, for messages.

    Raises:
        ConfigError: a value is of another kind.
    """
    found = []
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            found.append(flag)
        elif isinstance(value, (list, tuple)):
            found += [flag, *(_text(owner, name, each) for each in value)]
        else:
            found.append(f"{flag}={_text(owner, name, value)}")
    return found


def recipe(owner: str, name: str, value: Any) -> str | list[str]:
    """Return a recipe as ``Global.recipe`` takes it: a name or a path, or a list of those that are laid together.

    Args:
        owner (str): the function, for messages.
        name (str): the keyword.
        value (str, Path, or list of them): what it was given.

    Raises:
        ConfigError: it is something else, or an empty list.
    """
    several = isinstance(value, (list, tuple))
    listed = value if several else [value]
    if not listed or not all(isinstance(each, (str, os.PathLike)) for each in listed):
        checks.fail(owner, name, "a recipe's name or path, or a list of those that are laid together", value)
    found = [os.fspath(each) for each in listed]
    return found if several else found[0]


def _text(owner, name, value):
    if isinstance(value, bool) or not isinstance(value, (str, int, float, os.PathLike)):
        checks.fail(owner, name, "a number, a text or a path, or a list of them", value)
    return str(value)


def overrides(options: Mapping[str, Any] | None, owner: str) -> list[str]:
    """Return options, place in the YAML -> value, as ``-o`` has them.

    Args:
        options (dict, optional): such as ``{"Optimizer.lr.learning_rate": 0.1}``.
        owner (str): the function, for messages.

    Raises:
        ConfigError: it is no map with texts as keys.
    """
    if not isinstance(options or {}, Mapping):
        checks.fail(owner, "options", 'a map such as {"Optimizer.lr.learning_rate": 0.1}', options)
    found = []
    for key, value in (options or {}).items():
        if not isinstance(key, str) or "=" in key:
            checks.fail(owner, "options", 'a map such as {"Optimizer.lr.learning_rate": 0.1}', key)
        found.append(f"{key}={_literal(value)!r}")
    return found


def _literal(value):
    """A value of which ``repr`` is the literal: numbers of NumPy and paths as what they are."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple)):
        return [_literal(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _literal(each) for key, each in value.items()}
    return value.item() if hasattr(value, "item") else value


class _Parser(command_parser.Parser):
    """One whose mistakes are a ``ConfigError``, not the end of the process."""

    def error(self, message: str) -> Any:
        raise ConfigError(f"{self.prog}: {message}")


def parsed(command: str, argv: Sequence[str]) -> argparse.Namespace:
    """Return what a command line says, as the command is given it.

    Args:
        command (str): ``train``, ``lists``, ...
        argv (list of str): what stands behind it.

    Raises:
        ConfigError: a flag is unknown, or has no such value.
    """
    parser, commands = command_line.make_parser(_Parser)
    arguments = command_parser.parse(parser, commands, [command, *argv])
    arguments.command_line = shlex.join(["ppcls-lt", command, *argv])
    return arguments
