"""The process of one task: ``python -m ppcls_lt.jobs.worker WHAT FOLDER [ARGUMENT ...]``, as ``Task.arguments`` say.

``run FOLDER RECIPE SEED [ADJUSTMENT ...]``: train and judge a recipe.

It ends, with its loader's processes, when its standard input does: with the
process that started it. That is watched before anything heavy is imported.
"""

import os
import signal
import sys
import threading


def main(what: str, folder: str, *arguments: str) -> int:
    """Do the task; return the exit status, 2 for a mistake of the user's."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ..basis.checks import ConfigError

    try:
        _TASKS[what](folder, *arguments)
    except ConfigError as error:
        for line in str(error).splitlines():
            print(f"ppcls-lt: error: {line}", file=sys.stderr)
        return 2
    return 0


def _run(folder, recipe, seed, *adjustments):
    from .run import finish

    finish(folder, recipe, int(seed), adjustments)


_TASKS = {"run": _run}


def _end_with_parent():
    while os.read(0, 1):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
