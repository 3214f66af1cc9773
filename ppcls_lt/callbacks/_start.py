"""When something starts: an epoch, or a fraction of the run."""

from __future__ import annotations

import math
import numbers
from typing import Any

from ..basis import checks


def check_start(owner: str, start: Any) -> float:
    """Raise unless ``start`` is an epoch counted from 1, or a fraction of the run within [0, 1)."""
    expected = "an epoch counted from 1 (an integer >= 1) or a fraction of the run (>= 0 and < 1)"
    if isinstance(start, bool) or not isinstance(start, numbers.Real):
        checks.fail(owner, "start", expected, start)
    if start < 1 if isinstance(start, numbers.Integral) else not 0 <= start < 1:  # type: ignore[operator]  # the same
        checks.fail(owner, "start", expected, start)
    return start  # type: ignore[return-value]  # a `numbers.Real`


def first_epoch(owner: str, start: float, epochs: int) -> int:
    """The first epoch (counted from 1) of what starts at ``start`` in a run of ``epochs``.

    A fraction f of E epochs is left without: the first is floor(f E) + 1. So 0.8
    of 200 epochs is epoch 161, the authors' ``epoch >= 160`` counted from 0.

    Raises:
        ConfigError: the run ends before it.
    """
    if epochs < 1:
        checks.fail(owner, "start", "left out of a stage of no epochs, which has no start", start)
    if not isinstance(start, numbers.Integral):
        # 0.29 * 100 is 28.999999999999996.
        return math.floor(round(start * epochs, 9)) + 1
    if start > epochs:
        checks.fail(owner, "start", f"an epoch of this run, at most Global.epochs ({epochs})", start)
    return int(start)
