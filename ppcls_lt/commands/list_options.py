"""Flags that the commands on label lists share, and what is read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ..basis.checks import described, fail
from ..data.group_names import TERTILES, THRESHOLDS

if TYPE_CHECKING:
    import argparse

_MANY, _FEW = THRESHOLDS
_LIST_HELP = "a PaddleClas label list, lines `image label`"
_NAMES_HELP = "names of the classes, lines `class name` (label.txt beside LIST)"
_DELIMITER_HELP = r"what separates image and label, one space by default; \t is a tab"


def add_list_command(
    commands: argparse._SubParsersAction,
    name: str,
    handler: Callable[[argparse.Namespace], int],
    summary: str,
    description: str,
) -> argparse.ArgumentParser:
    """Add a command on one label list, with ``--delimiter``, and return its parser."""
    command = commands.add_parser(name, help=summary, description=description)
    command.add_argument("list", metavar="LIST", help=_LIST_HELP)
    command.add_argument("--delimiter", metavar="D", help=_DELIMITER_HELP)
    command.add_argument("--names", metavar="FILE", help=_NAMES_HELP)
    command.set_defaults(command=handler)
    return command


def add_group_options(command: argparse.ArgumentParser) -> None:
    """Add ``--many``, ``--few`` and ``--groups``, which ``thresholds`` reads."""
    command.add_argument("--many", type=int, metavar="N", help=f"many-shot: more than N images ({_MANY})")
    command.add_argument("--few", type=int, metavar="N", help=f"few-shot: less than N images ({_FEW})")
    command.add_argument("--groups", choices=("thresholds", TERTILES), default="thresholds", help="how to group")


def add_held_out_options(command: argparse.ArgumentParser) -> None:
    """Add ``--val-list`` and ``--eval-is-validation``, which ``held_out_overrides`` reads."""
    command.add_argument(
        "--val-list", metavar="FILE", help="a label list of held-out images (the run's Global.val_list)"
    )
    command.add_argument(
        "--eval-is-validation", action="store_true", help="the list of DataLoader.Eval was held out, it is no test list"
    )


def held_out_overrides(arguments: argparse.Namespace, owner: str) -> list[str]:
    """Return what is laid over the run's configuration, so that it names the held-out images that are asked for.

    Raises:
        ConfigError: both lists are asked for.
    """
    if arguments.val_list is None:
        # What the run has recorded of another list does not hold.
        return ["Global.val_list=None"] if arguments.eval_is_validation else []
    if arguments.eval_is_validation:
        fail(owner, "--val-list", "left out with --eval-is-validation", described("both"))
    return [f"Global.val_list={arguments.val_list!r}"]


def add_seed_and_force(command: argparse.ArgumentParser) -> None:
    """Add ``--seed`` and ``--force``."""
    command.add_argument("--seed", type=int, default=0, help="which images are drawn (0)")
    command.add_argument("--force", action="store_true", help="replace files that exist")


def thresholds(arguments: argparse.Namespace, owner: str) -> Any:
    """Return the thresholds of the groups as ``groups.shot_groups`` takes them.

    Raises:
        ConfigError: they cannot be used together, or are out of order.
    """
    if arguments.groups == TERTILES:
        for flag, value in (("--many", arguments.many), ("--few", arguments.few)):
            if value is not None:
                fail(owner, flag, f"left out with --groups {TERTILES}", value)
        return TERTILES
    many = _MANY if arguments.many is None else arguments.many
    few = _FEW if arguments.few is None else arguments.few
    if many < 0:
        fail(owner, "--many", "an integer >= 0", many)
    if not 0 <= few <= many:
        fail(owner, "--few", f"an integer from 0 to --many, which is {many}", few)
    return (many, few)


def flag(name: str) -> str:
    """The flag of an argument of this name."""
    return "--" + name.replace("_", "-")


def delimiter(arguments: argparse.Namespace, owner: str) -> str | None:
    """Return what separates the fields of the list, None for one space."""
    if arguments.delimiter == "":
        fail(owner, "--delimiter", "a text that is not empty", arguments.delimiter)
    # A shell hands over the two characters \t; a list separated by them is unheard of.
    return "\t" if arguments.delimiter == r"\t" else arguments.delimiter
