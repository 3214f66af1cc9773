"""From the runs' results to the outcome, and the best recipe as a file."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ..basis.checks import ConfigError
from ..reports.comparison import wording
from ..runs import files as run_files
from ..runs.measures import BASELINE
from ..runs.results import Outcome, ranked, versions_said
from . import adjusted
from .job import RESULT, adjusted_file, adjusted_name

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
    runs = [_checked(job.result(), job.folder / RESULT, settings.counts.size) for job in finished]
    adjusted, unadjusted = _adjusted(finished, settings.counts.size)
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
        rows=ranked([*runs, *adjusted], settings.rank_by),
        same=settings.same,
        replaced=settings.replaced(),
        versions=list(dict.fromkeys(versions_said(job.versions()) for job in finished)),
        failures=failures,
        missing=[
            (job.recipe, job.seed) for job in settings.jobs if not job.complete and (job.recipe, job.seed) not in failed
        ],
        unadjusted=unadjusted,
    )


def _adjusted(finished, class_num):
    """The results of adjusted weights, and ``(candidate, reason)`` of those that there are not, each once."""
    runs, refused = [], {}
    for job in finished:
        for method in job.adjustments:
            found = adjusted.read(job.folder, job.recipe, method)
            if isinstance(found, str):
                refused[adjusted_name(job.recipe, method)] = found
            elif found is not None:
                runs.append(_checked(found, adjusted_file(job.folder, method), class_num))
    return runs, list(refused.items())


def _checked(run, path, class_num):
    if len(run.recall) != class_num:
        raise ConfigError(f"{path}: must have the accuracy of {class_num} classes, got {len(run.recall)} of them")
    return run


def write_best(settings: Settings, outcome: Outcome) -> str:
    """Write the chosen recipe as a whole configuration; return a sentence about it."""
    best = wording.chosen(outcome)
    if best is None:
        return f"no {BEST}: no recipe has a validation accuracy to choose it by"
    path = settings.folder / BEST
    adjustment = best.adjustment
    config = settings.complete(best.trained)
    if adjustment is not None:
        settings.hold_out(config)  # the adjustment needs images that did not train
    run_files.write_config(path, config)
    command = shlex.join(["ppcls-lt", "train", "-c", str(path)])
    what = "as it is" if best.trained == BASELINE else f"with the recipe {best.trained}"
    said = f"{path}: {settings.title} {what}; train with `{command}`"
    if adjustment is not None:
        flags = ["--run", str(config["Global"]["output_dir"]), "--methods", adjustment["method"]]
        said += f", then adjust with `{shlex.join(['ppcls-lt', 'adjust', *flags])}`"
    return f"no recipe ranks above {BASELINE}. {said}" if best.recipe == BASELINE else said
