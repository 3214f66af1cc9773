"""Putting a wrapper in the place of a function."""

from __future__ import annotations

import functools
from typing import Any, Callable


def wrapped(original: Callable, wrapper: Callable) -> Callable:
    """Return a function that calls ``wrapper(original, ...)``."""

    @functools.wraps(original)
    def call(*args, **kwargs):
        return wrapper(original, *args, **kwargs)

    call.wrapper = wrapper  # type: ignore[attr-defined]
    return call


def extend_in(owner: Any, path: str, wrapper: Callable) -> None:
    """Wrap ``path``, a function or ``Class.method`` of the module ``owner``; once, however often it is asked for."""
    *classes, name = path.split(".")
    for part in classes:
        owner = getattr(owner, part)
    original = inner = getattr(owner, name)
    while inner is not None:
        if getattr(inner, "wrapper", None) is wrapper:
            return
        inner = getattr(inner, "__wrapped__", None)
    setattr(owner, name, wrapped(original, wrapper))
