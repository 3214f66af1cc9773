"""Writing a comparison: its tables, its page, its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...basis import atomic
from ...basis.checks import choice, described, fail
from ..parts import packages
from ..parts.names import COMPARE, COMPARISON, COMPARISON_FOLDER, LANGUAGES
from . import spreadsheets, tables
from .figures import paint
from .messages import WORDS
from .page import page as html

if TYPE_CHECKING:
    import os

    from ...runs.results import Outcome


def write(outcome: Outcome, folder: str | os.PathLike, language: str = "en", page: bool = True) -> str:
    """Write ``comparison.csv``, ``comparison_runs.csv``, ``comparison.md``, and the page with its pictures.

    Only files of these names are replaced, each in one step, the page last.

    Args:
        outcome (Outcome): what was compared.
        folder (str or Path): where to write; made if it is not there.
        language (str): of the page, ``en`` or ``zh``; the tables are English.
        page (bool): also write ``comparison.html`` and ``comparison/*.png``.

    Returns:
        str: what was written, a sentence in that language.

    Raises:
        ConfigError: a page is wanted and Jinja2 or Matplotlib is not installed; a file cannot be written.
    """
    choice(COMPARE, "--language", language, LANGUAGES)
    contents = (spreadsheets.ranked(outcome), spreadsheets.runs(outcome), tables.markdown(outcome).encode())
    files = dict(zip(tables.NAMES, contents))
    if page:
        # Before anything is written, and also where there is nothing to draw.
        packages.check()
        pictures = paint(outcome, language)
        files.update({f"{COMPARISON_FOLDER}/{name}.png": data for name, data in pictures.items()})
        files[COMPARISON] = html(outcome, pictures, COMPARISON_FOLDER, language).encode()
    for name, data in files.items():
        path = Path(folder) / name
        try:
            atomic.make_folder(folder, Path(name).parent)
            atomic.sweep(path)
            atomic.write(path, data)
        except OSError as error:
            fail(COMPARE, "--out", "a folder that can be written", described(f"{path}: {error.strerror}"))
    first = COMPARISON if page else tables.NAMES[0]
    size = len(files[first]) / 1e3
    return WORDS[language]["written"].format(path=Path(folder) / first, size=f"{size:.0f}", n=len(files) - 1)
