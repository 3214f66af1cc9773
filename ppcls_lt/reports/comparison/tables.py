"""A comparison as a table in a terminal, as Markdown and as CSV files."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ...runs.measures import MEASURES
from ..parts.csv_files import as_csv
from ..parts.numbers import NONE
from . import replacements, wording
from .texts import EN
from .wording import columns, one_line, percent, points, shortened, times

if TYPE_CHECKING:
    from ...runs.results import Outcome, Row

NAMES = ("comparison.csv", "comparison_runs.csv", "comparison.md")
# Up to so many the CSV of the runs has a column for each class.
MAX_CLASSES = 100
_NOTHING = (float("nan"), float("nan"))
_SHORTEST = 12  # columns that a recipe's name keeps in a narrow terminal
# Markdown's own characters; an underscore within a word is none.
_MARKDOWN = re.compile(r"[&<|\\`*~$#\[\]]|(?<!-)>|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def text(outcome: Outcome, width: int = 80) -> str:
    """Return the table for a terminal, with the choice, the cautions, failures and missing runs below it.

    Args:
        outcome (Outcome): what was compared.
        width (int): columns of the terminal; where the spreads over seeds do not fit they are left out.
    """
    head = f"{EN['title'].format(title=one_line(outcome.title))}, {_subtitle(outcome)}"
    parts = [_wrapped(head, width)]
    if outcome.rows:
        lines, note = _grid(outcome, width)
        parts.append("\n".join([*lines, "", _wrapped(note, width)]))
    lines = [*wording.choice(outcome, EN), *(EN["caution"].format(text=each) for each in wording.cautions(outcome, EN))]
    parts.append("\n".join(_wrapped(line, width) for line in [*lines, *wording.notes(outcome, EN)]))
    chosen = wording.chosen(outcome)
    found = {} if chosen is None else {chosen.trained: outcome.replaced.get(chosen.trained, [])}
    for head, lines in (
        ("replaced", replacements.lines(found)),
        ("failures", failures(outcome, EN)),
        ("missing", missing(outcome, EN)),
    ):
        if lines:
            parts.append("\n".join([f"{EN[head]}:", *(_wrapped(f"  {line}", width, indent="    ") for line in lines)]))
    return "\n\n".join(parts)


def _subtitle(outcome):
    return EN["subtitle"].format(arch=one_line(outcome.arch), epochs=outcome.epochs, seeds=seeds(outcome))


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


def _wrapped(line, width, indent=""):
    return textwrap.fill(line, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _grid(outcome, width):
    """The table in the widest form that fits, spreads set apart, set close or left out; and a note on them."""
    for between in (" ± ", "±", None):
        lines = _lines(outcome, between, wording.NAME)
        room = width - max(map(columns, lines))
        if room >= 0:
            break
    about = about_table(outcome, EN)[1] if between or single(outcome) else EN["table_narrow"]
    return _lines(outcome, between, max(wording.NAME + room, _SHORTEST)), about


def _lines(outcome, between, room):
    heads = [("", EN["rank"]), ("", EN["recipe"])]
    heads += [("", EN["seeds"])] if uneven(outcome) else []
    heads += [(EN["validation_short"], EN[outcome.rank_by]), *((EN["test"], EN[name]) for name in MEASURES)]
    heads += [(EN["few"], EN["gain_head"]), ("", EN["work"])]
    rows = [list(head) for head in zip(*heads)]
    for rank, row in enumerate(outcome.rows, 1):
        cells = [str(rank), shortened(row.recipe, room)]
        cells += [str(len(row.runs))] if uneven(outcome) else []
        pairs = [row.validation[outcome.rank_by], *(row.test[name] for name in MEASURES)]
        cells += [percent(pair, "-", between) for pair in pairs]
        rows.append([*cells, points(few_gain(row, outcome), "-", between), times(row.work, "-")])
    widths = [max(map(columns, column)) for column in zip(*rows)]
    # Names to the left, numbers to the right.
    apart = "  " if between else " "
    return [apart.join(_padded(row, widths)).rstrip() for row in rows]


def _padded(row, widths):
    for number, (cell, width) in enumerate(zip(row, widths)):
        room = " " * (width - columns(cell))
        yield cell + room if number == 1 else room + cell


def few_gain(row: Row, outcome: Outcome) -> tuple[float, float]:
    """``(mean, spread)`` of the few-shot gain, NaN without the baseline and for itself."""
    return _NOTHING if row.recipe == outcome.baseline else row.gain.get("few", _NOTHING)


def markdown(outcome: Outcome) -> str:
    """Return the table and everything around it as a Markdown page, a string."""
    lines = [f"# {EN['title'].format(title=_safe(outcome.title))}", "", f"{_safe(_subtitle(outcome))}.", ""]
    lines += [f"## {EN['chosen']}", "", *_paragraphs(wording.choice(outcome, EN), apart=" ")]
    lines += _items(EN["caution"].format(text=each) for each in wording.cautions(outcome, EN))
    if outcome.rows:
        lines += [f"## {EN['table']}", "", *_paragraphs(about_table(outcome, EN), apart=" ")]
        lines += ranking(outcome)
    lines += _items(wording.notes(outcome, EN))
    if any(outcome.replaced.values()):
        lines += [f"## {EN['replaced']}", "", *_table(*replacements.table(outcome, EN), left=range(4))]
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


def ranking(outcome: Outcome) -> list[str]:
    """Return the ranked table alone, the lines of its Markdown and an empty one."""
    return _table(heads(outcome, EN), cells(outcome, EN), left=(1,))


def heads(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """The heads of the ranked table on a page."""
    kinds = [("validation", outcome.rank_by), *(("test", name) for name in MEASURES)]
    return [
        words["rank"],
        words["recipe"],
        *([words["seeds"]] if uneven(outcome) else []),
        *(words["head"].format(kind=words[kind], measure=words[name]) for kind, name in kinds),
        words["gain_short"].format(measure=words["few_shot"]),
        words["work_head"].format(baseline=outcome.baseline),
    ]


def cells(outcome: Outcome, words: Mapping[str, str]) -> Iterator[list]:
    """The rows of the ranked table on a page."""
    base = wording.baseline(outcome)
    for rank, row in enumerate(outcome.rows, 1):
        name = one_line(row.recipe)
        yield [
            rank,
            words["recipe_baseline"].format(recipe=name) if row is base else name,
            *([len(row.runs)] if uneven(outcome) else []),
            *map(percent, (row.validation[outcome.rank_by], *(row.test[name] for name in MEASURES))),
            points(few_gain(row, outcome)),
            times(row.work),
        ]


def about_table(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences: how the table is ranked, and what its numbers are."""
    measure = words["accuracy_of"].format(measure=words[f"{outcome.rank_by}_shot"])
    return [
        words["table_about"].format(measure=measure, baseline=outcome.baseline),
        words["table_one_seed" if single(outcome) else "table_spread"],
    ]


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


def csv(outcome: Outcome) -> bytes:
    """Return the ranked table as a CSV file, bytes: a row for each recipe; accuracies are shares."""
    return as_csv(
        [
            [
                "rank",
                "recipe",
                "seeds",
                *(
                    f"{kind}_{name}{end}"
                    for kind in ("validation", "test", "gain")
                    for name in MEASURES
                    for end in ("", "_spread")
                ),
                "work",
            ],
            *(_numbers(rank, row) for rank, row in enumerate(outcome.rows, 1)),
        ]
    )


def _numbers(rank, row):
    pairs = [values.get(name, _NOTHING) for values in (row.validation, row.test, row.gain) for name in MEASURES]
    return [rank, row.recipe, len(row.runs), *(value for pair in pairs for value in pair), row.work]


def runs_csv(outcome: Outcome) -> bytes:
    """Return the finished runs as a CSV file, bytes: a row for each run, recipes as ranked.

    Up to 100 classes the test accuracy of each class is in ``recall_0``, ``recall_1``, ...
    """
    classes = outcome.counts.size if outcome.counts.size <= MAX_CLASSES else 0
    facts = ("recipe", "seed", "epochs", "stage", "best_epoch", "seconds", "images")
    scores = [f"{kind}_{name}" for kind in ("validation", "test") for name in MEASURES]
    rows = [[*facts, *scores, *(f"recall_{label}" for label in range(classes))]]
    for row in outcome.rows:
        for run in row.runs:
            values = [values[name] for values in (run.validation, run.test) for name in MEASURES]
            rows.append([*(getattr(run, fact) for fact in facts), *values, *run.recall[:classes]])
    return as_csv(rows)
