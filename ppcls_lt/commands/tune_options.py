"""The options of ``compare`` that tune recipes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..basis.checks import described, fail, integer
from ..jobs import OWNER

if TYPE_CHECKING:
    from ..jobs.tuning import Asked


def add_tune_options(command: argparse.ArgumentParser) -> None:
    """Add them to a command."""
    command.add_argument(
        "--tune",
        nargs="+",
        default=[],
        metavar="RECIPE",
        help="then seek better values for these recipes, or for `best`, in the ranges of their files (extra `tune`)",
    )
    command.add_argument(
        "--trials", type=int, metavar="N", help="of --tune: how many values each recipe gets beside its own (10)"
    )


def asked(arguments: argparse.Namespace) -> Asked | None:
    """Return what is tuned, or None where nothing is.

    Raises:
        ConfigError: an option is wrong, or does not go with another; Optuna is not installed.
    """
    if not arguments.tune:
        if arguments.trials is not None:
            fail(OWNER, "--trials", "used with --tune", arguments.trials)
        return None
    if arguments.budget is not None or arguments.budget_epochs is not None:
        got = described("both; tune in a second command, in the same folder without a budget")
        fail(OWNER, "--tune", "left out with --budget and --budget-epochs", got)
    if len(set(arguments.tune)) < len(arguments.tune):
        fail(OWNER, "--tune", "different recipes", " ".join(arguments.tune))
    from ..jobs import tuning

    tuning.needed()
    trials = tuning.TRIALS if arguments.trials is None else integer(OWNER, "--trials", arguments.trials, minimum=1)
    return tuning.Asked(tuple(arguments.tune), trials)
