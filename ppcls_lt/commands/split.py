"""The command ``split``: training and validation parts of a list. Nothing heavy is imported before it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..basis.checks import some
from .describing import missing, say
from .list_options import add_list_command, add_seed_and_force, delimiter, flag

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = add_list_command(
        commands,
        "split",
        _split,
        "split a training list into training and validation",
        "Split a training list, class by class, into training and validation. Lines are kept as they are, in their "
        "order; lines with the same image stay together.",
    )
    command.add_argument("--val-fraction", type=float, required=True, metavar="F", help="share for validation, as 0.1")
    command.add_argument("--train-out", required=True, metavar="FILE", help="the training list to write")
    command.add_argument("--val-out", required=True, metavar="FILE", help="the validation list to write")
    command.add_argument(
        "--allow-missing", action="store_true", help="leave a class with a single image out of the validation list"
    )
    add_seed_and_force(command)


def _split(arguments):
    from ..data import class_names, list_files, splits

    owner = "ppcls-lt split"
    writing = {"owner": owner, "inputs": [arguments.list], "force": arguments.force}
    list_files.check_outputs({"--train-out": arguments.train_out, "--val-out": arguments.val_out}, **writing)
    data = list_files.read_label_list(arguments.list, owner=owner, delimiter=delimiter(arguments, owner))
    class_called = class_names.called(class_names.of_list(arguments.list, arguments.names))
    train, val = splits.stratified_split(
        data.labels,
        fraction=arguments.val_fraction,
        images=data.images,
        seed=arguments.seed,
        allow_missing=arguments.allow_missing,
        owner=owner,
        name="LIST",
        called=lambda name: flag("val_fraction" if name == "fraction" else name),
        class_called=class_called,
    )
    contents = {
        "--train-out": (arguments.train_out, list_files.joined(data.lines, train)),
        "--val-out": (arguments.val_out, list_files.joined(data.lines, val)),
    }
    list_files.write_files(contents, **writing)
    say(_parts(data, {arguments.train_out: train, arguments.val_out: val}, class_called))
    return 0


def _parts(data, parts, class_called):
    """Yield the lines that describe a split, ``{path: positions}``, training first."""
    import numpy as np

    from ..data import list_files
    from ..data.counts import images_per_class

    counts = [images_per_class(data.labels[chosen], data.counts.size) for chosen in parts.values()]
    for path, part in zip(parts, counts):
        filled = part[part > 0]
        span = " to ".join(str(n) for n in sorted({filled.min(), filled.max()}))
        yield f"{path}: {some(part.sum(), 'image')} of {some(filled.size, 'class')}, {span} a class"
    repeated = len(data.images) - len(set(data.images))
    if repeated:
        yield f"repeated images, all on one side: {some(repeated, 'further line')}"
    only_train = np.flatnonzero((counts[0] > 0) & (counts[1] == 0))
    if only_train.size:
        yield f"only in training, for lack of a second image: {list_files.listed_classes(only_train, class_called)}"
    yield from missing(data.counts, class_called)
