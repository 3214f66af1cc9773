"""Comparison of recipes from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..basis import checks
from ..commands import comparing as command
from ..commands.describing import say
from ..reports.parts.names import COMPARISON, LANGUAGES
from . import keywords, session, source
from .keywords import checked
from .tables import Page, Picture, Shown, Table

if TYPE_CHECKING:
    from ..runs.results import Outcome

_WIDTH = 100


class Comparison(Shown):
    """What a comparison came to.

    Attributes:
        folder (Path): where it was written.
        config (Path): the base, as ``ppcls-lt compare -c`` takes it.
        lists (dict): ``train``, ``val``, ``test`` -> path of a label list, of those that are known.
        outcome (Outcome): everything that was found.
        complete (bool): whether all was done: no run failed.
    """

    def __init__(
        self,
        outcome: Outcome,
        folder: Path,
        complete: bool,
        config: Path,
        lists: Mapping[str, Path],
        language: str = "en",
    ) -> None:
        self.outcome, self.folder, self.complete, self.config = outcome, folder, complete, config
        self.lists = dict(lists)
        self._language = language

    @property
    def _words(self) -> Mapping[str, str]:
        from ..reports.comparison.messages import WORDS

        return WORDS[self._language]

    @property
    def chosen(self) -> str | None:
        """The candidate to take, None where the base has no finished run."""
        return None if self.outcome.chosen is None else self.outcome.chosen.recipe

    @property
    def best(self) -> Path | None:
        """``best.yaml``: the base with the chosen recipe, which ``train`` and ``ppcls-lt train -c`` take; or None."""
        from ..jobs.outcome import BEST

        path = self.folder / BEST
        return path if self.chosen is not None and path.is_file() else None

    @property
    def accuracy(self) -> dict[str, dict[str, float]]:
        """Candidate -> measure -> accuracy of held-out images, 0 to 1; in the order of the ranking."""
        return {row.recipe: {name: mean for name, (mean, _) in row.validation.items()} for row in self.outcome.rows}

    @property
    def test(self) -> dict[str, dict[str, float]]:
        """Candidate -> measure -> accuracy of the test images, of those that were tested."""
        return {
            row.recipe: {name: mean for name, (mean, _) in row.test.items()} for row in self.outcome.rows if row.tested
        }

    @property
    def failures(self) -> list[tuple[str, int | None, str]]:
        """``(recipe, seed, reason)`` of each run that failed; without a seed where it is all of a recipe's."""
        return list(self.outcome.failures)

    @property
    def answer(self) -> str:
        """What to take, and how sure that is, in sentences."""
        from ..reports.comparison import tables

        return " ".join(tables.said(self.outcome, self._words))

    @property
    def text(self) -> str:
        """Everything that ``ppcls-lt compare`` prints in the end."""
        from ..reports.comparison import terminal

        return terminal.text(self.outcome, _WIDTH, self._words)

    def table(self, of: str = "ranking") -> Table:
        """Return a table.

        Args:
            of (str): ``ranking``: the candidates on held-out images, best first; ``test``: those that predicted the
                test images.

        Raises:
            ConfigError: another text.
        """
        from ..reports.comparison import tables

        checks.choice("compare(...).table", "of", of, ("ranking", "test"))
        if of == "test":
            heads, rows = tables.tests_table(self.outcome, self._words)
            return Table(heads, rows, tables.about_tests(self.outcome, self._words))
        heads, cells = tables.heads(self.outcome, self._words), list(tables.cells(self.outcome, self._words))
        return Table(heads, cells, tables.about_table(self.outcome, self._words)[0])

    def pictures(self, language: str | None = None) -> dict[str, Picture]:
        """Return name -> picture, as the page has them.

        Args:
            language (str, optional): of the captions, ``en`` or ``zh``; by default that of the comparison.
        """
        from ..reports.comparison.figures import paint

        language = checks.choice("compare(...).pictures", "language", language or self._language, LANGUAGES)
        return {name: Picture(png) for name, png in paint(self.outcome, language).items()}

    def report(self, out: str | os.PathLike[str] | None = None, language: str | None = None) -> Page:
        """Write the page and its tables, as ``ppcls-lt compare`` does, and return it.

        Args:
            out (str or Path, optional): where to write, by default the folder of the comparison.
            language (str, optional): ``en`` or ``zh``; by default that of the comparison.
        """
        from ..reports.comparison import writing

        folder = self.folder if out is None else Path(out)
        with keywords.in_python():
            told = writing.write(self.outcome, folder, language or self._language)
        return Page(folder / COMPARISON, told)

    def _parts(self) -> Sequence[Any]:
        return [self.answer, *([self.table()] if self.outcome.rows else []), f"compare: {self.folder}"]


@checked
def compare(
    data: source.Data,
    out: str | os.PathLike[str],
    *,
    recipes: Sequence[str | Sequence[str]] | str | None = None,
    seeds: Sequence[int] | int | None = None,
    arch: str | None = None,
    image_size: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    pretrained: bool | str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    rank_by: str | None = None,
    budget: str | None = None,
    refit: bool = False,
    classes: Any = None,
    lists: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Comparison:
    """Train recipes on the same data and rank them; what ``ppcls-lt lists`` and ``ppcls-lt compare`` do.

    Every run is a process of its own, which finds modules where this one does; nothing of the calling script runs in
    it. ``out`` gets ``train.yaml``, the base, with which the command line compares the same, the lists that were made
    of images, and ``output/compare/``. Interrupted, the same call goes on with what is missing.

    Args:
        data, out, arch, image_size, batch_size, learning_rate, pretrained, classes, lists, options: see :func:`train`;
            they are the base's.
        recipes (list, optional): the candidates, each a name or a YAML file, or several that are laid together, joined
            by ``+`` or as a list in the list; all by default. ``base`` is always in.
        seeds (list of int, optional): a run for each; 0 by default.
        epochs (int, optional): of every run; the schedule of a configuration is stretched along.
        jobs (int, optional): runs at the same time; 1 by default.
        rank_by (str, optional): the accuracy that decides, ``balanced`` by default.
        budget (str, optional): train for so long, as ``"4h"``.
        refit (bool): in the end train the chosen candidate on the whole list, test and export it.
        flags (dict, optional): further flags of ``ppcls-lt compare``, such as
            ``{"folds": 3, "adjust": "none", "language": "zh"}``.
        overwrite (bool): replace lists that other images or keywords made. Runs that are there count where they are
            what would be trained; see docs/compare.md.

    Returns:
        Comparison

    Raises:
        ConfigError: what is wrong.
        KeyboardInterrupt: the runs were interrupted.
    """
    owner = "compare"
    checks.flag(owner, "refit", refit)
    checks.flag(owner, "overwrite", overwrite)
    asked = {"recipes": _candidates(owner, recipes), "seeds": _several(seeds), "jobs": jobs, "rank_by": rank_by}
    asked.update(budget=budget, refit=refit)
    if not isinstance(flags or {}, Mapping):
        checks.fail(owner, "flags", 'a map such as {"folds": 3}, flags of `ppcls-lt compare`', flags)
    _check_flags(owner, flags or {}, {name: name for name in (*asked, "epochs")})
    flags = {_as_keyword(name): value for name, value in (flags or {}).items()}
    with session.working(), session.same_path():
        is_config = source.is_configuration(data)
        if not is_config and isinstance(lists or {}, Mapping):
            lists = {"val_fraction": 0, **(lists or {})}  # folds of the training images choose
        found = source.read(
            owner,
            data,
            out,
            arch=arch,
            image_size=image_size,
            epochs=None if is_config else epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            pretrained=pretrained,
            classes=classes,
            lists=lists,
            options=options,
            tested=True,
        )
        if not is_config and "val" in found.lists and not {"folds", "val_list"} & {*flags}:
            asked["val_list"] = found.lists["val"]
        asked["epochs"] = epochs if is_config else None
        argv = keywords.flags({"config": found.path, **asked, **flags}, owner)
        arguments = keywords.parsed("compare", argv)
        arguments.threads = session.THREADS
        with found.written(owner, overwrite=overwrite):
            say(found.told)
            done = command.compared(arguments)
    outcome: Any = done.outcome  # there is one where it is not a dry run
    return Comparison(outcome, done.folder, done.complete, found.path, found.lists, arguments.language)


def _check_flags(owner, flags, keyword_of):
    """Raise where the call has a keyword for one of the flags, or for none what it would do."""
    keyword_of = {**keyword_of, "config": "data", "override": "options"}
    for name in flags:
        if not isinstance(name, str) or _as_keyword(name) == "dry_run":
            checks.fail(owner, "flags", "names of flags of `ppcls-lt compare`, without dry_run", name)
        if _as_keyword(name) in keyword_of:
            got = checks.described(f"{name!r}, which is one")
            remedy = f"give it as `{owner}(..., {keyword_of[_as_keyword(name)]}=...)`"
            checks.fail(owner, "flags", "flags that are no keywords of the call", got, remedy)


def _as_keyword(name):
    return name.replace("-", "_")


def _candidates(owner, recipes):
    """The recipes as the command takes them: those of a list in the list joined."""
    found = []
    for each in _several(recipes) or []:
        given = keywords.recipe(owner, "recipes", each)
        found.append(given if isinstance(given, str) else "+".join(given))
    return None if recipes is None else found


def _several(value):
    return value if value is None or isinstance(value, (list, tuple)) else [value]
