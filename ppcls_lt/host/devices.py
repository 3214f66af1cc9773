"""Which devices and kinds of evaluation the host's Engine takes by name."""

from __future__ import annotations

import importlib
import inspect

_USUAL = ("cpu", "gpu", "xpu", "npu", "mlu")


def devices() -> tuple[str, ...]:
    """The names that ``Global.device`` may have: those that the Engine compares with, more in develop than in 2.4."""
    return _compared({"cpu", "gpu"}, _USUAL)


def eval_modes() -> tuple[str, ...]:
    """What ``Global.eval_mode`` may be."""
    return _compared({"classification", "retrieval"}, ("classification", "retrieval"))


def _compared(some, usual):
    """The names that the Engine's constructor compares with, ``some`` of them known."""
    engine = importlib.import_module("ppcls.engine.engine").Engine
    constants = inspect.unwrap(engine.__init__).__code__.co_consts
    return next((c for c in constants if isinstance(c, tuple) and some <= set(c)), usual)
