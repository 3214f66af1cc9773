"""What a comparison says of the recipes that it tuned: what came out, and what its figures are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...basis.widths import one_line
from . import wording
from .wording import points

if TYPE_CHECKING:
    from ...runs.results import Outcome
    from ...runs.tuned import Gain, Tuned


def lines(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """Sentences on each recipe that was tuned; none without one."""
    return [line for each in outcome.tuned for line in _said(each, outcome, words)]


def _said(each: Tuned, outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    facts = {"recipe": one_line(each.recipe), "n": each.trials, "measure": wording.accuracy(outcome, words)}
    if each.name is None or each.chosen_by is None:
        return [words["tuned_none"].format(**facts)]
    values = words["comma"].join(
        words["tuned_value"].format(entry=entry, old=f"{old:g}", new=f"{new:g}")
        for entry, (old, new) in each.values.items()
    )
    facts.update(name=one_line(each.name), trial=each.trial, values=values)
    found = [words["tuned"].format(**facts), words["tuned_chosen"].format(**facts, **_figures(each.chosen_by))]
    seeds = words["comma"].join(map(str, each.seeds))
    if not each.seeds:
        found.append(words["tuned_not_fresh"].format(**facts))
    elif each.fresh is None:
        found.append(words["tuned_fresh_failed"].format(**facts, seeds=seeds))
    else:
        found.append(words["tuned_fresh"].format(**facts, seeds=seeds, **_figures(each.fresh)))
        if each.lacks:
            found.append(words["tuned_fresh_lacks"].format(classes=wording.classes(outcome, each.lacks, words)))
    tested = _tested(each, outcome)
    if tested is not None:
        found.append(words["tuned_tested"].format(**facts, points=points(tested)))
    return found


def _figures(gain: Gain) -> dict[str, str]:
    return {
        name: points((getattr(gain, key), np.nan))
        for name, key in (("points", "gain"), ("low", "low"), ("high", "high"))
    }


def _tested(each: Tuned, outcome: Outcome) -> tuple[float, float] | None:
    """The gain on the test images, mean and spread over seeds; None where one of the two was not tested."""
    from ...runs.results import pairs, spread

    rows = {row.recipe: row for row in outcome.rows}
    row, before = rows.get(each.name or ""), rows.get(each.untuned)
    if row is None or before is None or not (row.tested and before.tested):
        return None
    both = pairs(row.runs, before.runs)
    return spread([run.test[outcome.rank_by] - other.test[outcome.rank_by] for run, other in both])
