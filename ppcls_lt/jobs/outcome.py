"""From the runs' results to the outcome, what is to be tested, and the best recipe as a file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..basis.checks import ConfigError
from ..configuration import held_out, processes
from ..maths import choice
from ..reports.comparison.messages import ENGLISH
from ..runs import files as run_files
from ..runs import logits
from ..runs.measures import BASELINE
from ..runs.results import Accuracies, Outcome, Result, ranked, versions_said, work
from . import adjusted, refit
from .job import Job, TestJob, adjusted_name, logits_file, tested_file

if TYPE_CHECKING:
    from ..runs.budgeted import Budgeted
    from ..runs.tuned import Tuned
    from .settings import Settings

BEST = "best.yaml"


def choose(settings: Settings, jobs: Sequence[Job] | None = None, baseline: str = BASELINE) -> choice.Choice | None:
    """Return the choice among the candidates that are finished, None where no run of the base is.

    It reads the logits of all of them, which may be gigabytes.

    Args:
        settings (Settings): what is compared.
        jobs (sequence of Job, optional): the runs, where they are others than those of the settings.
        baseline (str): the recipe that gains are over.
    """
    jobs = settings.jobs if jobs is None else jobs
    return _choice(settings, _candidates([job for job in jobs if job.finished])[0], baseline)


def gather(
    settings: Settings,
    command: str,
    failures: list,
    chosen: choice.Choice | None = None,
    budget: Budgeted | None = None,
    tuned: Sequence[Tuned] = (),
) -> Outcome:
    """Return the outcome of what is finished so far.

    Args:
        settings (Settings): what is compared.
        command (str): the command line that makes it again.
        failures (list): of (recipe, seed or None, reason).
        chosen (Choice, optional): what :func:`choose` gave, where no run is still to come.
        budget (Budgeted, optional): its rounds.
        tuned (sequence of Tuned): what tuning gave.
    """
    failed = {(recipe, seed) for recipe, seed, _ in failures}
    finished = [job for job in settings.jobs if job.finished]
    found, unadjusted = _candidates(finished)
    rows = ranked([run for _, _, run in found], settings.rank_by, choice=chosen)
    judged = () if chosen is None else (chosen.chosen, BASELINE)
    return Outcome(
        title=settings.title,
        command=command,
        arch=settings.arch,
        epochs=settings.epochs,
        final_epochs=settings.base["Global"]["epochs"],
        seeds=settings.seeds,
        rank_by=settings.rank_by,
        counts=settings.counts,
        validation_counts=settings.validation_counts,
        groups=settings.groups,
        thresholds=settings.thresholds,
        class_names=settings.class_names(),
        lists=settings.lists,
        folds=settings.folds,
        choice=chosen,
        rows=rows,
        same=settings.same,
        replaced=settings.replaced(),
        versions=list(dict.fromkeys(versions_said(job.versions()) for job in finished)),
        failures=failures,
        missing=[
            (job.recipe, job.seed) for job in settings.jobs if not job.complete and (job.recipe, job.seed) not in failed
        ],
        unadjusted=unadjusted,
        budget=budget,
        tuned=list(tuned),
        refit=refit.tests(settings, [row for row in rows if row.recipe in judged]),
    )


def tests(settings: Settings, outcome: Outcome, every: bool) -> list[TestJob]:
    """The runs that are to predict the test images and have not.

    They are those of the chosen candidate, of the base, of what was tuned and of what it was before, or all.

    Args:
        settings (Settings): what is compared.
        outcome (Outcome): with its choice.
        every (bool): all candidates of which there are runs.
    """
    wanted = {row.recipe for row in outcome.rows}
    if not every:
        wanted = set() if outcome.choice is None else {outcome.choice.chosen, outcome.baseline}
        wanted |= {*settings.tuned, *settings.tuned.values()}
    by_job: dict[Job, list] = {}
    for job, method, run in _candidates([job for job in settings.jobs if job.finished])[0]:
        if run.recipe in wanted and not run.tested:
            by_job.setdefault(job, []).append(method)
    return [TestJob(job, tuple(methods)) for job, methods in by_job.items()]


def _candidates(finished: Sequence[Job]) -> tuple[list[tuple[Job, str | None, Result]], list[tuple[str, str]]]:
    """``(job, method or None, its result)`` of every finished run, and of it after every adjustment; and those refused.

    The refused are ``(candidate, reason)``, each once.
    """
    found: list[tuple[Job, str | None, Result]] = [(job, None, _tested(job, None, job.result())) for job in finished]
    refused = {}
    for job in finished:
        for method in job.adjustments:
            run = adjusted.read(job.folder, job.rank_by, job.recipe, method)
            if isinstance(run, str):
                refused[adjusted_name(job.recipe, method)] = run
            elif run is not None:
                found.append((job, method, _tested(job, method, run)))
    return found, list(refused.items())


def _tested(job, method, run):
    path = tested_file(job.folder, job.rank_by, method)
    return run.with_test(Accuracies.read(path)) if path.is_file() else run


def _choice(settings, found, baseline):
    """The choice among the candidates on what the baseline's seeds held out, or None where it has none."""
    by_name: dict[str, dict[int, tuple]] = {}
    for job, method, run in found:
        by_name.setdefault(run.recipe, {})[run.seed] = (job, method, run)
    seeds = list(by_name.get(baseline, ()))
    if not seeds:
        return None
    nothing = np.zeros((0, 0), dtype=np.float32)  # of logits one candidate's are in memory at a time
    images = [_read(settings, *by_name[baseline][seed][:2])._replace(logits=nothing) for seed in seeds]
    base = [by_name[baseline][seed][2] for seed in seeds]
    return choice.judge(
        _Logits(settings, by_name, seeds, images),
        [each.label for each in images],
        [each.image for each in images],
        measure=settings.rank_by,
        groups=settings.groups,
        class_num=settings.counts.size,
        baseline=baseline,
        work={name: work([run for *_, run in runs.values()], base) for name, runs in by_name.items()},
    )


class _Logits(Mapping[str, "list[np.ndarray | None]"]):
    """Candidate -> its logits for what each seed held out, None without a run; read when asked for, and not kept."""

    def __init__(self, settings: Settings, candidates: dict, seeds: list, images: list) -> None:
        self._settings, self._candidates, self._seeds, self._images = settings, candidates, seeds, images

    def __getitem__(self, name: str) -> list[np.ndarray | None]:
        return [self._of_seed(name, seed, images) for seed, images in zip(self._seeds, self._images)]

    def _of_seed(self, name, seed, expected):
        if seed not in self._candidates[name]:
            return None
        job, method, _ = self._candidates[name][seed]
        found = _read(self._settings, job, method)
        if not (np.array_equal(found.label, expected.label) and np.array_equal(found.image, expected.image)):
            path = logits_file(job.folder, job.rank_by, method)
            raise ConfigError(f"{path}: must be of the images that the base's run with seed {seed} held out")
        return found.logits

    def __iter__(self) -> Iterator[str]:
        return iter(self._candidates)

    def __len__(self) -> int:
        return len(self._candidates)


def _read(settings: Settings, job: Job, method: str | None) -> Any:
    path = logits_file(job.folder, job.rank_by, method)
    found = logits.read(path)
    if found.logits.shape[1] != settings.counts.size:
        got = f"{found.logits.shape[1]} of them"
        raise ConfigError(f"{path}: must have the logits of {settings.counts.size} classes, got {got}")
    return found


def _adjusting(settings, method):
    """The flags of ``ppcls-lt adjust`` that make it choose as the comparison did."""
    flags = ["--methods", method]
    if settings.rank_by != "balanced":  # which the uniform prior of `adjust` is
        flags += ["--rank-by", settings.rank_by]
    if (settings.held_out(settings.seeds[0]) == 0).any():
        flags.append("--allow-missing")
    return flags


def write_best(settings: Settings, outcome: Outcome, words: Mapping[str, str] = ENGLISH) -> str:
    """Write the chosen recipe as a whole configuration; return a sentence about it in these words."""
    best = outcome.chosen
    if best is None:
        return words["best_none"].format(file=BEST, baseline=BASELINE)
    path = settings.folder / BEST
    adjustment = best.adjustment
    config = settings.configs.best(best.trained, path.with_suffix(""), settings.seeds[0])
    if adjustment is not None:
        settings.configs.hold_out(config, settings.seeds[0])  # the adjustment needs images that did not train
    listed = None if adjustment is None or settings.folds is None else config["Global"][held_out.LIST]
    about = f"without the images of {listed}, by which the adjustment is chosen"
    run_files.write_config(path, config, f"It trains {about}; `compare --refit` trains on all." if listed else "")
    command = processes.launched(["train", "-c", str(path)], settings.train_processes)
    facts = {"path": path, "title": settings.title, "recipe": best.trained, "command": command}
    said = words["best_as_is" if best.trained == BASELINE else "best_recipe"].format(**facts)
    if held_out.judges(config):
        said += words["best_epoch"].format(list=config["Global"][held_out.EVAL])
    if adjustment is not None:
        said += words["best_left_out"].format(list=listed) if listed else ""
        command = ["ppcls-lt", "adjust", "--run", str(config["Global"]["output_dir"])]
        said += words["best_adjust"].format(command=shlex.join([*command, *_adjusting(settings, adjustment["method"])]))
    return words["best_base"].format(baseline=BASELINE, said=said) if best.recipe == BASELINE else said
