"""The command ``lists``: lists, names, a configuration of a folder. Nothing heavy is imported before it is chosen."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, NamedTuple

from ..basis.checks import described, fail, integer, number
from .describing import say, some
from .list_options import add_seed_and_force, delimiter

if TYPE_CHECKING:
    import argparse

_OWNER = "ppcls-lt lists"
_ARCH, _SIZE, _EPOCHS = "PPLCNet_x1_0", 224, 30
_CONFIG = "train.yaml"
_ROWS = 40  # classes of the table; of more, the largest and the smallest
_ENDS = 10
_NAME = 30  # columns of a name


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "lists",
        help="make label lists and a configuration from a folder of images",
        description="Make training, validation and test lists, the names of the classes and a configuration that "
        "trains, from a folder of class folders, a folder of lists (PaddleX, EasyDL), or a CSV file with a header.",
    )
    command.add_argument("source", metavar="SOURCE", help="a folder, or a CSV file with a header")
    command.add_argument("--out", default="lists", metavar="DIR", help="the folder to write into (lists)")
    for flag, default, what in (("val", 0.1, "validation"), ("test", 0.2, "test")):
        command.add_argument(
            f"--{flag}-fraction",
            type=float,
            default=default,
            metavar="F",
            help=f"share of the {what} list ({default}); 0 makes none; not used where SOURCE has one",
        )
    command.add_argument("--resplit", action="store_true", help="draw all lists anew, whatever SOURCE says")
    command.add_argument(
        "--group-pattern", metavar="REGEX", help="what it finds in the paths of images keeps them together"
    )
    for role, what in (
        ("group", "what keeps its images together, as patient"),
        ("image", "paths"),
        ("label", "classes"),
        ("part", "train, val or test"),
    ):
        command.add_argument(f"--{role}-column", metavar="NAME", help=f"of a CSV file: the column of {what}")
    command.add_argument(
        "--delimiter", metavar="D", help=r"of lists and CSV files, by default what is found; \t is a tab"
    )
    command.add_argument(
        "--names", metavar="FILE", help="names of the classes of lists and CSV files, lines `class name`"
    )
    command.add_argument("--image-root", metavar="DIR", help="what paths in lists and CSV files are relative to")
    command.add_argument("--skip-missing", action="store_true", help="leave out images of lists that are not there")
    command.add_argument("--allow-missing", action="store_true", help="accept classes that a list has no image of")
    command.add_argument("--arch", metavar="NAME", help=f"the architecture to train ({_ARCH})")
    command.add_argument("--image-size", type=int, metavar="N", help=f"pixels of a side ({_SIZE})")
    command.add_argument("--epochs", type=int, metavar="N", help=f"of the training ({_EPOCHS})")
    command.add_argument(
        "--pretrained", metavar="PATH", help="weights to begin with, or `true`: PaddleClas downloads them"
    )
    command.add_argument("--base", metavar="YAML", help="a configuration of PaddleClas to put the lists into")
    add_seed_and_force(command)
    command.set_defaults(command=_lists)


class Made(NamedTuple):
    """What the command writes.

    Attributes:
        lists (dict): ``train``, ``val``, ``test``, ``label`` -> ``(path, bytes)``, of those that there are.
        config (dict): the configuration, which has been seen to fit the host.
        path (str): where it goes.
        told (list of str): what was found, a line each, and the table of it.
        stale (list of str): lists of an earlier call in that folder, which there are none of now.
    """

    lists: dict
    config: dict
    path: str
    told: list
    stale: list


def make(arguments: argparse.Namespace) -> Made:
    """Read a source and make lists and a configuration of it; nothing is written.

    Args:
        arguments (argparse.Namespace): of the command.

    Raises:
        ConfigError: what is wrong with the source or the arguments.
    """
    from ..data import class_names, list_files
    from ..data.sources import arranging, reading, written
    from ..data.sources.images import PARTS

    fractions = _fractions(arguments)
    for name in ("image_size", "epochs"):
        if getattr(arguments, name) is not None:
            integer(_OWNER, "--" + name.replace("_", "-"), getattr(arguments, name), minimum=1)
    integer(_OWNER, "--seed", arguments.seed, minimum=0)
    if arguments.group_pattern is not None and arguments.group_column is not None:
        fail(_OWNER, "--group-pattern", "left out with --group-column", arguments.group_pattern)
    _check_out(arguments)
    kind, root, found = reading.read(
        arguments.source,
        _OWNER,
        image_root=arguments.image_root,
        names=arguments.names,
        delimiter=delimiter(arguments, _OWNER),
        columns={role: getattr(arguments, f"{role}_column") for role in ("image", "label", "part", "group")},
        skip_missing=arguments.skip_missing,
    )
    if arguments.group_pattern is not None:
        found = arranging.by_pattern(found, arguments.group_pattern, _OWNER)
    arranged = arranging.arrange(
        found,
        fractions,
        _OWNER,
        seed=arguments.seed,
        anew=arguments.resplit,
        allow_missing=arguments.allow_missing,
    )
    written.check_names(arranged.names, _OWNER)
    separator = written.delimiter_for(arranged.images, _OWNER)
    lists = written.lists(arranged, separator)
    if not set(lists) & {"val", "test"}:
        fail(_OWNER, "--val-fraction", "above 0 where there is no test list either", arguments.val_fraction)
    paths = {part: os.path.join(arguments.out, f"{part}.txt") for part in lists}
    names, config = (os.path.join(arguments.out, file) for file in (class_names.FILE, _CONFIG))
    outputs = {**paths, "label": names, "config": config}
    writing = {"owner": _OWNER, "force": arguments.force}
    stale = [os.path.join(arguments.out, f"{part}.txt") for part in PARTS if part not in lists]
    stale = [path for path in stale if os.path.isfile(path)]
    if os.path.isdir(arguments.out):
        list_files.check_outputs({path: path for path in [*outputs.values(), *stale]}, **writing)
    config = _configuration(arguments, arranged, root, paths, names, separator)
    contents = {part: (path, lists[part]) for part, path in paths.items()}
    contents["label"] = (names, class_names.text(arranged.names))
    total = some(len(arranged.images), "image")
    found = f"{arguments.source}: {kind}, {total} of {some(len(arranged.names), 'class')}"
    return Made(contents, config, outputs["config"], [found, *arranged.told, "", *_table(arranged)], stale)


def _lists(arguments):
    from ..basis import disk
    from ..data import list_files
    from ..runs import files

    made = make(arguments)
    text = files.made_text(made.config, arguments.command_line)
    with disk.writing(arguments.out, _OWNER, "--out"):
        os.makedirs(arguments.out, exist_ok=True)
    contents = {path: (path, data) for path, data in [*made.lists.values(), (made.path, text.encode())]}
    list_files.write_files(contents, owner=_OWNER, force=arguments.force)
    with disk.writing(arguments.out, _OWNER, "--out"):
        for path in made.stale:  # their images may train now
            os.remove(path)
    say(_told(arguments, made))
    return 0


def _check_out(arguments):
    """Raise where what is written would lie among the images, or could not be written."""
    from ..data.sources import listed

    source, out = map(os.path.realpath, (arguments.source, arguments.out))
    inside = os.path.isdir(source) and os.path.commonpath([source, out]) == source
    if inside and (source == out or not listed.is_there(source)):
        beside = os.path.join(os.path.dirname(source), "lists")
        expected = "a folder outside of SOURCE, where what is written would be taken for images of a class"
        fail(_OWNER, "--out", expected, arguments.out, f"`--out {shlex.quote(os.path.relpath(beside))}` lies beside it")
    above = out
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if not os.path.isdir(above):
        fail(_OWNER, "--out", "a folder", described(f"{arguments.out}, and {above} is a file"))


def _fractions(arguments):
    fractions = {part: getattr(arguments, f"{part}_fraction") for part in ("val", "test")}
    for part, share in fractions.items():
        number(_OWNER, f"--{part}-fraction", share, minimum=0, below=1)
    if sum(fractions.values()) >= 1:
        got = described(f"{fractions['val']:g} and {fractions['test']:g}")
        fail(_OWNER, "--val-fraction", "below 1 together with --test-fraction", got)
    return fractions


def _configuration(arguments, arranged, root, paths, names, separator):
    """The configuration, which has been seen to fit the host."""
    from ..engine import trainer

    trainer.register()
    from .. import host
    from ..configuration import reading, starting
    from ..data.sources import written
    from ..engine import starting_check

    spaced = next((image for image in arranged.images if " " in image), arranged.images[0])
    data = starting.Data(
        root=root,
        lists=paths,
        names=names,
        delimiter=separator,
        class_num=len(arranged.names),
        images=int(arranged.counts("train").sum()),
        example=os.path.join(root, written.to_predict(arranged.images)),
    )
    pretrained = True if str(arguments.pretrained).lower() == "true" else arguments.pretrained
    if arguments.base is None:
        config = starting.configuration(
            data,
            arch=arguments.arch or _ARCH,
            size=arguments.image_size or _SIZE,
            epochs=arguments.epochs or _EPOCHS,
            device=starting_check.device(),
            pretrained=pretrained,
            output=os.path.join(arguments.out, "output"),
        )
    else:
        base = host.load_config(reading.find(arguments.base, "--base"), [])
        config = starting.of_base(
            base,
            data,
            arch=arguments.arch,
            size=arguments.image_size,
            epochs=arguments.epochs,
            device=starting_check.device(),
            pretrained=pretrained,
            output=os.path.join(arguments.out, "output"),
        )
    starting_check.check(config, spaced)
    return config


def _told(arguments, made):
    """Yield what was found and written, and what to do next."""
    outputs = {**{name: path for name, (path, _) in made.lists.items()}, "config": made.path}
    yield from made.told
    yield ""
    yield f"written: {', '.join(outputs.values())}"
    if made.stale:
        yield f"removed, of an earlier call: {', '.join(made.stale)}"
    yield ""
    config, output = shlex.quote(outputs["config"]), shlex.quote(os.path.join(arguments.out, "output"))
    dataset = made.config["DataLoader"]["Train"]["dataset"]
    audited = [
        outputs["train"],
        *(x for part in ("val", "test") if part in outputs for x in (f"--{part}-list", outputs[part])),
    ]
    audited += ["--image-root", str(dataset["image_root"])]
    if dataset.get("delimiter") == "\t":
        audited += ["--delimiter", r"\t"]
    steps = {"audit": f"audit {shlex.join(audited)}"}
    steps |= {"check": f"check -c {config}", "train": f"train -c {config}"}
    if "val" not in outputs:
        steps |= {"test": f"eval --run {output}", "report": f"report {output} --of eval"}
    else:
        steps["report"] = f"report {output}"
    if {"val", "test"} <= set(outputs):
        changed = shlex.quote(f"DataLoader.Eval.dataset.cls_label_path={outputs['test']}")
        steps["test"] = f"eval --run {output} -o {changed}"
    yield from (f"{name + ':':<8}ppcls-lt {step}" for name, step in steps.items())


def _table(arranged):
    """Yield the lines of a table: the images of each class in each list."""
    import numpy as np

    from ..basis.widths import columns, shortened

    parts = [part for part in ("train", "val", "test") if arranged.counts(part).any()]
    counts = np.stack([arranged.counts(part) for part in parts], axis=1)
    chosen = range(len(arranged.names))
    if len(arranged.names) > _ROWS:
        order = np.argsort(-counts.sum(axis=1), kind="stable")
        chosen = [*order[:_ENDS], None, *order[-_ENDS:]]
    rows = [["class", *parts]]
    for label in chosen:
        cells = ["..."] * len(parts) if label is None else map(str, counts[label])
        rows.append(["..." if label is None else shortened(arranged.names[label], _NAME), *cells])
    rows.append(["all", *map(str, counts.sum(axis=0))])
    width = max(columns(row[0]) for row in rows)
    numbers = max(len(cell) for row in rows for cell in row[1:])
    for name, *cells in rows:
        yield name + " " * (width - columns(name)) + "".join(f"  {cell:>{numbers}}" for cell in cells)
