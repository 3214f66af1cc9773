"""The process of one task: ``python -m ppcls_lt.jobs.worker WHAT FOLDER [ARGUMENT ...]``, as ``Task.arguments`` say.

``run FOLDER RECIPE SEED MEASURE LIST [ADJUSTMENT ...]``: train a recipe and predict what it held out.
``test FOLDER MEASURE ADJUSTMENT ...``: predict the test images after each, ``none`` for the weights as they are.
``refit FOLDER [test]``: train on the whole list; test it.
``readjust FOLDER RUN``: adjust what was trained on the whole list, and test it.
``export FOLDER``: export it for inference.

It ends, with its loader's processes, when its standard input does: with the
process that started it. That is watched before anything heavy is imported.
Where another process works in the folder, it waits for that one's end.
"""

import functools
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Callable

_WAIT = 2.0  # seconds


def main(what: str, folder: str, *arguments: str) -> int:
    """Do the task; return the exit status, 2 for a mistake of the user's."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ..basis import lock
    from . import OWNER

    def work():
        # A refit trains in the folder itself, in processes that take its lock where there are several.
        name = ".refit.lock" if what == "refit" else ".lock"
        with lock.held(folder, OWNER, "--out", name, wait=_wait):
            _TASKS[what](folder, *arguments)

    return status(work)


def status(action: Callable, *arguments: object) -> int:
    """Do something; return the exit status: 2, and the sentence printed, for a mistake of the user's."""
    from ..basis.checks import ConfigError

    try:
        action(*arguments)
    except ConfigError as error:
        for line in str(error).splitlines():
            print(f"ppcls-lt: error: {line}", file=sys.stderr)
        return 2
    return 0


def _wait(holder):
    """Until a job that an earlier command left in the queue of a cluster has ended."""
    _tell(holder)
    time.sleep(_WAIT)


@functools.cache
def _tell(holder):
    print(f"{holder} is at work on this run; waiting for it", flush=True)


def _run(folder, recipe, seed, rank_by, listed, *adjustments):
    begun = time.monotonic()
    from .job import add_seconds
    from .run import finish

    finish(folder, recipe, int(seed), rank_by, listed, adjustments)
    add_seconds(Path(folder), time.monotonic() - begun)


def _test(folder, rank_by, *methods):
    from .run import test

    test(folder, rank_by, methods)


def _refit(folder, *test):
    from .refitted import train

    train(folder, tests=bool(test))


def _readjust(folder, run):
    from .refitted import readjust

    readjust(folder, run)


def _export(folder):
    from .refitted import export

    export(folder)


_TASKS: dict[str, Callable[..., None]] = {
    "run": _run,
    "test": _test,
    "refit": _refit,
    "readjust": _readjust,
    "export": _export,
}


def _end_with_parent():
    while os.read(0, 1):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
