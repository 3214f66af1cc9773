"""Tables, pages and pictures that show themselves: as text in a terminal, as HTML in a notebook."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..basis.widths import columns, one_line

NONE = "–"  # as in `reports.parts.numbers`, which loads NumPy


@dataclass(frozen=True)
class Table:
    """Heads and rows.

    Attributes:
        heads (list of str): of the columns ``[K]``.
        rows (list of list): ``[R][K]``, numbers as numbers; accuracies are shares, 0 to 1, NaN where undefined.
        caption (str): what the numbers are.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""

    @property
    def text(self) -> str:
        """The table for a terminal: numbers to the right, shares as per cent."""
        cells = [list(self.heads), *([_cell(value) for value in row] for row in self.rows)]
        widths = [max(map(columns, column)) for column in zip(*cells)]
        lines = ["  ".join(_padded(row, widths, self._left)).rstrip() for row in cells]
        return "\n".join([*([self.caption] if self.caption else []), *lines])

    @property
    def _left(self) -> list[bool]:
        """Whether a column holds names, and not numbers, of each."""
        return [any(_is_name(row[place]) for row in self.rows) for place in range(len(self.heads))]

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(each)}</th>" for each in self.heads)
        rows = "".join(f"<tr>{''.join(map(_html_cell, row, self._left))}</tr>" for row in self.rows)
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


@dataclass(frozen=True)
class Page:
    """A report on the disk, one HTML file that needs no other; a notebook shows it in a frame."""

    path: Path
    told: str

    @property
    def html(self) -> str:
        """The page itself."""
        return self.path.read_text(encoding="utf-8")

    def __str__(self) -> str:
        return self.told

    __repr__ = __str__

    def _repr_html_(self) -> str:
        frame = f'<iframe srcdoc="{html.escape(self.html)}" style="width: 100%; height: 40em"></iframe>'
        return f"<p>{html.escape(self.told)}</p>{frame}"


@dataclass(frozen=True)
class Picture:
    """A picture as PNG, ``bytes``."""

    png: bytes

    def save(self, path: Path | str) -> None:
        """Write it into a file."""
        Path(path).write_bytes(self.png)

    def __repr__(self) -> str:
        return f"<picture, {len(self.png) / 1e3:.0f} kB>"

    def _repr_png_(self) -> bytes:
        return self.png


class Shown:
    """What shows itself, in a terminal and in a notebook, by its parts: tables and texts."""

    def _parts(self) -> Sequence[Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "\n\n".join(str(part) for part in self._parts())

    def _repr_html_(self) -> str:
        return "".join(
            part._repr_html_() if isinstance(part, Table) else f"<p>{html.escape(str(part))}</p>".replace("\n", "<br>")
            for part in self._parts()
        )


def _cell(value):
    if value is None or isinstance(value, float) and math.isnan(value):
        return NONE
    if isinstance(value, tuple):  # an interval of shares
        return f"{_share(value[0])} to {_share(value[1])}" if not any(map(math.isnan, value)) else NONE
    return _share(value) if isinstance(value, float) else one_line(value)


def _share(value):
    return f"{100 * value:.1f}"


def _padded(row, widths, left):
    for cell, width, to_left in zip(row, widths, left):
        room = " " * (width - columns(cell))
        yield cell + room if to_left else room + cell


def _is_name(value):
    return isinstance(value, str) and value[:1] not in ("", NONE, "+", "-", *"0123456789")


def _html_cell(value, to_left):
    align = "left" if to_left else "right"
    return f'<td style="text-align: {align}">{html.escape(_cell(value))}</td>'
