"""Writing a report: its page, its pictures, its tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...basis import atomic, lock
from ...basis.checks import choice, described, fail
from ..parts import packages
from ..parts.names import LANGUAGES, REPORT, REPORT_FOLDER
from .collect import collect, common_folder
from .figures import paint
from .page import page
from .tables import tables

if TYPE_CHECKING:
    import os

# Not that of a training, on which one may report while it runs.
_LOCK = ".report.lock"
_WRITTEN = {
    "en": "report of {run}: {path} ({size} kB) and {n} files in {folder}",
    "zh": "{run} 的报告：{path}（{size} kB），{folder} 中另有 {n} 个文件",
}


def write(
    folder: str | os.PathLike,
    out: str | os.PathLike | None = None,
    *,
    language: str = "en",
    mode: str | None = None,
    thresholds: Any = None,
    names: str | os.PathLike | None = None,
    owner: str = "ppcls-lt report",
) -> str:
    """Write the report of the run in a folder: ``report.html`` and, in ``report/``, its pictures and tables.

    Only files of these names are replaced, each in one step, the page last.

    Args:
        folder (str or Path): the run's ``Global.output_dir``, or the folder of its log.
        out (str or Path, optional): where to write; made if it is not there. By default ``folder``.
        language (str): ``en`` or ``zh``.
        mode, thresholds, names, owner: see ``collect.collect``.

    Returns:
        str: what was written, a sentence in that language.

    Raises:
        ConfigError: Jinja2 or Matplotlib is not installed; there is no evaluation to
            report on; a file is damaged or cannot be written.
    """
    choice(owner, "--language", language, LANGUAGES)
    packages.check()
    parts = collect(folder, mode=mode, thresholds=thresholds, names=names, owner=owner)
    out = Path(folder if out is None else out)
    places = [f"{REPORT_FOLDER}/stage_{part.info['stage']}" if len(parts) > 1 else REPORT_FOLDER for part in parts]
    pictures = [{} if part.predictions is None else paint(part, language) for part in parts]
    files = {}
    for part, place, drawn in zip(parts, places, pictures):
        if part.predictions is not None:
            files.update({f"{place}/{name}.png": data for name, data in drawn.items()})
            files.update({f"{place}/{name}": data for name, data in tables(part).items()})
    files[REPORT] = page(parts, pictures, places, language).encode()
    with lock.held(out, owner, "--out", _LOCK):
        try:
            for name, data in files.items():
                path = atomic.make_folder(out, Path(name).parent) / Path(name).name
                atomic.sweep(path)
                atomic.write(path, data)
        except OSError as error:
            fail(owner, "--out", "a folder that can be written", described(f"{out / name}: {error.strerror}"))
    facts = {"run": common_folder(parts), "path": out / REPORT, "folder": out / REPORT_FOLDER}
    return _WRITTEN[language].format(size=f"{len(files[REPORT]) / 1e3:.0f}", n=len(files) - 1, **facts)
