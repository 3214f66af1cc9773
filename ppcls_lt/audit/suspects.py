"""Suspects: lines of lists in which something is found, and what it is."""

from __future__ import annotations

from typing import NamedTuple

# What is found in a line, in the order in which a page has it. Labels need held-out predictions.
UNREADABLE, EMPTY, TINY, BLACK, UNIFORM, BLURRED = "unreadable", "empty", "tiny", "black", "uniform", "blurred"
EXACT, NEAR, LABEL = "exact", "near", "label"
KINDS = (UNREADABLE, EMPTY, TINY, BLACK, UNIFORM, BLURRED, EXACT, NEAR, LABEL)
OF_IMAGES = KINDS[:6]


class Suspect(NamedTuple):
    """One finding.

    Attributes:
        kind (str): of ``KINDS``.
        line (int): its line among all.
        value (float): what was measured: pixels, grey levels, a difference, the quality of a label; NaN for none.
        other (int): the line that it repeats, or the class that it seems to be of; -1 for none.
        detail (str): more, as why a file cannot be read.
    """

    kind: str
    line: int
    value: float
    other: int = -1
    detail: str = ""
