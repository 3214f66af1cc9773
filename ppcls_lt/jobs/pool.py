"""Starting the tasks that are missing, several at a time, and following them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any, Callable

from ..basis import atomic
from ..basis.checks import ConfigError
from .job import LOG
from .tasks import Task

_POLL = 0.5
# Seconds between lines on what is running; more where there is no terminal to overwrite.
_OFTEN, _EVERY = 2.0, 60.0


class Pool:
    """Does tasks, each in a process of its own, at most so many at once.

    Args:
        tasks (sequence of Task): what to do, in order.
        slots (int): how many at once.
        say (callable): takes a line of text for the user.
        status (callable, optional): takes a line that replaces the one before.
        threads (str, optional): ``OMP_NUM_THREADS`` of each; by default the cores
            divided by the runs at a time, since several processes that each take
            every core are slower than one after the other.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        slots: int,
        say: Callable,
        status: Callable | None = None,
        threads: str | None = None,
    ) -> None:
        self._waiting = list(tasks)
        self._total = len(tasks)
        self._say = say
        self._status = status
        self._devices = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        self._free = list(range(slots))
        self._threads = threads or str(max((os.cpu_count() or 1) // max(min(slots, len(tasks)), 1), 1))
        self._running: dict = {}
        self._done = 0
        self._units = sum(task.epochs for task in tasks)  # epochs of all of them but those that failed
        self._past = 0  # epochs that were trained here in tasks that ended
        self._earlier = {task: task.trained for task in tasks}
        self._begun = time.monotonic()
        self._told = self._begun
        self.failures: list[tuple] = []  # of (task, reason)

    def work(self, finished: Callable[[], Any] = lambda: None) -> None:
        """Do all tasks; ``finished()`` is called after each that ended.

        Raises:
            ConfigError: the baseline's configuration, which is the user's own, proved wrong when it was built.
            KeyboardInterrupt: the process was interrupted or told to end; what
                was running has been ended first.
        """
        with _told_to_end():
            try:
                while self._waiting or self._running:
                    while self._waiting and self._free:
                        self._start(self._waiting.pop(0), self._free.pop(0))
                    time.sleep(_POLL)
                    for process in [process for process in self._running if process.poll() is not None]:
                        self._end(process)
                        finished()
                    self._tell()
            finally:
                for process in self._running:
                    process.stdin.close()  # which ends it
                for process in self._running:
                    process.wait()

    def _start(self, task, slot):
        environment = dict(os.environ)
        if self._devices:
            environment["CUDA_VISIBLE_DEVICES"] = self._devices[slot % len(self._devices)]
        environment["OMP_NUM_THREADS"] = self._threads  # Paddle has set it for this process
        with atomic.open_to_append(task.folder / LOG) as log:
            start = log.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.worker", *task.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C is for this process, which ends the others.
                start_new_session=True,
            )
        self._running[process] = (task, slot, start, time.monotonic())

    def _end(self, process):
        task, slot, start, began = self._running.pop(process)
        process.stdin.close()
        self._free.append(slot)
        self._done += 1
        trained = task.trained
        self._past += trained - self._earlier[task]
        self._units -= task.epochs - trained
        took = _time(time.monotonic() - began)
        if task.complete:
            what = f"done in {took}"
        else:
            reason = _reason(process.returncode, task.folder / LOG, start)
            if process.returncode == 2 and task.of_base:
                raise ConfigError(f"{reason} (the base itself cannot be trained; see {task.folder / LOG})")
            self.failures.append((task, reason))
            what = f"FAILED: {reason} (see {task.folder / LOG})"
        self._say(f"[{self._done}/{self._total}] {task.name}: {what}{self._left()}")
        self._told = time.monotonic()

    def _tell(self):
        if time.monotonic() - self._told < (_EVERY if self._status is None else _OFTEN):
            return
        self._told = time.monotonic()
        parts = [f"{task.name}: {task.trained}/{task.epochs}" for task, *_ in self._running.values()]
        if parts:
            (self._status or self._say)(f"running, in epochs: {'; '.join(parts)}{self._left()}")

    def _left(self):
        """An estimate from the epochs trained since the beginning, or nothing yet."""
        now = sum(task.trained - self._earlier[task] for task, *_ in self._running.values())
        trained = self._past + now
        left = self._units - sum(self._earlier.values()) - trained
        if trained <= 0 or not (self._waiting or self._running):
            return ""
        return f"; about {_time((time.monotonic() - self._begun) / trained * left)} left"


def _reason(code, log, start):
    """Why a run failed: the last line it wrote, or the signal that ended it."""
    if code < 0:
        return f"killed by signal {-code}{' (SIGKILL), perhaps for memory' if code == -9 else ''}"
    with open(log, "rb") as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    # After an error Paddle or its threads may still say something.
    errors = [line for line in lines if "Error" in line or "error: " in line]
    last = (errors or lines or [f"ended with status {code}"])[-1]
    return last.removeprefix("ppcls-lt: error: ")


def _time(seconds):
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def _told_to_end():
    """Within it, SIGTERM and SIGHUP end the work as Ctrl-C does."""

    def interrupt(*_):
        raise KeyboardInterrupt

    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What is ignored stays ignored: `nohup` asks for it.
    before = {each: signal.signal(each, interrupt) for each in known if signal.getsignal(each) != signal.SIG_IGN}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
