"""The command ``predict``: the classes of images by a trained run, as a table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import interrupts

if TYPE_CHECKING:
    import argparse


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = commands.add_parser(
        "predict",
        help="predict images with a trained run, as a CSV file",
        description="Predict every image of folders, files or lists with a trained run, by the decision that "
        "`ppcls-lt decide` has kept in it. An image that cannot be read keeps its row, with the reason, and the "
        "command ends with status 1.",
    )
    command.add_argument("images", nargs="+", metavar="IMAGES", help="folders, image files, or lists (.txt, .lst)")
    command.add_argument("--run", required=True, metavar="FOLDER", help="the training's output folder")
    command.add_argument("--csv", required=True, metavar="FILE", help="where to write")
    command.add_argument("-o", "--override", action="append", default=[], help="key=value for the run, repeatable")
    command.add_argument(
        "--image-root", metavar="DIR", help="the folder below which lists name images (that of the list)"
    )
    command.add_argument("--batch-size", type=int, metavar="N", help="images at a time (Infer.batch_size)")
    command.add_argument("--workers", type=int, metavar="N", help="threads that read images (4, or the cores)")
    command.add_argument(
        "--not-sure-below",
        type=float,
        metavar="P",
        help="no class for images whose highest probability lies below (that of the run's decision, if any)",
    )
    command.add_argument(
        "--no-decision", action="store_true", help="the highest probability decides, whatever the run keeps"
    )
    command.add_argument(
        "--no-probabilities", action="store_true", help="leave out the columns with the probability of each class"
    )
    command.add_argument("--overwrite", action="store_true", help="replace --csv")
    command.set_defaults(command=_predict)


def _predict(arguments):
    from ..basis import overrides
    from ..jobs import predicting

    overrides.check(arguments.override)
    with interrupts.working():
        return predicting.run(
            predicting.Asked(
                folder=arguments.run,
                overrides=arguments.override,
                images=arguments.images,
                csv=arguments.csv,
                image_root=arguments.image_root,
                batch_size=arguments.batch_size,
                workers=arguments.workers,
                not_sure_below=arguments.not_sure_below,
                by_decision=not arguments.no_decision,
                with_probabilities=not arguments.no_probabilities,
                overwrite=arguments.overwrite,
            ),
            lambda text: print(text, flush=True),
            lambda text: print(f"ppcls-lt predict: {text}", file=sys.stderr, flush=True),
        )
