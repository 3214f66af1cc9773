"""The page of a comparison: HTML that holds its pictures and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...basis.widths import one_line
from ..parts.templates import render
from . import budgeted, figures, replacements, tables, tuned, wording
from .texts import TEXTS
from .wording import percent, points, times

if TYPE_CHECKING:
    from ...runs.results import Outcome


def page(outcome: Outcome, pictures: Mapping[str, bytes], folder: str, language: str) -> str:
    """Return the HTML of a comparison.

    Args:
        outcome (Outcome): what was compared.
        pictures (dict): name -> PNG bytes, as ``figures.paint`` returns them.
        folder (str): where the pictures lie, relative to the page.
        language (str): ``en`` or ``zh``.
    """
    words = TEXTS[language]
    return render(
        "comparison/page.html.j2",
        words,
        title=words["title"].format(title=outcome.title),
        subtitle=words["subtitle"].format(arch=outcome.arch, epochs=outcome.epochs, seeds=tables.seeds(outcome)),
        outcome=outcome,
        answer=_sentences(wording.answer(outcome, words)),
        tiles=_tiles(outcome, words),
        tested=_sentences(wording.tested(outcome, words)),
        notes=wording.notes(outcome, words),
        cautions=wording.cautions(outcome, words),
        ranking=_ranking(outcome, words) if outcome.rows else None,
        tests=_tests(outcome, words) if tables.tested_rows(outcome) else None,
        replaced=_replaced(outcome, words) if any(outcome.replaced.values()) else None,
        tuning=tuned.lines(outcome, words),
        budget=budgeted.lines(outcome, words),
        failures=tables.failures(outcome, words),
        missing=tables.missing(outcome, words),
        pictures=[(name, _about(name, outcome, words), data) for name, data in pictures.items()],
        data={
            "lists": tables.lists(outcome, words),
            "about": words["between"].join(tables.about_groups(outcome, words)),
            "groups": tables.groups(outcome, words),
            "trained_by": tables.trained_by(outcome, words),
        },
        files={"names": ", ".join(tables.NAMES), "folder": folder},
    )


def _tiles(outcome, words):
    """The chosen candidate, what it gains and how sure that is, in large letters; None before there is one."""
    row = wording.chosen(outcome)
    if row is None:
        return None
    found = outcome.choice.judgements[row.recipe]
    tiles = [(words["recipe"], one_line(row.recipe))]
    measure = words[outcome.rank_by]
    if row.recipe == outcome.baseline:
        tiles.append(
            (words["held_out"].format(measure=measure), f"{percent((found.scores[outcome.rank_by], np.nan))} %")
        )
    else:
        tiles.append((words["gain_tile"].format(measure=measure), points((found.gain, np.nan))))
        tiles.append((words["interval_head"], wording.interval(found, words)))
    if len(outcome.choice.judgements) > 1:
        tiles.append((words["best_tile"], wording.chance(found.best)))
    if row.recipe != outcome.baseline:
        tiles.append((words["work_head"].format(baseline=outcome.baseline), times(row.work)))
    return tiles


def _ranking(outcome, words):
    """What is said of the ranked table, and the table."""
    return {
        "about": tables.about_table(outcome, words),
        "table": (
            [head.replace(" / ", "\u00a0/ ") for head in tables.heads(outcome, words)],
            _fixed(tables.cells(outcome, words)),
        ),
    }


def _tests(outcome, words):
    """What is said of the table of the test images, and the table."""
    heads, rows = tables.tests_table(outcome, words)
    return {"about": tables.about_tests(outcome, words), "table": (heads, _fixed(rows))}


def _replaced(outcome, words):
    """What the chosen recipe replaces in the base, None where it does not, and what all of them do."""
    heads, rows = replacements.table(outcome, words)
    chosen = wording.chosen(outcome)
    mine = [row for row in rows if chosen is not None and row[0] == chosen.trained]
    return {"chosen": (heads, mine) if mine else None, "every": (heads, rows)}


def _fixed(rows):
    """Rows whose numbers stay on one line with what belongs to them."""
    return [[_joined(cell) if i else str(cell) for i, cell in enumerate(row)] for row in rows]


def _sentences(sentences):
    """Sentences in which no line ends between a number and its per cent or its spread."""
    return [_joined(each).replace(" %", "\u00a0%") for each in sentences]


def _joined(cell):
    return str(cell).replace(" ± ", "\u00a0±\u00a0").replace(" to ", "\u00a0to\u00a0").replace(" 至 ", "\u00a0至\u00a0")


def _about(name, outcome, words):
    """What a picture shows, in a few sentences."""
    chosen = "" if outcome.choice is None else one_line(outcome.choice.chosen)
    facts = {"measure": wording.accuracy(outcome, words), "baseline": outcome.baseline, "recipe": chosen}
    sentences = [words[f"{name}_about"].format(**facts)]
    if name in ("gains", "classes"):
        judged = len(outcome.choice.judgements) - 1
        drawn = len(figures.first(outcome))
        sentences += [words["gains_first"].format(n=drawn, all=judged)] if drawn < judged else []
    if name in ("classes", "per_class"):
        size = max(part.size for part in figures.blocks(outcome))
        sentences += [words["classes_joined"].format(size=size)] if size > 1 else []
    return words["between"].join(sentences)
