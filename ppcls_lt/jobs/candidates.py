"""The recipes that are compared, and what they may not set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..basis import checks
from ..configuration import recipes
from ..configuration.listed_images import PLACE
from ..configuration.options import GLOBAL_KEYS
from ..maths.adjustment import METHODS
from ..runs.measures import BASELINE
from . import OWNER
from .job import adjusted_name

# Those that change predictions, of which alone an accuracy says something.
ADJUSTMENTS = tuple(name for name, method in METHODS.items() if not method.by_likelihood)
CE = "ce"  # plain cross entropy, which 0.1.0 took as the baseline whatever the base trains with
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


def load(wanted: Iterable[str]) -> dict[str, recipes.Recipe]:
    """Return name -> recipe of those that are wanted, the base as it is first.

    Args:
        wanted (sequence of str): recipes' names, paths of own fragments, several of them joined by ``+``, or ``all``.

    Raises:
        ConfigError: there is no such recipe, its name is none for a folder, or two have one name.
    """
    found = {BASELINE: recipes.Recipe(BASELINE, (), ())}
    for each in [name for one in wanted for name in (recipes.names() if one == "all" else [one])]:
        if each == BASELINE:
            continue
        recipe = recipes.read(each)
        name = _checked_name("+".join(map(_name_of, recipe.asked)), each)
        # Some systems take names as one that differ in their capitals alone.
        taken = next((other for other in found if other.casefold() == name.casefold()), name)
        if taken != name or recipe.parts != found.get(name, recipe).parts:
            got = checks.described(f"{each}, of the name of another recipe, {taken}")
            checks.fail(OWNER, "--recipes", "recipes with names of their own", got)
        found[name] = recipe._replace(name=name)
    return found


def check_adjustments(names: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    """Return the methods of these names, each once.

    Args:
        names (iterable of str): what is asked for.
        found (iterable of str): the recipes that are compared.

    Raises:
        ConfigError: there is no such method, it changes no prediction, or an adjusted candidate would have the name of
            a recipe.
    """
    wanted = tuple(dict.fromkeys(names))
    found = list(found)
    for method in wanted:
        if method in METHODS and method not in ADJUSTMENTS:
            got = checks.described(f"{method}, which changes no prediction and so no accuracy")
            remedy = f"`ppcls-lt adjust --methods {method}` fits it to a trained run"
            checks.fail(OWNER, "--adjust", f"of {', '.join(ADJUSTMENTS)}", got, remedy)
        checks.known_name(OWNER, "method", method, ADJUSTMENTS, key="--adjust")
        for recipe in found:
            if adjusted_name(recipe, method) in found:
                got = checks.described(f"{method} with the recipe {adjusted_name(recipe, method)}")
                others = " ".join(other for other in wanted if other != method) or "none"
                expected = "such that no recipe has the name of an adjusted one"
                checks.fail(OWNER, "--adjust", expected, got, f"take `--adjust {others}`")
    return wanted


def _name_of(asked):
    """The name of a recipe in that of a folder: of a file without folder and ending."""
    return asked if asked in recipes.known() else Path(asked).stem


def _checked_name(name, asked):
    """The name of a candidate, which becomes that of a folder."""
    if (
        not name.strip(". ")
        or name != name.strip()
        or name.endswith(".")
        or len(name) > _LONGEST
        or _UNSAFE.search(name)
        or _DEVICES.fullmatch(name)
    ):
        expected = f"files whose names, without their ending, can be those of folders of up to {_LONGEST} characters"
        checks.fail(OWNER, "--recipes", expected, asked)
    return name


def check(recipe: recipes.Recipe) -> None:
    """Check what a recipe changes.

    Raises:
        ConfigError: a part of the recipe, or one of its stages, sets what the comparison
            sets for all alike, or is malformed.
    """
    for part in recipe.parts:
        for config in filter(None, (part.config, part.small_images)):
            _check(f"recipe {Path(part.name).stem}", config)


def _check(owner, config):
    fragments = {owner: config}
    entries = config.get("Stages") or []
    if not isinstance(entries, list):
        checks.fail(owner, "Stages", "a list of maps", entries)
    fragments.update({f"{owner}, Stages[{i}]": {} if entry is None else entry for i, entry in enumerate(entries)})
    for where, fragment in fragments.items():
        if not isinstance(fragment, dict):
            checks.fail(where, "its content", "a map", fragment)
        for path in _OWNED:
            inner = fragment
            for depth, key in enumerate(path):
                if not isinstance(inner, dict):
                    checks.fail(where, ".".join(path[:depth]), "a map", inner)
                if key not in inner:
                    break
                inner = inner[key]
            else:
                if path != ("Global", "epochs") or fragment is config:
                    got = checks.described("a recipe that sets it, which the comparison sets for all recipes alike")
                    checks.fail(where, ".".join(path), "left out", got)
