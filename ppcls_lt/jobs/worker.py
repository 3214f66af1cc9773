"""The process of one run: ``python -m ppcls_lt.jobs.worker FOLDER RECIPE SEED [ADJUSTMENT ...]``.

It ends, with its loader's processes, when its standard input does: with the
process that started it. That is watched before anything heavy is imported.
"""

import os
import signal
import sys
import threading


def main(folder: str, recipe: str, seed: str, *adjustments: str) -> int:
    """Do the run; return the exit status, 2 for a mistake of the user's."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ..basis.checks import ConfigError
    from .run import finish

    try:
        finish(folder, recipe, int(seed), adjustments)
    except ConfigError as error:
        for line in str(error).splitlines():
            print(f"ppcls-lt: error: {line}", file=sys.stderr)
        return 2
    return 0


def _end_with_parent():
    while os.read(0, 1):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
