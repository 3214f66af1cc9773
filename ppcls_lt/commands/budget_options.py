"""The options of ``compare`` that say how much is trained, and whether at all."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from ..basis.checks import described, fail, integer
from ..jobs import OWNER

if TYPE_CHECKING:
    from ..jobs.costs import Asked

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def add_budget_options(command: argparse.ArgumentParser) -> None:
    """Add them to a command."""
    command.add_argument(
        "--budget",
        metavar="TIME",
        help="train for so long, as 4h, 90m or 30s: short runs of all recipes, longer ones and more seeds of the best",
    )
    command.add_argument(
        "--budget-epochs", type=int, metavar="N", help="the same with so many epochs of all runs together"
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be trained, and stop there")


def asked(arguments: argparse.Namespace) -> Asked | None:
    """Return the budget, or None where there is none.

    Raises:
        ConfigError: an option is wrong, or does not go with another.
    """
    if arguments.dry_run and arguments.retrain:
        fail(OWNER, "--dry-run", "left out with --retrain", described("both, and nothing is removed by a plan"))
    if arguments.budget is None and arguments.budget_epochs is None:
        return None
    from ..jobs.costs import EPOCHS, SECONDS, Asked

    if arguments.budget is None:
        return Asked(integer(OWNER, "--budget-epochs", arguments.budget_epochs, minimum=1), EPOCHS)
    if arguments.budget_epochs is not None:
        fail(OWNER, "--budget", "left out with --budget-epochs", arguments.budget)
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smh])", arguments.budget)
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not seconds:
        fail(OWNER, "--budget", "a time > 0 in hours, minutes or seconds, as 4h, 90m or 30s", arguments.budget)
    if arguments.executor != "local" and arguments.jobs is None:
        got = described(f"{arguments.budget} on a cluster without it; or give --budget-epochs")
        fail(OWNER, "--budget", "given with --jobs, the runs at the same time", got)
    return Asked(seconds, SECONDS, arguments.jobs or 1)
