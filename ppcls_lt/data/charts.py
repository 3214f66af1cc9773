"""Charts of the images per class: text for a terminal, PNG through Matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Callable

import numpy as np

from ..basis import extras
from ..basis.widths import columns, shortened
from . import fonts
from .group_names import GROUPS

# Up to here every class has a bar of its own.
MAX_BARS = 40
_BINS = 20
# One to eight eighths of a character.
_NAME = 24  # columns of the name of a class
_EIGHTHS = "▏▎▍▌▋▊▉█"
# Of Okabe and Ito, distinct for colour-blind readers and in grey.
COLOURS = dict(zip(GROUPS, ("#0072B2", "#E69F00", "#CC79A7")))
GREY = "#555555"


def has_blocks(encoding: str) -> bool:
    """Whether an encoding, as of ``sys.stdout``, has Unicode's block characters."""
    try:
        _EIGHTHS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def text_chart(
    counts: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    width: int = 80,
    blocks: bool = True,
    called: Callable[[int], str] = str,
) -> list[str]:
    """Draw the images per class as horizontal bars, on a linear scale.

    Up to 40 classes: a bar for every class, by class. More: the classes sorted
    from most to fewest images, in 20 bins of equal width, and each bin's mean.

    Args:
        counts (array of int): images per class ``[C]``.
        groups (dict): ``groups.shot_groups(counts)``.
        width (int): characters in a line.
        blocks (bool): Unicode's blocks rather than ``#``.
        called (callable): what to call a class.

    Returns:
        list of str: the lines.
    """
    counts = np.asarray(counts)
    if counts.size <= MAX_BARS:
        group_of = {label: group for group, members in groups.items() for label in members.tolist()}
        head = ("class", "images", "group")
        rows = [(shortened(called(label), _NAME), str(n), group_of[label]) for label, n in enumerate(counts.tolist())]
        values = counts
    else:
        bins = np.array_split(np.sort(counts)[::-1], _BINS)
        ends = np.cumsum([part.size for part in bins])
        values = np.array([part.mean() for part in bins])
        head = ("largest first", "images", "mean")
        rows = [
            (f"{end - part.size + 1} to {end}", f"{part[0]} to {part[-1]}", f"{mean:.1f}")
            for part, end, mean in zip(bins, ends, values)
        ]
    widths = [max(map(columns, column)) for column in zip(head, *rows)]
    # Numbers to the right, names of groups to the left.
    sides = (">", ">", "<" if counts.size <= MAX_BARS else ">")
    lines = ["  ".join(map(_padded, row, sides, widths)) for row in (head, *rows)]
    room = max(width - columns(lines[0]) - 2, 10)
    bars = [_bar(value / max(values.max(), 1), room, blocks) for value in values]
    return [line.rstrip() for line in (lines[0], *(f"{line}  {bar}" for line, bar in zip(lines[1:], bars)))]


def _padded(cell, side, width):
    blank = " " * (width - columns(cell))
    return blank + cell if side == ">" else cell + blank


def png_chart(
    counts: np.ndarray, groups: Mapping[str, np.ndarray], title: str, called: Callable[[int], str] = str
) -> bytes:
    """Draw the images per class, coloured by group, on a linear scale.

    Up to 40 classes: a horizontal bar for every class. More: the sorted profile.

    Args:
        counts (array of int): images per class ``[C]``.
        groups (dict): ``groups.shot_groups(counts)``.
        title (str): the heading.
        called (callable): what to call a class.

    Returns:
        bytes: the PNG file.

    Raises:
        ConfigError: Matplotlib is not installed.
    """
    words = {"class": "class", "images": "images", "sorted": "classes, largest first"}
    for group, members in groups.items():
        words[group] = f"{group} ({members.size} {'class' if members.size == 1 else 'classes'})"
    counts = np.asarray(counts)
    figure = new_figure(1.8 + 0.26 * counts.size if counts.size <= MAX_BARS else 3.6)
    draw_counts(figure, counts, groups, words)
    figure.axes[0].set_title(title, fontsize=10)
    if counts.size > MAX_BARS:
        return png(figure)
    names, families = fonts.drawable([shortened(called(label), _NAME) for label in range(counts.size)], [fonts.BASIC])
    figure.axes[0].set_yticks(range(counts.size), labels=names, fontfamily=families, parse_math=False)
    return png(figure)


def new_figure(height: float, width: float = 7) -> Any:
    """Return an empty Matplotlib figure, its size in inches.

    Raises:
        ConfigError: Matplotlib is not installed.
    """
    with extras.needed("Matplotlib", "a PNG"):
        # Not pyplot, which needs a display on some machines and keeps its figures.
        from matplotlib.figure import Figure
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def png(figure: Any) -> bytes:
    """Return a figure as a PNG file, bytes, always the same for the same figure."""
    buffer = io.BytesIO()
    # Without the version of Matplotlib, which would make equal pictures differ.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw_counts(figure: Any, counts: np.ndarray, groups: Mapping[str, np.ndarray], words: Mapping[str, str]) -> None:
    """Draw the images per class into a figure: a bar for every class, or the sorted profile.

    Args:
        figure (Figure): empty.
        counts (array of int): images per class ``[C]``.
        groups (dict): ``groups.shot_groups(counts)``.
        words (dict): the captions: ``class``, ``images``, ``sorted``, and one for each group.
    """
    axes = figure.add_subplot()
    (_bars if counts.size <= MAX_BARS else _profile)(axes, counts, groups, words)
    axes.spines[["top", "right"]].set_visible(False)
    # Outside, where no bar can be.
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def _bar(share, room, blocks):
    """Return a bar of ``share`` of ``room`` characters; whatever is not 0 can be seen."""
    if share == 0:
        return ""
    if not blocks:
        return "#" * max(round(share * room), 1)
    full, rest = divmod(max(round(share * room * 8), 1), 8)
    return "█" * full + (_EIGHTHS[rest - 1] if rest else "")


def _bars(axes, counts, groups, words):
    for group, members in groups.items():
        if members.size:
            bars = axes.barh(members, counts[members], color=COLOURS[group], label=words[group])
            axes.bar_label(bars, padding=3, fontsize=8)
    axes.set(xlabel=words["images"], ylabel=words["class"], yticks=range(counts.size), ylim=(counts.size - 0.4, -0.6))
    # Room for the numbers beside the bars.
    axes.set_xlim(0, max(counts.max(), 1) * 1.1)
    axes.xaxis.get_major_locator().set_params(integer=True)


def _profile(axes, counts, groups, words):
    start = 0
    # The groups follow one another in the sorted order.
    for group, members in groups.items():
        if members.size:
            edges = np.arange(start, start + members.size + 1)
            values = np.sort(counts[members])[::-1]
            axes.stairs(values, edges, fill=True, color=COLOURS[group], label=words[group])
            start += members.size
    axes.set(xlabel=words["sorted"], ylabel=words["images"], xlim=(0, counts.size), ylim=(0, None))
