"""When one name is nearly another: misspelt, in another case, in the plural, or with its words in another order."""

from __future__ import annotations

from collections.abc import Iterable

# From this length on two slips are still a misspelling; in a shorter name they make another word.
_LONG = 8


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Return the option that ``name`` is nearly, or None.

    Nearly means: equal but for case, ``-`` or ``_``, or the order of its words, or one slip away: a
    character left out, put in, replaced or swapped with its neighbour; two slips
    in names of eight characters and more.

    Args:
        name (str): what stands there.
        options (iterable of str): the names that are known; ``name`` is none of them.
    """
    folded = _folded(name)
    best = None
    for option in options:
        other = _folded(option)
        limit = 2 if min(len(folded), len(other)) >= _LONG else 1
        distance = 0 if sorted(folded.split("_")) == sorted(other.split("_")) else slips(folded, other, limit)
        if distance <= limit and (best is None or (distance, str(option)) < best):
            best = (distance, str(option))
    return None if best is None else best[1]


def _folded(name):
    return str(name).casefold().replace("-", "_").strip("_ ")


def slips(one: str, other: str, limit: int) -> int:
    """The slips from ``one`` to ``other``, or ``limit + 1`` where there are more than ``limit``."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before, row = None, list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > limit + 1:
            return limit + 1
    return min(row[-1], limit + 1)
