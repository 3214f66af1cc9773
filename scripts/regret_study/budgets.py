"""The same comparisons by ``ppcls-lt compare --budget-epochs``, with half the epochs of the whole one.

Nothing more is trained for it: where every recipe has room for a whole training, the rounds of a budget are parts of
the whole comparison, whose predictions are kept.
"""

from __future__ import annotations

from typing import NamedTuple

from ppcls_lt.maths.halving import Halving, ladder

from . import tables
from .forms import SECOND_STAGE
from .kept import Comparison


class Within(NamedTuple):
    """What is chosen within a budget."""

    chosen: str
    used: float  # epochs
    every: float  # of the whole comparison
    kept: int  # recipes with all seeds, the base among them


def within(comparison: Comparison, folds: int, share: float) -> Within:
    """The choice within a share of the epochs, decided round by round as ``compare`` does.

    Raises:
        ValueError: the budget has no room for a whole training of each, so that shorter ones would be needed.
    """
    form, seeds = comparison.form, len(comparison.held[folds].parts(comparison.held[folds].seed))
    rungs = ladder(form.epochs, seeds, ())
    costs = {
        recipe: [form.epochs + max(round(SECOND_STAGE.get(recipe, 0) * form.epochs), int(recipe in SECOND_STAGE))]
        * len(rungs)
        for recipe in form.recipes
    }
    halving = Halving(rungs, costs)
    every = halving.cost(form.recipes, None, halving.last)
    budget = int(share * every)
    following, done, used = halving.first(budget), None, 0.0
    if following is None:
        raise ValueError(f"{form.name}: {share} of the epochs are too few")
    while following is not None:
        used += halving.cost(following.kept, done, following.rung)
        done, kept = following.rung, following.kept
        found = tables.judged(comparison, folds, recipes=kept, seeds=rungs[done].seeds)
        following = halving.then(list(found.judgements), found.equals, done, budget - used)
    return Within(found.chosen, used, every, len(kept))
