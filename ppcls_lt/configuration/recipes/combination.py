"""What ``Global.recipe`` says: one recipe or several, taken apart into parts of which no two are of one kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from ...basis import checks
from . import files, kinds, ranges

_EXPECTED = "a recipe's name or path, several of them joined by `+`, or a list of them"


class Part(NamedTuple):
    """One part of a recipe.

    Attributes:
        name (str): a packaged name, or the path of a file.
        via (str): the recipe, as it was asked for, that brings the part; of most the part itself.
        kinds (frozenset of str): what it brings, of ``KINDS``.
        kind (str or None): what it says it is; None of a fragment that says nothing.
        stages (str): where it holds: ``all``, ``first``, or ``features``, the first that does not freeze them.
        summary (str): a line for people.
        source (str): the paper.
        config (dict): what it changes in a configuration.
        small_images (dict or None): what it changes in one of small images.
        tune (dict): path -> ``ranges.Range`` of what may be tuned.
    """

    name: str
    via: str
    kinds: frozenset
    kind: str | None
    stages: str
    summary: str
    source: str
    config: dict
    small_images: dict | None = None
    tune: dict = {}

    @property
    def said(self) -> str:
        """Its name, for a message."""
        return self.name if self.name == self.via else f"{self.via} ({self.name})"

    @property
    def place(self) -> tuple:
        """By what parts and recipes are ordered, however they were written."""
        return min([kinds.KINDS.index(kind) for kind in self.kinds], default=-1), self.name


class Recipe(NamedTuple):
    """Parts that are laid over a configuration together.

    Attributes:
        name (str): the recipes that were asked for, in the order of their kinds, joined by ``+``.
        asked (tuple of str): the same one by one.
        parts (tuple of Part): fragments that say no kind first, then in the order of kinds.
    """

    name: str
    asked: tuple
    parts: tuple

    @property
    def brings_stages(self) -> bool:
        """Whether it has stages of its own, in the place of those of the configuration."""
        return any("Stages" in part.config for part in self.parts)


def read(recipe: Any) -> Recipe:
    """Return the :class:`Recipe` of a value of ``Global.recipe``.

    Args:
        recipe (str or list of str): names or paths, several joined by ``+`` or as a list.

    Raises:
        ConfigError: there is no such recipe, a file is not what it must be, or two parts are of one kind or set
            the same entry.
    """
    found: list[tuple[tuple, str]] = []
    parts: list[Part] = []
    defaults: list[Part] = []
    asked = _asked(recipe)
    for each in asked:
        if asked.count(each) > 1:
            got = checks.described(f"{each}, which is there twice")
            checks.fail("configuration", "recipe", "made of different recipes", got, "leave out one of them")
        own: list[Part] = []
        for part, is_default in _expanded(each, each, ()):
            (defaults if is_default else own).append(part)
        found.append((min(part.place for part in own)[:1] + (each,), each))
        parts += own
    _check_kinds(parts)
    taken = {kind for part in parts for kind in part.kinds}
    chosen = {part.name: part for part in defaults if not part.kinds & taken}
    parts += chosen.values()
    _check_kinds(parts)
    parts.sort(key=lambda part: (part.kind is not None, part.place))
    _check_entries(parts)
    ordered = tuple(name for _, name in sorted(found))
    return Recipe("+".join(ordered), ordered, tuple(parts))


def of_config(config: dict, name: str = "recipe") -> Recipe:
    """Return a :class:`Recipe` of one fragment of a configuration."""
    part = Part(name, name, frozenset(kinds.of(config)), None, "all", name, "none", config)
    return Recipe(name, (name,), (part,))


def _asked(recipe: Any) -> list[str]:
    """The names and paths that a value says."""
    if isinstance(recipe, str) and recipe.strip()[:1] + recipe.strip()[-1:] == "[]":
        # As a shell passes it: -o Global.recipe=[ldam_drw,mixup]
        recipe = recipe.strip()[1:-1].split(",")
    listed = list(recipe) if isinstance(recipe, (list, tuple)) else [recipe]
    found = []
    for each in listed:
        if not isinstance(each, str):
            checks.fail("configuration", "recipe", _EXPECTED, recipe)
        each = each.strip()
        # A path may hold a `+` of its own.
        found += [each] if os.path.isfile(each) else [name.strip() for name in each.split("+")]
    if not found or not all(found):
        checks.fail("configuration", "recipe", _EXPECTED, recipe)
    return found


def _expanded(name: str, via: str, above: tuple) -> Iterator[tuple[Part, bool]]:
    """Yield ``(part, whether it yields to others of its kind)`` of a recipe and of the parts that it is made of."""
    if name in above:
        checks.fail(f"recipe {name}", "parts", "recipes that are not made of this one", checks.described(name))
    content = files.read_content(name)
    config, kind = content.get("config"), content.get("kind")
    if config is not None:
        brought = kinds.of(config) | ({kind} if kind else set())
        stages = content.get("stages", "features" if kind in kinds.FEATURES_STAGE else "all")
        described = content["summary"], content["source"]
        small = content.get("small_images")
        tune = ranges.read(f"recipe {name}", content["tune"]) if "tune" in content else {}
        yield Part(name, via, frozenset(brought), kind, stages, *described, config, small, tune), False
    made = [
        each for inner in content.get("parts", []) for each in _expanded(files.beside(name, inner), via, (*above, name))
    ]
    if "values" in content:
        yield from _with_values(name, via, content, made)
    else:
        yield from made
    for inner in content.get("defaults", []):
        yield from ((part, True) for part, _ in _expanded(files.beside(name, inner), via, (*above, name)))


def _with_values(name: str, via: str, content: dict, made: list) -> Iterator[tuple[Part, bool]]:
    """Yield parts with the values of a tuned recipe, and what no part has as one of its own."""
    configs, left = ranges.with_values([part.config for part, _ in made], content["values"])
    for (part, is_default), config in zip(made, configs):
        yield part._replace(config=config), is_default
    if left:
        # What it sets is that of the base, of whatever kind a part of it would be.
        yield Part(name, via, frozenset(), None, "all", content["summary"], content["source"], left), False


def _check_kinds(parts: list[Part]) -> None:
    for kind in kinds.KINDS:
        same = [part.said for part in parts if kind in part.kinds]
        if len(same) > 1:
            checks.fail(
                "configuration",
                "recipe",
                f"made of parts of which no two are of the kind {kind}",
                checks.described(" and ".join(same)),
                "leave out one of them",
            )


def _check_entries(parts: list[Part]) -> None:
    """Raise where two parts set one entry, since the later one would win."""
    seen: dict[tuple, tuple[Part, Any]] = {}
    for part in parts:
        for path, value in _entries(part.config, ()):
            for other, theirs in (seen[each] for each in seen if _same(each, path)):
                if other is not part and theirs != value:
                    checks.fail(
                        "configuration",
                        "recipe",
                        f"made of parts that set different entries, not both {'.'.join(path)}",
                        checks.described(f"{other.said} and {part.said}"),
                        "leave out one of them",
                    )
            seen[path] = part, value


def _entries(config: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    """Yield ``(path, value)`` of what a fragment sets; the lists to which parts add are none."""
    for key, value in config.items():
        inner = (*path, str(key))
        to_each = inner == kinds.LOSSES and isinstance(value, dict)
        if to_each or inner in (kinds.CALLBACKS, kinds.BATCHES, kinds.TRANSFORMS):
            continue
        if isinstance(value, dict) and value:
            yield from _entries(value, inner)
        else:
            yield inner, value


def _same(one: tuple, other: tuple) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]
