"""Putting a wrapper in the place of a function."""

from __future__ import annotations

import functools
from typing import Any, Callable


def wrapped(original: Callable, wrapper: Callable) -> Callable:
    """Return a function that calls ``wrapper(original, ...)``."""

    @functools.wraps(original)
    def call(*args, **kwargs):
        return wrapper(original, *args, **kwargs)

    return call


def extend_in(owner: Any, path: str, wrapper: Callable) -> None:
    """Wrap ``path``, a function or ``Class.method`` of the module ``owner``."""
    *classes, name = path.split(".")
    for part in classes:
        owner = getattr(owner, part)
    setattr(owner, name, wrapped(getattr(owner, name), wrapper))
