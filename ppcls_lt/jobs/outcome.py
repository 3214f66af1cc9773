"""From the runs' results to the outcome, and the best recipe as a file."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ..basis.checks import ConfigError
from ..reports.comparison import wording
from ..runs import files as run_files
from ..runs.measures import BASELINE
from ..runs.results import Outcome, ranked, versions_said
from .job import RESULT

if TYPE_CHECKING:
    from .settings import Settings

BEST = "best.yaml"


def gather(settings: Settings, command: str, failures: list) -> Outcome:
    """Return the outcome of what is finished so far.

    Args:
        settings (Settings): what is compared.
        command (str): the command line that makes it again.
        failures (list): of (recipe, seed or None, reason).
    """
    failed = {(recipe, seed) for recipe, seed, _ in failures}
    finished = [job for job in settings.jobs if job.finished]
    runs = [_result(job, settings.counts.size) for job in finished]
    return Outcome(
        title=settings.title,
        command=command,
        arch=settings.arch,
        epochs=settings.epochs,
        seeds=settings.seeds,
        rank_by=settings.rank_by,
        counts=settings.counts,
        validation_counts=settings.validation_counts,
        groups=settings.groups,
        thresholds=settings.thresholds,
        class_names=settings.class_names(),
        lists=settings.lists,
        rows=ranked(runs, settings.rank_by),
        same=settings.same,
        replaced=settings.replaced(),
        versions=list(dict.fromkeys(versions_said(job.versions()) for job in finished)),
        failures=failures,
        missing=[
            (job.recipe, job.seed) for job in settings.jobs if not job.finished and (job.recipe, job.seed) not in failed
        ],
    )


def _result(job, class_num):
    run = job.result()
    if len(run.recall) != class_num:
        raise ConfigError(
            f"{job.folder / RESULT}: must have the accuracy of {class_num} classes, got {len(run.recall)} of them"
        )
    return run


def write_best(settings: Settings, outcome: Outcome) -> str:
    """Write the chosen recipe as a whole configuration; return a sentence about it."""
    best = wording.chosen(outcome)
    if best is None:
        return f"no {BEST}: no recipe has a validation accuracy to choose it by"
    path = settings.folder / BEST
    run_files.write_config(path, settings.complete(best.recipe))
    command = shlex.join(["ppcls-lt", "train", "-c", str(path)])
    what = "as it is" if best.recipe == BASELINE else f"with the recipe {best.recipe}"
    said = f"{path}: {settings.title} {what}; train with `{command}`"
    return f"no recipe ranks above {BASELINE}. {said}" if best.recipe == BASELINE else said
