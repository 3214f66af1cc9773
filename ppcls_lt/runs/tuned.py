"""What tuning a recipe gave, for tables and page."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gain:
    """Of the accuracy that decides, over the recipe as it was: shares, ``LEVEL`` of ``maths.choice`` the interval."""

    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Tuned:
    """One recipe's tuning.

    Attributes:
        recipe (str): what was tuned.
        untuned (str): the candidate that is the recipe as it was.
        trials (int): how many other values were judged.
        name (str or None): the candidate with the best values; None where no values are above the recipe's own.
        trial (int): the number of the best.
        values (dict): entry of the configuration -> (its value before, its best one).
        chosen_by (Gain or None): on the images that chose the values, and so too high.
        seeds (list of int): whose folds the tuning did not see; empty where there are none.
        fresh (Gain or None): on those folds; None where there are none, or a run failed.
        lacks (list of int): classes that those folds hold out no image of, and the others do.
    """

    recipe: str
    untuned: str
    trials: int
    name: str | None = None
    trial: int = 0
    values: dict[str, tuple[float, float]] = field(default_factory=dict)
    chosen_by: Gain | None = None
    seeds: list[int] = field(default_factory=list)
    fresh: Gain | None = None
    lacks: list[int] = field(default_factory=list)
