"""``compare --refit``: the chosen candidate and the base on the whole list, tested once, the chosen one exported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from ..basis import atomic, checks
from ..configuration import stages
from ..engine import trainer
from ..reports.comparison.messages import WORDS
from ..reports.run import writing
from ..runs.measures import BASELINE
from ..runs.results import Accuracies, Outcome, Row
from .job import EXPORTED, INFERENCE, TESTED, TO_ADJUST, TRAIN, TRAINED, FinalTask
from .kept import keep_config

if TYPE_CHECKING:
    from .settings import Settings

_FOLDER = "refit"


def check(settings: Settings) -> None:
    """Raise where the base cannot be trained so or exported, before anything is trained.

    Raises:
        ConfigError: what is wrong.
    """
    config = _config(settings, BASELINE)
    trainer.checked_plan(config, "train")
    config["Global"].update(pretrained_model=None, untrained=True, resume=False)
    trainer.checked_plan(config, "export")
    if config["Global"].get("image_shape") is None:
        checks.fail("Global", "image_shape", "a list of channels, height and width, to export with --refit", None)


def run(settings: Settings, outcome: Outcome, language: str, do: Callable[[Sequence[FinalTask]], list]) -> list[str]:
    """Make the final model, or what is missing of it; return sentences about it, none where a step failed.

    Args:
        settings (Settings): what is compared.
        outcome (Outcome): with its choice.
        language (str): of the report and the sentences.
        do (callable): does tasks; returns those that failed.

    Raises:
        ConfigError: the folder holds such a training with other settings.
    """
    row = outcome.chosen
    if row is None:
        return []
    for tasks in _steps(settings, row):
        missing = [task for task in tasks if not task.complete]
        if missing and do(missing):
            return []
    place = _place(settings, row.recipe)
    report = writing.write(place, language=language)
    return [WORDS[language]["refit_model"].format(folder=place, served=place / INFERENCE), report]


def tests(settings: Settings, candidates: Iterable[str]) -> dict[str, Accuracies]:
    """What candidates gave on the test images after a training on the whole list; of those that were trained so."""
    files = {name: _place(settings, name) / TESTED for name in candidates}
    return {name: Accuracies.read(path) for name, path in files.items() if path.is_file()}


def _place(settings, candidate):
    return settings.folder / _FOLDER / candidate


def _config(settings, recipe):
    seed = settings.base["Global"].get("seed")
    return settings.configs.refit(recipe, _place(settings, recipe), seed if type(seed) is int else 0)


def _steps(settings: Settings, row: Row) -> Iterator[list[FinalTask]]:
    """The tasks, of which those in one list can be done together."""
    yield [
        _training(settings, recipe, tests=recipe in (BASELINE, row.recipe))
        for recipe in dict.fromkeys([BASELINE, row.trained])
    ]
    place = _place(settings, row.recipe)
    if row.adjustment is not None:
        found = json.dumps([run.adjustment for run in row.runs]).encode()
        atomic.make_folder(settings.folder, place.relative_to(settings.folder))
        if not (place / TO_ADJUST).is_file() or (place / TO_ADJUST).read_bytes() != found:
            (place / TESTED).unlink(missing_ok=True)
            (place / INFERENCE / EXPORTED).unlink(missing_ok=True)
            atomic.write(place / TO_ADJUST, found)
        arguments = ("readjust", str(place), str(_place(settings, row.trained)))
        yield [FinalTask(row.recipe, "task_whole", place, arguments, place / TESTED)]
    yield [FinalTask(row.recipe, "task_export", place, ("export", str(place)), place / INFERENCE / EXPORTED)]


def _training(settings, recipe, tests):
    place, config = _place(settings, recipe), _config(settings, recipe)
    keep_config(settings.folder, place, TRAIN, config, (place / TRAINED).is_file())
    plan = stages.plan(config)
    parts = tuple(
        (Path(stage["Global"]["output_dir"]), str(stage["Arch"]["name"]), stage["Global"]["epochs"]) for stage in plan
    )
    arguments = ("refit", str(place), *(["test"] if tests else []))
    # One that was trained to be adjusted alone is tested when it is wanted as it is.
    return FinalTask(recipe, "task_whole", place, arguments, place / (TESTED if tests else TRAINED), parts)
