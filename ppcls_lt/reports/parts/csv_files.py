"""Tables as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np

# What a formula begins with in a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_csv(rows: Iterable[Iterable]) -> bytes:
    """Return rows as a CSV file, bytes: numbers with six digits, what is undefined empty.

    A text that a spreadsheet would take as a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue().encode()


def _cell(value):
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return ""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value
