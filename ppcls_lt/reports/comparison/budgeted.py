"""What a comparison within a budget says of its rounds, and of what each of them dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...basis.widths import one_line
from .texts import EN
from .wording import percent

if TYPE_CHECKING:
    from ...runs.budgeted import Dropped
    from ...runs.results import Outcome


def lines(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    """A sentence for each round, and for each recipe that went no further; none without a budget."""
    if outcome.budget is None:
        return []
    found = []
    for n, one in enumerate(outcome.budget.rounds, 1):
        seeds = words["comma"].join(map(str, one.seeds))
        found.append(words["budget_round"].format(n=n, recipes=len(one.recipes), epochs=one.epochs, seeds=seeds))
        for each in one.dropped or ():
            told = evidence(each, outcome.rank_by, words)
            found.append(words["budget_dropped"].format(n=n, evidence=told))
    return found


def evidence(dropped: Dropped, rank_by: str, words: Mapping[str, str] = EN) -> str:
    """A sentence: which recipe was dropped, and why."""
    if dropped.score is None or dropped.best is None:
        return words["dropped_failed"].format(recipe=one_line(dropped.recipe))
    return words["dropped_equal" if dropped.equal else "dropped_apart"].format(
        recipe=one_line(dropped.recipe),
        place=dropped.place,
        number=dropped.number,
        measure=words["accuracy_of"].format(measure=words[f"{rank_by}_shot"]),
        score=percent((dropped.score, np.nan)),
        best=percent((dropped.best, np.nan)),
        chosen=one_line(dropped.chosen),
    )
