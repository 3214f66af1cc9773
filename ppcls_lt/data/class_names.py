"""What the classes are called: the file of names, and a class in a table, a picture or a message."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..basis import checks
from ..basis.checks import ConfigError

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
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: must be a text file of lines `class name`: {error}") from error
    names = {}
    for number, line in enumerate(lines, 1):
        first, _, name = line.strip().partition(" ")
        if not first:
            continue
        if not first.isdecimal():
            raise ConfigError(f"{path}: line {number} must be `class name` with an integer class, got {line[:80]!r}")
        names[int(first)] = name.strip()
    return names


def of_list(path: str | os.PathLike, given: str | os.PathLike | None = None) -> dict[int, str]:
    """Return the names of a list's classes: those of a file that is given, or of ``label.txt`` beside the list, or {}.

    A ``label.txt`` of other lines than ``class name``, as other tools write, is none.

    Raises:
        ConfigError: the file that is given is none of such lines.
    """
    if given is not None:
        return read(given)
    beside = Path(path).parent / FILE
    try:
        return read(beside) if beside.is_file() else {}
    except ConfigError:
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


class _Called:
    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        self._times = Counter(names.values())

    def __call__(self, label: object) -> str:
        name = self._names.get(int(label))  # type: ignore[call-overload]  # an integer of whatever kind
        if not name:
            return str(label)
        return name if self._times[name] == 1 else f"{label} {name}"
