"""Lines whose image is there already: within a list, and between lists, where it leaks."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from . import suspects
from .duplicates import Duplicates
from .lists import Lines
from .suspects import Suspect


class Leak(NamedTuple):
    """What two lists share.

    Attributes:
        parts (tuple): the list that learns, and the one that judges.
        lines (array): those of the second whose image is in the first, exactly or nearly, int64 ``[n]``.
        exact (int): how many of them exactly.
        share (float): of the lines of the second.
        other_label (int): how many have another class than every copy of theirs in the first.
        per_class (array): of the second, those of each class ``[C]``.
    """

    parts: tuple[str, str]
    lines: np.ndarray
    exact: int
    share: float
    other_label: int
    per_class: np.ndarray


class Repeated(NamedTuple):
    """All that is repeated.

    Attributes:
        groups (list of array): lines with the same pixels, two or more, int64 each.
        suspects (list of Suspect): each line that repeats an earlier one, or one that is nearly alike: ``other``.
        alike (dict): line -> [(line, kind)], of all that repeat each other, both ways.
        leaks (list of Leak): of each two lists, those that share nothing too.
    """

    groups: list[np.ndarray]
    suspects: list[Suspect]
    alike: dict[int, list[tuple[int, str]]]
    leaks: list[Leak]


def find(lines: Lines, duplicates: Duplicates) -> Repeated:
    """Return what is ``Repeated`` among lines.

    Args:
        lines (Lines): the lists.
        duplicates (Duplicates): of their files.
    """
    pixels = duplicates.same[lines.file]  # [N], the same number for the same pixels
    order = np.argsort(pixels, kind="stable")
    cuts = np.flatnonzero(np.diff(pixels[order])) + 1
    members = {int(pixels[group[0]]): group for group in np.split(order, cuts)}
    groups = [group for group in members.values() if group.size > 1]
    found: list[Suspect] = []
    alike: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for group in groups:
        first = int(group[0])
        found += [Suspect(suspects.EXACT, line, 0.0, other=first) for line in group[1:].tolist()]
        for line in group.tolist():
            alike[line] += [(other, suspects.EXACT) for other in group.tolist() if other != line]
    for (one, other), difference in zip(duplicates.near.tolist(), duplicates.difference.tolist()):
        if one not in members or other not in members:
            continue  # files without a line of their own
        pair = sorted((int(members[one][0]), int(members[other][0])))
        found.append(Suspect(suspects.NEAR, pair[1], difference, other=pair[0]))
        for line in members[one].tolist():
            for second in members[other].tolist():
                alike[line].append((second, suspects.NEAR))
                alike[second].append((line, suspects.NEAR))
    parts = lines.parts
    pairs = [(one, other) for place, one in enumerate(parts) for other in parts[place + 1 :]]
    return Repeated(groups, found, dict(alike), [_leak(lines, alike, *pair) for pair in pairs])


def _leak(lines, alike, learning, judging):
    part = lines.parts.index(learning)
    leaked, exact, other_label = [], 0, 0
    for line in lines.of(judging).tolist():
        copies = [(other, kind) for other, kind in alike.get(line, ()) if lines.part[other] == part]
        if copies:
            leaked.append(line)
            exact += any(kind == suspects.EXACT for _, kind in copies)
            other_label += all(lines.label[other] != lines.label[line] for other, _ in copies)
    chosen = np.array(leaked, dtype=np.int64)
    share = chosen.size / len(lines.lists[judging].lines)
    per_class = np.bincount(lines.label[chosen], minlength=lines.class_num)
    return Leak((learning, judging), chosen, exact, share, other_label, per_class)
