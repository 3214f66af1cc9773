"""What a pool starts: one piece of work in a folder of its own, done by a process that its arguments describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Task(Protocol):
    """One piece of work.

    Everything of it that lasts is in its folder: whoever asks, and whoever started it, gets the same answer. Begun a
    second time it goes on with what is missing.
    """

    def called(self, words: Mapping[str, str]) -> str:
        """What messages call it, in these words."""

    @property
    def folder(self) -> Path:
        """Where it works, and where its log is."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What stands behind ``python -m ppcls_lt.jobs.worker``."""

    @property
    def epochs(self) -> int:
        """How many it trains."""

    @property
    def trained(self) -> int:
        """How many of them it has trained so far."""

    @property
    def complete(self) -> bool:
        """Whether nothing of it is left to do."""

    @property
    def of_base(self) -> bool:
        """Whether it is the user's own configuration, without which there is nothing to compare."""
