"""What recipes replace in the base, for a terminal and for a page."""

from .wording import one_line


def lines(changes):
    """A line for each entry of the base that is changed: ``its place: its value, by these recipes``.

    Args:
        changes (dict): recipe -> list of (place, old, new).
    """
    found = {}
    for recipe, entries in changes.items():
        for place, old, _ in entries:
            found.setdefault(f"{place}: {old}", []).append(recipe)
    return [one_line(f"{entry}, by {', '.join(names)}") for entry, names in found.items()]


def table(outcome, words):
    """Heads and rows: what each recipe changes in the base."""
    rows = [[recipe, *entry] for recipe, entries in outcome.replaced.items() for entry in entries]
    return [words[name] for name in ("recipe", "place", "in_base", "in_recipe")], rows
