"""Parts of a comparison that a budget trains: short schedules, and the recipes and seeds of one round."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

from ..basis.findings import ConfigError
from ..runs.budgeted import Trained, forget

if TYPE_CHECKING:
    from .settings import Settings

_SHORT = (2, 4)  # a schedule is so much shorter


def shortened(settings: Settings, retrain: bool) -> dict[int, Settings]:
    """Return length -> settings of the short schedules with which every recipe can be trained.

    Args:
        settings (Settings): of the whole comparison, prepared.
        retrain (bool): as ``Settings.prepare`` has it.
    """
    found: dict[int, Settings] = {}
    if isinstance(settings.base.get("Optimizer"), list):
        return found  # whose schedules are not stretched
    for length in sorted({math.ceil(settings.epochs / times) for times in _SHORT}):
        if length < settings.epochs:
            try:
                short = settings.shortened(length)
            except ConfigError:
                continue
            if short.check_kept(retrain, begin=False, versions=False):
                forget(settings.folder)
            found[length] = short
    return found


def of_round(settings: Settings, one: Trained) -> Settings:
    """Return the same with the recipes and seeds of a round alone."""
    found = copy.copy(settings)
    found.plans = {name: settings.plans[name] for name in one.recipes}
    found.seeds, found.left_out = list(one.seeds), set()
    return found
