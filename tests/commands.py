"""Running ``ppcls-lt`` as a user does, in a process of its own, on small label lists."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import ppcls_lt
from ppcls_lt.data.counts import count_label_list

from . import forks
from .forks import PATIENCE

ROOT = Path(ppcls_lt.__file__).parent.parent


# The commands that load Paddle; `compare` itself starts others that do.
_WITH_PADDLE = ("lists", "train", "eval", "infer", "export", "check", "run", "compare", "adjust", "decide", "predict")


def run(folder, *arguments, code=("-m", "ppcls_lt"), environment=None, timeout=PATIENCE, **more):
    """Run ``ppcls-lt`` in a folder; return the finished process with ``output`` and ``errors`` as text.

    With ``more``, which goes to :func:`subprocess.run`, or with other ``code`` an interpreter is started for it.
    """
    settings = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "60", **(environment or {})}
    settings = {**os.environ, **settings}
    command = [*code, *map(str, arguments)]
    if more or code != ("-m", "ppcls_lt") or not forks.suits(command, settings):
        options = {"capture_output": True, "cwd": folder, "env": settings, "timeout": timeout, **more}
        done = subprocess.run([sys.executable, *command], **options)
    else:
        names = forks.WITH_PADDLE if arguments and arguments[0] in _WITH_PADDLE else forks.PLAIN
        done = forks.run(names, command, cwd=folder, environment=settings, timeout=timeout)
    done.output, done.errors = done.stdout.decode(), done.stderr.decode()
    return done


def wait(condition, what="it"):
    """Return what a condition gives as soon as it holds."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


def make_list(path, counts, form="train/{0}/{1}.jpg {0}\n"):
    """Write a label list, its lines shuffled; return its bytes."""
    lines = [form.format(label, i) for label, n in enumerate(counts) for i in range(n)]
    np.random.default_rng(0).shuffle(lines)
    path.write_bytes("".join(lines).encode())
    return path.read_bytes()


def counted(path):
    """The images per class of a list, as numbers."""
    return count_label_list(path, owner="test").tolist()


def lines_of(content):
    """The lines of a list with their ends, whichever they are."""
    return content.splitlines(keepends=True)


def fails(done, *parts):
    """The command ended with status 2 and one line on standard error that holds ``parts``."""
    assert done.returncode == 2, done.errors
    assert done.output == ""
    assert done.errors.startswith("ppcls-lt: error: ") and done.errors.count("\n") == 1
    for part in parts:
        assert part in done.errors
