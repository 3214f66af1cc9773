"""The command ``paddlex``: PaddleX's image classification, trained, evaluated and exported with everything here."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..basis import checks
from . import interrupts, paddlex_process

_OWNER = "ppcls-lt paddlex"
_PAGE = "see docs/paddlex.md"
# Global.mode -> the section of PaddleX's configuration that may say more of PaddleClas's.
_SECTIONS = {"train": "Train", "evaluate": "Evaluate", "export": "Export"}
_MODES = ("check_dataset", *_SECTIONS, "predict")
_FLAGS = {"resume": "Global.resume", "overwrite": "Global.overwrite"}


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "paddlex",
        help="PaddleX 3's image classification with everything registered",
        description="What PaddleX's main.py does for image classification, with everything registered in PaddleClas. "
        "-o Train.recipe=NAME trains with a recipe; what stands under Train.paddleclas, Evaluate.paddleclas and "
        "Export.paddleclas goes on top of PaddleClas's configuration. Nothing in PaddleX's folder is changed.",
    )
    command.add_argument("-c", "--config", required=True, help="PaddleX's YAML file, or a model's name for its own")
    command.add_argument("-o", "--override", action="append", default=[], help="key=value, repeatable, as in PaddleX")
    command.add_argument("-p", "--profiler_options", default=None, help="as in PaddleX")
    command.add_argument("--main", metavar="FILE", help="main.py of a clone of PaddleX, instead of the one installed")
    command.add_argument("--recipe", help="a recipe's name or YAML file, as -o Train.recipe=NAME")
    command.add_argument("--resume", action="store_true", help="go on from the newest whole checkpoint, if any")
    command.add_argument("--overwrite", action="store_true", help="replace the checkpoints of another training")
    command.set_defaults(command=_run)


def _run(arguments):
    """paddlex: its Engine, with this package's functions in the place of some of its own."""
    _check_overrides(arguments.override)
    main = None
    if arguments.main is not None:
        main = Path(checks.regular_file(_OWNER, "--main", arguments.main)).resolve()
        sys.path.insert(0, str(main.parent))
    package = _imported()
    path = _config_file(arguments.config, package)
    from paddlex.utils.config import get_config

    config = get_config(str(path), overrides=arguments.override)
    job = _job(config, arguments)
    if job.mode in _SECTIONS:
        if not paddlex_process.is_ready():
            got = checks.described(f"{Path(package.__file__).parent} without it")
            checks.fail(_OWNER, "PaddleX", "one with its copy of PaddleClas", got, "run `paddlex --install PaddleClas`")
        paddlex_process.prepare(job)
    sys.argv = [
        str(main or "main.py"),
        "-c",
        str(path),
        *(part for each in arguments.override for part in ("-o", each)),
    ]
    if arguments.profiler_options is not None:
        sys.argv += ["-p", arguments.profiler_options]
    way_on = arguments.way_on if job.mode == "train" else None
    if way_on is not None:
        os.environ[interrupts.WAY_ON] = way_on
    with interrupts.ending(way_on):
        if main is not None:
            runpy.run_path(str(main), run_name="__main__")
        else:
            from paddlex.engine import Engine

            Engine().run()
    return 0


def _check_overrides(overrides):
    """PaddleX stops with a failed assertion where one is not of its form."""
    for override in overrides:
        if override.count("=") != 1 or override.startswith("="):
            got = checks.described(repr(override))
            checks.fail(_OWNER, "-o", "KEY=VALUE with one `=`, as PaddleX reads it", got, "put others into the file")


def _imported():
    try:
        import paddlex

        return paddlex
    except ModuleNotFoundError as error:
        if error.name != "paddlex":
            raise
        got = checks.described("none")
        checks.fail(_OWNER, "PaddleX", "installed, or `--main` given for a clone", got, _PAGE)


def _config_file(given, package):
    """The file, or that of a model of this name in the package."""
    if os.path.isfile(given):
        return Path(given)
    folder = Path(package.__file__).parent / "configs" / "modules" / "image_classification"
    known = {path.stem: path for path in folder.glob("*.yaml")}
    if given not in known:
        expected = f"a file, or the name of a model of PaddleX's{checks.suggestion(given, known)}"
        checks.fail(_OWNER, "-c", expected, checks.sought(given))
    return known[given]


def _job(config: Any, arguments: argparse.Namespace) -> paddlex_process.Job:
    """What a configuration of PaddleX and the flags ask for.

    Raises:
        ConfigError: it is not of image classification, names an unknown recipe, or says more where nothing reads it.
    """
    settings = config.get("Global")
    if not isinstance(settings, dict):
        checks.fail(_OWNER, "Global", "a section of PaddleX's configuration", settings)
    mode = checks.choice(_OWNER, "Global.mode", settings.get("mode"), _MODES)
    from paddlex.modules.image_classification.model_list import MODELS

    if settings.get("model") not in MODELS:
        expected = f"a model of PaddleX's image classification{checks.suggestion(settings.get('model'), MODELS)}"
        checks.fail(_OWNER, "Global.model", expected, settings.get("model"), "others are started by PaddleX alone")
    overrides = []
    for name, section in config.items():
        own = isinstance(section, dict) and {"recipe", "paddleclas"}.intersection(section)
        if own and name not in _SECTIONS.values():
            key = sorted(own)[0]
            checks.fail(_OWNER, f"{name}.{key}", "left out; Train, Evaluate and Export take it", section[key])
    section = config.get(_SECTIONS.get(mode)) or {}
    recipe = asked_recipe(section.get("recipe"), arguments.recipe)
    if recipe is not None:
        overrides.append(f"Global.recipe={_checked_recipe(recipe, mode)!r}")
    more = section.get("paddleclas") or {}
    if not isinstance(more, dict):
        checks.fail(_OWNER, f"{_SECTIONS[mode]}.paddleclas", "a map, laid over PaddleClas's configuration", more)
    overrides += [f"{key}={value!r}" for key, value in _leaves(more)]
    for flag, key in _FLAGS.items():
        if getattr(arguments, flag):
            if mode != "train":
                checks.fail(_OWNER, f"--{flag}", "used with Global.mode train", checks.described(mode))
            overrides.append(f"{key}=True")
    return paddlex_process.Job(mode, str(settings.get("output")), tuple(overrides))


def asked_recipe(named: str | None, flag: str | None) -> str | None:
    """Return the recipe of the flag, else of the configuration; that the one takes the place of the other is said."""
    if flag is not None and named is not None and flag != named:
        print(f"{_OWNER}: --recipe {flag} takes the place of Train.recipe: {named}", file=sys.stderr, flush=True)
    return named if flag is None else flag


def _checked_recipe(recipe, mode):
    """The recipe, its files by their whole paths: PaddleClas is started in a folder of its own."""
    from ..configuration import recipes

    if mode != "train":
        must = "left out with another Global.mode than train; an evaluation and an export find that of the training"
        checks.fail(_OWNER, "recipe", must, recipe)
    asked = recipes.read(recipe).asked
    return "+".join(each if each in recipes.known() else os.path.abspath(each) for each in asked)


def _leaves(section: Mapping, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``(path, value)`` of everything in a map that is no map."""
    for key, value in section.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
