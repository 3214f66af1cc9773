"""One run of a comparison as a folder: what it holds, and how far it has come."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..basis.checks import ConfigError
from ..runs import checkpoints, history
from ..runs import files as run_files
from ..runs.measures import BASELINE
from ..runs.results import Result

# What a run's folder holds, beside its training and its test.
TRAIN, TEST, RESULT, LOG, WEIGHTS = "train.yaml", "test.yaml", "result.json", "log.txt", "weights"
TRAINING = "training"
_ADJUSTED = "adjusted"


def adjusted_file(folder: Path, method: str) -> Path:
    """The file of what an adjustment of a run's weights comes to."""
    return folder / _ADJUSTED / f"{method}.json"


def adjusted_name(recipe: str, method: str) -> str:
    """The name of the candidate that is a recipe's weights, adjusted."""
    return f"{recipe}+{method}"


@dataclass(frozen=True)
class Job:
    """One run: a recipe with a seed, in a folder of its own; a ``Task``."""

    recipe: str
    seed: int
    folder: Path
    stages: tuple  # (output folder, architecture, epochs) of each stage
    adjustments: tuple = ()  # methods by which its weights are adjusted afterwards

    @property
    def name(self) -> str:
        return f"{self.recipe}, seed {self.seed}"

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("run", str(self.folder), self.recipe, str(self.seed), *self.adjustments)

    @property
    def of_base(self) -> bool:
        return self.recipe == BASELINE

    @property
    def finished(self) -> bool:
        return (self.folder / RESULT).is_file()

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do, adjustments included."""
        return self.finished and all(adjusted_file(self.folder, name).is_file() for name in self.adjustments)

    @property
    def epochs(self) -> int:
        """Of all stages together."""
        return sum(epochs for _, _, epochs in self.stages)

    @property
    def trained(self) -> int:
        """How many of them have been trained and evaluated."""
        if self.finished:
            return self.epochs
        return sum(history.last_epoch(history_path(output, arch)) for output, arch, _ in self.stages)

    @property
    def begun(self) -> bool:
        """Whether it holds something that a training has made."""
        return self.finished or bool(self._facts())

    def result(self) -> Result:
        """Return the ``Result`` that it left, finished.

        Raises:
            ConfigError: the file is damaged.
        """
        return Result.read(self.folder / RESULT, recipe=self.recipe)

    def versions(self) -> dict | None:
        """Return name -> version of what trained it, or None where nothing says so.

        The result says it; of a run that is not finished, and of those of 0.1.0, the training's own file does.
        """
        found = self.result().versions if self.finished else None
        if found is None:
            infos = [_versions(path) for path in self._facts()]
            found = next((each for each in infos if each), None)
        return found

    def tidy(self) -> None:
        """Remove the checkpoints of the finished run: only a training needs them, and many runs fill a disk."""
        for output, _, _ in self.stages:
            checkpoints.remove_all(output)

    def _facts(self):
        return sorted((self.folder / TRAINING).rglob(run_files.FILES["train"].info))


def history_path(output: str | os.PathLike, arch: str) -> Path:
    """The history of a stage; PaddleClas 2.5 and older put a folder of the architecture's name between."""
    name = run_files.FILES["train"].history
    inner = Path(output) / arch / name
    return inner if inner.is_file() else Path(output) / name


def _versions(path):
    try:
        found = run_files.read_info(path).get("versions")
    except ConfigError:
        return None  # a damaged file says nothing
    return found if isinstance(found, dict) else None
