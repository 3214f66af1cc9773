"""A comparison in a terminal: the answer and the tables, in as many columns as there are."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ...basis.widths import columns, one_line, shortened
from ...runs.measures import BASELINE, MEASURES
from ..parts.numbers import NONE
from . import budgeted, replacements, tables, tuned, wording
from .texts import EN

if TYPE_CHECKING:
    from ...runs.results import Outcome

_SHORTEST = 12  # columns that a recipe's name keeps in a narrow terminal


def text(outcome: Outcome, width: int = 80) -> str:
    """Return the answer and the table for a terminal, with the cautions, failures and missing runs below.

    Args:
        outcome (Outcome): what was compared.
        width (int): columns of the terminal; where not all groups fit some are left out.
    """
    head = f"{EN['title'].format(title=one_line(outcome.title))}, {tables.subtitle(outcome)}"
    parts = [_wrapped(head, width), "\n".join(_wrapped(line, width) for line in tables.said(outcome, EN))]
    if outcome.rows:
        ranked, about = _ranked_lines(outcome, width), tables.about_table(outcome, EN)
        if EN["work_short"] not in ranked[0]:
            about = about[:-1]
        parts.append("\n".join([*ranked, "", _wrapped(" ".join(about), width)]))
    if tables.tested_rows(outcome):
        parts.append("\n".join([f"{EN['tests']}:", *_tests_lines(outcome, width)]))
    lines = [*(EN["caution"].format(text=each) for each in wording.cautions(outcome, EN)), *wording.notes(outcome, EN)]
    if lines:
        parts.append("\n".join(_wrapped(line, width) for line in lines))
    chosen = wording.chosen(outcome)
    found = {} if chosen is None else {chosen.trained: outcome.replaced.get(chosen.trained, [])}
    for head, lines in (
        ("replaced", replacements.lines(found)),
        ("tuning", tuned.lines(outcome, EN)),
        ("budget", budgeted.lines(outcome, EN)),
        ("failures", tables.failures(outcome, EN)),
        ("missing", tables.missing(outcome, EN)),
    ):
        if lines:
            parts.append("\n".join([f"{EN[head]}:", *(_wrapped(f"  {line}", width, indent="    ") for line in lines)]))
    return "\n\n".join(parts)


def _wrapped(line, width, indent=""):
    return textwrap.fill(line, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _ranked_lines(outcome, width):
    """The ranked table with as many groups as fit, in the end with short heads and names."""
    for measures in (MEASURES, ("balanced", "many", "few")):
        lines = _grid((tables.heads(outcome, EN, measures), tables.cells(outcome, EN, measures)), width, wording.NAME)
        if max(map(columns, lines)) <= width:
            return lines
    # A name that cannot be told from others says less than the accuracy, whose gain stands there too, or the work.
    asked = tuple(dict.fromkeys((outcome.rank_by, "many", "few")))
    for measures, work in ((asked, True), (asked, False), (("many", "few"), False)):
        lines = _grid(_narrow(outcome, measures, work), width, wording.NAME)
        if max(map(columns, lines)) <= width:
            return lines
    return _grid(_narrow(outcome, ("many", "few"), False), width)


def _tests_lines(outcome, width):
    """The table of the test images with as many groups as fit."""
    for measures in (MEASURES, ("balanced", "many", "few")):
        table, rows = tables.tests_table(outcome, EN, measures)
        if measures is not MEASURES:
            rows = [[each, *line[1:]] for each, line in zip(_names(outcome, tables.tested_rows(outcome)), rows)]
            table[-1] = EN["gain_short"]
        lines = _grid((table, rows), width)
        if max(map(columns, lines)) <= width:
            break
    return lines


def _names(outcome, rows):
    """Names of candidates; the base is not called so twice."""
    for row in rows:
        bare = one_line(row.recipe)
        found = bare if bare == BASELINE else tables.name(outcome, row, EN, marked=False)
        yield EN["equal_mark"].format(recipe=found) if tables.equal(outcome, row) else found


def _narrow(outcome, measures, work):
    """Heads and rows of the ranked table for a narrow terminal."""
    wide = [tables.heads(outcome, EN, measures), *tables.cells(outcome, EN, measures)]
    names = [EN["recipe"], *_names(outcome, outcome.rows)]
    gain = wide[0].index(EN["gain_of"].format(measure=EN[outcome.rank_by]))
    for place, head in ((0, "rank"), (gain, "gain"), (gain + 2, "best"), (-1, "work")):
        wide[0][place] = EN[f"{head}_short"]
    lines = [[line[0], each, *line[2 : None if work else -1]] for line, each in zip(wide, names)]
    return lines[0], lines[1:]


def _grid(table, width, shortest=_SHORTEST):
    """Lines of a table, the names in its first column of text shortened, no further than told, where it is too wide."""
    names = table[0].index(EN["recipe"])
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
