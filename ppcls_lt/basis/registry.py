"""What answers to which name, by kind. A second registration raises."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

Component = TypeVar("Component")

KINDS = ("loss", "arch", "metric", "sampler", "callback", "dataset")
# How a sampler may weigh images: no class, see ``ppcls_lt.data.sampling_modes``.
MODE = "mode"

_entries: dict[str, dict[str, Any]] = {kind: {} for kind in (*KINDS, MODE)}


def register(kind: str, *aliases: str) -> Callable[[Component], Component]:
    """Class or function decorator: publish it under its own name and ``aliases``.

    Args:
        kind (str): one of ``KINDS``.
        *aliases (str): further names for the same thing.

    Raises:
        ValueError: there is no such kind, or a name is taken already.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r} (known: {', '.join(KINDS)})")

    def publish(component):
        for name in (component.__name__, *aliases):
            add(kind, name, component)
        return component

    return publish


def add(kind: str, name: str, entry: Any) -> None:
    """Let ``name`` stand for ``entry``.

    Raises:
        ValueError: the name is taken already.
    """
    taken = _entries[kind].get(name, entry)
    if taken is not entry:
        raise ValueError(f"{kind} {name!r} is registered already, by {getattr(taken, '__module__', taken)}")
    _entries[kind][name] = entry


def registered(kind: str) -> dict[str, Any]:
    """Return a copy of the mapping from name to what is registered, for one kind."""
    return dict(_entries[kind])


def state() -> dict[str, dict[str, Any]]:
    """Return what is registered now, to :func:`restore`."""
    return {kind: dict(entries) for kind, entries in _entries.items()}


def restore(before: dict[str, dict[str, Any]]) -> None:
    """Forget what was registered since :func:`state` gave ``before``."""
    for kind, entries in before.items():
        _entries[kind] = dict(entries)
