"""Laying a recipe over a configuration: every part where its kind belongs, in the stages in which it holds."""

from __future__ import annotations

from typing import Any

from ...basis import checks
from ..merging import merged
from . import image_size, kinds, lists, losses, optimizers
from .combination import Part, Recipe

_FREEZES = "FreezeLayers"
_LISTS = (kinds.CALLBACKS, kinds.TRANSFORMS, kinds.BATCHES)


def laid(base: dict, recipe: Recipe) -> dict:
    """Return a configuration with a recipe, a deep copy; its ``Stages`` are those that there are afterwards.

    What a stage of the result changes is laid over the rest, as ever: it wins over the parts.

    Args:
        base (dict): a configuration.
        recipe (Recipe): what is laid over it.

    Raises:
        ConfigError: a part cannot be laid over this configuration.
    """
    result = merged(base, {})
    later: list[tuple[Part, dict]] = []
    for part in recipe.parts:
        _check(part, base)
        fragment = image_size.fitted(part, base)
        if part.stages == "all":
            result = _merged(result, part, fragment, result.get("Optimizer"))
        else:
            later.append((part, fragment))
    stages = _stages(result)
    for part, fragment in later:
        if stages:
            index = _held(part, stages)
            stage = stages[index] or {}
            stages[index] = _merged(stage, part, fragment, merged(result, stage).get("Optimizer"))
        else:
            result = _merged(result, part, fragment, result.get("Optimizer"))
    for path in _LISTS:
        _fill(result, path, [part for part in recipe.parts if part.kind is not None or path == kinds.CALLBACKS], base)
    return losses.adapted(result, recipe.parts)


def _check(part, base):
    """Raise where a part needs what the configuration has not in a form that it can change."""
    optimizers.check(part, base)
    resamples = any("DeferredResampling" in (entry or {}) for entry in part.config.get("Callbacks") or [])
    of_paddle = resamples or part.kind in (kinds.POLICY, kinds.ERASING, kinds.MIXING, kinds.SAMPLING)
    if of_paddle and kinds.at(base, ("Global", "use_dali")):
        got = checks.described("true, and DALI has operators and an order of images of its own")
        checks.fail("Global", "use_dali", f"false for {part.said}", got)


def _merged(config, part, fragment, optimizer):
    """A configuration, or a stage, with what a part changes in it, but for the lists to which parts add."""
    if part.kind is None:
        # A user's own fragment replaces lists as a whole; of callbacks there may be those of other parts.
        return merged(config, _without(fragment, (kinds.CALLBACKS,)))
    fragment = _without(fragment, _LISTS)
    if isinstance(kinds.at(fragment, kinds.LOSSES), dict):
        fragment = _without(fragment, (kinds.LOSSES,))  # which `losses` gives to each of them
    if part.kind == kinds.SCHEDULE:
        fragment = _with_warmup(fragment, kinds.at(optimizer, ("lr",)))
    if part.kind == kinds.AVERAGING:
        config = {key: value for key, value in config.items() if key != "EMA"}  # PaddleClas's own (2.5, develop)
    return merged(config, optimizers.fitted(fragment, optimizer))


def _with_warmup(fragment, old):
    """A schedule with the warm-up of the one that it takes the place of."""
    schedule = kinds.at(fragment, ("Optimizer", "lr"))
    if not isinstance(schedule, dict) or not isinstance(old, dict):
        return fragment
    kept = {key: old[key] for key in ("warmup_epoch", "warmup_start_lr") if key in old}
    return merged(fragment, {"Optimizer": {"lr": {**kept, **schedule}}})


def _without(fragment: dict, paths: tuple) -> dict:
    """A fragment without what stands at some paths, and without maps that are empty then."""
    result = {}
    for key, value in fragment.items():
        below = tuple(path[1:] for path in paths if path[0] == key)
        if () in below:
            continue
        inner = _without(value, below) if below and isinstance(value, dict) else value
        if inner != {} or value == {}:
            result[key] = inner
    return result


def _stages(config: dict) -> list:
    """The entries of ``Stages``; none where they are malformed, which is said later."""
    entries = config.get("Stages")
    sound = isinstance(entries, list) and all(isinstance(entry or {}, dict) for entry in entries)
    return entries if sound else []  # type: ignore[return-value]  # a list then


def _held(part: Part, stages: list) -> int:
    """In which of several stages a part holds that does not hold in all of them."""
    if part.stages == "first":
        return 0
    return next((index for index, stage in enumerate(stages) if not _freezes(stage or {})), 0)


def _freezes(stage: dict) -> bool:
    """Whether a stage trains the classifier alone."""
    callbacks = stage.get("Callbacks")
    entries = [entry for entry in (callbacks if isinstance(callbacks, list) else []) if isinstance(entry, dict)]
    return any(_FREEZES in entry and not (entry[_FREEZES] or {}).get("layers") for entry in entries)


def _fill(result: dict, path: tuple, parts: list[Part], base: dict) -> None:
    """Put what the parts have for one list into it, in every stage in which they hold."""
    whole = kinds.at(result, path)
    if path != kinds.CALLBACKS:
        parts = [part for part in parts if _has(part.config, path)]
    # Callbacks of the base yield to parts that bring none. An evaluation need not say with what was trained.
    if not parts or path != kinds.CALLBACKS and not isinstance(kinds.at(result, kinds.DATASET), dict):
        return
    stages = _stages(result)
    everywhere = [part for part in parts if part.stages == "all"] if stages else parts
    common = lists.filled(path, whole, everywhere, parts, base, own=False)
    if common != (whole or None):
        _put(result, path, common)
    # The stages of a user's own fragment have the lists that it says.
    brought = path == kinds.CALLBACKS and any(part.kind is not None and "Stages" in part.config for part in parts)
    for index, stage in enumerate(stages):
        held = [part for part in parts if part.stages == "all" or index == _held(part, stages)]
        own = _has(stage, path)
        old = kinds.at(stage, path) if own else whole
        if own and brought and isinstance(old, list):
            old = [*old, *lists.beside(whole)]
        wanted = lists.filled(path, old, held, parts, base, own=own)
        if wanted != ((kinds.at(stage, path) if own else common) or None):
            stages[index] = stage or {}
            _put(stages[index], path, wanted)


def _has(config: Any, path: tuple) -> bool:
    above = kinds.at(config, path[:-1])
    return isinstance(above, dict) and path[-1] in above


def _put(config: dict, path: tuple, value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(config.get(key), dict):
            config[key] = {}
        config = config[key]
    config[path[-1]] = value
