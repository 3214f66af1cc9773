"""What recipes replace in the base, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...basis.widths import one_line

if TYPE_CHECKING:
    from ...runs.results import Outcome


def lines(changes: Mapping[str, Iterable], words: Mapping[str, str]) -> list[str]:
    """A line for each entry of the base that is changed: ``its place: its value, by these recipes``.

    Args:
        changes (dict): recipe -> list of (place, old, new).
        words (dict): key -> text, in the language of the reader.
    """
    found: dict[str, list[str]] = {}
    for recipe, entries in changes.items():
        for place, old, _ in entries:
            found.setdefault(f"{place}: {old}", []).append(recipe)
    return [
        one_line(words["replaced_by"].format(entry=entry, recipes=words["comma"].join(names)))
        for entry, names in found.items()
    ]


def table(outcome: Outcome, words: Mapping[str, str]) -> tuple[list[str], list[list]]:
    """Heads and rows: what each recipe changes in the base."""
    rows = [[recipe, *entry] for recipe, entries in outcome.replaced.items() for entry in entries]
    return [words[name] for name in ("recipe", "place", "in_base", "in_recipe")], rows
