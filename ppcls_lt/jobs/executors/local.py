"""Processes of this machine, at most so many at once; they end with the process that started them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from ...basis import atomic, checks, cores
from .. import OWNER
from ..tasks import Task
from . import Ended, command, log_of


class Local:
    """Does tasks on this machine.

    Args:
        slots (int): how many at once.
        threads (str, optional): ``OMP_NUM_THREADS`` of each process; by default the cores divided by ``slots``, since
            several processes that each take every core are slower than one after the other.
        processes (int): of each task, which have a device each where ``CUDA_VISIBLE_DEVICES`` names several.

    Raises:
        ConfigError: it names fewer devices than a task has processes.
    """

    def __init__(self, slots: int, threads: str | None = None, processes: int = 1) -> None:
        self._devices = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        if 0 < len(self._devices) < processes:
            got = checks.described(f"{processes} where CUDA_VISIBLE_DEVICES names {len(self._devices)}")
            checks.fail(OWNER, "--processes", "at most the number of devices", got)
        self._slots, self._processes = slots, processes
        # However few runs are left: with other threads sums are rounded in another order.
        self._threads = threads or str(max(cores.usable() // (slots * processes), 1))
        self._free = list(range(slots))
        self._waiting: list[Task] = []
        self._running: dict = {}

    def begin(self, tasks: Sequence[Task]) -> None:
        self._waiting += tasks
        self._fill()

    @property
    def running(self) -> list[Task]:
        return [task for task, *_ in self._running.values()]

    def ended(self) -> list[Ended]:
        found = []
        for process in [process for process in self._running if process.poll() is not None]:
            task, slot, start, began = self._running.pop(process)
            process.stdin.close()
            self._free.append(slot)
            found.append(Ended(task, process.returncode, time.monotonic() - began, start))
        self._fill()
        return found

    def stop(self, interrupted: bool) -> str:
        self._waiting.clear()
        for process in self._running:
            process.stdin.close()  # which ends it
        for process in self._running:
            process.wait()
        self._running.clear()
        self._free = list(range(self._slots))
        return ""

    def _fill(self):
        while self._waiting and self._free:
            self._start(self._waiting.pop(0), self._free.pop(0))

    def _start(self, task, slot):
        environment = dict(os.environ)
        if self._devices:
            group = slot % (len(self._devices) // self._processes) * self._processes
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(self._devices[group : group + self._processes])
        environment["OMP_NUM_THREADS"] = self._threads  # Paddle has set it for this process
        with atomic.open_to_append(log_of(task)) as log:
            start = log.tell()
            process = subprocess.Popen(
                command(sys.executable, task),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C is for this process, which ends the others.
                start_new_session=True,
            )
        self._running[process] = (task, slot, start, time.monotonic())
