"""The console command ``ppcls-lt``.

Nothing but the standard library is imported before a command is chosen.
"""

import argparse
import os
import runpy
import shlex
import signal
import sys
import warnings
from pathlib import Path

from .. import __version__
from ..basis.checks import ConfigError, described, fail, sought
from . import compare as compare_command
from . import interrupts
from . import parser as command_parser
from . import report as report_command
from .lists import add_commands

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


def main(argv=None):
    """Run one command; return the exit status, 2 for a mistake of the user's."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser, commands = _parser()
    if not argv:
        parser.print_help()
        return 2
    arguments = command_parser.parse(parser, commands, argv)
    arguments.command_line = shlex.join(["ppcls-lt", *argv])
    arguments.way_on = interrupts.way_on(arguments.name, argv)
    # Of Paddle 3, when it is imported: nothing here compiles anything.
    warnings.filterwarnings("ignore", message="No ccache found")
    try:
        status = arguments.command(arguments)
        sys.stdout.flush()
        return status
    except ConfigError as error:
        print(f"ppcls-lt: error: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        if error.name != "paddle":
            raise
        print(
            "ppcls-lt: error: PaddlePaddle is not installed; install paddlepaddle (CPU) or a paddlepaddle-gpu "
            "build, see README.md",
            file=sys.stderr,
        )
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; nothing more can be written, at the end of the process either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        interrupts.leave(arguments.way_on, 128 + signal.SIGINT)
    return 2


def _parser():
    """The parser of the whole command line, and that of each command by its name."""
    parser = command_parser.Parser(prog="ppcls-lt", description="Long-tailed image classification for PaddleClas.")
    parser.add_argument("--version", action="version", version=f"ppcls-lt {__version__}")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
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
                choices=report_command.LANGUAGES,
                help="write a report at the end, English or Chinese, see `ppcls-lt report`",
            )
        command.set_defaults(command=_engine)
    listing = commands.add_parser("recipes", help="list the recipes", description="List the packaged recipes.")
    listing.set_defaults(command=_recipes)
    run = commands.add_parser(
        "run",
        help="run a script of a PaddleClas checkout with everything registered",
        description="Run an unchanged script of a PaddleClas checkout, with its own flags behind it.",
    )
    run.add_argument("script", help="for example PaddleClas/tools/train.py")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own flags")
    run.set_defaults(command=_run)
    add_commands(commands)
    report_command.add_command(commands)
    compare_command.add_command(commands)
    return parser, commands.choices


def _engine(arguments):
    """train, eval, infer, export: the checkout's own script, or what it does where there is none."""
    mode = arguments.name
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
        path = finished_run.find(finished_run.named(overrides)).config
    else:
        fail(f"ppcls-lt {mode}", "-c", "given, or `--run FOLDER` of a training", described("neither"))
    if arguments.recipe is not None:
        # In quotes, since a recipe's name is text whatever it looks like.
        overrides.append(f"Global.recipe={arguments.recipe!r}")
    for flag in ("resume", "overwrite"):
        if getattr(arguments, flag, False):
            overrides.append(f"Global.{flag}=True")
    for option in ("report", "extend_to", "extend_schedule"):
        if getattr(arguments, option, None) is not None:
            overrides.append(f"Global.{option}={getattr(arguments, option)}")
    from .. import host
    from ..engine import trainer

    trainer.register()
    stock = host.checkout() / "tools" / _STOCK_SCRIPTS[mode]
    if stock.is_file():
        flags = ["-c", str(path), *(part for o in overrides for part in ("-o", o))]
        if arguments.profiler_options is not None:
            flags += ["-p", arguments.profiler_options]
        return _run_script(stock, flags, arguments.way_on)
    with interrupts.ending(arguments.way_on):
        trainer.run_engine(mode, path, overrides, arguments.profiler_options)
    return 0


def _recipes(arguments):
    """recipes: every packaged recipe with a line and its paper."""
    from ..configuration import recipes

    for name in recipes.names():
        recipe = recipes.load(name)
        print(f"{name:<17} {recipe['summary']}\n{'':<17} {recipe['source']}")
    return 0


def _run(arguments):
    """run: a stock script, after everything is registered; its checkout comes first."""
    script = Path(arguments.script)
    if not script.is_file():
        fail("ppcls-lt run", "script", "a file", sought(arguments.script))
    root = next((folder for folder in script.resolve().parents if (folder / "ppcls").is_dir()), None)
    from ..engine import trainer

    trainer.register(root=root)
    return _run_script(script, _with_config_found(arguments.arguments), arguments.way_on)


def _with_config_found(flags):
    """Let ``-c`` of a stock script name a packaged config too."""
    from ..configuration import reading as config

    flags = list(flags)
    for index, flag in enumerate(flags[:-1]):
        if flag in ("-c", "--config"):
            flags[index + 1] = str(config.find(flags[index + 1]))
    return flags


def _run_script(script, flags, way_on):
    """Run a Python file as ``python script flags`` would, in this process."""
    script = os.path.abspath(script)
    sys.argv = [script, *flags]
    sys.path.insert(0, os.path.dirname(script))
    with interrupts.ending(way_on):
        runpy.run_path(script, run_name="__main__")
    return 0
