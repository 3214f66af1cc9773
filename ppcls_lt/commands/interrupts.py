"""A command that is ended from outside: Ctrl-C or SIGTERM, one line, and how a training goes on."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Callable, NoReturn

# The variable by which a command tells one that it starts what goes on with both.
WAY_ON = "PPCLS_LT_WAY_ON"


@contextlib.contextmanager
def ending(command: str | None) -> Iterator[None]:
    """Within it Ctrl-C and SIGTERM end the process at once, by :func:`leave`.

    An exception, as ``KeyboardInterrupt`` is, can come up where nobody sees it,
    and an ordinary end would wait for ever for the threads that feed a loader's
    workers. A checkpoint that is being written is no loss: it takes its place
    when it is complete. Paddle has a handler of its own, and must be imported
    before.

    Args:
        command (str or None): see :func:`way_on`.
    """
    owner = os.getpid()

    def end(number, _):
        if os.getpid() == owner:
            leave(command, 128 + number)
        elif number == signal.SIGTERM:
            os._exit(128 + number)
        # A worker forked off leaves Ctrl-C, which every process of a terminal gets, to its parent.

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: a handler that was not installed by Python.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def raising(*numbers: int, importing: Callable[[int], NoReturn] | None = None) -> Iterator[None]:
    """Within it Ctrl-C is a ``KeyboardInterrupt`` of this process alone; workers that are forked off leave it to it.

    Args:
        *numbers (int): the signals of which this holds, ``SIGINT`` without any; the exception has its number. Paddle
            has a handler of its own for ``SIGTERM``, and must be imported before.
        importing (callable, optional): what to do with the number while Paddle is being imported, whose core takes
            an exception that comes up there for a fault of its own, and tells of it at length.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets the main thread alone say what a signal does
        return
    owner = os.getpid()

    def interrupt(number, _):
        if os.getpid() == owner:
            paddle = sys.modules.get("paddle")
            if importing is not None and paddle is not None and not hasattr(paddle, "__all__"):  # said last
                importing(number)
            raise KeyboardInterrupt(number)
        if number != signal.SIGINT:
            os._exit(128 + number)

    before = {number: signal.signal(number, interrupt) for number in numbers or (signal.SIGINT,)}
    try:
        yield
    finally:
        for number, handler in before.items():
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            # None: a handler that was not installed by Python.
            signal.signal(number, usual if handler is None else handler)


def working() -> contextlib.AbstractContextManager[None]:
    """Within it Ctrl-C and SIGTERM are a ``KeyboardInterrupt``, of which ``main`` tells; for commands that compute.

    To be entered after Paddle was imported.
    """
    return raising(signal.SIGINT, signal.SIGTERM)


def starting(command: str | None) -> contextlib.AbstractContextManager[None]:
    """Within it they are that too, until Paddle is there; while it is imported they end the process by :func:`leave`.

    Args:
        command (str or None): see :func:`way_on`.
    """
    return raising(signal.SIGINT, signal.SIGTERM, importing=lambda number: leave(command, 128 + number))


def status(interrupt: KeyboardInterrupt) -> int:
    """The exit status that tells what ended a command."""
    return 128 + (interrupt.args[0] if interrupt.args else signal.SIGINT)


def way_on(name: str, argv: Sequence[str]) -> str | None:
    """The command that goes on with an interrupted one, or None.

    Args:
        name (str): the command, ``train``, ``run``, ``paddlex`` or ``audit`` for one that goes on.
        argv (list of str): what stood behind ``ppcls-lt``.
    """
    if WAY_ON in os.environ:
        return os.environ[WAY_ON]
    argv = _without_checkpoint([argument for argument in argv if argument != "--overwrite"])
    if name in ("train", "paddlex"):
        more = [] if "--resume" in argv else ["--resume"]
    elif name == "run" and any(argument.endswith("train.py") for argument in argv):
        more = [] if "Global.resume=True" in argv else ["-o", "Global.resume=True"]
    elif name == "audit":
        more = []
    else:
        return None
    return shlex.join(["ppcls-lt", *argv, *more])


def _without_checkpoint(argv):
    """Without ``-o Global.checkpoints=PATH``, in whose place the run's own newest one is sought."""
    left: list[str] = []
    for argument in argv:
        if argument.startswith("Global.checkpoints=") and left and left[-1] in ("-o", "--override"):
            left.pop()
        elif not argument.startswith("-oGlobal.checkpoints="):
            left.append(argument)
    return left


def leave(command: str | None, status: int) -> NoReturn:
    """Say that, and how to go on; end this process and its workers."""
    if os.environ.get("PADDLE_TRAINER_ID", "0") == "0":
        several = int(os.environ.get("PADDLE_TRAINERS_NUM", "1")) > 1
        # On a line of its own, behind the terminal's ^C.
        text = "\nppcls-lt: interrupted"
        if command is not None:
            text += f"; go on with: {'the same launch of ' if several else ''}{command}"
        # Not through sys.stderr, in the middle of whose printing the signal may have come.
        os.write(2, f"{text}\n".encode(errors="surrogateescape"))
    for child in _children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    with contextlib.suppress(RuntimeError, OSError):  # in the middle of printing, or to a pipe that is closed
        sys.stdout.flush()
    os._exit(status)


def _children():
    """Process ids of this process's children; of one that is being forked off Linux alone knows."""
    known = {child.pid for child in multiprocessing.active_children()}
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            known.update(map(int, path.read_text().split()))
    return known
