"""The command ``compare``: every recipe on the user's data, ranked."""

from __future__ import annotations

import argparse
import os

from ..jobs.executors import options
from ..reports.parts.names import LANGUAGES
from ..runs.measures import MEASURES
from . import comparing, interrupts, tune_options
from .budget_options import add_budget_options
from .list_options import add_group_options


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
    command.add_argument(
        "--language", choices=LANGUAGES, default="en", help="of the page and of what is said here: en (default), zh"
    )
    add_group_options(command)
    threads = os.environ.get("OMP_NUM_THREADS")  # Paddle is imported later, and sets it
    command.set_defaults(command=_compare, groups=None, threads=threads)


def _compare(arguments):
    from ..jobs import settings  # noqa: F401  # which imports Paddle, that has a handler of its own

    try:
        with interrupts.working():
            return 0 if comparing.compared(arguments).complete else 1
    except comparing.Interrupted as interrupt:
        return interrupts.status(interrupt)
