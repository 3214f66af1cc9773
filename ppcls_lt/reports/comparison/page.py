"""The page of a comparison: HTML that holds its pictures and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...runs.measures import MEASURES
from ..parts.templates import render
from . import figures, replacements, tables, wording
from .texts import TEXTS
from .wording import one_line, percent, points, times

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
    row = wording.chosen(outcome)
    return render(
        "comparison/page.html.j2",
        words,
        title=words["title"].format(title=outcome.title),
        subtitle=words["subtitle"].format(arch=outcome.arch, epochs=outcome.epochs, seeds=tables.seeds(outcome)),
        outcome=outcome,
        tiles=None if row is None else _tiles(outcome, row, words),
        choice=[*wording.choice(outcome, words), *wording.notes(outcome, words)],
        cautions=wording.cautions(outcome, words),
        ranking=_ranking(outcome, words) if outcome.rows else None,
        replaced=_replaced(outcome, words) if any(outcome.replaced.values()) else None,
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


def _tiles(outcome, row, words):
    """The chosen recipe and what it gains, in large letters."""
    found = [(words["recipe"], one_line(row.recipe))]
    told = [name for name in ("few", "many", "balanced") if not np.isnan(row.test[name][0])]
    if row.recipe == outcome.baseline or not row.gain:
        names = [words["tile"].format(kind=words["test"], measure=words[name]) for name in told]
        return found + [(head, percent(row.test[name])) for head, name in zip(names, told)]
    names = [words["gain_points"].format(measure=words[f"{name}_shot"]) for name in told]
    found += [(head, points(row.gain[name])) for head, name in zip(names, told)]
    return [*found, (words["work_head"].format(baseline=outcome.baseline), times(row.work))]


def _ranking(outcome, words):
    """What is said of the ranked table, the table, and that of the gains, or None where there are none."""
    gains = [
        [one_line(row.recipe), *(points(row.gain[name]) for name in MEASURES)]
        for row in outcome.rows
        if row.gain and row.recipe != outcome.baseline
    ]
    heads = [words["recipe"], *(words[name] for name in MEASURES)]
    return {
        "about": tables.about_table(outcome, words),
        "table": (tables.heads(outcome, words), _fixed(tables.cells(outcome, words))),
        "gains": (heads, _fixed(gains)) if gains else None,
    }


def _replaced(outcome, words):
    """What the chosen recipe replaces in the base, None where it does not, and what all of them do."""
    heads, rows = replacements.table(outcome, words)
    chosen = wording.chosen(outcome)
    mine = [row for row in rows if chosen is not None and row[0] == chosen.trained]
    return {"chosen": (heads, mine) if mine else None, "every": (heads, rows)}


def _fixed(rows):
    """Rows whose numbers stay on one line with their spreads."""
    return [[str(cell).replace(" ± ", "\u00a0±\u00a0") for cell in row] for row in rows]


def _about(name, outcome, words):
    """What a picture shows, in a few sentences."""
    measure = words["accuracy_of"].format(measure=words[f"{outcome.rank_by}_shot"])
    sentences = [words[f"{name}_about"].format(measure=measure, baseline=outcome.baseline)]
    if name == "groups" and wording.baseline(outcome) is not None:
        sentences.append(words["groups_line"].format(baseline=outcome.baseline))
    if name in ("groups", "trade_off") and not tables.single(outcome):
        sentences.append(words["error_bars"])
    if name == "classes":
        size = max(part.size for part in figures.blocks(outcome))
        sentences += [words["classes_joined"].format(size=size)] if size > 1 else []
    return words["between"].join(sentences)
