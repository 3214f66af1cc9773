"""Recipes: named fragments of a configuration that turn any base into one remedy."""

from __future__ import annotations

import os
from pathlib import Path

from ...basis import checks, yaml_files

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The packaged recipes' names, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load(recipe: str) -> dict:
    """Return a recipe: ``summary``, ``source`` and ``config``, what it changes in a configuration.

    Args:
        recipe (str): a packaged recipe's name, or the path of a YAML file with
            the same three keys, or with the changed sections alone.

    Raises:
        ConfigError: there is no such recipe, or the file is no YAML map.
    """
    packaged = str(recipe) in names()
    path = _FOLDER / f"{recipe}.yaml" if packaged else Path(str(recipe))
    if not os.path.isfile(path):
        expected = f"the path of a YAML file or one of {', '.join(names())}{checks.suggestion(recipe, names())}"
        checks.fail("configuration", "recipe", expected, checks.sought(str(recipe)))
    content = yaml_files.read_map(path, "configuration", "recipe")
    if "config" not in content:
        content = {"summary": f"{path}", "source": "none", "config": content}
    return content
