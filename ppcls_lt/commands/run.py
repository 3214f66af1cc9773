"""The command ``run``: an unchanged script of a PaddleClas checkout."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..basis.checks import fail, sought
from .scripts import run_script


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    run = commands.add_parser(
        "run",
        help="run a script of a PaddleClas checkout with everything registered",
        description="Run an unchanged script of a PaddleClas checkout, with its own flags behind it.",
    )
    run.add_argument("script", help="for example PaddleClas/tools/train.py")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own flags")
    run.set_defaults(command=_run)


def _run(arguments):
    """run: a stock script, after everything is registered; its checkout comes first."""
    script = Path(arguments.script)
    if not script.is_file():
        fail("ppcls-lt run", "script", "a file", sought(arguments.script))
    root = next((folder for folder in script.resolve().parents if (folder / "ppcls").is_dir()), None)
    from ..engine import trainer

    trainer.register(root=root)
    return run_script(script, _with_config_found(arguments.arguments), arguments.way_on)


def _with_config_found(flags):
    """Let ``-c`` of a stock script name a packaged config too."""
    from ..configuration import reading as config

    flags = list(flags)
    for index, flag in enumerate(flags[:-1]):
        if flag in ("-c", "--config"):
            flags[index + 1] = str(config.find(flags[index + 1]))
    return flags
