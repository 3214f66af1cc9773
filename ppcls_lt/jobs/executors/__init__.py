"""Where the tasks of a comparison are done: ``local``, ``slurm`` or ``ray``, all with the interface below.

What an executor knows beyond the tasks' folders only helps it to follow them: what one began, another goes on with.
``worker`` sees to it that two processes never work in one folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ..tasks import Task


class Ended(NamedTuple):
    """A task whose process is no more.

    Attributes:
        task (Task): which says itself whether it is complete.
        code (int or None): exit status of its process, ``-n`` where signal n killed it; None where nothing says it.
        seconds (float): it has taken.
        start (int): bytes that its log had when it was begun.
        reason (str or None): why it ended, where the log cannot say it.
    """

    task: Task
    code: int | None
    seconds: float
    start: int
    reason: str | None = None


class Executor(Protocol):
    """Does tasks, each in a process of its own."""

    def begin(self, tasks: Sequence[Task]) -> None:
        """Take tasks, none of them complete, to be done in this order as there is room.

        Raises:
            ConfigError: they cannot be done there.
        """

    @property
    def running(self) -> list[Task]:
        """Those that are being done, as far as it is known."""

    def ended(self) -> list[Ended]:
        """Those that have ended since the last call."""

    def stop(self, interrupted: bool) -> str:
        """Give up what has not ended: the user interrupted, or else it is not worth doing any more.

        Returns:
            str: what an interrupted user should know, or nothing.
        """


def command(python: str, task: Task) -> list[str]:
    """The command line of a task's process."""
    return [python, "-m", f"{__package__.rpartition('.')[0]}.worker", *task.arguments]


def log_of(task: Task) -> Path:
    """The file that a task's process writes to."""
    from ..job import LOG

    return task.folder / LOG
