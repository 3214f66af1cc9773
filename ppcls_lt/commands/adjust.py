"""The command ``adjust``: a trained model's classifier corrected for the long tail, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..basis.checks import described, fail
from ..runs.measures import MEASURES
from .list_options import add_group_options, thresholds

if TYPE_CHECKING:
    import argparse

_OWNER = "ppcls-lt adjust"


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "adjust",
        help="correct a trained model for the long tail, without training",
        description="Adjust the classifier of a trained run on held-out images: its strength is chosen by "
        "cross-validation, the result folded into the classifier's weights and written as a run of its own, which "
        "eval, infer and export take.",
    )
    command.add_argument("--run", required=True, metavar="FOLDER", help="the training's output folder")
    command.add_argument("-o", "--override", action="append", default=[], help="key=value for the run, repeatable")
    command.add_argument(
        "--methods",
        nargs="+",
        default=["all"],
        metavar="METHOD",
        help="logit_adjustment, tau_norm, class_offsets, nearest_class_mean, temperature, or all (default); of several "
        "the one that ranks first is written",
    )
    command.add_argument("--strength", type=float, metavar="S", help="of one method, instead of a choice; 0 is none")
    command.add_argument(
        "--val-list", metavar="FILE", help="a label list of held-out images (the run's Global.val_list)"
    )
    command.add_argument(
        "--eval-is-validation", action="store_true", help="the list of DataLoader.Eval was held out, it is no test list"
    )
    command.add_argument("--allow-missing", action="store_true", help="accept classes without held-out images")
    command.add_argument(
        "--prior",
        default="uniform",
        metavar="PRIOR",
        help="of the classes where the model is to be used: uniform (default), training, shares with commas between, "
        "or a label list that has them",
    )
    command.add_argument(
        "--rank-by",
        choices=(*MEASURES, "prior"),
        default="prior",
        help="the accuracy that decides: by default of classes that come as --prior says, which is balanced if uniform",
    )
    command.add_argument("--no-temperature", action="store_true", help="fit no temperature to the adjusted logits")
    command.add_argument("--out", metavar="DIR", help="where to write (<output_dir>/adjusted/METHOD)")
    command.add_argument("--overwrite", action="store_true", help="replace an adjusted model in --out")
    add_group_options(command)
    command.set_defaults(command=_adjust, groups=None)


def _adjust(arguments):
    if arguments.val_list is not None and arguments.eval_is_validation:
        got = described("both")
        fail(_OWNER, "--val-list", "left out with --eval-is-validation", got)
    grouped = (arguments.many, arguments.few, arguments.groups) != (None, None, None)
    asked_groups = thresholds(arguments, _OWNER) if grouped else None
    from ..basis import overrides
    from ..jobs import adjusting
    from ..maths.adjustment import METHODS

    overrides.check(arguments.override)
    names = [name for one in arguments.methods for name in (METHODS if one == "all" else [one])]
    given = list(arguments.override)
    if arguments.val_list is not None:
        given.append(f"Global.val_list={arguments.val_list!r}")
    elif arguments.eval_is_validation:
        given.append("Global.val_list=None")  # what the run has recorded of another list
    adjusting.run(
        adjusting.Asked(
            folder=arguments.run,
            overrides=given,
            methods=list(dict.fromkeys(names)),
            strength=arguments.strength,
            prior=arguments.prior,
            rank_by=arguments.rank_by,
            thresholds=asked_groups,
            is_validation=arguments.eval_is_validation,
            allow_missing=arguments.allow_missing,
            calibrate=not arguments.no_temperature,
            out=arguments.out,
            overwrite=arguments.overwrite,
            command=arguments.command_line,
        ),
        lambda text: print(text, flush=True),
    )
    return 0
