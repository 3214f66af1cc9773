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


class Copies:
    """Which lines repeat which: lines of the same pixels are a group, and groups are nearly alike.

    Args:
        group (array): of each line the number of its pixels, int64 ``[N]``.
        near (array): pairs of such numbers that are nearly alike, int64 ``[P, 2]``.
    """

    def __init__(self, group: np.ndarray, near: np.ndarray) -> None:
        self.group = group
        self._sizes = dict(zip(*(each.tolist() for each in np.unique(group, return_counts=True))))
        self._near: dict[int, list[int]] = defaultdict(list)
        for one, other in near.tolist():
            if one in self._sizes and other in self._sizes:  # others are files without a line of their own
                self._near[one].append(other)
                self._near[other].append(one)

    def near(self, group: int) -> list[int]:
        """The groups that are nearly alike to one."""
        return self._near.get(group, [])

    def lines(self) -> list[int]:
        """Every line that repeats another, exactly or nearly."""
        return [line for line, group in enumerate(self.group.tolist()) if self._sizes[group] > 1 or group in self._near]


class Repeated(NamedTuple):
    """All that is repeated.

    Attributes:
        groups (list of array): lines with the same pixels, two or more, int64 each.
        suspects (list of Suspect): each line that repeats an earlier one, or one that is nearly alike: ``other``.
        copies (Copies): which lines repeat which.
        leaks (list of Leak): of each two lists, those that share nothing too.
    """

    groups: list[np.ndarray]
    suspects: list[Suspect]
    copies: Copies
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
    for group in groups:
        first = int(group[0])
        found += [Suspect(suspects.EXACT, line, 0.0, other=first) for line in group[1:].tolist()]
    for (one, other), difference in zip(duplicates.near.tolist(), duplicates.difference.tolist()):
        if one in members and other in members:
            pair = sorted((int(members[one][0]), int(members[other][0])))
            found.append(Suspect(suspects.NEAR, pair[1], difference, other=pair[0]))
    copies = Copies(pixels, duplicates.near)
    parts = lines.parts
    pairs = [(one, other) for place, one in enumerate(parts) for other in parts[place + 1 :]]
    return Repeated(groups, found, copies, [_leak(lines, copies, *pair) for pair in pairs])


def _leak(lines, copies, learning, judging):
    of_learning = lines.of(learning)
    classes: dict[int, set[int]] = defaultdict(set)  # group -> the classes of its lines that learn
    for group, label in zip(copies.group[of_learning].tolist(), lines.label[of_learning].tolist()):
        classes[group].add(label)
    leaked, exact, other_label = [], 0, 0
    for line in lines.of(judging).tolist():
        group = int(copies.group[line])
        found = [classes[each] for each in (group, *copies.near(group)) if each in classes]
        if found:
            leaked.append(line)
            exact += group in classes
            other_label += not any(int(lines.label[line]) in each for each in found)
    chosen = np.array(leaked, dtype=np.int64)
    share = chosen.size / len(lines.lists[judging].lines)
    per_class = np.bincount(lines.label[chosen], minlength=lines.class_num)
    return Leak((learning, judging), chosen, exact, share, other_label, per_class)
