"""The page of a report: HTML that holds its pictures and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..parts.numbers import percent
from ..parts.templates import render
from .chapters import chapters, share
from .collect import common_folder
from .tables import NAMES
from .texts import TEXTS

if TYPE_CHECKING:
    from .collect import Part


def page(parts: Sequence[Part], pictures: Sequence[Mapping[str, bytes]], folders: Sequence[str], language: str) -> str:
    """Return the HTML of a report.

    Args:
        parts (list of Part): one, or the stages of a training.
        pictures (list of dict): for each part name -> PNG bytes, {} without predictions.
        folders (list of str): for each part where its pictures and tables lie, relative to the page.
        language (str): ``en`` or ``zh``.
    """
    words = TEXTS[language]
    first = parts[0]
    several = len(parts) > 1
    kind = "subtitle_eval" if first.evaluation else "subtitle_train"
    started = first.info["started"][:16].replace("T", " ") + " UTC"
    return render(
        "run/page.html.j2",
        words,
        title=words["title"].format(arch=first.arch),
        subtitle=words[kind].format(folder=common_folder(parts), started=started),
        stages=_stages(parts, words) if several else None,
        level=3 if several else 2,
        sections=[
            {
                "part": part,
                "pictures": drawn,
                "folder": folder,
                "files": ", ".join([*(f"{name}.png" for name in drawn), *NAMES]),
                "prefix": f"stage-{part.info['stage']}-" if several else "",
                "chapters": chapters(part, words),
            }
            for part, drawn, folder in zip(parts, pictures, folders)
        ],
    )


def _stages(parts, words):
    """Heads and rows: the accuracies of the stages beside each other."""
    found = {part.info["stage"]: part.accuracies() for part in parts if part.predictions is not None}
    names = list(next(iter(found.values())))
    rows = [[stage, *(percent(values.get(name, np.nan)) for name in names)] for stage, values in found.items()]
    return [words["stage_number"], *(share(words, name) for name in names)], rows
