"""A comparison in a terminal: the answer and the tables, in as many columns as there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...basis.widths import columns, one_line, shortened, wrapped
from ...runs.measures import BASELINE, MEASURES
from ..parts.numbers import NONE
from . import budgeted, replacements, tables, tuned, wording
from .texts import EN

if TYPE_CHECKING:
    from ...runs.results import Outcome

_SHORTEST = 12  # columns that a recipe's name keeps in a narrow terminal


def text(outcome: Outcome, width: int = 80, words: Mapping[str, str] = EN) -> str:
    """Return the answer and the table for a terminal, with the cautions, failures and missing runs below.

    Args:
        outcome (Outcome): what was compared.
        width (int): columns of the terminal; where not all groups fit some are left out.
        words (dict): key -> text, in the language of the reader.
    """
    title = words["title"].format(title=one_line(outcome.title))
    head = words["heading"].format(title=title, subtitle=tables.subtitle(outcome, words))
    colon = words["colon"].rstrip()
    parts = [wrapped(head, width), "\n".join(wrapped(line, width) for line in tables.said(outcome, words))]
    if outcome.rows:
        ranked, about = _ranked_lines(outcome, words, width), tables.about_table(outcome, words)
        if words["work_short"] not in ranked[0]:
            about = about[:-1]
        parts.append("\n".join([*ranked, "", wrapped(words["between"].join(about), width)]))
    if tables.tested_rows(outcome):
        parts.append("\n".join([words["tests"] + colon, *_tests_lines(outcome, words, width)]))
    lines = [
        *(words["caution"].format(text=each) for each in wording.cautions(outcome, words)),
        *wording.notes(outcome, words),
    ]
    if lines:
        parts.append("\n".join(wrapped(line, width) for line in lines))
    chosen = wording.chosen(outcome)
    found = {} if chosen is None else {chosen.trained: outcome.replaced.get(chosen.trained, [])}
    for head, lines in (
        ("replaced", replacements.lines(found, words)),
        ("tuning", tuned.lines(outcome, words)),
        ("budget", budgeted.lines(outcome, words)),
        ("failures", tables.failures(outcome, words)),
        ("missing", tables.missing(outcome, words)),
    ):
        if lines:
            parts.append(
                "\n".join([words[head] + colon, *(wrapped(f"  {line}", width, indent="    ") for line in lines)])
            )
    return "\n\n".join(parts)


def _ranked_lines(outcome, words, width):
    """The ranked table with as many groups as fit, in the end with short heads and names."""
    for measures in (MEASURES, ("balanced", "many", "few")):
        lines = _grid(
            words, (tables.heads(outcome, words, measures), tables.cells(outcome, words, measures)), width, wording.NAME
        )
        if max(map(columns, lines)) <= width:
            return lines
    # A name that cannot be told from others says less than the accuracy, whose gain stands there too, or the work.
    asked = tuple(dict.fromkeys((outcome.rank_by, "many", "few")))
    for measures, work in ((asked, True), (asked, False), (("many", "few"), False)):
        lines = _grid(words, _narrow(outcome, words, measures, work), width, wording.NAME)
        if max(map(columns, lines)) <= width:
            return lines
    return _grid(words, _narrow(outcome, words, ("many", "few"), False), width)


def _tests_lines(outcome, words, width):
    """The table of the test images with as many groups as fit."""
    for measures in (MEASURES, ("balanced", "many", "few")):
        table, rows = tables.tests_table(outcome, words, measures)
        if measures is not MEASURES:
            rows = [[each, *line[1:]] for each, line in zip(_names(outcome, words, tables.tested_rows(outcome)), rows)]
            table[-1] = words["gain_short"]
        lines = _grid(words, (table, rows), width)
        if max(map(columns, lines)) <= width:
            break
    return lines


def _names(outcome, words, rows):
    """Names of candidates; the base is not called so twice."""
    for row in rows:
        bare = one_line(row.recipe)
        found = bare if bare == BASELINE else tables.name(outcome, row, words, marked=False)
        yield words["equal_mark"].format(recipe=found) if tables.equal(outcome, row) else found


def _narrow(outcome, words, measures, work):
    """Heads and rows of the ranked table for a narrow terminal."""
    wide = [tables.heads(outcome, words, measures), *tables.cells(outcome, words, measures)]
    names = [words["recipe"], *_names(outcome, words, outcome.rows)]
    gain = wide[0].index(words["gain_of"].format(measure=words[outcome.rank_by]))
    for place, head in ((0, "rank"), (gain, "gain"), (gain + 2, "best"), (-1, "work")):
        wide[0][place] = words[f"{head}_short"]
    lines = [[line[0], each, *line[2 : None if work else -1]] for line, each in zip(wide, names)]
    return lines[0], lines[1:]


def _grid(words, table, width, shortest=_SHORTEST):
    """Lines of a table, the names in its first column of text shortened, no further than told, where it is too wide."""
    names = table[0].index(words["recipe"])
    rows = [[str(cell).replace(NONE, "-") for cell in row] for row in (table[0], *table[1])]
    widths = [max(map(columns, column)) for column in zip(*rows)]
    over = max(sum(widths) + 2 * (len(widths) - 1) - width, 0)
    widths[names] = min(widths[names], max(widths[names] - over, shortest))
    rows = [[shortened(cell, widths[names]) if i == names else cell for i, cell in enumerate(row)] for row in rows]
    return ["  ".join(_padded(row, widths, names)).rstrip() for row in rows]


def _padded(row, widths, names):
    """Names to the left, numbers to the right."""
    for number, (cell, width) in enumerate(zip(row, widths)):
        room = " " * (width - columns(cell))
        yield cell + room if number == names else room + cell
