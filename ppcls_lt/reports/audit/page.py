"""The page of an audit: HTML that holds small copies of the images and links to the files; it loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..parts.numbers import whole
from ..parts.templates import render
from .texts import TEXTS


class Picture(NamedTuple):
    """One image of a gallery."""

    jpeg: bytes | None  # a small copy; None where the file cannot be read
    link: str  # to the file, from the page
    name: str  # as the list names it
    place: str  # its list and line
    label: str  # what its class is called


class Gallery(NamedTuple):
    """What is found of one kind."""

    kind: str
    number: int  # of all, of which ``entries`` are the first
    entries: Sequence[tuple[Sequence[Picture], str]]  # images that belong together, and what is said of them
    gaps: dict  # what fills the gaps of the text on this kind


class Table(NamedTuple):
    """Heads and rows; the first ``text`` columns are text, the first ``keys`` of them keys of the texts."""

    heads: Sequence[str]
    rows: Sequence[Sequence]
    text: int = 1
    keys: int = 0


class Content(NamedTuple):
    """Everything that the page shows."""

    sources: str  # the lists
    sizes: Sequence[tuple[str, int]]  # of each list
    kinds: Table  # kind x list
    galleries: Sequence[Gallery]
    leaks: Table | None
    leaks_of_classes: Table | None
    folds: int
    small: Table | None
    labels: Table | None  # of each class, with held-out predictions
    judged: dict | None  # what fills the gaps of the text on these
    overlap: Table | None
    left_out: Table | None


_TABLES = ("kinds", "leaks", "leaks_of_classes", "small", "labels", "overlap", "left_out")


def page(content: Content, language: str) -> str:
    """Return the HTML of an audit.

    Args:
        content (Content): what it shows; heads and kinds are keys of the texts.
        language (str): ``en`` or ``zh``.
    """
    words = TEXTS[language]

    def worded(table):
        if table is None:
            return None
        heads = [words.get(head, head) for head in table.heads]
        rows = [
            [words[cell] if place < table.keys else _cell(cell) for place, cell in enumerate(row)] for row in table.rows
        ]
        return {"heads": heads, "rows": rows, "text": table.text}

    return render(
        "audit/page.html.j2",
        words,
        title=words["title"],
        subtitle=content.sources,
        content=content,
        tiles=[(words[part], whole(number)) for part, number in content.sizes],
        tables={name: worded(getattr(content, name)) for name in _TABLES},
    )


def _cell(cell):
    return whole(cell) if isinstance(cell, int) else cell
