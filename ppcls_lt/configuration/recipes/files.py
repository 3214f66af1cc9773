"""The files of recipes: the packaged ones by name, a user's own by path.

A file is a part of one kind (``kind``, ``config``), a recipe made of others (``parts``), or a fragment of a
configuration as it is. docs/recipes.md says what may stand in it.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from ...basis import checks, yaml_files
from . import ranges
from .kinds import KINDS, LOSS, SAMPLING, SECOND

_PARTS, _COMPLETE = (Path(__file__).parent / folder for folder in ("parts", "complete"))
# What a file may say beside what it changes.
_KEYS = (
    "summary",
    "source",
    "kind",
    "stages",
    "defaults",
    "parts",
    "alone",
    "small_images",
    "config",
    "tune",
    "values",
)
STAGES = ("all", "first", "features")
# Kinds of which a part is a remedy for the long tail by itself.
_REMEDIES = (LOSS, SAMPLING, SECOND)


def known() -> list[str]:
    """Every packaged name, in order."""
    return sorted(_files())


def names() -> list[str]:
    """The packaged recipes that are a remedy by themselves, in order: what ``compare`` takes for ``all``."""
    return [name for name in known() if _is_remedy(read_content(name))]


def is_complete(name: str) -> bool:
    """Whether a packaged name is that of a recipe made of parts."""
    return _files()[name].parent == _COMPLETE


@cache
def _files():
    return {path.stem: path for folder in (_PARTS, _COMPLETE) for path in folder.glob("*.yaml")}


def _is_remedy(content):
    return content.get("alone", "parts" in content or content["kind"] in _REMEDIES)


def read_content(recipe: str) -> dict:
    """Return what the file of one recipe says: ``summary``, ``source`` and ``config``, and of ``_KEYS`` what it has.

    Args:
        recipe (str): a packaged name, which always means the packaged file, or the path of a YAML file.

    Raises:
        ConfigError: there is no such recipe, or the file is not what it must be.
    """
    path = _files().get(recipe, Path(recipe))
    if not os.path.isfile(path):
        expected = (
            f"the path of a YAML file or one of what `ppcls-lt recipes` lists{checks.suggestion(recipe, known())}"
        )
        checks.fail("configuration", "recipe", expected, checks.sought(recipe))
    content = yaml_files.read_map(path, "configuration", "recipe")
    if not {"config", "kind", "parts"} & set(content):
        content = {"config": content}
    content = {"summary": str(path), "source": "none", **content}
    _check(f"recipe {recipe}", content)
    return content


def beside(recipe: str, inner: str) -> str:
    """Return what a recipe names among its parts: of a path that of a file beside its own, where there is one."""
    near = Path(recipe).parent / inner
    return str(near) if inner not in _files() and near.is_file() else inner


def _check(owner: str, content: dict[str, Any]) -> None:
    for key in content:
        checks.known_name(owner, "key", key, _KEYS)
    if "kind" in content:
        checks.choice(owner, "kind", content["kind"], KINDS)
    if "stages" in content:
        checks.choice(owner, "stages", content["stages"], STAGES)
    for key in ("parts", "defaults"):
        listed = content.get(key, [])
        sound = isinstance(listed, list) and all(isinstance(each, str) for each in listed)
        if not sound or (key in content and not listed):
            checks.fail(owner, key, "a list of recipes' names or paths", listed)
    for key in ("config", "small_images"):
        if (key == "config" and "parts" not in content or key in content) and not isinstance(content.get(key), dict):
            checks.fail(owner, key, "a map of what it changes", content.get(key))
    if "tune" in content:
        ranges.read(owner, content["tune"])
        if "config" not in content:
            checks.fail(owner, "tune", "in a file with a config; those of parts stand in theirs", content["tune"])
    if "values" in content:
        ranges.read_values(owner, content["values"])
        if "parts" not in content:
            checks.fail(owner, "values", "in a file with parts, whose values they are", content["values"])
