"""A folder of runs, which itself is none: the runs in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...basis.checks import ConfigError
from ...runs import files as run_files
from ..parts.names import COMPARISON

_DEPTH = 8
_LISTED = 20


def refuse(folder: Path, modes: Sequence[str], owner: str) -> None:
    """Raise with the runs below a folder, where there are any, and with the comparisons among them.

    Args:
        folder (Path): what a report was asked of.
        modes (tuple of str): of the runs, ``train`` and ``eval``.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: there are runs below it.
    """
    runs, pages = _found(folder, modes)
    if not runs:
        return
    number = "a run" if len(runs) == 1 else f"{len(runs)} runs"
    listed = ", ".join(f"`ppcls-lt report {each}`" for each in runs[:_LISTED])
    more = f" and {len(runs) - _LISTED} more" if len(runs) > _LISTED else ""
    said = f"; the page of the whole comparison is {', '.join(map(str, pages))}" if pages else ""
    raise ConfigError(f"{owner}: {folder} holds {number} further down, and a report is of one: {listed}{more}{said}")


def _found(folder, modes):
    """Folders of runs, the one that began last first, and pages of comparisons."""
    runs, pages = {}, []
    wanted = {run_files.FILES[mode].info for mode in modes}
    for place, folders, files in os.walk(folder):
        folders.sort()
        if len(Path(place).relative_to(folder).parts) >= _DEPTH:
            folders.clear()
        pages += [Path(place) / name for name in files if name == COMPARISON]
        for name in wanted.intersection(files):
            try:
                info = run_files.read_info(Path(place) / name)
            except ConfigError:
                continue  # a report of it would say what is wrong
            home = _home(Path(place), info)
            runs[home] = max(info["started"], runs.get(home, ""))
    return sorted(sorted(runs), key=runs.get, reverse=True), pages


def _home(place, info):
    """The folder that a report of a run takes: that of its log, or the one above its stages."""
    stage = f"stage_{info['stage']}"
    if info["stages"] > 1:
        return next((folder.parent for folder in (place, *place.parents) if folder.name == stage), place)
    return place
