"""The command ``counts``: the images per class of a label list. Nothing heavy is imported before it is chosen."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ..basis.checks import choice, described, fail, integer, some
from .describing import ratio, report, say
from .list_options import add_group_options, add_list_command, delimiter, thresholds

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = add_list_command(
        commands,
        "counts",
        _counts,
        "show the images per class of a label list",
        "Show the images per class of a label list: imbalance ratio, groups, a chart, and YAML for the configuration.",
    )
    command.add_argument("--class-num", type=int, metavar="C", help="number of classes, highest label + 1 by default")
    add_group_options(command)
    command.add_argument(
        "--published",
        metavar="NAME",
        help="hold the list against the published counts of imagenet-lt, places-lt, "
        "inaturalist2018, or of their -val and -test; status 2 where it differs",
    )
    command.add_argument("--png", metavar="FILE", help="draw the chart into a PNG file too (needs Matplotlib)")
    command.add_argument("--yaml", action="store_true", help="print YAML with every count instead of the report")


def _counts(arguments):
    from ..data import charts, class_names, counts, groups, list_files, published

    owner = "ppcls-lt counts"
    limits = thresholds(arguments, owner)
    if arguments.published is not None:
        choice(owner, "--published", arguments.published, published.PUBLISHED)
    if arguments.class_num is not None:
        number = integer(owner, "--class-num", arguments.class_num, minimum=1)
        if number > counts.MAX_CLASSES:
            fail(owner, "--class-num", f"at most {counts.MAX_CLASSES}", number)
    if arguments.png is not None:
        # So that no list is replaced by a picture through a slip.
        if not arguments.png.lower().endswith(".png"):
            fail(owner, "--png", "a file name that ends in .png", arguments.png)
        list_files.check_outputs({"--png": arguments.png}, owner=owner, inputs=[arguments.list], force=True)
    found = counts.count_label_list(
        arguments.list,
        owner=owner,
        name="LIST",
        delimiter=delimiter(arguments, owner),
        class_num=arguments.class_num,
    )
    called = class_names.called(class_names.of_list(arguments.list, arguments.names))
    as_published = None
    if arguments.published is not None:
        source = published.PUBLISHED[arguments.published].source
        others = published.differences(arguments.published, found)
        if others:
            expected = f"the published list {arguments.published} ({source})"
            fail(owner, "LIST", expected, described(f"{arguments.list} with {'; '.join(others)}", whole=True))
        as_published = f"as published of {arguments.published} ({source})"
    found_groups = groups.shot_groups(found, limits, owner=owner)
    if arguments.png is not None:
        title = f"{some(found.sum(), 'image')}, {some(found.size, 'class')}, imbalance ratio {ratio(found)}"
        drawn = {"--png": (arguments.png, charts.png_chart(found, found_groups, title, called))}
        list_files.write_files(drawn, owner=owner, inputs=[arguments.list], force=True)
    lines = list(
        _yaml(found, limits) if arguments.yaml else report(arguments.list, found, found_groups, limits, called)
    )
    if as_published is not None:
        lines = [f"# {as_published}", *lines] if arguments.yaml else [*lines, "", as_published]
    say(lines)
    return 0


def _yaml(counts, thresholds):
    """Yield the lines of a configuration that hold every count, once."""
    empty = "\n        allow_empty_classes: true" if (counts == 0).any() else ""
    numbers = textwrap.wrap(", ".join(map(str, counts.tolist())), 100)
    numbers = numbers[0] if len(numbers) == 1 else "\n          " + "\n          ".join(numbers)
    thresholds = thresholds if isinstance(thresholds, str) else list(thresholds)
    yield f"""\
# {some(counts.sum(), "image")}, imbalance ratio {ratio(counts)}.
# `num_class_list: *images_per_class` is these numbers again, in any component that takes them: another
# loss, a metric, a sampler. `num_class_list: auto` takes them from the training data instead.
Arch:
  class_num: {counts.size}

Loss:
  Train:
    - CostSensitiveCE:
        weight: 1.0
        num_class_list: &images_per_class [{numbers}]{empty}

Metric:
  Eval:
    - ManyMediumFewAcc:
        num_class_list: *images_per_class
        thresholds: {thresholds}{empty}"""
