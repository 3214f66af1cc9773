"""What a job of Slurm does: one task's process below it; told before its end, it is queued again and goes on later."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...basis import atomic
from ..tasks import Task
from . import child

# Seconds for which a job outlives a process that was told to end: Slurm, if it was that, will end the job itself, and
# where it was a preemption queue it again.
_OUTLIVES = 120.0
# Slurm may tell a job of its limit as many seconds too early.
_EARLY = 60.0


class Left(NamedTuple):
    """What a job leaves when its task's process has ended, as a file."""

    code: int
    seconds: float
    start: int
    reason: str | None = None

    @classmethod
    def read(cls, path: Path) -> Left | None:
        """Return what a job left, or None before that."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None

    def write(self, path: Path) -> None:
        """Leave it."""
        atomic.write(path, json.dumps(self._asdict()).encode())


class Work:
    """What submitit calls, with the ``checkpoint`` that it calls when Slurm tells of the end of the job.

    Args:
        task (Task): what is done.
        command (sequence of str): its process.
        log (Path): what that writes to.
        left (Path): the file for what a job leaves.
        threads (str): ``OMP_NUM_THREADS`` of the process.
        told (int): seconds after the beginning at which Slurm tells of the time limit.
    """

    def __init__(self, task: Task, command: Sequence[str], log: Path, left: Path, threads: str, told: int) -> None:
        self.task, self.command, self.log, self.left, self.threads, self.told = task, command, log, left, threads, told
        self.began, self.trained, self.start = 0.0, 0, 0

    def __call__(self) -> None:
        self.left.unlink(missing_ok=True)  # of the time before it was queued again
        self.began, self.trained = time.time(), self.task.trained
        environment = {**os.environ, "OMP_NUM_THREADS": self.threads}
        process, self.start = child.start(self.command, self.log, environment, os.getcwd())
        try:
            while process.poll() is None:
                time.sleep(0.2)
            if process.returncode == -signal.SIGTERM:
                time.sleep(_OUTLIVES)
        finally:
            process.stdin.close()  # type: ignore[union-attr]  # a pipe; which ends it
        self._leave(process.returncode)
        if process.returncode:
            sys.exit(1)  # which Slurm shows as a failed job

    def checkpoint(self) -> Any:
        """Return what the job does when it runs again; None where it would come no further then either."""
        limited = time.time() - self.began >= self.told - _EARLY
        if limited and self.task.trained == self.trained:
            self._leave(1, f"no epoch was finished in {self.told / 60:.1f} minutes, the time of a job; give it more")
            return None
        import submitit

        return submitit.helpers.DelayedSubmission(self)

    def _leave(self, code, reason=None):
        Left(code, time.time() - self.began, self.start, reason).write(self.left)
