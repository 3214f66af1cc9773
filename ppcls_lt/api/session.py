"""A process that goes on after a training, as a notebook's does: nothing of it is left behind."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from ..commands import interrupts

# Paddle sets it when it is imported; where the user has done so before this is loaded, what it has set counts.
THREADS = os.environ.get("OMP_NUM_THREADS")


@contextlib.contextmanager
def working(quiet: bool = False) -> Iterator[None]:
    """Within it Paddle and PaddleClas may work, ``quiet`` without showing their log but for warnings.

    Ctrl-C is a ``KeyboardInterrupt``. Afterwards the draws of Python and of NumPy go on as if nothing had been seeded,
    and PaddleClas's log goes no longer into the files of the work that has ended.
    """
    import numpy as np

    with warnings.catch_warnings():
        # Of Paddle 3, when it is imported: nothing here compiles anything.
        warnings.filterwarnings("ignore", message="No ccache found")
        from ..engine import trainer

        trainer.register()
        from .. import host

        before = host.log_handlers()
        states: Any = random.getstate(), np.random.get_state()
        try:
            with interrupts.raising(), host.quiet() if quiet else contextlib.nullcontext():
                yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            host.close_logs(handler for handler in host.log_handlers() if handler not in before)


@contextlib.contextmanager
def same_path() -> Iterator[None]:
    """Within it processes that are started find modules where this one does, whatever has been put on its path."""
    before = os.environ.get("PYTHONPATH")
    # Of an interactive process the first is empty: the working folder, which they look into by themselves.
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, sys.path)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
