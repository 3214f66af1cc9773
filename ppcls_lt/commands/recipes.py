"""The command ``recipes``: the packaged recipes by kind, and what one of them changes in a configuration."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from ..basis.checks import ConfigError, described, fail
from .describing import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..configuration.recipes import Part, Recipe

_SHOW = "show"
_COMPLETE = "complete recipes"


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    listing = commands.add_parser(
        "recipes",
        help="list the recipes, or show what one changes in a configuration",
        description="List the packaged recipes and the parts that they are made of, by kind; or, with `show NAME -c "
        "base.yaml`, say what a recipe or several joined by + set and replace in that configuration.",
    )
    listing.add_argument("what", nargs="?", choices=(_SHOW,), help="say what one does, instead of listing all")
    listing.add_argument(
        "recipe", nargs="*", metavar="NAME", help="a recipe's name or YAML file, or several joined by +"
    )
    listing.add_argument("-c", "--config", help="of show: YAML file, or one of the packaged configs")
    listing.add_argument("-o", "--override", action="append", default=[], help="of show: key=value, repeatable")
    listing.set_defaults(command=_recipes)


def _recipes(arguments):
    """recipes: every packaged recipe with a line and its paper, by kind; show: one of them on a configuration."""
    if arguments.what is None:
        say(_listing())
        return 0
    for flag, given in (("NAME", arguments.recipe), ("-c", arguments.config)):
        if not given:
            fail("ppcls-lt recipes show", flag, "given: ppcls-lt recipes show NAME -c base.yaml", described("nothing"))
    if len(arguments.recipe) > 1:
        got = " ".join(arguments.recipe)
        fail("ppcls-lt recipes show", "NAME", f"one; joined, {'+'.join(arguments.recipe)}", described(got))
    say(_shown(arguments))
    return 0


def _listing() -> Iterator[str]:
    from ..configuration import recipes

    by_kind: dict[str, list[str]] = {kind: [] for kind in (_COMPLETE, *recipes.KINDS)}
    for name in recipes.known():
        by_kind[recipes.read_content(name).get("kind", _COMPLETE)].append(name)
    width = max(map(len, recipes.known()))
    for kind, names in by_kind.items():
        if names:
            yield kind
        for name in names:
            content = recipes.read_content(name)
            made = f" ({' + '.join(content['parts'])})" if "parts" in content else ""
            yield f"  {name:<{width}} {content['summary']}{made}"
            yield f"  {'':<{width}} {content['source']}"


def _shown(arguments: argparse.Namespace) -> Iterator[str]:
    import contextlib

    from ..configuration import reading, recipes

    (name,) = arguments.recipe
    recipe = recipes.read(name)
    path = reading.find(arguments.config)
    with contextlib.redirect_stdout(sys.stderr):  # the log, which PaddleClas writes to the standard output
        from .. import host
        from ..configuration import plain, replaced
        from ..engine import trainer

        trainer.register()
        base = plain.plain(host.load_config(path, arguments.override))
    whole = recipes.laid(base, recipe)
    yield recipe.name
    yield from map(_described, recipe.parts)
    yield f"sets in {path}:"
    yield from (f"  {line}" for line in _yaml(_new(base, whole)).splitlines())
    taken = replaced.named_before(name, path, arguments.override, "the recipe")
    changes = replaced.changes(base, recipe)
    yield "replaces there:" if changes else "replaces nothing there"
    yield from (f"  {change.place}: {change.old} -> {change.new}" for change in changes)
    if taken is not None:
        yield taken
    yield from _tunable(recipe, whole)
    overrides = [word for override in arguments.override for word in ("-o", override)]
    command = shlex.join(["ppcls-lt", "check", "-c", str(arguments.config), "--recipe", name, *overrides])
    yield f"whether it trains with your data: `{command}`"


def _tunable(recipe: Recipe, whole: dict) -> Iterator[str]:
    """What of a recipe `compare --tune` would seek in this configuration, each entry with the part that decides it."""
    from ..jobs.space import Space

    try:
        space = Space.of(recipe, whole)
    except ConfigError as error:
        yield f"may not be tuned there: {error}"
        return
    left = dict(space.ranges)
    for part in recipe.parts:
        for path, each in part.tune.items():
            if path in left and each.around(space.start[path]) == left[path]:
                del left[path]
                yield f"  {part.said} may tune {path}: {each.said()}"


def _described(part: Part) -> str:
    stages = "" if part.stages == "all" else " [first stage]" if part.stages == "first" else " [stage of the features]"
    return f"  {part.kind or 'fragment'}: {part.said}{stages}, {part.summary}"


def _new(old, new):
    """What of a configuration is not as it was: maps key by key, everything else whole; None for what is gone."""
    found = {}
    for key in [*new, *(key for key in old if key not in new)]:
        here, before = new.get(key), old.get(key)
        if isinstance(here, dict) and isinstance(before, dict) and here.get("name") == before.get("name"):
            inner = _new(before, here)
            if inner:
                found[key] = inner
        elif here != before or key not in old:
            found[key] = here
    return found


def _yaml(config: dict) -> str:
    import yaml

    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
