"""The command ``recipes``: the packaged recipes, each with a line and its paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    listing = commands.add_parser("recipes", help="list the recipes", description="List the packaged recipes.")
    listing.set_defaults(command=_recipes)


def _recipes(arguments):
    """recipes: every packaged recipe with a line and its paper."""
    from ..configuration import recipes

    for name in recipes.names():
        recipe = recipes.load(name)
        print(f"{name:<17} {recipe['summary']}\n{'':<17} {recipe['source']}")
    return 0
