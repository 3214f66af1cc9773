"""The same as ``ppcls-lt run``, as a path that PaddleX and ``paddle.distributed.launch`` can start."""

import sys
from pathlib import Path

# The folder of this file has modules of common names; the package's own lies above it, where it is not found already.
root = str(Path(__file__).resolve().parents[2])
sys.path[0:1] = [] if root in sys.path[1:] else [root]

from ppcls_lt.commands.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
