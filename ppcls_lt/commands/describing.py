"""Images per class in the words of a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Callable

from ..basis.checks import some
from ..data.group_names import TERTILES

if TYPE_CHECKING:
    import os

    import numpy as np


def report(
    path: str | os.PathLike,
    counts: np.ndarray,
    groups: Mapping[str, np.ndarray],
    thresholds: Any,
    called: Callable[[int], str] = str,
) -> Iterator[str]:
    """Yield the lines that describe the images per class, each as it is ``called``."""
    from ..data import charts

    filled = counts[counts > 0]
    yield f"{path}: {some(counts.sum(), 'image')}, {some(counts.size, 'class')}"
    for word, size in (("largest", filled.max()), ("smallest", filled.min())):
        first, *others = (counts == size).nonzero()[0]
        also = f" and {len(others)} more" if others else ""
        yield f"{word} class: {called(first)}{also} ({some(size, 'image')}{' each' if others else ''})"
    yield f"imbalance ratio: {ratio(counts)}" + (" (of the classes with images)" if filled.size < counts.size else "")
    yield from missing(counts, called)
    yield ""
    if thresholds == TERTILES:
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
    yield from charts.text_chart(counts, groups, width=width, blocks=charts.has_blocks(encoding()), called=called)
    if counts.size > charts.MAX_BARS:
        yield "`ppcls-lt counts --yaml` prints every count"


def missing(counts: np.ndarray, called: Callable[[int], str] = str) -> Iterator[str]:
    """Yield a line about classes without images, if there are any."""
    from ..data import list_files

    empty = (counts == 0).nonzero()[0]
    if empty.size:
        yield f"without images: {list_files.listed_classes(empty, called)}"


def ratio(counts: np.ndarray) -> str:
    """Largest class over smallest, of those with images, as text."""
    filled = counts[counts > 0]
    return f"{filled.max() / filled.min():.1f}".removesuffix(".0")


def encoding() -> str:
    """The encoding of the terminal."""
    return sys.stdout.encoding or "utf-8"


def say(lines: Iterable[str]) -> None:
    """Print lines; what the terminal cannot show, such as a file name in another encoding, is escaped."""
    # In one piece, so that a reader such as `head` cannot leave in between.
    text = "".join(f"{line}\n" for line in lines)
    print(text.encode(encoding(), "backslashreplace").decode(encoding()), end="")
