"""The command ``audit``: what is wrong with images and labels. Nothing heavy is loaded before it is chosen."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from ..basis import cores
from ..reports.parts.names import LANGUAGES
from . import interrupts
from .describing import say
from .list_options import add_list_command, delimiter

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

# As `audit.suspects.KINDS` and `audit.cleaned.KEEP`, which load more; a test holds them equal.
KINDS = ("unreadable", "empty", "tiny", "black", "uniform", "blurred", "exact", "near", "label")
KEEP = ("test", "train")
_OFTEN, _EVERY = 0.5, 30.0  # seconds between lines of progress; more where there is no terminal to overwrite


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to ``commands``, what ``ArgumentParser.add_subparsers`` returns."""
    command = add_list_command(
        commands,
        "audit",
        _audit,
        "find broken images, duplicates, leaks, small classes and wrong labels",
        "Look at every image of a training list, and of a validation and a test list: those that cannot be read, are "
        "empty, tiny, black, of one colour or blurred; those that are there twice, exactly or nearly, within a list or "
        "in two; classes with too few images; with held-out predictions, labels that are likely wrong. Writes a page "
        "with the images and tables. An interrupted call goes on where it was.",
    )
    command.add_argument("--val-list", metavar="FILE", help="a validation list")
    command.add_argument("--test-list", metavar="FILE", help="a test list")
    command.add_argument("--image-root", metavar="DIR", help="the folder from which the lists name images (LIST's own)")
    command.add_argument("--out", metavar="DIR", default="audit", help="where to write (%(default)s)")
    command.add_argument(
        "--predictions",
        metavar="FOLDER",
        help="a folder of `ppcls-lt compare`, or a training's: its held-out predictions judge the labels",
    )
    command.add_argument("--recipe", metavar="NAME", help="of the comparison whose predictions judge (all together)")
    command.add_argument("--folds", type=int, default=5, metavar="N", help="of a comparison or a split (5)")
    command.add_argument("--min-side", type=int, metavar="P", help="tiny: a shorter side below P pixels")
    command.add_argument("--min-sharpness", type=float, metavar="S", help="blurred: a sharpness below S, see the docs")
    command.add_argument(
        "--leave-out",
        nargs="+",
        choices=KINDS,
        metavar="KIND",
        help=f"write lists without these: {', '.join(KINDS)}; what is left out stands in lists of its own",
    )
    command.add_argument("--keep", choices=KEEP, help="which list keeps an image that two have (test)")
    command.add_argument("--workers", type=int, metavar="N", help="processes that read images (one a core)")
    command.add_argument(
        "--language", choices=LANGUAGES, default="en", help="of the page and of what is said here: en (default), zh"
    )
    command.add_argument("--force", action="store_true", help="replace lists that an earlier call wrote")


def _audit(arguments):
    from ..audit import OWNER, writing
    from ..reports.audit.messages import WORDS

    wanted = writing.Wanted(
        lists={"train": arguments.list, "val": arguments.val_list, "test": arguments.test_list},
        image_root=arguments.image_root or os.path.dirname(arguments.list) or ".",
        delimiter=delimiter(arguments, OWNER),
        out=arguments.out,
        names=arguments.names,
        predictions=arguments.predictions,
        recipe=arguments.recipe,
        folds=arguments.folds,
        min_side=arguments.min_side,
        min_sharpness=arguments.min_sharpness,
        leave_out=tuple(arguments.leave_out or ()),
        keep=arguments.keep,
        workers=cores.usable() if arguments.workers is None else arguments.workers,
        language=arguments.language,
        force=arguments.force,
    )
    with interrupts.working():
        told = writing.write(wanted, _Progress(WORDS[arguments.language]))
    say(told)
    return 0


class _Progress:
    """Tells how many images are measured: over and over in one line of a terminal, else now and then."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self._terminal = sys.stderr.isatty()
        self._told = time.monotonic()

    def __call__(self, done: int, total: int, here: int, seconds: float) -> None:
        if not here:
            if done:
                known = self._words["known_image" if done == 1 else "known_images"]
                print(known.format(n=done, all=total), file=sys.stderr)
            return
        now = time.monotonic()
        if done < total and now - self._told < (_OFTEN if self._terminal else _EVERY):
            return
        self._told = now
        rate = here / max(seconds, 1e-9)
        left = (total - done) / rate
        facts = {"done": done, "all": total, "rate": f"{rate:.0f}", "left": f"{left:.0f}"}
        text = self._words["progress"].format(**facts)
        end = "\n" if done == total or not self._terminal else ""
        print(f"\r{text:<60}" if self._terminal else text, end=end, file=sys.stderr, flush=True)
