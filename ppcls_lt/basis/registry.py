"""What answers to which name, by kind. A second registration raises."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, TypeVar

Component = TypeVar("Component")

KINDS = ("loss", "arch", "metric", "sampler", "callback", "dataset", "operator")
# How a sampler may weigh images: no class, see ``ppcls_lt.data.sampling_modes``.
MODE = "mode"

_entries: dict[str, dict[str, Any]] = {kind: {} for kind in (*KINDS, MODE)}


class Extension(NamedTuple):
    """What stands for a component of PaddleClas's where the component is given parameters that it has not.

    Attributes:
        component (type): of the same name, with the same result.
        parameters (tuple of str): the parameters, any of which asks for it.
    """

    component: Any
    parameters: tuple[str, ...]

    def is_asked_for(self, params: Any) -> bool:
        """Whether these parameters, a map or nothing, ask for it."""
        return isinstance(params, dict) and any(name in params for name in self.parameters)


_extensions: dict[tuple[str, str], Extension] = {}


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


def extend(kind: str, *parameters: str) -> Callable[[Component], Component]:
    """Class decorator: it stands for PaddleClas's component of its name where one of these parameters is given.

    Args:
        kind (str): one of ``KINDS``.
        *parameters (str): which PaddleClas's own does not have.
    """

    def publish(component):
        _extensions[kind, component.__name__] = Extension(component, parameters)
        return component

    return publish


def extension(kind: str, name: object) -> Extension | None:
    """What was given to :func:`extend` for a component of PaddleClas's, or None."""
    return _extensions.get((kind, name)) if isinstance(name, str) else None


def found(kind: str, name: object, params: Any) -> Any:
    """Return the class or function of this package that an entry of a configuration asks for, None of PaddleClas's own.

    Args:
        kind (str): one of ``KINDS``.
        name (str): of the entry.
        params (dict or None): its parameters.
    """
    own = _entries[kind].get(name) if isinstance(name, str) else None
    further = extension(kind, name)
    return further.component if own is None and further is not None and further.is_asked_for(params) else own


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
