"""One run of a comparison as a folder: what it holds, and how far it has come."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..basis import atomic
from ..basis.checks import ConfigError
from ..runs import checkpoints
from ..runs import files as run_files
from ..runs.measures import BASELINE
from ..runs.results import Result

# What a run's folder holds, beside its training.
TRAIN, HELD_OUT, TEST = "train.yaml", "held_out.yaml", "test.yaml"  # configurations
RESULT, LOGITS, TESTED, LOG, WEIGHTS = "result.json", "held_out.npz", "test.json", "log.txt", "weights"
TRAINING = "training"
SECONDS = "seconds.json"  # that its processes took, one after the other, those that were killed left out
# Of the final model.
FINAL = "refit"  # the folder of them
TRAINED, TO_ADJUST, INFERENCE, EXPORTED = "trained.json", "to_adjust.json", "inference", "exported.json"
_ADJUSTED = "adjusted"
AS_TRAINED = "none"  # no adjustment, among the names of them


def adjusted_file(folder: Path, rank_by: str, method: str) -> Path:
    """The file of what an adjustment of a run's weights comes to; ``rank_by`` chose its strength."""
    return folder / _ADJUSTED / rank_by / f"{method}.json"


def logits_file(folder: Path, rank_by: str, method: str | None = None) -> Path:
    """The file of a run's logits for its held-out images, or of those after an adjustment."""
    return folder / LOGITS if method is None else adjusted_file(folder, rank_by, method).with_suffix(".npz")


def tested_file(folder: Path, rank_by: str, method: str | None = None) -> Path:
    """The file of a run's accuracies on the test images, or of those after an adjustment."""
    return folder / TESTED if method is None else adjusted_file(folder, rank_by, f"{method}_test")


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
    rank_by: str  # what the strength of an adjustment is chosen by
    listed: str  # the list in which its held-out images have their numbers
    adjustments: tuple = ()  # methods by which its weights are adjusted afterwards
    short: int = 0  # epochs, where they are fewer than those of the comparison

    def called(self, words: Mapping[str, str]) -> str:
        name = words["run_of"].format(recipe=self.recipe, seed=self.seed)
        return words["task_epochs"].format(task=name, epochs=self.short) if self.short else name

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("run", str(self.folder), self.recipe, str(self.seed), self.rank_by, self.listed, *self.adjustments)

    @property
    def of_base(self) -> bool:
        return self.recipe == BASELINE

    @property
    def finished(self) -> bool:
        return (self.folder / RESULT).is_file()

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do, adjustments included."""
        return self.finished and all(
            adjusted_file(self.folder, self.rank_by, name).is_file() for name in self.adjustments
        )

    @property
    def epochs(self) -> int:
        """Of all stages together."""
        return sum(epochs for _, _, epochs in self.stages)

    @property
    def trained(self) -> int:
        """How many of them have been trained and saved."""
        if self.finished:
            return self.epochs
        return sum(checkpoints.last_epoch(output, arch) for output, arch, _ in self.stages)

    @property
    def begun(self) -> bool:
        """Whether it holds something that a training has made."""
        return self.finished or begun_in(self.folder / TRAINING)

    def result(self) -> Result:
        """Return the ``Result`` that it left, finished.

        Raises:
            ConfigError: the file is damaged.
        """
        return Result.read(self.folder / RESULT, recipe=self.recipe)

    def seconds(self) -> tuple[float, float]:
        """Return how long it took, finished: the training, and the rest as far as it was measured.

        Raises:
            ConfigError: a file is damaged.
        """
        training = self.result().seconds
        return training, max(_seconds(self.folder / SECONDS) - training, 0.0)

    def versions(self) -> dict | None:
        """Return name -> version of what trained it, or None where nothing says so.

        The result says it; of a run that is not finished, and of those of 0.1.0, the training's own file does.
        """
        found = self.result().versions if self.finished else None
        return versions_in(self.folder / TRAINING) if found is None else found

    def tidy(self) -> None:
        """Remove the checkpoints of the finished run: only a training needs them, and many runs fill a disk."""
        for output, _, _ in self.stages:
            checkpoints.remove_all(output)


def add_seconds(folder: Path, seconds: float) -> None:
    """Add what a process took to that of a run's earlier ones."""
    path = folder / SECONDS
    atomic.write(path, json.dumps(_seconds(path) + seconds).encode())


def _seconds(path):
    try:
        return float(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return 0.0
    except (ValueError, TypeError, RecursionError, OSError) as error:
        raise ConfigError(f"{path}: must be a number of seconds, got: {error}") from error


def history_path(output: str | os.PathLike, arch: str) -> Path:
    """The history of a stage; PaddleClas 2.5 and older put a folder of the architecture's name between."""
    name = run_files.FILES["train"].history
    inner = Path(output) / arch / name
    return inner if inner.is_file() else Path(output) / name


def begun_in(folder: Path) -> bool:
    """Return whether a training has begun in a folder or below it."""
    return next(folder.rglob(run_files.FILES["train"].info), None) is not None


def versions_in(folder: Path) -> dict | None:
    """Return name -> version of what trained in a folder or below it, by the trainings' own files; None without one."""
    infos = (_versions(path) for path in sorted(folder.rglob(run_files.FILES["train"].info)))
    return next((each for each in infos if each), None)


def _versions(path):
    try:
        found = run_files.read_info(path).get("versions")
    except ConfigError:
        return None  # a damaged file says nothing
    return found if isinstance(found, dict) else None


@dataclass(frozen=True)
class TestJob:
    """One run's weights on the test images, as they are (None) and after adjustments; a ``Task``."""

    __test__ = False  # pytest takes it for tests

    job: Job
    methods: tuple  # of str or None
    epochs: int = 0
    trained: int = 0
    of_base: bool = False  # a mistake in it has cost no training

    @property
    def candidates(self) -> list[str]:
        """What is tested, by its names."""
        recipe = self.job.recipe
        return [recipe if method is None else adjusted_name(recipe, method) for method in self.methods]

    def called(self, words: Mapping[str, str]) -> str:
        return words["task_test"].format(candidates=words["comma"].join(self.candidates), seed=self.job.seed)

    @property
    def folder(self) -> Path:
        return self.job.folder

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("test", str(self.job.folder), self.job.rank_by, *(method or AS_TRAINED for method in self.methods))

    @property
    def complete(self) -> bool:
        files = (tested_file(self.job.folder, self.job.rank_by, method) for method in self.methods)
        return all(path.is_file() for path in files)


@dataclass(frozen=True)
class FinalTask:
    """A step to the final model; a ``Task``."""

    candidate: str
    step: str  # what is done with it, a key of messages
    folder: Path
    arguments: tuple
    done: Path  # the file that it writes last
    stages: tuple = ()  # (output folder, architecture, epochs) of what it trains
    of_base: bool = False  # the comparison is made, whatever becomes of this

    def called(self, words: Mapping[str, str]) -> str:
        return words[self.step].format(recipe=self.candidate)

    @property
    def epochs(self) -> int:
        return sum(epochs for _, _, epochs in self.stages)

    @property
    def trained(self) -> int:
        return sum(checkpoints.last_epoch(output, arch) for output, arch, _ in self.stages)

    @property
    def complete(self) -> bool:
        return self.done.is_file()
