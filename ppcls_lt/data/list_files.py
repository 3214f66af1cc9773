"""Label lists as files: their lines kept as they are, and files that are complete or not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Callable, NamedTuple

import numpy as np

from ..basis import atomic, checks, lock
from . import label_lists
from .counts import count_label_list, images_per_class


class LabelList(NamedTuple):
    """A label list in memory: ``lines``, with their ends, and ``images`` are lists of N
    strings, ``labels`` is int64 ``[N]``, ``counts`` int64 ``[C]``.
    """

    lines: list
    images: list
    labels: np.ndarray
    counts: np.ndarray


def read_label_list(
    path: str | os.PathLike, *, owner: str, name: str = "LIST", delimiter: str | None = None
) -> LabelList:
    """Read a PaddleClas label list and keep its lines as they are.

    Args:
        path (str): the label list.
        owner (str): who asks, for messages, e.g. ``ppcls-lt split``.
        name (str): the parameter that holds the path, for messages.
        delimiter (str): what separates the fields; None means one space.

    Returns:
        LabelList

    Raises:
        ConfigError: as in ``counts.count_label_list``, or the file cannot be
            read twice.
    """
    # The pass that names every mistake; what follows may rely on well-formed lines.
    counts = count_label_list(path, owner=owner, name=name, delimiter=delimiter)
    # As `count_label_list` reads it, but with the ends of the lines left alone.
    with label_lists.open_list(path, newline="") as file:
        lines = list(file)
    try:
        fields = [line.strip().split(delimiter or " ", 2) for line in lines]
        numbers = {token: int(token) for token in {field[1] for field in fields}}
        labels = np.array([numbers[field[1]] for field in fields], dtype=np.int64)
        same = np.array_equal(images_per_class(labels, counts.size), counts)
    except (IndexError, ValueError):
        same = False
    if not same:
        got = checks.described("other lines at the second reading")
        checks.fail(owner, name, f"a file that can be read twice, not a pipe ({path})", got)
    return LabelList(lines, [field[0] for field in fields], labels, counts)


def joined(lines: Sequence[str], chosen: np.ndarray) -> bytes:
    """Return the chosen lines of a ``LabelList`` as a file, bytes.

    Args:
        lines (list of str): ``LabelList.lines``.
        chosen (array of int): their positions.
    """
    return "".join([lines[position] for position in chosen.tolist()]).encode("utf-8")


def write_files(
    contents: Mapping[str, tuple[str | os.PathLike, bytes]],
    *,
    owner: str,
    inputs: Sequence[str | os.PathLike] = (),
    force: bool = False,
) -> None:
    """Write files, each of which is complete or not there.

    Args:
        contents (dict): parameter, for messages -> (path, bytes).
        owner (str): who asks, for messages.
        inputs (sequence of str): files that must not be written onto.
        force (bool): replace existing files.

    Raises:
        ConfigError: a path is one of ``inputs``, is written twice, exists
            without ``force``, is no ordinary file, or cannot be written.
    """
    check_outputs({name: path for name, (path, _) in contents.items()}, owner=owner, inputs=inputs, force=force)
    try:
        with contextlib.ExitStack() as locks:
            for folder in sorted({os.path.dirname(os.path.abspath(path)) for path, _ in contents.values()}):
                locks.enter_context(lock.held(folder, owner, next(iter(contents))))
            for path, _ in contents.values():
                atomic.sweep(path)
            atomic.write_all(dict(contents.values()))
    except OSError as error:
        named = {str(path): name for name, (path, _) in contents.items()}
        failed = named.get(error.filename, next(iter(contents)))
        expected = f"a file that can be written ({contents[failed][0]})"
        checks.fail(owner, failed, expected, checks.described(error.strerror))


def listed_classes(classes: Sequence[int] | np.ndarray, called: Callable[[int], str] = str) -> str:
    """Return "class 3" or "12 classes: 0, 1, ..." for messages, each as it is ``called``."""
    numbers = ", ".join(map(called, classes[:10])) + (", ..." if len(classes) > 10 else "")
    return f"class {numbers}" if len(classes) == 1 else f"{len(classes)} classes: {numbers}"


def check_outputs(
    paths: Mapping[str, str | os.PathLike], *, owner: str, inputs: Sequence[str | os.PathLike] = (), force: bool = False
) -> None:
    """Raise what ``write_files`` would, before any work is done.

    Args:
        paths (dict): parameter, for messages -> path.
        owner, inputs, force: see ``write_files``.
    """
    seen: dict[str, str] = {}
    for name, path in paths.items():
        if not os.fspath(path):
            checks.fail(owner, name, "the path of a file", path)
        real = os.path.realpath(path)
        if real in seen:
            checks.fail(owner, name, f"another file than `{seen[real]}`", path)
        seen[real] = name
        if not os.path.isdir(os.path.dirname(real)):
            checks.fail(owner, name, "a file in an existing folder", checks.sought(path))
        if not os.path.lexists(path):
            continue
        for source in inputs:
            if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
                checks.fail(owner, name, "another file than the list that is read", path)
        # A device or a folder must not be replaced, whatever the user says.
        if os.path.exists(path) and not os.path.isfile(path):
            checks.fail(owner, name, "an ordinary file", path)
        if not force:
            checks.fail(owner, name, "a new file (or pass --force to replace it)", path)
