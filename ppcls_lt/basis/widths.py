"""Texts on one line, and the columns that they take."""

from __future__ import annotations

import re
import textwrap
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


# What no line begins with, and what none ends with.
_CLOSING, _OPENING = "，。；：！？、）》”’％", "（《“‘"


def wrapped(text: str, width: int, indent: str = "") -> str:
    """A text in lines of at most ``width`` columns, broken at spaces and between wide characters.

    Args:
        text (str): in one line.
        width (int): columns; at least 20 are taken, and more by a word that is longer.
        indent (str): before every line but the first.
    """
    width = max(width, 20)
    if columns(text) == len(text):
        return textwrap.fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    lines, line = [], ""
    for word in _words(text):
        if line.strip() and columns(line) + columns(word.rstrip()) > width:
            lines.append(line.rstrip())
            line = indent + word.lstrip()
        else:
            line += word
    return "\n".join([*lines, line.rstrip()])


def _words(text: str) -> list[str]:
    """Pieces that stay whole: words with the spaces before them, single wide characters, each with its punctuation."""
    found: list[str] = []
    for piece in re.findall(r"\s*(?:[^\s\u2e80-\uffef]+|\S)|\s+$", text):
        joined = found and (piece.lstrip() and piece.lstrip()[0] in _CLOSING or found[-1][-1:] in _OPENING)
        if joined:
            found[-1] += piece
        else:
            found.append(piece)
    return found
