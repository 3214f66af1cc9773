"""The console command ``ppcls-lt``.

Nothing but the standard library is imported before a command is chosen.
"""

from __future__ import annotations

import io
import os
import shlex
import signal
import sys
import warnings
from collections.abc import Sequence

from .. import __version__
from ..basis.checks import ConfigError
from . import (
    adjust,
    audit,
    check,
    compare,
    counts,
    decide,
    folders,
    interrupts,
    lists,
    make_lt,
    modes,
    paddlex,
    predict,
    recipes,
    report,
    run,
    split,
)
from . import parser as command_parser

NO_PADDLE = "PaddlePaddle is not installed; install paddlepaddle (CPU) or a paddlepaddle-gpu build, see README.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status, 2 for a mistake of the user's."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser, commands = make_parser(command_parser.Parser)
    if not argv:
        parser.print_help()
        return 2
    arguments = command_parser.parse(parser, commands, argv)
    arguments.command_line = shlex.join(["ppcls-lt", *argv])
    arguments.way_on = interrupts.way_on(arguments.name, argv)
    # Of Paddle 3, when it is imported: nothing here compiles anything.
    warnings.filterwarnings("ignore", message="No ccache found")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that an old console cannot show ends nothing
    try:
        with interrupts.starting(arguments.way_on):
            status = arguments.command(arguments)
        sys.stdout.flush()
        return status
    except ConfigError as error:
        for line in str(error).splitlines():
            print(f"ppcls-lt: error: {line}", file=sys.stderr)
    except ModuleNotFoundError as error:
        if error.name != "paddle":
            raise
        print(f"ppcls-lt: error: {NO_PADDLE}", file=sys.stderr)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; nothing more can be written, at the end of the process either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt as interrupt:
        interrupts.leave(arguments.way_on, interrupts.status(interrupt))
    return 2


def make_parser(kind: type[command_parser.Parser]) -> tuple[command_parser.Parser, dict]:
    """Return the parser of the whole command line, and name -> that of each command; all are of one kind."""
    parser = kind(prog="ppcls-lt", description="Long-tailed image classification for PaddleClas.")
    parser.add_argument("--version", action="version", version=f"ppcls-lt {__version__}")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    modes.add_commands(commands)
    data = (lists, folders, audit, counts, make_lt, split)
    for command in (*data, check, recipes, run, report, compare, adjust, decide, predict, paddlex):
        command.add_command(commands)
    return parser, commands.choices
