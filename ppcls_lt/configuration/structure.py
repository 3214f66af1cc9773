"""Sections that are none: text, a number or a list where keys are read; and where loaders and optimizers stand.

What is read below goes around a section that is none, so that every one of them is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..basis import checks
from ..basis.findings import ConfigError, Finding, of

_LOADERS = ("Train", "Eval", "UnLabelTrain", "Metalearning")


def sections(config: Any) -> Iterator[Finding]:
    """Yield the ``Finding`` of every section that is no section: text, a number or a list where the host reads keys."""
    if not isinstance(config, dict):
        yield checks.finding("configuration", "its content", "be a map of sections", config)._replace(path="")
        return
    for name in ("Global", "Arch", "DataLoader", "Loss", "Metric", "Infer", "AMP", "EMA"):
        yield from of(_map, config, name)
    for part in ("Backbone", "Neck", "Head"):
        yield from of(_map, config.get("Arch"), part, "Arch.")
    yield from of(_text, config.get("Arch"), "name", "Arch")
    yield from of(_text, config.get("Global"), "output_dir", "Global")
    yield from of(_map, config.get("Infer"), "PostProcess", "Infer.")
    for holder, name, prefix in _holders(config):
        yield from of(_map, holder, name, prefix)
    for where, part in loaders(config):
        for name in ("dataset", "sampler", "loader"):
            yield from of(_map, part, name, f"{where}.")
            yield from of(_text, part.get(name), "name", f"{where}.{name}")
        for name in ("image_root", "cls_label_path"):
            yield from of(_text, part.get("dataset"), name, f"{where}.dataset")
        for name in ("transform_ops", "batch_transform_ops"):
            yield from _operators(part.get("dataset"), name, f"{where}.dataset")
    yield from _optimizer_entries(config)
    for where, optimizer in optimizers(config):
        for name in ("lr", "regularizer"):
            yield from of(_map, optimizer, name, f"{where}.")
            yield from of(_text, optimizer.get(name), "name", f"{where}.{name}")


def _holders(config):
    """Yield ``(map, key, what stands before the key)`` of every part of ``DataLoader``, and of an ``Optimizer``."""
    loaders = config.get("DataLoader")
    for part in _LOADERS:
        yield loaders, part, "DataLoader."
        section = loaders.get(part) if isinstance(loaders, dict) else None
        for name in _inner_loaders(section):
            yield section, name, f"DataLoader.{part}."
    if not isinstance(config.get("Optimizer"), list):
        yield config, "Optimizer", ""


def loaders(config: dict) -> Iterator[tuple[str, dict]]:
    """Yield where it is and the section of every data loader."""
    for holder, name, prefix in _holders(config):
        section = holder.get(name) if isinstance(holder, dict) else None
        if prefix and isinstance(section, dict) and not _inner_loaders(section):
            yield f"{prefix}{name}", section


def _inner_loaders(section):
    return [name for name in ("Query", "Gallery", "Train") if isinstance(section, dict) and name in section]


def _optimizer_entries(config):
    """What is no name and parameters in a list of optimizers, and no name in a single one."""
    section = config.get("Optimizer")
    if not isinstance(section, list):
        yield from of(_text, section, "name", "Optimizer")
        return
    for number, entry in enumerate(section):
        if not _is_named(entry):
            must = "be a map with one key, the name, and its parameters"
            yield checks.finding("configuration", f"Optimizer[{number}]", must, entry)


def optimizers(config: dict) -> Iterator[tuple[str, Any]]:
    """Yield where it is and the section of every optimizer."""
    section = config.get("Optimizer")
    if isinstance(section, dict):
        yield "Optimizer", section
    for number, entry in enumerate(section if isinstance(section, list) else ()):
        if _is_named(entry):
            ((name, inner),) = entry.items()
            yield f"Optimizer[{number}].{name}", inner


def _is_named(entry):
    return isinstance(entry, dict) and len(entry) == 1 and isinstance(next(iter(entry.values())), dict)


def _operators(dataset, name, where):
    entries = dataset.get(name) if isinstance(dataset, dict) else None
    if entries is None:
        return
    if not isinstance(entries, list):
        yield checks.finding(where, name, "be a list of operators", entries)
        return
    for number, entry in enumerate(entries):
        whole = isinstance(entry, dict) and len(entry) == 1
        if not whole or not isinstance(next(iter(entry.values())), (dict, type(None))):
            must = "be a map with one key, the operator, and its parameters"
            yield checks.finding(where, f"{name}[{number}]", must, entry)


def _map(section, name, prefix=""):
    value = section.get(name) if isinstance(section, dict) else None
    if value is not None and not isinstance(value, dict):
        raise ConfigError(checks.finding(f"{prefix}{name}", "", "be a map", checks.described(checks.shown(value))))


def _text(section, name, owner):
    value = section.get(name) if isinstance(section, dict) else None
    if value is not None and not isinstance(value, str):
        checks.fail(owner, name, "a text", value)
