"""What a comparison within a budget has decided, as a file: its rounds, and what each of them dropped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from ..basis import atomic
from ..basis.checks import ConfigError, shown
from . import history
from .files import is_whole

FILE = "budget.json"


class Dropped(NamedTuple):
    """A recipe that goes no further, and the evidence.

    ``score`` is its accuracy on the held-out images of the round, by the measure that decides, ``best`` that of the
    chosen one, both None where it failed; ``place`` its rank among ``number`` recipes; ``equal`` whether it could not
    be told apart from the chosen one, so that only the budget demanded it.
    """

    recipe: str
    place: int | None
    number: int
    score: float | None
    best: float | None
    chosen: str | None
    equal: bool


class Trained(NamedTuple):
    """A round: recipes trained with a schedule of so many epochs with these seeds, and what was dropped after it.

    ``dropped`` is None before that is decided; ``spent`` is what was used of the budget by then.
    """

    epochs: int
    seeds: tuple[int, ...]
    recipes: tuple[str, ...]
    spent: float | None = None
    dropped: tuple[Dropped, ...] | None = None


class Budgeted(NamedTuple):
    """What was asked for, and the rounds so far."""

    asked: dict[str, Any]
    rounds: tuple[Trained, ...]

    @property
    def dropped(self) -> list[tuple[int, Dropped]]:
        """``(round, from 1, what it dropped)``."""
        return [(i, each) for i, one in enumerate(self.rounds, 1) for each in one.dropped or ()]

    def write(self, folder: str | os.PathLike) -> None:
        """Write it into a folder, whole or not at all."""
        rounds = [
            {**one._asdict(), "dropped": None if one.dropped is None else [each._asdict() for each in one.dropped]}
            for one in self.rounds
        ]
        content = history.finite({"asked": self.asked, "rounds": rounds})
        atomic.write(Path(folder) / FILE, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())

    @classmethod
    def read(cls, folder: str | os.PathLike) -> Budgeted | None:
        """Read what ``write`` wrote; None where there is none.

        Raises:
            ConfigError: the file is damaged.
        """
        path = Path(folder) / FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(dict(content["asked"]), tuple(_round(one) for one in content["rounds"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
            raise ConfigError(f"{path}: must be what ppcls-lt compare --budget wrote, got: {error}") from error


def forget(folder: str | os.PathLike) -> None:
    """Remove what a folder has of it: the runs that decided are gone."""
    (Path(folder) / FILE).unlink(missing_ok=True)


def _round(content):
    found = Trained(**content)
    names = [*found.recipes]
    if not (is_whole(found.epochs) and all(map(is_whole, found.seeds)) and all(isinstance(n, str) for n in names)):
        raise ValueError(f"the round {shown(content)}")
    dropped = None if found.dropped is None else tuple(Dropped(**each) for each in found.dropped)
    return found._replace(seeds=tuple(found.seeds), recipes=tuple(names), dropped=dropped)
