"""Mixed precision as a GPU would have it, to see what happens inside; on a CPU ``auto_cast`` changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Callable

import paddle


@contextlib.contextmanager
def level(name: str) -> Iterator[Callable[[], bool]]:
    """Within it Paddle's mixed precision has a level; yield a function that tells whether it is switched off.

    No operation is cast on a CPU, also so: what can be seen is whether a component has switched it off.

    Args:
        name (str): ``O1`` or ``O2``.
    """
    tracer, levels = paddle.base.framework._dygraph_tracer(), paddle.base.core.AmpLevel
    before = tracer._amp_level
    tracer._amp_level = getattr(levels, name)
    try:
        yield lambda: tracer._amp_level == levels.O0
    finally:
        tracer._amp_level = before
