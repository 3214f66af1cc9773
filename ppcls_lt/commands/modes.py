"""The commands ``train``, ``eval``, ``infer`` and ``export``: what PaddleClas's own scripts of these names do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..basis.checks import described, fail
from ..reports.parts.names import LANGUAGES
from . import interrupts
from .scripts import run_script

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_STOCK_SCRIPTS = {
    "train": "train.py",
    "eval": "eval.py",
    "infer": "infer.py",
    "export": "export_model.py",
}
_SUMMARY = {
    "train": "train a model",
    "eval": "evaluate a trained model",
    "infer": "predict images",
    "export": "export a trained model for inference",
}


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the four commands to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    for mode, summary in _SUMMARY.items():
        command = commands.add_parser(mode, help=summary, description=f"PaddleClas: {summary}.")
        command.add_argument(
            "-c", "--config", required=mode == "train", help="YAML file, or one of the packaged configs"
        )
        command.add_argument("-o", "--override", action="append", default=[], help="key=value, repeatable")
        command.add_argument("-p", "--profiler_options", default=None, help="as in PaddleClas's own scripts")
        command.add_argument("--recipe", help="a recipe's name or YAML file, see `ppcls-lt recipes`")
        command.add_argument(
            "--allow-new", action="store_true", help="take unknown keys that look like a slip as they are"
        )
        if mode != "train":
            command.add_argument(
                "--run",
                metavar="FOLDER",
                help="a training's output folder: its configuration and its best weights, without -c; -o goes on top",
            )
            command.add_argument(
                "--untrained", action="store_true", help=f"{mode} a model, or parts of it, as initialised"
            )
        if mode == "export":
            command.add_argument(
                "--serving",
                action="store_true",
                help="write beside the model what a service needs: names, preprocessing, decision, adjustment",
            )
        if mode == "train":
            command.add_argument(
                "--resume", action="store_true", help="go on from the newest whole checkpoint of output_dir, if any"
            )
            command.add_argument(
                "--overwrite", action="store_true", help="replace the checkpoints of another training in output_dir"
            )
            command.add_argument(
                "--extend-to", metavar="EPOCHS", help="go on with the run of output_dir for longer, to so many epochs"
            )
            command.add_argument(
                "--extend-schedule",
                choices=("stretch", "restart"),
                help="the learning rate's schedule becomes that of a run of so many epochs (default), or begins anew",
            )
            command.add_argument(
                "--report",
                nargs="?",
                const="en",
                choices=LANGUAGES,
                help="write a report at the end, English or Chinese, see `ppcls-lt report`",
            )
        command.set_defaults(command=_engine)


def asked(arguments: argparse.Namespace) -> tuple[Path, list[str]]:
    """Return what a command line asks for: the YAML file and everything that goes on top, as ``-o`` has it.

    Args:
        arguments (argparse.Namespace): with those of the flags above that the command has.

    Raises:
        ConfigError: there is no such file, or none is named.
    """
    from ..basis.overrides import check
    from ..configuration import finished_run
    from ..configuration import reading as config

    check(arguments.override)
    overrides = list(arguments.override)
    if getattr(arguments, "run", None) is not None:
        overrides.append(f"Global.run={arguments.run!r}")
    if arguments.allow_new:
        overrides.append("Global.allow_new=True")
    if getattr(arguments, "untrained", False):
        overrides.append("Global.untrained=True")
    if arguments.config is not None:
        path = config.find(arguments.config)
    elif finished_run.named(overrides) is not None:
        path = finished_run.find(finished_run.named(overrides)).config  # type: ignore[arg-type]  # a folder
    else:
        fail(f"ppcls-lt {arguments.name}", "-c", "given, or `--run FOLDER` of a training", described("neither"))
    if arguments.recipe is not None:
        from ..configuration import replaced

        taken = replaced.named_before(arguments.recipe, path, overrides)
        if taken is not None:
            print(f"ppcls-lt {arguments.name}: {taken}", file=sys.stderr, flush=True)
        # In quotes, since a recipe's name is text whatever it looks like.
        overrides.append(f"Global.recipe={arguments.recipe!r}")
    for flag in ("resume", "overwrite", "serving"):
        if getattr(arguments, flag, False):
            overrides.append(f"Global.{flag}=True")
    for option in ("report", "extend_to", "extend_schedule"):
        if getattr(arguments, option, None) is not None:
            overrides.append(f"Global.{option}={getattr(arguments, option)}")
    return path, overrides


def _engine(arguments):
    """train, eval, infer, export: the checkout's own script, or what it does where there is none."""
    mode = arguments.name
    path, overrides = asked(arguments)
    from .. import host
    from ..engine import trainer

    trainer.register()
    stock = host.checkout() / "tools" / _STOCK_SCRIPTS[mode]
    if stock.is_file():
        flags = ["-c", str(path), *(part for o in overrides for part in ("-o", o))]
        if arguments.profiler_options is not None:
            flags += ["-p", arguments.profiler_options]
        return run_script(stock, flags, arguments.way_on)
    with interrupts.ending(arguments.way_on):
        trainer.run_engine(mode, path, overrides, arguments.profiler_options)
    return 0
