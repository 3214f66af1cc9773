"""Faults of single images: unreadable, empty, tiny, black, of one colour, blurred."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import measures, suspects
from .suspects import Suspect

# Of the median shorter side of the images: below it one is tiny.
_TINY_SHARE = 0.25
_TINY_AT_LEAST = 8  # pixels
DARK = 8.0  # grey levels of 255, mean and standard deviation: less of both is black
FLAT = 3.0  # standard deviation of the grey levels of one colour
# Of `measures.sharpness`. The least of CIFAR-10 have 0.08, one in a thousand lies below 0.11; blurred by 2 to 4 of its
# pixels they have 0.02 to 0.08.
SHARP = 0.075
_OF_MEDIAN = 1 / 3


class Limits(NamedTuple):
    """What counts as a fault."""

    side: int  # pixels; a shorter side below it is tiny
    sharpness: float


def limits(rows: np.ndarray, min_side: int | None, sharpness: float | None) -> Limits:
    """Return the ``Limits`` that are given, and those that the images themselves set.

    Args:
        rows (array): of ``measures.ROW`` ``[U]``.
        min_side (int, optional): pixels; by default a quarter of the median shorter side, and 8 at least.
        sharpness (float, optional): by default 0.075, or a third of the median where that is less.
    """
    read = rows[rows["status"] == measures.READ]
    if not read.size:
        return Limits(min_side or _TINY_AT_LEAST, SHARP if sharpness is None else sharpness)
    if min_side is None:
        sides = np.minimum(read["width"], read["height"])
        min_side = max(_TINY_AT_LEAST, int(np.median(sides) * _TINY_SHARE))
    if sharpness is None:
        sharpness = min(SHARP, float(np.median(read["sharpness"])) * _OF_MEDIAN)
    return Limits(min_side, sharpness)


def kinds(rows: np.ndarray, limits: Limits) -> np.ndarray:
    """Return the fault of each file, its place in ``suspects.OF_IMAGES``, or -1, int64 ``[U]``; the first that fits."""
    read = rows["status"] == measures.READ
    black = (rows["brightness"] < DARK) & (rows["contrast"] < DARK)
    found = {
        suspects.UNREADABLE: (rows["status"] == measures.UNREADABLE) | (rows["status"] == measures.MISSING),
        suspects.EMPTY: rows["status"] == measures.EMPTY,
        suspects.TINY: read & (np.minimum(rows["width"], rows["height"]) < limits.side),
        suspects.BLACK: read & black,
        suspects.UNIFORM: read & (rows["contrast"] < FLAT),
        suspects.BLURRED: read & (rows["sharpness"] < limits.sharpness),
    }
    which = np.full(len(rows), -1)
    for place, kind in reversed(list(enumerate(suspects.OF_IMAGES))):
        which[found[kind]] = place
    return which


def find(rows: np.ndarray, which: np.ndarray, file: np.ndarray) -> list[Suspect]:
    """Return the suspects among lines, those of a kind together, the worst first.

    Args:
        rows (array): of ``measures.ROW`` ``[U]``.
        which (array): what ``kinds`` returns.
        file (array): the file of each line ``[N]``.
    """
    found = []
    for place, kind in enumerate(suspects.OF_IMAGES):
        lines = np.flatnonzero(which[file] == place)
        of_kind = [
            Suspect(kind, line, _value(kind, rows[file[line]]), detail=_detail(kind, rows[file[line]]))
            for line in lines.tolist()
        ]
        found += sorted(of_kind, key=lambda suspect: suspect.value)
    return found


def _value(kind, row):
    if kind in (suspects.UNREADABLE, suspects.EMPTY):
        return float("nan")
    if kind == suspects.TINY:
        return float(min(row["width"], row["height"]))
    return float(row[{suspects.BLACK: "brightness", suspects.UNIFORM: "contrast"}.get(kind, "sharpness")])


def _detail(kind, row):
    if row["status"] != measures.READ:
        return row["reason"].decode("utf-8", "replace")
    return f"{row['width']} x {row['height']}" if kind == suspects.TINY else ""
