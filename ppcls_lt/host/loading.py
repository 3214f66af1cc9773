"""Paddle's ``paddle.load`` reads arrays and plain containers alone: its pickles run nothing."""

import importlib
import pickle
from typing import Any

from ..basis import unpickling


class _Pickle:
    """The module ``pickle`` as Paddle's reading sees it."""

    load = staticmethod(unpickling.load)
    loads = staticmethod(unpickling.loads)

    def __getattr__(self, name: str) -> Any:
        return getattr(pickle, name)


def restrict() -> None:
    """From now on ``paddle.load`` refuses every file that asks for more; saving stays as it is."""
    for name in ("io", "io_utils"):
        module: Any = importlib.import_module(f"paddle.framework.{name}")
        if module.pickle is pickle:
            module.pickle = _Pickle()
