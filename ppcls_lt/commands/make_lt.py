"""The command ``make-lt``: a label list made long-tailed. Nothing heavy is imported before it is chosen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..basis.checks import fail, some
from ..data.group_names import THRESHOLDS
from .describing import ratio, report, say
from .list_options import add_list_command, add_seed_and_force, delimiter, flag

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = add_list_command(
        commands,
        "make-lt",
        _make_lt,
        "make a list long-tailed by leaving images out",
        "Make a label list long-tailed by leaving images out. Lines are kept as they are, in their order.",
    )
    command.add_argument("--ratio", type=float, required=True, help="images of the largest class over the smallest")
    command.add_argument("--kind", choices=("exp", "step"), default="exp", help="exponential (default) or step")
    command.add_argument(
        "--step-fraction", type=float, metavar="F", help="with --kind step, the share of small classes (0.5)"
    )
    command.add_argument(
        "--order",
        default="given",
        help="classes from most to fewest images: given (0, 1, ..., default), random, size (of the list), or "
        "every class with commas, as in 9,8,7,6,5,4,3,2,1,0",
    )
    command.add_argument(
        "--max-per-class", type=int, metavar="N", help="images of the largest class, by default all of the first one"
    )
    command.add_argument("-o", "--out", required=True, metavar="OUT", help="the list to write")
    add_seed_and_force(command)


def _make_lt(arguments):
    from ..data import class_names, groups, list_files, subsets

    owner = "ppcls-lt make-lt"
    if arguments.step_fraction is not None and arguments.kind != "step":
        fail(owner, "--step-fraction", "used with --kind step", arguments.step_fraction)
    writing = {"owner": owner, "inputs": [arguments.list], "force": arguments.force}
    list_files.check_outputs({"--out": arguments.out}, **writing)
    data = list_files.read_label_list(arguments.list, owner=owner, delimiter=delimiter(arguments, owner))
    names = class_names.of_list(arguments.list, arguments.names)
    wanted = subsets.tail_counts(
        data.counts,
        ratio=arguments.ratio,
        kind=arguments.kind,
        step_fraction=0.5 if arguments.step_fraction is None else arguments.step_fraction,
        order=_order(arguments.order, owner),
        max_per_class=arguments.max_per_class,
        seed=arguments.seed,
        owner=owner,
        name="LIST",
        called=flag,
        class_called=class_names.called(names),
    )
    chosen = subsets.long_tail_subset(data.labels, wanted, images=data.images, seed=arguments.seed)
    list_files.write_files({"--out": (arguments.out, list_files.joined(data.lines, chosen))}, **writing)
    found_groups = groups.shot_groups(wanted)
    kept = f"kept {chosen.size} of {some(data.labels.size, 'image')} of {arguments.list}"
    if arguments.ratio > wanted.max():
        most = some(wanted.max(), "image")
        unreached = f"a ratio of {arguments.ratio:g} is out of reach: the largest class has {most}"
        print(f"ppcls-lt: warning: {unreached}; the list has {ratio(wanted)}", file=sys.stderr)
    say([kept, "", *report(arguments.out, wanted, found_groups, THRESHOLDS, class_names.called(names))])
    return 0


def _order(text, owner):
    """Return the name of an order, or the classes as a list."""
    if not any(character.isdigit() for character in text):
        return text
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        fail(owner, "--order", "given, random, size, or classes with commas between them", text)
