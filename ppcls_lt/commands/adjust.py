"""The command ``adjust``: a trained model's classifier corrected for the long tail, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..runs.measures import MEASURES
from . import interrupts
from .list_options import add_group_options, add_held_out_options, held_out_overrides, thresholds

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
    add_held_out_options(command)
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
    held_out = held_out_overrides(arguments, _OWNER)
    grouped = (arguments.many, arguments.few, arguments.groups) != (None, None, None)
    asked_groups = thresholds(arguments, _OWNER) if grouped else None
    from ..basis import overrides
    from ..jobs import adjusting
    from ..maths.adjustment import METHODS

    overrides.check(arguments.override)
    names = [name for one in arguments.methods for name in (METHODS if one == "all" else [one])]
    with interrupts.working():
        adjusting.run(
            adjusting.Asked(
                folder=arguments.run,
                overrides=[*arguments.override, *held_out],
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
