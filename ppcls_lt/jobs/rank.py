"""One of several processes of a training, which Paddle's launcher starts by the path of this file: ``rank.py CONFIG``.

It ends, with its loader's processes, when the launcher does.
"""

import logging
import os
import signal
import sys
import threading
import time


def main(path: str) -> int:
    """Train this process's part; return the exit status, 2 for a mistake of the user's."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    from ppcls_lt.engine import trainer
    from ppcls_lt.jobs.worker import status

    return status(trainer.run_engine, "train", path)


def _end_with_parent(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    # The launcher gives each of its processes a group.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    # The folder of this file, whose modules are not to be found by their bare names, makes way for that of the package.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ended = main(*sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written. What Paddle takes down at the end of one of several processes has crashed, and a training that was
    # whole would count as failed.
    os._exit(ended)
