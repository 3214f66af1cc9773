"""The command ``decide``: how a trained run's probabilities become classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import interrupts
from .list_options import add_held_out_options, held_out_overrides

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "decide",
        help="give classes a recall, or mistakes a cost: how a run's probabilities become classes",
        description="Solve on held-out images how the probabilities of a trained run become classes, and keep it in "
        "the run, where `predict` and `export --serving` find it. No weight changes.",
    )
    command.add_argument("--run", required=True, metavar="FOLDER", help="the training's output folder")
    command.add_argument("-o", "--override", action="append", default=[], help="key=value for the run, repeatable")
    command.add_argument(
        "--recall",
        action="append",
        default=[],
        metavar="CLASS=SHARE",
        help="the recall that a class, by name or number, is to have at least, such as melanoma=0.95; repeatable",
    )
    command.add_argument(
        "--on-held-out",
        action="store_true",
        help="that recall on the held-out images alone, not for new ones: fewer images suffice",
    )
    command.add_argument(
        "--costs", metavar="FILE", help="CSV: what it costs to take the class of the row for that of the column"
    )
    command.add_argument(
        "--not-sure-below", type=float, metavar="P", help="no class for images whose highest probability lies below"
    )
    add_held_out_options(command)
    command.set_defaults(command=_decide)


def _decide(arguments):
    from ..basis import overrides
    from ..jobs import deciding

    held_out = held_out_overrides(arguments, deciding.OWNER)
    overrides.check(arguments.override)
    with interrupts.working():
        deciding.run(
            deciding.Asked(
                folder=arguments.run,
                overrides=[*arguments.override, *held_out],
                recalls=arguments.recall,
                costs=arguments.costs,
                not_sure_below=arguments.not_sure_below,
                is_validation=arguments.eval_is_validation,
                exact=arguments.on_held_out,
                command=arguments.command_line,
            ),
            lambda text: print(text, flush=True),
        )
    return 0
