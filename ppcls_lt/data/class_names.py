"""What the classes are called: the file of names, and a class in a table, a picture or a message."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..basis import checks
from ..basis.checks import ConfigError

_log = logging.getLogger("ppcls.lt")
# Beside label lists, as PaddleX has it; lines `class name`.
FILE = "label.txt"


def read(path: str | os.PathLike) -> dict[int, str]:
    """Return the names in a file of lines ``class name``, as PaddleClas's ``class_id_map_file``: class -> name.

    Raises:
        ConfigError: the file cannot be read or a line does not begin with a class.
    """
    if Path(path).exists():
        checks.regular_file("class names", "file", path)
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: must be a text file of lines `class name`: {error}") from error
    names: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        first, _, name = line.strip().partition(" ")
        if not first:
            continue
        if not first.isdecimal():
            raise ConfigError(f"{path}: line {number} must be `class name` with an integer class, got {line[:80]!r}")
        if names.setdefault(int(first), name.strip()) != name.strip():
            both = f"{names[int(first)]!r} and {name.strip()!r} of class {int(first)}"
            raise ConfigError(f"{path}: must name each class once, got {both}")
    return names


def of_list(path: str | os.PathLike, given: str | os.PathLike | None = None) -> dict[int, str]:
    """Return the names of a list's classes: those of a file that is given, or of ``label.txt`` beside the list, or {}.

    A ``label.txt`` of other lines than ``class name``, as other tools write, is none, which is told.

    Raises:
        ConfigError: the file that is given is none of such lines.
    """
    if given is not None:
        return read(given)
    beside = Path(path).parent / FILE
    try:
        return read(beside) if beside.is_file() else {}
    except ConfigError as error:
        _log.warning("the classes go by their numbers, since their names are not taken from a file beside: %s", error)
        return {}


def text(names: Sequence[str] | Mapping[int, str]) -> bytes:
    """Return the file of the names of the classes 0, 1, ..., or of a map class -> name, bytes."""
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    return "".join(f"{label} {name}\n" for label, name in pairs).encode()


def called(names: Mapping[int, str]) -> _Called:
    """Return ``label -> what to call it``: its name; with its number where others have that name, or the number alone.

    Args:
        names (dict): class -> name; what is not in it has none.
    """
    return _Called(names)


def _is_another(name, names):
    """Whether a name is the number of a class that has none itself, as far as classes are known."""
    return name.isdecimal() and int(name) <= max(names) and not names.get(int(name))


class _Called:
    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        # A name that is a number may be what another class without a name is called by.
        self._times = Counter(names.values()) + Counter(name for name in names.values() if _is_another(name, names))

    def __call__(self, label: object) -> str:
        name = self._names.get(int(label))  # type: ignore[call-overload]  # an integer of whatever kind
        if not name:
            return str(label)
        return name if self._times[name] == 1 else f"{label} {name}"
