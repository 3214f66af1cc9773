"""What an evaluation found: accuracies by group and by class, tables, pictures, and the report of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..basis import checks
from ..basis.findings import ConfigError
from ..reports.parts.names import LANGUAGES, REPORT
from .keywords import in_python
from .tables import Page, Picture, Shown, Table

if TYPE_CHECKING:
    from ..reports.run.collect import Part


class Judged(Shown):
    """A run with an evaluation, as its folder has it; read once, so that it stays what it was.

    Attributes:
        folder (Path): the ``Global.output_dir``.
    """

    _mode: str
    _owner: str

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        from ..reports.run.collect import NotEvaluated, collect

        self.folder = Path(folder)
        self._found: list[Part] | ConfigError
        try:
            self._found = collect(self.folder, mode=self._mode, owner=self._owner)
        except NotEvaluated:  # which is said when one asks for it
            self._found = ConfigError(
                f"{self._owner}: {self.folder} holds a training without any evaluation; "
                f"`evaluate({str(self.folder)!r})` makes one, and a training has one after each epoch where there is "
                "a validation list"
            )
        except ConfigError as error:
            self._found = error

    @property
    def _part(self) -> Part:
        """The last stage."""
        if isinstance(self._found, ConfigError):
            raise self._found
        return next(part for part in reversed(self._found) if part.predictions is not None)

    @property
    def epoch(self) -> int:
        """The epoch after which the weights were that predicted; 0 of an evaluation alone."""
        return self._part.predictions.epoch

    @property
    def accuracy(self) -> dict[str, float]:
        """``overall``, ``balanced``, ``many``, ``medium``, ``few`` -> share of images, NaN without any."""
        return {name: float(value) for name, value in self._part.accuracies().items()}

    @property
    def recall(self) -> dict[str, float]:
        """Name of a class -> accuracy of its images, 0 to 1, NaN without images; the order is that of the labels."""
        part = self._part
        return {part.called(label): float(value) for label, value in enumerate(part.recall)}

    @property
    def history(self) -> list[dict]:
        """What every evaluation of the last stage found: maps with ``epoch``, ``values``, ``loss``, ..."""
        return list(self._part.history)

    def table(self, of: str = "groups") -> Table:
        """Return a table.

        Args:
            of (str): ``groups``: the accuracy overall, balanced and of many, medium and few, each with its 95 %
                interval; ``classes``: of each class, most training images first; ``epochs``: after each epoch.

        Raises:
            ConfigError: another text, or nothing was evaluated.
        """
        return _TABLES[checks.choice(f"{self._owner}(...).table", "of", of, _TABLES)](self._part)

    def pictures(self, language: str = "en") -> dict[str, Picture]:
        """Return name -> picture, as the report has them; needs the extra ``report``.

        Args:
            language (str): of the captions, ``en`` or ``zh``.
        """
        from ..reports.parts import packages
        from ..reports.run.figures import paint

        packages.check()
        checks.choice(f"{self._owner}(...).pictures", "language", language, LANGUAGES)
        return {name: Picture(png) for name, png in paint(self._part, language).items()}

    def report(self, out: str | os.PathLike[str] | None = None, language: str = "en") -> Page:
        """Write the report, as ``ppcls-lt report`` does, and return it; needs the extra ``report``.

        Args:
            out (str or Path, optional): where to write, by default the folder of the run.
            language (str): ``en`` or ``zh``.

        Raises:
            ConfigError: the folder holds another run or evaluation by now; nothing was evaluated.
        """
        from ..reports.run import writing
        from ..reports.run.collect import collect

        with in_python():
            began = self._part.info["started"]
            (*_, now) = collect(self.folder, mode=self._mode, owner=self._owner)
            if now.info["started"] != began:
                got = checks.described(f"{self.folder}, into which another was written since")
                checks.fail(f"{self._owner}(...).report", "folder", "that of this result", got)
            told = writing.write(self.folder, out, language=language, mode=self._mode, owner=self._owner)
        return Page(Path(self.folder if out is None else out) / REPORT, told)

    def _parts(self) -> Sequence[Any]:
        if isinstance(self._found, ConfigError):
            return [f"{self._owner}: {self.folder}", "not evaluated"]
        return [f"{self._owner}: {self.folder}", self.table()]


def _groups(part):
    intervals = part.intervals()
    rows = [[name, float(value), intervals[name]] for name, value in part.accuracies().items()]
    images = part.predictions.label.size
    for row in rows:
        members = part.groups.get(row[0])
        row.insert(1, part.class_num if members is None else len(members))
        row.insert(2, images if members is None else int(part.support[members].sum()))
    return Table(["", "classes", "images", "accuracy %", "95 % interval"], rows, _caption(part))


def _caption(part):
    epoch = part.predictions.epoch
    of_epoch = f", epoch {epoch}" if epoch and not part.evaluation else ""
    return f"{part.arch}{of_epoch}"


def _classes(part):
    counts = [None] * part.class_num if part.counts is None else [int(each) for each in part.counts]
    group_of = {int(label): name for name, members in part.groups.items() for label in members}
    columns = (part.support.astype(int).tolist(), part.recall.tolist(), part.precision.tolist(), part.f1.tolist())
    rows = [
        [part.called(label), group_of.get(int(label), ""), counts[label], *(column[label] for column in columns)]
        for label in part.order
    ]
    heads = ["class", "group", "training images", "images", "recall %", "precision %", "F1 %"]
    return Table(heads, rows, _caption(part))


def _epochs(part):
    epochs, by_name = part.over_epochs()
    rows = [[epoch, *(float(values[place]) for values in by_name.values())] for place, epoch in enumerate(epochs)]
    return Table(["epoch", *(f"{name} %" for name in by_name)], rows, part.arch)


_TABLES: dict[str, Callable[[Any], Table]] = {"groups": _groups, "classes": _classes, "epochs": _epochs}
