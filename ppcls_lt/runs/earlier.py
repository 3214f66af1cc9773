"""What an earlier run left where a new one would write, which is not replaced unless that is asked for."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..basis.checks import ConfigError, some
from . import checkpoints
from . import marks as run_marks

_PREFIX = re.compile(r"latest|best_model|best_model_ema|epoch_\d+")
_WEIGHTS = ".pdparams"


def check(plan: Sequence[dict], run: str | None = None, first: int = 0) -> None:
    """Raise where a training would replace a checkpoint of another run.

    Logs alone, and the checkpoints of another architecture in a folder of
    their own, are no obstacle.

    Args:
        plan (list of dict): the configuration of every stage.
        run (str, optional): the run that goes on; what is its own is replaced, and
            everything if it was told so when it began.
        first (int): the first stage whose folder is looked into, counted from 0.

    Raises:
        ConfigError: what is there, and what can be done.
    """
    if plan[0]["Global"].get("overwrite", False) or any(_was_told(stage, run) for stage in plan):
        return
    if first == 0:
        _check_beside(plan, run)
    for stage in plan[first:]:
        root, arch = Path(stage["Global"]["output_dir"]), str(stage["Arch"].get("name"))
        found = [(path, facts) for path, facts in _left(root, arch) if run is None or facts.get("run") != run]
        if found:
            raise ConfigError(
                f"Global: `output_dir` must be a folder without the checkpoints of another training, got {root}, "
                f"which holds {_told(found)}; choose another folder, or pass `--resume` to go on with that training, "
                f"or `--overwrite` (`Global.overwrite`) to let this one replace it"
            )


def _check_beside(plan, run):
    """Raise where a training of other stages lies in the folder: no later command could tell which of them is meant."""
    mine = {Path(stage["Global"]["output_dir"]) for stage in plan}
    home = Path(plan[0]["Global"]["output_dir"])
    home = home.parent if len(plan) > 1 else home
    archs = dict.fromkeys(str(stage["Arch"].get("name")) for stage in plan)
    found = [
        (path, facts)
        for root in (home, *sorted(home.glob("stage_*")))
        if root not in mine
        for arch in archs
        for path, facts in _left(root, arch)
        if run is None or facts.get("run") != run
    ]
    if found:
        raise ConfigError(
            f"Global: `output_dir` must be a folder without the checkpoints of another training, got {home}, which "
            f"holds {_told(found)}, of a training with other `Stages`; choose another folder, give the recipe or the "
            f"`Stages` that it had to go on with it, or pass `--overwrite`"
        )


def _was_told(stage, run):
    root, arch = stage["Global"]["output_dir"], str(stage["Arch"].get("name"))
    return run is not None and run_marks.marked(root, arch) == run and run_marks.replaces(root)


def is_at_home(checkpoint: str | os.PathLike, stage: dict) -> bool:
    """Whether a checkpoint lies where the stage that goes on from it writes."""
    root = Path(stage["Global"]["output_dir"])
    folder = Path(checkpoint).resolve().parent
    below = (str(stage["Arch"].get("name")), Path(checkpoint).name)  # the latter: `uniform_output_enabled`
    return folder in (root.resolve(), *((root / name).resolve() for name in below))


def _left(root, arch):
    """``(path without ending, facts)`` of every checkpoint that a training of this architecture may replace."""
    # Below the architecture's name (2.4, 2.5) or not (develop), below the prefix (`uniform_output_enabled`).
    paths = [*root.glob(f"*{_WEIGHTS}"), *(root / arch).glob(f"*{_WEIGHTS}")]
    paths += [path for path in root.glob(f"*/*{_WEIGHTS}") if path.parent.name == path.stem]
    for path in dict.fromkeys(paths):
        if _PREFIX.fullmatch(path.stem):
            name = path.with_suffix("")
            yield name, checkpoints.manifest_of(name) or checkpoints.staged_of(root, path.stem) or {}
    hidden_folders = [*root.glob(".*.saving"), *root.glob(".*.previous")]
    hidden_folders += [path for path in root.glob("*/.*") if path.name in _hidden_of(path.parent.name)]
    for hidden in hidden_folders:
        for path in (*hidden.glob(f"*{_WEIGHTS}"), *(hidden / arch).glob(f"*{_WEIGHTS}")):
            facts = checkpoints.manifest_of(path.with_suffix(""))
            if facts is not None:  # without it, it is what is left of a save that never was whole
                yield path.with_suffix(""), facts


def _hidden_of(prefix):
    """The folders in which a save of a prefix waits or is kept."""
    return f".{prefix}.saving", f".{prefix}.previous"


def _told(found):
    """What is there, in words: the run that was saved last, and how many more files."""
    path, facts = max(found, key=lambda each: Path(f"{each[0]}{_WEIGHTS}").stat().st_mtime)
    saved = datetime.datetime.fromtimestamp(Path(f"{path}{_WEIGHTS}").stat().st_mtime, datetime.timezone.utc)
    when = f"saved {saved:%Y-%m-%d %H:%M} UTC"
    others = f", and {some(len(found) - 1, 'more checkpoint')}" if len(found) > 1 else ""
    if "run" not in facts:
        return f"{path} ({when} by PaddleClas without ppcls_lt){others}"
    recipe = f" of the recipe {facts['recipe']}" if facts.get("recipe") else ""
    epochs = f" of {facts['epochs']}" if facts.get("epochs") else ""
    return f"{path} (run {facts['run']}{recipe}, {when} after epoch {facts['epoch']}{epochs}){others}"
