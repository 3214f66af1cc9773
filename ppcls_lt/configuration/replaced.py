"""What a recipe takes away from a configuration, in words."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from ..basis import yaml_files
from ..basis.checks import ConfigError
from ..basis.overrides import parsed
from . import plain, recipes
from .merging import merged

_log = logging.getLogger("ppcls.lt")
_LONGEST = 160  # characters of a value in a line
# A stage has epochs of its own, beside those of the file.
_OF_A_STAGE = "Global.epochs"
_RECIPE = ("Global", "recipe")
_LISTS = ("Callbacks", "transform_ops", "batch_transform_ops")


class Change(NamedTuple):
    """One entry of a configuration that a recipe changes or removes."""

    place: str  # ``Loss.Train``, or ``Stages[1]: Optimizer.lr`` where only a stage changes it
    old: str  # as YAML on one line
    new: str


def changes(base: dict, recipe: recipes.Recipe) -> list[Change]:
    """Return every entry of ``base`` that a recipe, laid over it, changes or removes; what it adds is none.

    Args:
        base (dict): a configuration.
        recipe (Recipe): what is laid over it.

    Returns:
        list of Change: in the order of the base, those of stages last.
    """
    before, whole = dict(base), recipes.laid(base, recipe)
    old, new = before.get("Stages") or [], whole.pop("Stages", None) or []
    kept = len(old) == len(new)  # and the recipe has none of its own
    if kept:
        before.pop("Stages", None)
    found = _differences(before, whole, "")
    for number, stage in enumerate(new if old != new else ()):
        here = merged(before, old[number] or {}) if kept else whole
        inner = _differences(here, merged(whole, stage or {}), "")
        found += [
            change._replace(place=f"Stages[{number}]: {change.place}")
            for change in inner
            if change.place != _OF_A_STAGE and change not in found
        ]
    return found


def lines(base: dict, recipe: recipes.Recipe) -> list[str]:
    """Return a sentence for each entry of ``base`` that the recipe changes or removes."""
    return [
        f"recipe {recipe.name} replaces {change.place}: {change.old} -> {change.new}"
        for change in changes(base, recipe)
    ]


def named_before(
    recipe: Any, path: str | os.PathLike, overrides: Iterable[str] = (), by: str = "--recipe"
) -> str | None:
    """Return the sentence that a recipe takes the place of another one, which a file or ``-o`` names, or None.

    Args:
        recipe (str or list of str): as it was asked for.
        path (str or Path): the YAML file; what is wrong with it is said by whoever reads all of it.
        overrides (iterable of str): what ``-o`` said.
        by (str): how the recipe was asked for.
    """
    with contextlib.suppress(ConfigError):
        config = yaml_files.read_map(path, "configuration", "-c")
        section = config.get("Global")
        before = section.get("recipe") if isinstance(section, dict) else None
        for place, value in parsed(overrides):
            before = value if place == _RECIPE else before
        name = recipes.read(recipe).name
        if before is not None and recipes.read(before).name != name:
            return f"{by} {name} takes the place of Global.recipe: {_said(before)}"
    return None


def log(config: dict) -> None:
    """Say which entries of the user's own file and ``-o`` the recipe of ``Global.recipe`` replaces."""
    recipe = config["Global"].get("recipe")
    if recipe is not None:
        for line in lines(config, recipes.read(recipe)):
            _log.info("%s", line)


def _differences(old, new, place):
    if isinstance(old, dict) and isinstance(new, dict) and old.get("name") == new.get("name"):
        return [
            change
            for key, value in old.items()
            for change in _differences(value, new.get(key), f"{place}.{key}" if place else str(key))
        ]
    if place.rpartition(".")[2] in _LISTS and isinstance(old, list) and isinstance(new, (list, type(None))):
        # Of a list to which parts add, what it loses is told and what takes the place of that.
        lost = [entry for entry in old if entry not in (new or [])]
        gained = [entry for entry in new or [] if entry not in old]
        return [Change(place, _said(lost), _said(gained or None))] if lost else []
    # What says nothing is nothing that could be lost.
    return [] if old is None or old == new else [Change(place, _said(old), _said(new))]


def _said(value):
    if value is None:
        return "nothing"
    text = yaml.safe_dump(
        plain.plain(value), default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    text = " ".join(text.removesuffix("...\n").split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
