"""The command ``report``. It imports no Paddle; NumPy is imported once the command is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..reports.parts.names import LANGUAGES
from .list_options import add_group_options, thresholds

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "report",
        help="write a report of a run: one HTML page, pictures, tables",
        description="Write a report of a run: one HTML page that needs no other file, its pictures and its tables.",
    )
    command.add_argument("folder", metavar="OUTPUT_DIR", help="the run's Global.output_dir, or the folder of its log")
    command.add_argument("--out", metavar="DIR", help="where to write (OUTPUT_DIR)")
    command.add_argument("--language", choices=LANGUAGES, default="en", help="English (default) or Chinese")
    command.add_argument(
        "--of",
        choices=("train", "eval"),
        help="report on the training or on the last `ppcls-lt eval`; by default on the training if it was evaluated",
    )
    command.add_argument("--names", metavar="FILE", help="names of the classes, lines `class name`")
    add_group_options(command)
    command.set_defaults(command=_report, groups=None)


def _report(arguments):
    from ..reports.run import writing

    owner = "ppcls-lt report"
    # Without any, those of the run.
    given = (arguments.many, arguments.few, arguments.groups) != (None, None, None)
    print(
        writing.write(
            arguments.folder,
            arguments.out,
            language=arguments.language,
            mode=arguments.of,
            thresholds=thresholds(arguments, owner) if given else None,
            names=arguments.names,
            owner=owner,
        )
    )
    return 0
