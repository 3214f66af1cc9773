"""What an audit finds as tables: every suspect, every class, what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..reports.parts.csv_files import as_csv
from . import suspects
from .classes import Classes
from .cleaned import Gone
from .lists import Lines
from .suspects import Suspect


def of_suspects(lines: Lines, found: Sequence[Suspect], names: Mapping[int, str]) -> bytes:
    """Return every suspect as a CSV file, bytes."""
    heads = "kind list line image class class_name value other_list other_line other_image other_class detail".split()
    rows: list[list] = []
    for suspect in found:
        part, number = lines.position(suspect.line)
        label = int(lines.label[suspect.line])
        row = [suspect.kind, part, number, lines.names[suspect.line], label, names.get(label), suspect.value]
        if suspect.other < 0:
            row += [None, None, None, None]
        elif suspect.kind == suspects.LABEL:
            row += [None, None, None, suspect.other]
        else:
            row += [*lines.position(suspect.other), lines.names[suspect.other], int(lines.label[suspect.other])]
        rows.append([*row, suspect.detail])
    return as_csv([heads, *rows])


def of_classes(lines: Lines, found: Classes, names: Mapping[int, str]) -> bytes:
    """Return what each class has in each list as a CSV file, bytes."""
    heads = ["class", "class_name", *(f"{part}_{what}" for part in lines.parts for what in ("lines", "usable"))]
    columns = [counts for part in lines.parts for counts in (found.listed[part], found.usable[part])]
    rows = [[label, names.get(label), *numbers] for label, numbers in enumerate(np.stack(columns, axis=1).tolist())]
    return as_csv([heads, *rows])


def of_gone(lines: Lines, gone: Mapping[int, Gone], names: Mapping[int, str]) -> bytes:
    """Return what is left out of the lists, and why, as a CSV file, bytes."""
    rows: list[list] = [["list", "line", "image", "class", "class_name", "kind", "repeats", "with_another_class"]]
    for line in sorted(gone):
        each = gone[line]
        repeats = lines.names[each.other] if each.other >= 0 else None
        label = int(lines.label[line])
        rows.append([*lines.position(line), lines.names[line], label, names.get(label), each.kind, repeats])
        rows[-1].append("yes" if each.conflict else None)
    return as_csv(rows)
