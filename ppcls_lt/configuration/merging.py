"""Laying one configuration over another: what a stage or a recipe changes."""

from __future__ import annotations

import copy
from inspect import signature

from ..basis.registry import registered


def merged(base: dict, override: dict) -> dict:
    """Return a deep copy of ``base`` with the entries of ``override``, merged as ``Stages`` are: see docs/stages.md."""
    result = {key: copy.deepcopy(value) for key, value in base.items()}
    for key, value in override.items():
        old = result.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if value.get("name", old.get("name")) != old.get("name"):
                old = _kept(key, old, value["name"])
            result[key] = merged(old, value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _kept(key, old, name):
    """What stays of a section when another ``name`` takes its place."""
    if key == "sampler":
        kept = {each: old[each] for each in ("batch_size", "drop_last") if each in old}
        ours = registered("sampler").get(name) if isinstance(name, str) else None
        if ours is not None and old.get("name") == "MultiScaleSampler":  # whose data set needs its sizes
            kept.update(
                {new: old[each] for new, each in (("batch_size", "first_bs"), ("scales", "scales")) if each in old}
            )
            kept = {each: value for each, value in kept.items() if each in signature(ours).parameters}
        return kept
    if key == "Optimizer":
        return {"lr": old["lr"]} if "lr" in old else {}
    if key == "lr":
        rate = old.get("learning_rate", (old.get("values") or [None])[0])
        return {} if rate is None else {"learning_rate": rate}
    return {}
