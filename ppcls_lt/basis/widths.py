"""Texts on one line, and the columns that they take."""

from __future__ import annotations

import unicodedata


def one_line(text: object) -> str:
    """Text without line ends and other characters that cannot be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def columns(text: str) -> int:
    """Columns of a terminal that a text takes: two for each wide character, none for a combining one."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, width: int) -> str:
    """A text on one line in at most ``width`` columns, dots in place of its middle; its end says the most."""
    text = one_line(text)
    if columns(text) <= width:
        return text
    start, end = "", ""
    for letter in text:
        if columns(start + letter) > (width - 3) // 3:
            break
        start += letter
    for letter in reversed(text):
        if columns(start + letter + end) > width - 3:
            break
        end = letter + end
    return f"{start}...{end}"
