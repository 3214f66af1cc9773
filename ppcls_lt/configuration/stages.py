"""Several stages in one configuration: what each of them is, and where a run goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ..basis import checks
from ..basis.findings import ConfigError, of, raise_all
from ..runs import checkpoints
from . import recipes
from .merging import merged

# Sections that a stage may bring though the rest of the file has none.
_SECTIONS = ("AMP", "Arch", "Callbacks", "DataLoader", "EMA", "Global", "Loss", "Metric", "Optimizer", "start_from")
BEGAN_FROM = "began_from"  # in a manifest: the weights that a stage began from, or None
# What `start_from` may say, and the prefix under which PaddleClas saves it.
_PREFIXES = {"best": "best_model", "last": "latest"}


def plan(config: dict) -> list[dict]:
    """Return the configuration of every stage; one where there are no ``Stages``.

    ``Global.recipe`` is applied first. Each entry of ``Stages`` overrides the
    rest of the file: maps are merged, lists and values replaced; a map with
    another ``name`` replaces the one there, since the other keys belong to the
    name, but the batch size and the learning rate stay. ``Global.epochs`` of a
    stage may be a fraction of that of the file. Stage N writes below
    ``output_dir/stage_N`` and starts from the weights of the stage before; with
    ``Global.uniform_output_enabled`` the last one writes in ``output_dir`` itself,
    where PaddleX looks for the model.

    Args:
        config (dict): the host's configuration.

    Raises:
        ConfigError: ``Stages`` is no list of maps, or a stage names an unknown section.
    """
    recipe = config["Global"].get("recipe") if isinstance(config.get("Global"), dict) else None
    if recipe is not None:
        found = recipes.read(recipe)
        config = recipes.laid(config, found)
        config["Global"]["recipe"] = found.name
    if config.get("Stages") is None:
        return [config]
    overrides = config["Stages"]
    if not isinstance(config.get("Global"), dict) or "output_dir" not in config["Global"]:
        checks.fail("configuration", "Global", "a section with `output_dir`", config.get("Global"))
    if not isinstance(overrides, list) or not overrides or not all(isinstance(o or {}, dict) for o in overrides):
        checks.fail("configuration", "Stages", "a list of maps, each an override of the rest", overrides)
    base = {key: value for key, value in config.items() if key != "Stages"}
    raise_all(_findings(base, overrides))
    result: list[dict] = []
    epochs = [((override or {}).get("Global") or {}).get("epochs") for override in overrides]
    for index, override in enumerate(overrides):
        owner = f"Stages[{index}]"
        stage = merged(base, override or {})
        stage.setdefault("start_from", "last")
        if index > 0 and stage["start_from"] == "best" and not result[-1]["Global"].get("eval_during_train", True):
            checks.fail(owner, "start_from", "last where the stage before has no `eval_during_train`", "best")
        if index > 0 and "pretrained_model" not in ((override or {}).get("Global") or {}):
            stage["Global"]["pretrained_model"] = None  # that of the file is for the first stage
        stage["Global"]["epochs"] = _epochs(owner, stage["Global"].get("epochs"), base["Global"].get("epochs"))
        if 0 < index == len(overrides) - 1 and _is_whole(epochs) and isinstance(base["Global"].get("epochs"), int):
            # What there is is shared: the last has what the others leave.
            left = base["Global"]["epochs"] - sum(each["Global"]["epochs"] for each in result)
            stage["Global"]["epochs"] = max(left, 1)
        if index + 1 < len(overrides) or not base["Global"].get("uniform_output_enabled", False):
            stage["Global"]["output_dir"] = str(Path(str(base["Global"]["output_dir"])) / f"stage_{index + 1}")
        result.append(stage)
    return result


def _findings(base, overrides):
    """What is wrong with single entries of ``Stages``."""
    for index, override in enumerate(overrides):
        owner = f"Stages[{index}]"
        for section in override or {}:
            yield from of(checks.known_name, owner, "section", section, [*base, *_SECTIONS])
        if not isinstance((override or {}).get("Global", {}), dict):
            yield checks.finding(owner, "Global", "be a map", override["Global"])
        start = (override or {}).get("start_from", base.get("start_from", "last"))
        yield from of(checks.choice, owner, "start_from", start, tuple(_PREFIXES))


def own(config: dict) -> list:
    """The entries of ``Stages`` that the file itself brings: none where the recipe has stages of its own."""
    recipe = (config.get("Global") or {}).get("recipe")
    if recipe is not None and recipes.read(recipe).brings_stages:
        return []
    return config.get("Stages") or []


def output_dir(plan: Sequence[dict]) -> Path:
    """The folder of the whole run, below which each of several stages has one of its own."""
    folder = Path(plan[0]["Global"]["output_dir"])
    return folder.parent if len(plan) > 1 else folder


def start_weights(before: dict, stage: dict) -> str:
    """The path (without ending) of the weights that a stage takes from the stage before.

    Raises:
        ConfigError: that stage left no such checkpoint.
    """
    folder, prefix = before["Global"]["output_dir"], _PREFIXES[stage["start_from"]]
    path = checkpoints.find(folder, before["Arch"]["name"], prefix)
    if path is None:
        raise ConfigError(f"Stages: `start_from: {stage['start_from']}` needs a whole checkpoint {prefix} in {folder}")
    return str(path)


def began_from(plan: Sequence[dict], index: int, checkpoint: str | None, pretrained: str | None) -> str | None:
    """The weights that a stage began from, also where it goes on from a checkpoint of its own.

    Args:
        plan (list of dict): what :func:`plan` gave.
        index (int): which stage, counted from 0.
        checkpoint (str or None): that it goes on from.
        pretrained (str or None): the ``Global.pretrained_model`` that it now has.
    """
    manifest = (checkpoint and checkpoints.manifest_of(checkpoint)) or {}
    if BEGAN_FROM in manifest:
        return manifest[BEGAN_FROM]
    if checkpoint is not None and index > 0 and pretrained is None:  # a checkpoint of 0.1.0
        with contextlib.suppress(ConfigError):  # the stage before may have been removed since
            return start_weights(plan[index - 1], plan[index])
    return pretrained


def resume_point(stages: Sequence[dict]) -> tuple[int, str | None, str | None]:
    """Where a run goes on: ``(index of the stage, its checkpoint or None, name of the run or None)``.

    Args:
        stages (list of dict): what :func:`plan` gave.
    """
    run = None
    for index, stage in enumerate(stages):
        found = checkpoints.newest(stage["Global"]["output_dir"], stage["Arch"]["name"], run)
        if found is None:
            return index, None, run
        path, manifest = found
        run = manifest["run"]
        if stage["Global"]["epochs"] == 0 and path.name != checkpoints.LATEST:
            # Killed between its two saves: it is short, and begins again from the same weights.
            return index, None, run
        unfinished = manifest["epoch"] < stage["Global"]["epochs"] or path.name != checkpoints.LATEST
        if unfinished or index + 1 == len(stages):
            return index, str(path), run
    raise AssertionError("a plan has at least one stage")


def _is_whole(epochs):
    """Whether stages share the epochs of the file: fractions that add up to 1."""
    return all(isinstance(each, float) for each in epochs) and abs(sum(epochs) - 1) < 1e-9


def _epochs(owner, epochs, whole):
    """A stage's epochs; a fraction is of the whole file's, and never none."""
    if not isinstance(epochs, float) or not isinstance(whole, int):
        return epochs
    return max(round(checks.number(owner, "Global.epochs", epochs, above=0, maximum=1) * whole), 1)
