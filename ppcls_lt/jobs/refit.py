"""``compare --refit``: the chosen candidate and the base on the whole list, tested once, the chosen one exported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from ..basis import atomic, checks
from ..configuration import stages
from ..engine import recording, trainer
from ..reports.comparison.messages import WORDS
from ..reports.run import writing
from ..runs.measures import BASELINE
from ..runs.results import Accuracies, Outcome, Row, versions_said
from . import OWNER, kept
from .job import (
    EXPORTED,
    FINAL,
    INFERENCE,
    TESTED,
    TO_ADJUST,
    TRAIN,
    TRAINED,
    FinalTask,
    adjusted_name,
    begun_in,
    versions_in,
)

if TYPE_CHECKING:
    from .settings import Settings


def check(settings: Settings) -> None:
    """Raise where the base cannot be trained so or exported, or was with other settings, before anything is trained.

    Raises:
        ConfigError: what is wrong.
    """
    config = settings.configs.refit(BASELINE, _place(settings, BASELINE), 0)
    trainer.checked_plan(config, "train")
    config["Global"].update(pretrained_model=None, untrained=True, resume=False)
    trainer.checked_plan(config, "export")
    if config["Global"].get("image_shape") is None:
        checks.fail("Global", "image_shape", "a list of channels, height and width, to export with --refit", None)
    for recipe in settings.plans:
        place = _place(settings, recipe)
        if begun_in(place):
            _keep(settings, recipe, place)  # which is another only with an error


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
        if any(task.epochs for task in missing):
            _refuse_other_versions(settings, [task.folder for task in tasks])
        if missing and do(missing):
            return []
    place = _place(settings, row.trained, row.adjustment)
    report = writing.write(place, language=language)
    return [WORDS[language]["refit_model"].format(folder=place, served=place / INFERENCE), report]


def tests(settings: Settings, rows: Iterable[Row]) -> dict[str, Accuracies]:
    """What candidates gave on the test images after a training on the whole list; of those that were trained so.

    One that was adjusted by what other runs held out is another than today's.
    """
    found = {}
    for row in rows:
        place = _place(settings, row.trained, row.adjustment)
        wanted = None if row.adjustment is None else _to_adjust(row)
        if _content(place / TO_ADJUST) == wanted and (place / TESTED).is_file():
            found[row.recipe] = Accuracies.read(place / TESTED)
    return found


def _place(settings, recipe, adjustment=None):
    """The folder of a candidate, of one that was tuned with the number of its trial: its values may become others."""
    name = recipe if adjustment is None else adjusted_name(recipe, adjustment["method"])
    if recipe in settings.tuned:
        trial = settings.job(recipe, settings.seeds[0]).folder.parent.name
        name += f".{trial.rpartition('.')[2]}"
    return settings.folder / FINAL / name


def _to_adjust(row):
    """What the adjustment of a candidate is made from, as a file."""
    return json.dumps([run.adjustment for run in row.runs]).encode()


def _content(path):
    return path.read_bytes() if path.is_file() else None


def _keep(settings, recipe, place):
    """Write the configuration of a training, or find that the one there is the same; return it."""
    _refuse_another(place, recipe, (place / TO_ADJUST).is_file())
    seed = settings.base["Global"].get("seed")
    config = settings.configs.refit(recipe, place, seed if type(seed) is int else 0)
    kept.keep_config(settings.folder, place, TRAIN, config, begun=begun_in(place), finished=False)
    return config


def _refuse_another(place, candidate, other):
    """Raise where a folder is that of another candidate called alike: ``A+B`` is a recipe, or A adjusted by B."""
    if other:
        got = checks.described(f"{place.parents[1]}, whose {place} is the final model of another that is called so")
        checks.fail(OWNER, "--out", f"another folder for {candidate}", got, f"or delete {place}")


def _refuse_other_versions(settings, places):
    """Raise where some of them were trained by other versions than would train the others."""
    now = recording.versions()
    others = [each for each in kept.finals_of_others(settings.folder, now) if each in places]
    if others:
        got = checks.described(f"{others[0]} by {versions_said(versions_in(others[0]))}")
        expected = f"a folder of final models by {versions_said(now)}, which are here"
        checks.fail(OWNER, "--out", expected, got, f"delete {others[0]} to train that one anew")


def _steps(settings: Settings, row: Row) -> Iterator[list[FinalTask]]:
    """The tasks, of which those in one list can be done together."""
    yield [
        _training(settings, recipe, tests=recipe in (BASELINE, row.recipe))
        for recipe in dict.fromkeys([BASELINE, row.trained])
    ]
    place = _place(settings, row.trained, row.adjustment)
    if row.adjustment is not None:
        found = _to_adjust(row)
        _refuse_another(place, row.recipe, (place / TRAIN).is_file())
        atomic.make_folder(settings.folder, place.relative_to(settings.folder))
        if _content(place / TO_ADJUST) != found:
            (place / TESTED).unlink(missing_ok=True)
            (place / INFERENCE / EXPORTED).unlink(missing_ok=True)
            atomic.write(place / TO_ADJUST, found)
        arguments = ("readjust", str(place), str(_place(settings, row.trained)))
        yield [FinalTask(row.recipe, "task_whole", place, arguments, place / TESTED)]
    yield [FinalTask(row.recipe, "task_export", place, ("export", str(place)), place / INFERENCE / EXPORTED)]


def _training(settings, recipe, tests):
    place = _place(settings, recipe)
    config = _keep(settings, recipe, place)
    plan = stages.plan(config)
    parts = tuple(
        (Path(stage["Global"]["output_dir"]), str(stage["Arch"]["name"]), stage["Global"]["epochs"]) for stage in plan
    )
    arguments = ("refit", str(place), *(["test"] if tests else []))
    # One that was trained to be adjusted alone is tested when it is wanted as it is.
    return FinalTask(recipe, "task_whole", place, arguments, place / (TESTED if tests else TRAINED), parts)
