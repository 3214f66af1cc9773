"""The recipes that are compared, and what they may not set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..basis import checks
from ..configuration import recipes
from ..configuration.options import GLOBAL_KEYS
from ..runs.measures import BASELINE
from . import OWNER
from .lists import PLACE

CE = "ce"  # plain cross entropy, which 0.1.0 took as the baseline whatever the base trains with
_BASE = {"summary": "the base configuration as it is", "source": "none", "config": {}}
# Folders are called by it: no separator of any system, no name that Windows keeps for a device or cuts short.
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST = 100

# What is the same for every recipe; a stage may have epochs of its own.
_OWNED = (
    *(
        ("Global", key)
        for key in (
            *("seed", "output_dir", "epochs", "eval_during_train", "eval_interval", "start_eval_epoch"),
            *("save_interval", "checkpoints", *GLOBAL_KEYS),
        )
    ),
    *(("DataLoader", "Train", "dataset", key) for key in ("name", "cls_label_path", "relabel", *PLACE)),
    ("DataLoader", "Eval", "dataset"),
    ("DataLoader", "Eval", "sampler"),
    ("Metric", "Eval"),
)


def load(wanted: Iterable[str]) -> dict[str, dict]:
    """Return name -> recipe of those that are wanted, the base as it is first.

    Args:
        wanted (sequence of str): recipes' names, paths of own fragments, or ``all``.

    Raises:
        ConfigError: there is no such recipe, its name is none for a folder, or two have one name.
    """
    found = {BASELINE: _BASE}
    packaged = recipes.names()
    for each in [name for one in wanted for name in (packaged if one == "all" else [one])]:
        if each == BASELINE:
            continue
        name = each if each in packaged else _checked_name(each)
        content = recipes.load(each)
        # Some systems take names as one that differ in their capitals alone.
        taken = next((other for other in found if other.casefold() == name.casefold()), name)
        if taken != name or content != found.get(name, content):
            got = checks.described(f"{each}, of the name of another recipe, {taken}")
            checks.fail(OWNER, "--recipes", "recipes with names of their own", got)
        found[name] = content
    for name, content in found.items():
        if not isinstance(content["config"], dict):
            checks.fail(f"recipe {name}", "config", "a map of what it changes", content["config"])
    return found


def _checked_name(path):
    """The name of a recipe file, which becomes that of a folder."""
    name = Path(path).stem
    if (
        not name.strip(". ")
        or name != name.strip()
        or name.endswith(".")
        or len(name) > _LONGEST
        or _UNSAFE.search(name)
        or _DEVICES.fullmatch(name)
    ):
        expected = f"files whose names, without their ending, can be those of folders of up to {_LONGEST} characters"
        checks.fail(OWNER, "--recipes", expected, path)
    return name


def check(name: str, config: dict) -> None:
    """Check what a recipe changes.

    Raises:
        ConfigError: the recipe, or one of its stages, sets what the comparison
            sets for all alike, or is malformed.
    """
    parts = {f"recipe {name}": config}
    entries = config.get("Stages") or []
    if not isinstance(entries, list):
        checks.fail(f"recipe {name}", "Stages", "a list of maps", entries)
    parts.update({f"recipe {name}, Stages[{i}]": {} if entry is None else entry for i, entry in enumerate(entries)})
    for owner, part in parts.items():
        if not isinstance(part, dict):
            checks.fail(owner, "its content", "a map", part)
        for path in _OWNED:
            inner = part
            for depth, key in enumerate(path):
                if not isinstance(inner, dict):
                    checks.fail(owner, ".".join(path[:depth]), "a map", inner)
                if key not in inner:
                    break
                inner = inner[key]
            else:
                if path != ("Global", "epochs") or part is config:
                    got = checks.described("a recipe that sets it, which the comparison sets for all recipes alike")
                    checks.fail(owner, ".".join(path), "left out", got)
