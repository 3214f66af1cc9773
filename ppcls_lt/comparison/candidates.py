"""The recipes that are compared, and what they may not set."""

from pathlib import Path

from .. import _checks, recipes
from . import BASELINE, OWNER
from .lists import PLACE

# What is the same for every recipe; a stage may have epochs of its own.
_OWNED = (
    *(
        ("Global", key)
        for key in (
            *("seed", "output_dir", "epochs", "best_metric", "eval_during_train", "eval_interval", "start_eval_epoch"),
            *("save_interval", "checkpoints", "resume", "recipe", "report"),
            *("overwrite", "extend_to", "extend_schedule"),
        )
    ),
    *(("DataLoader", "Train", "dataset", key) for key in ("name", "cls_label_path", *PLACE)),
    ("DataLoader", "Eval", "dataset"),
    ("Metric", "Eval"),
)


def load(wanted):
    """Return name -> recipe of those that are wanted, the baseline first.

    Args:
        wanted (sequence of str): recipes' names, paths of own fragments, or ``all``.

    Raises:
        ConfigError: there is no such recipe, or two have one name.
    """
    found = {BASELINE: recipes.load(BASELINE)}
    packaged = recipes.names()
    for each in [name for one in wanted for name in (packaged if one == "all" else [one])]:
        name = each if each in packaged else Path(each).stem
        content = recipes.load(each)
        if name in found and content != found[name]:
            got = _checks.described(f"{each}, of the name of another recipe, {name}")
            _checks.fail(OWNER, "--recipes", "recipes with names of their own", got)
        found[name] = content
    for name, content in found.items():
        if not isinstance(content["config"], dict):
            _checks.fail(f"recipe {name}", "config", "a map of what it changes", content["config"])
    return found


def check(name, config):
    """Check what a recipe changes.

    Raises:
        ConfigError: the recipe, or one of its stages, sets what the comparison
            sets for all alike, or is malformed.
    """
    parts = {f"recipe {name}": config}
    entries = config.get("Stages") or []
    if not isinstance(entries, list):
        _checks.fail(f"recipe {name}", "Stages", "a list of maps", entries)
    parts.update({f"recipe {name}, Stages[{i}]": {} if entry is None else entry for i, entry in enumerate(entries)})
    for owner, part in parts.items():
        if not isinstance(part, dict):
            _checks.fail(owner, "its content", "a map", part)
        for path in _OWNED:
            inner = part
            for depth, key in enumerate(path):
                if not isinstance(inner, dict):
                    _checks.fail(owner, ".".join(path[:depth]), "a map", inner)
                if key not in inner:
                    break
                inner = inner[key]
            else:
                if path != ("Global", "epochs") or part is config:
                    got = _checks.described("a recipe that sets it, which the comparison sets for all recipes alike")
                    _checks.fail(owner, ".".join(path), "left out", got)
