"""The command ``check``: every mistake in a configuration, and what it would do, in seconds; it trains nothing."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

from .describing import say
from .modes import asked

if TYPE_CHECKING:
    import argparse

_MODES = ("train", "eval", "infer", "export")


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "check",
        help="say everything that is wrong with a configuration, and what it would do",
        description="Say everything that is wrong with a configuration, and what it comes to: each stage's own "
        "configuration, images per class, class weights, what would be written where. Builds no model, trains "
        "nothing, writes nothing. The exit status is 2 where something is wrong.",
    )
    command.add_argument("-c", "--config", help="YAML file, or one of the packaged configs")
    command.add_argument("-o", "--override", action="append", default=[], help="key=value, repeatable")
    command.add_argument("--recipe", help="a recipe's name or YAML file, see `ppcls-lt recipes`")
    command.add_argument("--run", metavar="FOLDER", help="a training's output folder, as `eval` and its like take it")
    command.add_argument("--mode", choices=_MODES, default="train", help="what is to be done with it (train)")
    command.add_argument("--allow-new", action="store_true", help="take unknown keys that look like a slip as they are")
    command.add_argument("--untrained", action="store_true", help="as `eval` and its like take it")
    command.add_argument("--format", choices=("text", "json"), default="text", help="of what is printed (text)")
    command.set_defaults(command=_check)


def _check(arguments):
    with contextlib.redirect_stdout(sys.stderr):  # the log, which PaddleClas writes to the standard output
        seen = _look(arguments)
    say([json.dumps(seen, ensure_ascii=False)] if arguments.format == "json" else _lines(seen))
    return 2 if seen["findings"] else 0


def _look(arguments):
    from ..basis.findings import ConfigError
    from ..engine import preview, trainer

    trainer.register()
    try:
        from .. import host

        path, overrides = asked(arguments)
        config = host.load_config(path, overrides)
    except ConfigError as error:  # of the file or of an override
        return preview.unreadable(error, arguments.mode)
    return preview.look(config, arguments.mode)


def _lines(seen):
    """Yield what is known of a configuration, for a reader."""
    import numpy as np

    from ..configuration import named_classes
    from ..engine.announcements import data, images, spread

    for number, stage in enumerate(seen["stages"], 1):
        yield f"stage {number} of {len(seen['stages'])}" if len(seen["stages"]) > 1 else seen["mode"]
        yield f"device: {stage['device']}"
        called = named_classes.called(stage["configuration"])
        counts = None if stage["counts"] is None else np.asarray(stage["counts"])
        if counts is not None and counts.any():
            # Of wrong parameters no groups can be made.
            yield images(counts, {}, called=called) if seen["findings"] else data(stage["configuration"], counts)
        for weights in stage["class_weights"]:
            since = f" from epoch {weights['epoch']} on" if weights["epoch"] > 1 else ""
            yield f"class weights of {weights['path']}{since}: {spread(np.asarray(weights['values']), called=called)}"
        for shares in stage["class_shares"]:
            drawn = spread(np.asarray(shares["values"]), called=called)
            yield f"share of a class in the draws of {shares['path']}, epoch {shares['epoch']}: {drawn}"
        if stage["writes"]:
            yield "would be written:"
            width = max(len(entry["what"]) for entry in stage["writes"])
            yield from (f"  {entry['what']:<{width}}  {entry['path']}" for entry in stage["writes"])
        yield "configuration:"
        yield from (f"  {line}" for line in _yaml(stage["configuration"]).splitlines())
        yield ""
    if seen["unread"]:
        yield f"keys that nothing reads: {', '.join(seen['unread'])}"
    if seen["begins"] is not None:
        yield f"begins: {seen['begins']}"
    for finding in seen["findings"]:
        yield f"error: {finding['text']}"
    number = len(seen["findings"])
    yield f"{number} mistake{'' if number == 1 else 's'}" if number else "nothing is wrong"


def _yaml(config):
    import yaml

    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
