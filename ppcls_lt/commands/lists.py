"""The commands that read and write label lists: ``counts``, ``make-lt`` and ``split``.

None of them imports Paddle; NumPy is imported once a command is chosen.
"""

import shutil
import sys
import textwrap

from ..basis.checks import fail, integer

_MANY, _FEW = 100, 20
_LIST_HELP = "a PaddleClas label list, lines `image label`"
_DELIMITER_HELP = r"what separates image and label, one space by default; \t is a tab"


def add_commands(commands):
    """Add the commands to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    _add_counts(commands)
    _add_make_lt(commands)
    _add_split(commands)


def _add(commands, name, handler, summary, description):
    command = commands.add_parser(name, help=summary, description=description)
    command.add_argument("list", metavar="LIST", help=_LIST_HELP)
    command.add_argument("--delimiter", metavar="D", help=_DELIMITER_HELP)
    command.set_defaults(command=handler)
    return command


def _add_counts(commands):
    command = _add(
        commands,
        "counts",
        _counts,
        "show the images per class of a label list",
        "Show the images per class of a label list: imbalance ratio, groups, a chart, and YAML for the configuration.",
    )
    command.add_argument("--class-num", type=int, metavar="C", help="number of classes, highest label + 1 by default")
    add_group_options(command)
    command.add_argument("--png", metavar="FILE", help="draw the chart into a PNG file too (needs Matplotlib)")
    command.add_argument("--yaml", action="store_true", help="print YAML with every count instead of the report")


def add_group_options(command):
    """Add ``--many``, ``--few`` and ``--groups``, which ``thresholds`` reads."""
    command.add_argument("--many", type=int, metavar="N", help=f"many-shot: more than N images ({_MANY})")
    command.add_argument("--few", type=int, metavar="N", help=f"few-shot: less than N images ({_FEW})")
    command.add_argument("--groups", choices=("thresholds", "tertiles"), default="thresholds", help="how to group")


def _add_make_lt(commands):
    command = _add(
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
    _add_seed_and_force(command)


def _add_split(commands):
    command = _add(
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
    _add_seed_and_force(command)


def _add_seed_and_force(command):
    command.add_argument("--seed", type=int, default=0, help="which images are drawn (0)")
    command.add_argument("--force", action="store_true", help="replace files that exist")


def _counts(arguments):
    from ..data import charts, counts
    from ..data import tools as data_tools

    owner = "ppcls-lt counts"
    limits = thresholds(arguments, owner)
    if arguments.class_num is not None:
        integer(owner, "--class-num", arguments.class_num, minimum=1)
    if arguments.png is not None:
        # So that no list is replaced by a picture through a slip.
        if not arguments.png.lower().endswith(".png"):
            fail(owner, "--png", "a file name that ends in .png", arguments.png)
        data_tools.check_outputs({"--png": arguments.png}, owner=owner, inputs=[arguments.list], force=True)
    found = counts.count_label_list(
        arguments.list,
        owner=owner,
        name="LIST",
        delimiter=_delimiter(arguments, owner),
        class_num=arguments.class_num,
    )
    groups = counts.shot_groups(found, limits, owner=owner)
    if arguments.png is not None:
        title = f"{_some(found.sum(), 'image')}, {_some(found.size, 'class')}, imbalance ratio {_ratio(found)}"
        drawn = {"--png": (arguments.png, charts.png_chart(found, groups, title))}
        data_tools.write_files(drawn, owner=owner, inputs=[arguments.list], force=True)
    _say(_yaml(found, limits) if arguments.yaml else _report(arguments.list, found, groups, limits))
    return 0


def _make_lt(arguments):
    from ..data import counts
    from ..data import tools as data_tools

    owner = "ppcls-lt make-lt"
    if arguments.step_fraction is not None and arguments.kind != "step":
        fail(owner, "--step-fraction", "used with --kind step", arguments.step_fraction)
    writing = {"owner": owner, "inputs": [arguments.list], "force": arguments.force}
    data_tools.check_outputs({"--out": arguments.out}, **writing)
    data = data_tools.read_label_list(arguments.list, owner=owner, delimiter=_delimiter(arguments, owner))
    wanted = data_tools.tail_counts(
        data.counts,
        ratio=arguments.ratio,
        kind=arguments.kind,
        step_fraction=0.5 if arguments.step_fraction is None else arguments.step_fraction,
        order=_order(arguments.order, owner),
        max_per_class=arguments.max_per_class,
        seed=arguments.seed,
        owner=owner,
        name="LIST",
        called=_flag,
    )
    chosen = data_tools.long_tail_subset(data.labels, wanted, images=data.images, seed=arguments.seed)
    data_tools.write_files({"--out": (arguments.out, data_tools.joined(data.lines, chosen))}, **writing)
    groups = counts.shot_groups(wanted, (_MANY, _FEW))
    summary = [f"kept {chosen.size} of {_some(data.labels.size, 'image')} of {arguments.list}"]
    if arguments.ratio > wanted.max():
        most = _some(wanted.max(), "image")
        unreached = f"a ratio of {arguments.ratio:g} is out of reach: the largest class has {most}"
        summary.append(unreached)
        print(f"ppcls-lt: warning: {unreached}; the list has {_ratio(wanted)}", file=sys.stderr)
    _say([*summary, "", *_report(arguments.out, wanted, groups, (_MANY, _FEW))])
    return 0


def _split(arguments):
    from ..data import tools as data_tools

    owner = "ppcls-lt split"
    writing = {"owner": owner, "inputs": [arguments.list], "force": arguments.force}
    data_tools.check_outputs({"--train-out": arguments.train_out, "--val-out": arguments.val_out}, **writing)
    data = data_tools.read_label_list(arguments.list, owner=owner, delimiter=_delimiter(arguments, owner))
    train, val = data_tools.stratified_split(
        data.labels,
        fraction=arguments.val_fraction,
        images=data.images,
        seed=arguments.seed,
        allow_missing=arguments.allow_missing,
        owner=owner,
        name="LIST",
        called=lambda name: _flag("val_fraction" if name == "fraction" else name),
    )
    contents = {
        "--train-out": (arguments.train_out, data_tools.joined(data.lines, train)),
        "--val-out": (arguments.val_out, data_tools.joined(data.lines, val)),
    }
    data_tools.write_files(contents, **writing)
    _say(_parts(data, {arguments.train_out: train, arguments.val_out: val}))
    return 0


def _parts(data, parts):
    """Yield the lines that describe a split, ``{path: positions}``, training first."""
    import numpy as np

    from ..data import tools as data_tools

    counts = [np.bincount(data.labels[chosen], minlength=data.counts.size) for chosen in parts.values()]
    for path, part in zip(parts, counts):
        filled = part[part > 0]
        span = " to ".join(str(n) for n in sorted({filled.min(), filled.max()}))
        yield f"{path}: {_some(part.sum(), 'image')} of {_some(filled.size, 'class')}, {span} a class"
    repeated = len(data.images) - len(set(data.images))
    if repeated:
        yield f"repeated images, all on one side: {_some(repeated, 'further line')}"
    only_train = np.flatnonzero((counts[0] > 0) & (counts[1] == 0))
    if only_train.size:
        yield f"only in training, for lack of a second image: {data_tools.listed_classes(only_train)}"
    yield from _missing(data.counts)


def thresholds(arguments, owner):
    """Return the thresholds of the groups as ``counts.shot_groups`` takes them.

    Raises:
        ConfigError: they cannot be used together, or are out of order.
    """
    if arguments.groups == "tertiles":
        for flag, value in (("--many", arguments.many), ("--few", arguments.few)):
            if value is not None:
                fail(owner, flag, "left out with --groups tertiles", value)
        return "tertiles"
    many = _MANY if arguments.many is None else arguments.many
    few = _FEW if arguments.few is None else arguments.few
    if many < 0:
        fail(owner, "--many", "an integer >= 0", many)
    if not 0 <= few <= many:
        fail(owner, "--few", f"an integer from 0 to --many, which is {many}", few)
    return (many, few)


def _flag(name):
    """The flag of an argument of this name."""
    return "--" + name.replace("_", "-")


def _delimiter(arguments, owner):
    if arguments.delimiter == "":
        fail(owner, "--delimiter", "a text that is not empty", arguments.delimiter)
    # A shell hands over the two characters \t; a list separated by them is unheard of.
    return "\t" if arguments.delimiter == r"\t" else arguments.delimiter


def _order(text, owner):
    """Return the name of an order, or the classes as a list."""
    if not any(character.isdigit() for character in text):
        return text
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        fail(owner, "--order", "given, random, size, or classes with commas between them", text)


def _report(path, counts, groups, thresholds):
    """Yield the lines that describe the images per class."""
    from ..data import charts

    filled = counts[counts > 0]
    yield f"{path}: {_some(counts.sum(), 'image')}, {_some(counts.size, 'class')}"
    for word, size in (("largest", filled.max()), ("smallest", filled.min())):
        first, *others = (counts == size).nonzero()[0]
        also = f" and {len(others)} more" if others else ""
        yield f"{word} class: {first}{also} ({_some(size, 'image')}{' each' if others else ''})"
    yield f"imbalance ratio: {_ratio(counts)}" + (" (of the classes with images)" if filled.size < counts.size else "")
    yield from _missing(counts)
    yield ""
    if thresholds == "tertiles":
        limits = ("the largest third", "", "the smallest third")
    else:
        many, few = thresholds
        limits = (f"more than {many}", f"{few} to {many}", f"less than {few}")
    yield f"{'group':<8}{'images of a class':<20}{'classes':>8}{'images':>12}{'share':>9}"
    for (group, members), limit in zip(groups.items(), limits):
        images = counts[members].sum()
        yield f"{group:<8}{limit:<20}{members.size:>8}{images:>12}{images / counts.sum():>9.1%}"
    yield ""
    width = min(shutil.get_terminal_size().columns, 100)
    yield from charts.text_chart(counts, groups, width=width, blocks=charts.has_blocks(_encoding()))
    if counts.size > charts.MAX_BARS:
        yield "`ppcls-lt counts --yaml` prints every count"


def _missing(counts):
    from ..data import tools as data_tools

    empty = (counts == 0).nonzero()[0]
    if empty.size:
        yield f"without images: {data_tools.listed_classes(empty)}"


def _yaml(counts, thresholds):
    """Yield the lines of a configuration that hold every count, once."""
    empty = "\n        allow_empty_classes: true" if (counts == 0).any() else ""
    numbers = textwrap.wrap(", ".join(map(str, counts.tolist())), 100)
    numbers = numbers[0] if len(numbers) == 1 else "\n          " + "\n          ".join(numbers)
    thresholds = thresholds if isinstance(thresholds, str) else list(thresholds)
    yield f"""\
# {_some(counts.sum(), "image")}, imbalance ratio {_ratio(counts)}.
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


def _ratio(counts):
    filled = counts[counts > 0]
    return f"{filled.max() / filled.min():.1f}".removesuffix(".0")


def _some(number, noun):
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number} {noun if number == 1 else plural}"


def _encoding():
    return sys.stdout.encoding or "utf-8"


def _say(lines):
    """Print lines; what the terminal cannot show, such as a file name in another encoding, is escaped."""
    # In one piece, so that a reader such as `head` cannot leave in between.
    text = "".join(f"{line}\n" for line in lines)
    print(text.encode(_encoding(), "backslashreplace").decode(_encoding()), end="")
