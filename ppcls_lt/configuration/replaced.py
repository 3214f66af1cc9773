"""What a recipe takes away from a configuration, in words."""

from __future__ import annotations

import logging
from typing import NamedTuple

import yaml

from . import plain, recipes, stages

_log = logging.getLogger("ppcls.lt")
_LONGEST = 160  # characters of a value in a line
# A stage has epochs of its own, beside those of the file.
_OF_A_STAGE = "Global.epochs"


class Change(NamedTuple):
    """One entry of a configuration that a recipe changes or removes."""

    place: str  # ``Loss.Train``, or ``Stages[1]: Optimizer.lr`` where only a stage changes it
    old: str  # as YAML on one line
    new: str


def changes(base: dict, override: dict) -> list[Change]:
    """Return every entry of ``base`` that ``override``, laid over it, changes or removes; what it adds is none.

    Args:
        base (dict): a configuration.
        override (dict): what a recipe changes in it, ``Stages`` included.

    Returns:
        list of Change: in the order of the base, those of stages last.
    """
    whole = stages.merged(base, override)
    found = _differences(base, whole, "")
    whole.pop("Stages", None)
    for number, stage in enumerate(override.get("Stages") or []):
        inner = _differences(whole, stages.merged(whole, stage or {}), "")
        found += [
            change._replace(place=f"Stages[{number}]: {change.place}")
            for change in inner
            if change.place != _OF_A_STAGE
        ]
    return found


def lines(base: dict, recipe: str, override: dict) -> list[str]:
    """Return a sentence for each entry of ``base`` that the recipe of this name changes or removes."""
    return [
        f"recipe {recipe} replaces {change.place}: {change.old} -> {change.new}" for change in changes(base, override)
    ]


def log(config: dict) -> None:
    """Say which entries of the user's own file and ``-o`` the recipe of ``Global.recipe`` replaces."""
    recipe = config["Global"].get("recipe")
    if recipe is not None:
        for line in lines(config, recipe, recipes.load(recipe)["config"]):
            _log.info("%s", line)


def _differences(old, new, place):
    if isinstance(old, dict) and isinstance(new, dict) and old.get("name") == new.get("name"):
        return [
            change
            for key, value in old.items()
            for change in _differences(value, new.get(key), f"{place}.{key}" if place else str(key))
        ]
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
