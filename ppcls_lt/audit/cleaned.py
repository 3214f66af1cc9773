"""Lists without the suspects of some kinds, and what was left out as lists beside them, with its reasons."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..basis import checks
from ..data.list_files import joined, listed_classes
from . import OWNER, suspects
from .lists import Lines
from .repeated import Repeated
from .suspects import Suspect

# Which list keeps an image that several have: the one that judges, or the one that learns.
KEEP = ("test", "train")
REASONS = "left_out.csv"
_LOOK = "audit/suspects.csv in --out has what was found"


class Gone(NamedTuple):
    """A line that is left out."""

    line: int
    kind: str
    other: int  # the line that it repeats, or -1
    conflict: bool  # its class is not that of the line that it repeats


def leave_out(
    lines: Lines, found: Sequence[Suspect], repeated: Repeated, kinds: Collection[str], keep: str
) -> dict[int, Gone]:
    """Return the lines that are left out, each once, with the first reason.

    Of what is repeated one line stays: in the list that ``keep`` says, and there the first. Copies within one list that
    have several classes all go, since nothing says which is right.

    Args:
        lines (Lines): the lists.
        found (sequence of Suspect): all suspects.
        repeated (Repeated): what is repeated.
        kinds (collection of str): of ``suspects.KINDS``.
        keep (str): of ``KEEP``.
    """
    gone: dict[int, Gone] = {}
    for suspect in found:
        if suspect.kind in kinds and suspect.kind not in (suspects.EXACT, suspects.NEAR):
            gone.setdefault(suspect.line, Gone(suspect.line, suspect.kind, -1, False))
    order = list(range(len(lines.parts)))
    if keep == "test":
        order.reverse()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    copies = repeated.copies
    firsts = _first_of_each_class(lines, repeated) if suspects.EXACT in kinds else {}
    judged: dict[int, int] = {}  # group -> its first line that stays
    for line in sorted(copies.lines(), key=lambda line: (rank[lines.part[line]], line)):
        if line in gone:
            continue
        group, label = int(copies.group[line]), int(lines.label[line])
        quarrel = [other for each, other in firsts.get((group, int(lines.part[line])), ()) if each != label]
        exact = [judged[group]] if suspects.EXACT in kinds and group in judged else []
        near = [judged[each] for each in copies.near(group) if each in judged] if suspects.NEAR in kinds else []
        if quarrel:
            gone[line] = Gone(line, suspects.EXACT, quarrel[0], True)
        elif exact or near:
            kind, other = (suspects.EXACT, exact[0]) if exact else (suspects.NEAR, min(near))
            gone[line] = Gone(line, kind, other, bool(lines.label[other] != label))
        else:
            judged[group] = min(line, judged.get(group, line))
    return gone


def _first_of_each_class(lines, repeated):
    """``(group, part)`` -> ``(class, first line)`` of each class among its lines there, in their order."""
    found: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for group in repeated.groups:
        number = int(repeated.copies.group[group[0]])
        for line in group.tolist():
            found[number, int(lines.part[line])].setdefault(int(lines.label[line]), line)
    return {place: tuple(first.items()) for place, first in found.items()}


def contents(lines: Lines, gone: dict[int, Gone], name_of: Callable[[object], str] = str) -> dict[str, bytes]:
    """Return the lists as files, name -> bytes: each without what is left out, and what is left out of it.

    Args:
        lines (Lines): of the lists.
        gone (dict): line -> why it is left out.
        name_of (callable): class -> what to call it in a message.

    Raises:
        ConfigError: a class would lose its last image in a list.
    """
    files = {}
    called = names(lines)
    left = np.array(sorted(gone), dtype=np.int64)
    for part, listed in lines.lists.items():
        of_part = lines.of(part)
        out = np.isin(of_part, left)
        rest = np.bincount(listed.labels[~out], minlength=listed.counts.size)
        emptied = np.flatnonzero((listed.counts > 0) & (rest == 0))
        if emptied.size:
            which = listed_classes(emptied, name_of)
            got = checks.described(f"kinds that leave the {part} list without an image of {which}")
            checks.fail(OWNER, "--leave-out", "kinds that leave every class an image", got, _LOOK)
        whole = [line if line.endswith("\n") else line + "\n" for line in listed.lines]
        for name, chosen in zip(called[part], (~out, out)):
            files[name] = joined(whole, np.flatnonzero(chosen))
    return files


def names(lines: Lines) -> dict[str, tuple[str, str]]:
    """Return the names of the files of each part: its list, and what is left out of it."""
    bases = [os.path.basename(path) for path in lines.sources.values()]
    found = {}
    for part, base in zip(lines.sources, bases):
        stem, ending = os.path.splitext(base if bases.count(base) == 1 else f"{part}_{base}")
        found[part] = f"{stem}{ending}", f"{stem}_left_out{ending}"
    return found


def stale(folder: Path, written: Collection[str], label_file: str) -> list[str]:
    """Return the files that an earlier call has left in the folder of the lists, and that a call does not write.

    Args:
        folder (Path): of the lists, there or not.
        written (collection of str): the names of what the call writes.
        label_file (str): what the file of the classes' names is called.
    """
    there = {path.name for path in folder.glob("*") if path.is_file()}
    pairs = [(name.replace("_left_out", ""), name) for name in there if os.path.splitext(name)[0].endswith("_left_out")]
    ours = {label_file, REASONS, *(name for pair in pairs for name in pair)} if REASONS in there else set()
    return sorted((ours & there) - set(written))
