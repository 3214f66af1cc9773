"""The tables of a comparison as heads and rows, and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...basis.widths import one_line
from ...runs.measures import MEASURES
from ..parts.numbers import NONE
from . import budgeted, replacements, tuned, wording
from .texts import EN
from .wording import percent, points, times

if TYPE_CHECKING:
    from ...runs.results import Outcome, Row

NAMES = ("comparison.csv", "comparison_runs.csv", "comparison.md")
# Markdown's own characters; an underscore within a word is none.
_MARKDOWN = re.compile(r"[&<|\\`*~$#\[\]]|(?<!-)>|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def said(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """The answer, in sentences."""
    return [*wording.answer(outcome, words), *wording.tested(outcome, words)]


def subtitle(outcome: Outcome, words: Mapping[str, str]) -> str:
    """The architecture, the epochs and the seeds."""
    return words["subtitle"].format(arch=one_line(outcome.arch), epochs=outcome.epochs, seeds=seeds(outcome))


def seeds(outcome: Outcome) -> str:
    """The seeds of a comparison, one after another."""
    return ", ".join(map(str, outcome.seeds))


def failures(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """``recipe and seed: reason`` of each run that failed; without the seed where it is all of them."""
    found = []
    for recipe, seed, reason in outcome.failures:
        run = one_line(recipe) if seed is None else words["run_of"].format(recipe=one_line(recipe), seed=seed)
        found.append(words["colon"].join([run, one_line(reason)]))
    return found


def missing(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """``recipe: its seeds`` of the runs that are still to be made."""
    found: dict[str, list[str]] = {}
    for recipe, seed in outcome.missing:
        found.setdefault(one_line(recipe), []).append(str(seed))
    return [
        words["colon"].join([recipe, words["runs_of"].format(seeds=", ".join(those))])
        for recipe, those in found.items()
    ]


def uneven(outcome: Outcome) -> bool:
    """Whether recipes have different numbers of seeds, so that a table must say how many."""
    return any(len(row.runs) != len(outcome.seeds) for row in outcome.rows)


def markdown(outcome: Outcome) -> str:
    """Return the answer, the tables and everything around them as a Markdown page, a string."""
    lines = [f"# {EN['title'].format(title=_safe(outcome.title))}", "", f"{_safe(subtitle(outcome, EN))}.", ""]
    lines += [f"## {EN['chosen']}", "", *_paragraphs(said(outcome, EN), apart=" ")]
    lines += _items(EN["caution"].format(text=each) for each in wording.cautions(outcome, EN))
    if outcome.rows:
        lines += [f"## {EN['table']}", "", *_paragraphs(about_table(outcome, EN), apart=" ")]
        lines += _table(heads(outcome, EN), cells(outcome, EN), left=(1,))
    if tested_rows(outcome):
        lines += [f"## {EN['tests']}", "", *_paragraphs([about_tests(outcome, EN)], apart=" ")]
        lines += _table(*tests_table(outcome, EN), left=(0,))
    lines += _items(wording.notes(outcome, EN))
    if any(outcome.replaced.values()):
        lines += [f"## {EN['replaced']}", "", *_table(*replacements.table(outcome, EN), left=range(4))]
    if outcome.tuned:
        lines += [f"## {EN['tuning']}", "", *_items(tuned.lines(outcome, EN))]
    if outcome.budget is not None:
        lines += [f"## {EN['budget']}", "", *_items(budgeted.lines(outcome, EN))]
    if outcome.failures:
        lines += [f"## {EN['failures']}", "", *_items(failures(outcome, EN))]
    if outcome.missing:
        lines += [f"## {EN['missing']}", "", *_items(missing(outcome, EN))]
    lines += [f"## {EN['data']}", ""]
    lines += _table(*lists(outcome, EN), left=(0, 1))
    lines += _paragraphs(about_groups(outcome, EN), apart=" ")
    lines += _table(*groups(outcome, EN), left=(0,))
    lines += _items(trained_by(outcome, EN))
    # A fence longer than any within.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", outcome.command)), default=0))
    lines += [f"## {EN['command']}", "", f"{fence}sh", outcome.command, fence]
    return "\n".join(lines) + "\n"


def heads(outcome: Outcome, words: Mapping[str, str], measures: Sequence[str] = MEASURES) -> list[str]:
    """The heads of the ranked table."""
    return [
        words["rank"],
        words["recipe"],
        *([words["seeds"]] if uneven(outcome) else []),
        words["gain_of"].format(measure=words[outcome.rank_by]),
        words["interval_head"],
        words["best_head"],
        *(words[name] for name in measures),
        words["work_head"].format(baseline=outcome.baseline),
    ]


def cells(outcome: Outcome, words: Mapping[str, str], measures: Sequence[str] = MEASURES) -> Iterator[list]:
    """The rows of the ranked table."""
    judgements = {} if outcome.choice is None else outcome.choice.judgements
    for rank, row in enumerate(outcome.rows, 1):
        found = judgements.get(row.recipe)
        base = row.recipe == outcome.baseline
        yield [
            rank,
            name(outcome, row, words),
            *([len(row.runs)] if uneven(outcome) else []),
            NONE if found is None or base else points((found.gain, np.nan)),
            NONE if found is None or base else wording.interval(found, words),
            NONE if found is None else wording.chance(found.best),
            *(percent(row.validation[each]) for each in measures),
            times(row.work),
        ]


def name(outcome: Outcome, row: Row, words: Mapping[str, str], marked: bool = True) -> str:
    """The name of a candidate in a table, which says whether it is the base and, ``marked``, whether it is an equal."""
    found = one_line(row.recipe)
    if row.recipe == outcome.baseline:
        found = words["recipe_baseline"].format(recipe=found)
    return words["equal_mark"].format(recipe=found) if marked and equal(outcome, row) else found


def equal(outcome: Outcome, row: Row) -> bool:
    """Whether a candidate cannot be told apart from the chosen one, and is not that."""
    return outcome.choice is not None and row.recipe in outcome.choice.equals and row.recipe != outcome.choice.chosen


def about_table(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences: how the table is ranked, and what its numbers are; the last of the work."""
    about = words["table_about"].format(measure=wording.accuracy(outcome, words), baseline=outcome.baseline)
    return [about, words["work_about"].format(baseline=outcome.baseline)]


def tested_rows(outcome: Outcome) -> list[Row]:
    """The candidates that have predicted the test images with all their runs."""
    return [row for row in outcome.rows if row.tested]


def about_tests(outcome: Outcome, words: Mapping[str, str]) -> str:
    """A sentence: what the table of the test images has."""
    return words["tests_one_seed" if single(outcome) else "tests_about"]


def tests_table(
    outcome: Outcome, words: Mapping[str, str], measures: Sequence[str] = MEASURES
) -> tuple[list[str], list[list]]:
    """Heads and rows: the accuracies on the test images, and the gains in what the comparison ranks by."""
    gain = words["gain_of"].format(measure=words[outcome.rank_by])
    rows = [
        [
            name(outcome, row, words),
            *(percent(row.test[each]) for each in measures),
            points(row.gain[outcome.rank_by]) if row.gain and row.recipe != outcome.baseline else NONE,
        ]
        for row in tested_rows(outcome)
    ]
    return [words["recipe"], *(words[each] for each in measures), gain], rows


def single(outcome: Outcome) -> bool:
    """Whether no recipe has more than one seed, so that there is no spread."""
    return max(len(row.runs) for row in outcome.rows) == 1


def lists(outcome: Outcome, words: Mapping[str, str]) -> tuple[list[str], list[list]]:
    """Heads and rows: the label lists."""
    rows = [[words[f"{kind}_list"], path, f"{number:,}"] for kind, (path, number) in outcome.lists.items()]
    return [words["list"], words["path"], words["number"]], rows


def about_groups(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences: how many classes there are, and how they are grouped."""
    return [words["classes_all"].format(n=f"{outcome.counts.size:,}"), wording.groups(outcome, words)]


def trained_by(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences, maybe none: the versions of the packages that trained the runs."""
    return [words["trained_by"].format(versions=words["semicolon"].join(outcome.versions))] if outcome.versions else []


def groups(outcome: Outcome, words: Mapping[str, str]) -> tuple[list[str], list[list]]:
    """Heads and rows: the groups of classes."""
    rows = [
        [
            words[group],
            f"{len(members):,}",
            f"{int(outcome.counts[members].sum()):,}",
            f"{int(outcome.validation_counts[members].sum()):,}",
            f"{int(outcome.validation_counts[members].min()):,}" if len(members) else NONE,
        ]
        for group, members in outcome.groups.items()
    ]
    names = ("group", "class_number", "train_images", "validation_images", "validation_fewest")
    return [words[name] for name in names], rows


def _safe(text):
    """Text in which Markdown and HTML find nothing of theirs."""
    return _MARKDOWN.sub(lambda match: f"&#{ord(match.group())};", one_line(text))


def _paragraphs(sentences, apart):
    return [apart.join(map(_safe, sentences)), ""]


def _items(lines):
    lines = [f"- {_safe(line)}" for line in lines]
    return [*lines, ""] if lines else []


def _table(heads, rows, left):
    rules = ["---" if column in left else "---:" for column in range(len(heads))]
    lines = [[_safe(cell) for cell in heads], rules, *([_safe(cell) for cell in row] for row in rows)]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
