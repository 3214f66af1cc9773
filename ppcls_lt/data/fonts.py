"""Fonts for the pictures of a report, in particular with Chinese characters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

# Of family or file names; what such a font really has is looked up in it.
_LIKELY = re.compile(
    r"cjk|source ?han|noto ?(sans|serif) ?sc|wqy|wenquanyi|msyh|yahei|simhei|simsun|pingfang|hiragino ?sans ?gb|heiti"
    r"|songti|droid ?sans ?fallback|arial ?unicode|uming|ukai|lxgw",
    re.IGNORECASE,
)

# Matplotlib brings it along.
BASIC = "DejaVu Sans"


def words_and_families(texts: Mapping[str, Mapping[str, str]], language: str) -> tuple[Mapping[str, str], list[str]]:
    """Return the texts to draw with and the font families that have their characters.

    Args:
        texts (dict): language -> key -> text.
        language (str): the one that is wanted; without a font for it the texts are English.
    """
    words = texts[language]
    text = "".join(words.values())
    if text.isascii():
        return words, [BASIC]
    family = family_for("".join(set(text)))
    return (texts["en"], [BASIC]) if family is None else (words, [BASIC, family])


def drawable(names: Sequence[str], families: list[str]) -> tuple[list[str], list[str]]:
    """Return names, and families with more where the names need them; ``?`` for what no font has.

    Args:
        names (list of str): of whatever characters.
        families (list of str): those chosen for the texts.
    """
    from matplotlib import font_manager

    def lacking(families):
        paths = [font_manager.findfont(family) for family in families]
        return {c for c in "".join(names) if not any(covers(path, c) for path in paths)}

    missing = lacking(families)
    for letter in sorted(missing):
        family = family_for(letter) if letter in missing else None
        if family is not None:
            families = [*families, family]
            missing = lacking(families)
    return ["".join("?" if letter in missing else letter for letter in name) for name in names], families


def family_for(text: str) -> str | None:
    """Return an installed font family that has every character of ``text``, or None."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    known = {entry.fname for entry in manager.ttflist}
    # Matplotlib keeps its list between runs, and a font may be newer.
    for path in font_manager.findSystemFonts():
        if path not in known and _LIKELY.search(Path(path).name):
            manager.addfont(path)
    entries = [e for e in manager.ttflist if e.style == "normal" and _LIKELY.search(f"{e.name} {Path(e.fname).name}")]
    for entry in sorted(entries, key=lambda e: (abs(_weight(e.weight) - 400), e.fname)):
        # Matplotlib's list also names files that have been removed since.
        if Path(entry.fname).is_file() and covers(entry.fname, text):
            return entry.name
    return None


def covers(path: str | os.PathLike, text: str) -> bool:
    """Whether a font file has every character of ``text``."""
    from matplotlib import font_manager

    there = font_manager.get_font(path).get_charmap()
    return all(ord(character) in there for character in text if not character.isspace())


def _weight(weight):
    return weight if isinstance(weight, int) else {"normal": 400, "regular": 400, "bold": 700}.get(weight, 500)
