"""Running a script in this process."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

from . import interrupts


def run_script(script: str | os.PathLike, flags: Sequence[str], way_on: str | None) -> int:
    """Run a Python file as ``python script flags`` would, in this process."""
    script = os.path.abspath(script)
    sys.argv = [script, *flags]
    sys.path.insert(0, os.path.dirname(script))
    with interrupts.ending(way_on):
        runpy.run_path(script, run_name="__main__")
    return 0
