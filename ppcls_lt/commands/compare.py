"""The command ``compare``: every recipe on the user's data, ranked."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from ..basis import lock
from ..basis.checks import described, fail, integer, some
from ..data.group_names import TERTILES
from ..jobs import OWNER
from ..jobs.executors import options
from ..reports.parts.names import LANGUAGES
from ..runs.measures import MEASURES
from . import tune_options
from .budget_options import add_budget_options, asked
from .list_options import add_group_options, thresholds


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "compare",
        help="train every recipe on your data and rank them",
        description="Train recipes on the same data, base configuration and seeds, a process per run, and rank them. "
        "Each seed holds out another part of the training images, and all recipes are judged on the same ones; the "
        "test list is read by the chosen one and by the base alone. "
        "Interrupted, the same command goes on with what is missing.",
    )
    command.add_argument("-c", "--config", required=True, help="the base: YAML file, or one of the packaged configs")
    command.add_argument("-o", "--override", action="append", default=[], help="key=value for the base, repeatable")
    command.add_argument(
        "--recipes",
        nargs="+",
        default=["all"],
        metavar="RECIPE",
        help="names (see `ppcls-lt recipes`), YAML files of your own, several joined by +, or all (default); base, the "
        "configuration as it is, is always in, and gains are over it",
    )
    command.add_argument(
        "--epochs", type=int, metavar="N", help="of every run (those of the base); the schedule is stretched along"
    )
    command.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N", help="a run for each (0)")
    command.add_argument(
        "--jobs", type=int, metavar="N", help="runs at the same time (1; on a cluster as many as there is room for)"
    )
    command.add_argument(
        "--processes", type=int, metavar="N", help="of each training, one a device (Global.processes of the base, or 1)"
    )
    command.add_argument(
        "--executor",
        choices=options.EXECUTORS,
        default="local",
        help="where the runs are done: on this machine (local, default), as jobs of Slurm, or on a running Ray cluster",
    )
    command.add_argument(
        "--executor-options",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="what the cluster is told about each run, or a YAML file of it: see docs/executors.md",
    )
    command.add_argument(
        "--rank-by",
        choices=MEASURES,
        default="balanced",
        help="accuracy of held-out images that decides (balanced)",
    )
    command.add_argument(
        "--folds", type=int, metavar="K", help="divide the training list into K parts; each seed holds out another (5)"
    )
    command.add_argument("--val-list", metavar="FILE", help="a label list that every seed holds out instead")
    command.add_argument("--val-fraction", help=argparse.SUPPRESS)  # of earlier versions
    command.add_argument(
        "--choose-epoch",
        action="store_true",
        help="with --val-list: judge each run's epoch that is best on it, not its last",
    )
    command.add_argument(
        "--adjust",
        nargs="+",
        default=["all"],
        metavar="METHOD",
        help="judge every run also after these adjustments, which cost no training (see `ppcls-lt adjust`): names, "
        "all (default) that change predictions, or none",
    )
    command.add_argument(
        "--test-all",
        action="store_true",
        help="let all candidates predict the test images, not the chosen and base alone",
    )
    command.add_argument(
        "--refit",
        action="store_true",
        help="in the end train the chosen candidate and base on the whole list, test both once, export the chosen one",
    )
    add_budget_options(command)
    tune_options.add_tune_options(command)
    command.add_argument("--out", metavar="DIR", help="where to write (<Global.output_dir>/compare)")
    command.add_argument(
        "--retrain",
        action="store_true",
        help="where --out has runs by other versions of ppcls_lt, Paddle or PaddleClas, or by unknown ones: train "
        "these anew",
    )
    command.add_argument("--language", choices=LANGUAGES, default="en", help="of the page: English (default), Chinese")
    add_group_options(command)
    command.set_defaults(command=_compare, groups=None)


def _compare(arguments):
    from ..reports.parts import packages

    packages.check()  # what the page needs must be there before hours of training
    if arguments.jobs is not None:
        integer(OWNER, "--jobs", arguments.jobs, minimum=1)
    options.read(arguments.executor, arguments.executor_options)
    if arguments.val_fraction is not None:
        expected = "left out: each seed holds out another part of the images, one of `--folds`"
        fail(OWNER, "--val-fraction", expected, arguments.val_fraction)
    if arguments.refit and arguments.choose_epoch:
        got = described("both; train best.yaml with an evaluation on that list")
        fail(OWNER, "--refit", "left out with --choose-epoch", got)
    arguments.threads = os.environ.get("OMP_NUM_THREADS")
    # Paddle is imported from here on, and sets it.
    from ..basis import overrides
    from ..jobs import refit
    from ..jobs.executors import choice
    from ..jobs.settings import Settings

    overrides.check(arguments.override)
    limit = asked(arguments)
    arguments.tuned = tune_options.asked(arguments)
    groups = None  # the base's groups
    if arguments.groups == TERTILES:
        groups = thresholds(arguments, OWNER)
    elif (arguments.many, arguments.few, arguments.groups) != (None, None, None):
        groups = (arguments.many, arguments.few)
    scratch = tempfile.TemporaryDirectory() if arguments.dry_run else None
    settings = Settings(
        arguments.config,
        overrides=arguments.override,
        wanted=arguments.recipes,
        folder=arguments.out,
        epochs=arguments.epochs,
        seeds=arguments.seeds,
        rank_by=arguments.rank_by,
        thresholds=groups,
        folds=arguments.folds,
        val_list=arguments.val_list,
        choose_epoch=arguments.choose_epoch,
        adjustments=_adjustments(arguments.adjust),
        train_processes=arguments.processes,
        scratch=None if scratch is None else Path(scratch.name),
    )
    executor = choice.make(
        arguments.executor,
        arguments.executor_options,
        settings.folder,
        at_once=arguments.jobs,
        threads=arguments.threads,
        processes=settings.train_processes,
        say=_say,
    )
    with lock.held(settings.folder, OWNER, "--out"):
        settings.prepare(arguments.retrain, begin=limit is None and not arguments.dry_run)
        if arguments.refit:
            refit.check(settings)
        return _train_and_rank(settings, arguments, executor, limit)


def _adjustments(names):
    """The methods of ``--adjust``."""
    from ..maths.adjustment import METHODS

    if "none" in names and len(names) > 1:
        fail(OWNER, "--adjust", "none alone, or names", " ".join(names))
    every = [name for name, method in METHODS.items() if not method.by_likelihood]
    return [name for one in names if one != "none" for name in (every if one == "all" else [one])]


def _train_and_rank(settings, arguments, executor, limit):
    from ..data.class_names import called as called_by
    from ..data.list_files import listed_classes
    from ..jobs import budget, outcome, pool, refit, tuning
    from ..reports.comparison import replacements, terminal, writing

    failures = [(name, None, reason) for name, reason in settings.refused.items()]
    for name, _, reason in failures:
        _say(f"{name}: cannot run here: {reason}")
    for name in settings.same:
        _say(f"{name}: changes nothing in the base, and is not trained a second time")
    for line in replacements.lines(settings.replaced()):
        _say(f"replaced in the base: {line}")
    if settings.unjudged.size:
        called = called_by(settings.class_names())
        _say(f"not judged, since no seed holds out an image of them: {listed_classes(settings.unjudged, called)}")
    finished = sum(job.complete for job in settings.jobs)
    missing = [job for job in settings.jobs if not job.complete]
    rounds = None if limit is None else budget.Rounds(settings, limit, arguments.retrain)
    if rounds is None:
        _say(
            f"{some(len(settings.plans), 'candidate')}, {some(len(settings.seeds), 'seed')}, "
            f"{some(settings.epochs, 'epoch')}: {finished} runs are finished, {len(missing)} to do, "
            f"{sum(job.epochs - job.trained for job in missing)} epochs"
            f"{'' if arguments.dry_run else f', in {settings.folder}'}"
        )
    tuner = None if arguments.tuned is None else tuning.Tuner(settings, arguments.tuned, arguments.retrain)
    for line in [*(rounds.plan() if rounds else []), *(tuner.plan() if tuner else [])]:
        _say(line)
    if arguments.dry_run:
        return 1 if failures else 0  # as the whole command, which goes on without what cannot run
    works = []

    def gather(chosen=None):
        failed = [(job.recipe, job.seed, f"{reason}{job.said}") for work in works for job, reason in work.failures]
        found = None if rounds is None else rounds.found
        said = [] if tuner is None else tuner.found
        return outcome.gather(settings, arguments.command_line, [*failures, *failed], chosen, found, said)

    def write():
        writing.write(gather(), settings.folder, arguments.language, page=False)

    for job in settings.jobs:
        if job.finished:
            job.tidy()  # in case it was killed before it could

    def train(tasks):
        works.append(pool.Pool(tasks, executor, _say, status))
        works[-1].work(finished=write)

    def do(tasks):
        last = pool.Pool(tasks, executor, _say, status)
        last.work()
        failures.extend((task.name, None, reason) for task, reason in last.failures)
        return last.failures

    status = _status if sys.stdout.isatty() else None
    try:
        if rounds is None:
            train(missing)
        else:
            rounds.work(train, _say)
        if tuner is not None:
            tuner.work(do, _say)
            train([job for job in settings.jobs if job.recipe in settings.tuned and not job.complete])
        chosen = outcome.choose(settings)
        found = gather(chosen)
        tests = outcome.tests(settings, found, arguments.test_all)
        if tests:
            names = dict.fromkeys(name for task in tests for name in task.candidates)
            _say(f"the test images are predicted by {', '.join(names)}")
            testing = pool.Pool(tests, executor, _say, status)
            testing.work()
            failures += [
                (name, task.job.seed, f"test: {reason}")
                for task, reason in testing.failures
                for name in task.candidates
            ]
            found = gather(chosen)
        final = refit.run(settings, found, arguments.language, do) if arguments.refit else []
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on with what is missing")
        return 130
    found = gather(chosen)
    _say("")
    _say(terminal.text(found, shutil.get_terminal_size().columns))
    _say(writing.write(found, settings.folder, arguments.language))
    for line in [outcome.write_best(settings, found), *final]:
        _say(line)
    if found.choice is not None and not arguments.refit:
        _say(f"trained on the whole list, tested and exported by one command: `{arguments.command_line} --refit`")
    return 1 if found.failures else 0


def _say(text):
    if sys.stdout.isatty():
        print("\r\x1b[K", end="")
    print(text, flush=True)


def _status(text):
    width = shutil.get_terminal_size().columns - 1
    print(f"\r\x1b[K{text[:width]}", end="", flush=True)
