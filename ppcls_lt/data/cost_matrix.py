"""A file of costs: what it costs to take an image of one class for another."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence

import numpy as np

from ..basis import checks


def class_of(name: str, names: Sequence[str], owner: str, parameter: str) -> int:
    """Return the class that a name or a number stands for.

    Raises:
        ConfigError: no class is called so.
    """
    name = name.strip()
    if name in names:
        return list(names).index(name)
    if name.isdecimal() and int(name) < len(names):
        alike = [other for other in names if other.isdecimal() and int(other) == int(name)]
        if alike and list(names).index(alike[0]) != int(name):
            got = checks.described(f"{name}, which is the number of {names[int(name)]!r} and nearly {alike[0]!r}")
            checks.fail(owner, parameter, "of a class, by its name as it is written", got)
        return int(name)
    checks.fail(owner, parameter, f"of a class, by name or number{checks.nearest_or_all(name, names)}", name)


def read(path: str | os.PathLike, names: Sequence[str], owner: str, not_sure: str) -> np.ndarray:
    """Return the costs in a CSV file, float64 ``[C, C]``, or ``[C, C + 1]`` with those of being not sure.

    The first row names the class that an image is taken for, the first column the one that it has; a last column
    ``not sure`` holds what it costs to leave an image to others.

    Args:
        path (str): the file.
        names (sequence of str): of the classes; their numbers are known too.
        owner (str): who asks, for messages.
        not_sure (str): the name of that column.

    Raises:
        ConfigError: it is no such file, a class is missing or twice in it, or a cost is no number >= 0.
    """
    checks.regular_file(owner, "--costs", path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        checks.fail(owner, "--costs", "a CSV file in UTF-8", checks.described(f"{path}: {error}"))
    head = [cell.strip() for cell in rows[0][1:]] if rows else []
    rejects = not_sure in head and not_sure not in names
    columns = [len(names) if rejects and cell == not_sure else class_of(cell, names, owner, "--costs") for cell in head]
    lines = [class_of(row[0], names, owner, "--costs") for row in rows[1:]]
    for what, found, wanted in (("row", lines, len(names)), ("column", columns, len(names) + rejects)):
        if sorted(found) != list(range(wanted)):
            got = checks.described(f"{path} with {len(found)} {what}s, {len(set(found))} of them different")
            checks.fail(owner, "--costs", f"a table with one {what} for each of the {len(names)} classes", got)
    costs = np.zeros((len(names), len(columns)))
    for line, row in zip(lines, rows[1:]):
        if len(row) != len(head) + 1:
            checks.fail(owner, "--costs", f"a table of {len(head) + 1} columns", checks.described(f"row {row}"))
        for column, cell in zip(columns, row[1:]):
            try:
                value = float(cell)
            except ValueError:
                value = -1.0
            if not (np.isfinite(value) and value >= 0):
                checks.fail(owner, "--costs", "a table of finite numbers >= 0", cell)
            costs[line, column] = value
    return costs
