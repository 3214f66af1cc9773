"""What the command ``compare`` does: check, train what is missing, choose, test, write."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..basis import lock
from ..basis.checks import described, fail, integer
from ..basis.widths import shortened
from ..data.group_names import TERTILES
from ..jobs import OWNER
from ..jobs.executors import options
from . import tune_options
from .budget_options import asked
from .list_options import thresholds

if TYPE_CHECKING:
    import argparse

    from ..runs.results import Outcome


class Interrupted(KeyboardInterrupt):
    """The runs were, which has been said."""


class Compared(NamedTuple):
    """What a comparison came to.

    Attributes:
        outcome (Outcome or None): what was compared; None of ``--dry-run``.
        folder (Path): where it was written.
        complete (bool): whether all was done.
    """

    outcome: Outcome | None
    folder: Path
    complete: bool


def compared(arguments: argparse.Namespace) -> Compared:
    """Train, rank and write what the arguments ask for.

    Args:
        arguments (argparse.Namespace): of the command.

    Raises:
        ConfigError: what is wrong with them, or with the base.
        KeyboardInterrupt: it was interrupted; an ``Interrupted`` where that has been said.
    """
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
    from ..basis import overrides
    from ..jobs import refit
    from ..jobs.executors import choice
    from ..jobs.settings import Settings
    from ..reports.comparison.messages import WORDS

    overrides.check(arguments.override)
    limit = asked(arguments)
    arguments.tuned = tune_options.asked(arguments)
    groups = None  # the base's groups
    if arguments.groups == TERTILES:
        groups = thresholds(arguments, OWNER)
    elif (arguments.many, arguments.few, arguments.groups) != (None, None, None):
        if None not in (arguments.many, arguments.few) and arguments.few > arguments.many:
            fail(OWNER, "--few", f"at most --many, which is {arguments.many}", arguments.few)
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
        words=WORDS[arguments.language],
    )
    with lock.held(settings.folder, OWNER, "--out"):
        try:
            whole = limit is None
            settings.prepare(arguments.retrain, begin=whole and not arguments.dry_run, versions=whole)
            if arguments.refit:
                refit.check(settings)
            return _train_and_rank(settings, arguments, executor, limit)
        finally:
            if arguments.dry_run:
                settings.take_back()


def _adjustments(names):
    """The methods of ``--adjust``."""
    from ..jobs.candidates import ADJUSTMENTS

    alone = [name for name in ("all", "none") if name in names]
    if alone and len(names) > 1:
        others = [name for name in names if name not in alone]
        remedy = f"take `--adjust {' '.join(others or alone[:1])}`"
        fail(OWNER, "--adjust", f"{' or '.join(alone)} alone, or names", described(" ".join(names)), remedy)
    return [name for one in names if one != "none" for name in (ADJUSTMENTS if one == "all" else [one])]


def _train_and_rank(settings, arguments, executor, limit):
    from ..data.class_names import called as called_by
    from ..jobs import budget, kept, outcome, pool, refit, tuning
    from ..reports.comparison import messages, replacements, terminal, writing

    words = messages.WORDS[arguments.language]

    def say(key, **facts):
        _say(words[key].format(**facts))

    failures = [(name, None, reason) for name, reason in settings.refused.items()]
    for name, _, reason in failures:
        say("refused", recipe=name, reason=reason)
    for name in settings.same:
        say("same_as_base", recipe=name)
    for line in replacements.lines(settings.replaced(), words):
        say("replaced_in_base", line=line)
    if settings.unjudged.size:
        called = called_by(settings.class_names())
        say("nowhere_held_out", classes=messages.listed(words, settings.unjudged, called))
    others = kept.others(settings.folder, [*settings.recipes, *settings.tuned])
    if others:
        say("others", recipes=words["comma"].join(others), folder=settings.folder)
    for line in _held_out(settings, words):
        _say(line)
    finished = sum(job.complete for job in settings.jobs)
    missing = [job for job in settings.jobs if not job.complete]
    rounds = None if limit is None else budget.Rounds(settings, limit, arguments.retrain, words)
    if rounds is None:
        epochs = sum(job.epochs - job.trained for job in missing)
        counted = messages.compared(words, "candidate", len(settings.plans), len(settings.seeds), settings.epochs)
        to_do = words["to_do"].format(counted=counted, finished=finished, missing=len(missing), epochs=epochs)
        _say(to_do if arguments.dry_run else words["to_do_in"].format(to_do=to_do, folder=settings.folder))
    tuner = None if arguments.tuned is None else tuning.Tuner(settings, arguments.tuned, arguments.retrain, words)
    for line in [*(rounds.plan() if rounds else []), *(tuner.plan() if tuner else [])]:
        _say(line)
    if arguments.dry_run:
        return Compared(None, settings.folder, not failures)  # the whole command goes on without what cannot run
    works = []

    def gather(chosen=None):
        failed = [
            (job.recipe, job.seed, words["task_epochs"].format(task=reason, epochs=job.short) if job.short else reason)
            for work in works
            for job, reason in work.failures
        ]
        found = None if rounds is None else rounds.found
        said = [] if tuner is None else tuner.found
        return outcome.gather(settings, arguments.command_line, [*failures, *failed], chosen, found, said)

    def write():
        writing.write(gather(), settings.folder, arguments.language, page=False)

    for job in settings.jobs:
        if job.finished:
            job.tidy()  # in case it was killed before it could

    def train(tasks):
        works.append(pool.Pool(tasks, executor, _say, status, words))
        works[-1].work(finished=write)

    def do(tasks):
        last = pool.Pool(tasks, executor, _say, status, words)
        last.work()
        failures.extend((task.called(words), None, reason) for task, reason in last.failures)
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
            say("predicted", candidates=words["comma"].join(names))
            testing = pool.Pool(tests, executor, _say, status, words)
            testing.work()
            failures += [
                (name, task.job.seed, words["test_failed"].format(reason=reason))
                for task, reason in testing.failures
                for name in task.candidates
            ]
            found = gather(chosen)
        final = []
        if arguments.refit:  # which takes long, and may be interrupted
            writing.write(found, settings.folder, arguments.language)
            outcome.write_best(settings, found, words)
            final = refit.run(settings, found, arguments.language, do)
    except KeyboardInterrupt as interrupt:
        say("interrupted")
        raise Interrupted(*interrupt.args) from None
    found = gather(chosen)
    _say("")
    _say(terminal.text(found, shutil.get_terminal_size().columns, words))
    _say(writing.write(found, settings.folder, arguments.language))
    for line in [outcome.write_best(settings, found, words), *final]:
        _say(line)
    if found.choice is not None and not (arguments.refit or arguments.choose_epoch):
        say("advice_refit", command=f"{arguments.command_line} --refit")
    return Compared(found, settings.folder, not found.failures)


def _held_out(settings, words):
    """How many images the first seed's fold judges by, and which classes one image judges, a line each."""
    import numpy as np

    from ..data.class_names import called
    from ..reports.comparison import messages

    if settings.folds is None:
        return
    names, counts, seed = called(settings.class_names()), settings.counts, settings.seeds[0]
    held_out = settings.held_out(seed)
    smallest = int(np.where(counts > 0, counts, counts.max()).argmin())
    facts = {"n": held_out.sum(), "all": counts.sum(), "least": held_out[smallest], "size": counts[smallest]}
    yield words["fold_holds_out"].format(seed=seed, name=names(smallest), **facts)
    single = np.flatnonzero(settings.validation_counts == 1)
    if single.size:
        yield words["judged_by_one"].format(classes=messages.listed(words, single, names))


def _say(text):
    if sys.stdout.isatty():
        print("\r\x1b[K", end="")
    print(text, flush=True)


def _status(text):
    print(f"\r\x1b[K{shortened(text, shutil.get_terminal_size().columns - 1)}", end="", flush=True)
