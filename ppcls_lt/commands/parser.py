"""Reading the command line: a slip is answered with the command's own usage and the nearest name."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from ..basis import checks


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that knows its flags, and takes none by its beginning alone.

    Attributes:
        flags (list of str): all of them.
        switches (list of str): those that take no value.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.flags: list[str] = []
        self.switches: list[str] = []
        super().__init__(*args, allow_abbrev=False, **kwargs)  # type: ignore[misc]  # nobody else gives it

    def add_argument(self, *names: str, **kwargs: Any) -> argparse.Action:
        self.flags += [name for name in names if name.startswith("-")]
        action = super().add_argument(*names, **kwargs)
        self.switches += [name for name in names if action.nargs == 0]
        return action


def parse(parser: Parser, commands: Mapping[str, Parser], argv: Sequence[str]) -> argparse.Namespace:
    """Parse ``argv`` or end the process with status 2.

    Args:
        parser (Parser): the whole command's.
        commands (dict): name -> the ``Parser`` of each command.
        argv (list of str): without the program's name, not empty.

    Returns:
        The namespace.
    """
    name = argv[0]
    if not name.startswith("-") and name not in commands:
        parser.error(f"unknown command {name!r}{checks.suggestion(name, commands)}; the commands are listed by --help")
    command = commands.get(name, parser)
    # What stands behind the script of `run` is for the script.
    for argument in argv if name != "run" else []:
        if argument == "--":
            break
        flag = argument.partition("=")[0]
        # Before argparse would complain of what the misspelt flag was to give.
        if flag.startswith("--") and flag not in command.flags:
            command.error(f"unknown flag {flag}{_nearest(flag, command.flags)}")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        command.error(f"unknown argument {unknown[0]!r}")
    if getattr(arguments, "out", None) == "":
        command.error("argument --out: must be a path, got ''")
    return arguments


def _nearest(flag, flags):
    """The suggestion for a long flag; the dashes, which all have, do not make it alike."""
    return checks.suggestion(flag[2:], [known[2:] for known in flags if known.startswith("--")]).replace("'", "'--", 1)
