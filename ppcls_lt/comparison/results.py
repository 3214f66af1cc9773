"""What the runs of a comparison gave, and their ranking. Nothing here needs Paddle."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import atomic, history
from .._checks import ConfigError
from . import BASELINE, MEASURES


@dataclass(frozen=True)
class Run:
    """One training of one recipe with one seed, finished and tested.

    ``validation`` and ``test`` are the accuracies of the chosen epoch, measure ->
    share, NaN where a group has no image; ``recall`` is the test accuracy of each
    class ``[C]``.
    """

    recipe: str
    seed: int
    epochs: int  # trained, over all stages
    stage: int  # of the chosen weights
    best_epoch: int  # of that stage
    seconds: float  # of training, evaluations left out
    validation: dict
    test: dict
    recall: list
    curve: list  # of the last stage: (epoch, validation score by which the comparison ranks)

    def write(self, path):
        """Write it as JSON, whole or not at all; what is undefined becomes null."""
        atomic.write(path, (json.dumps(history.finite(vars(self)), indent=1, allow_nan=False) + "\n").encode())

    @classmethod
    def read(cls, path):
        """Read what ``write`` wrote.

        Raises:
            ConfigError: the file is damaged.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            for name in ("validation", "test"):
                content[name] = {key: _number(value) for key, value in content[name].items()}
            content["recall"] = [_number(value) for value in content["recall"]]
            content["curve"] = [(epoch, _number(value)) for epoch, value in content["curve"]]
            return cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path}: must be what a run of ppcls-lt compare wrote, got: {error}") from error


@dataclass(frozen=True)
class Row:
    """One recipe over its seeds: a line of the table.

    ``validation`` and ``test`` map a measure to ``(mean, spread)``; the spread is
    the sample standard deviation over seeds, NaN with one seed.
    """

    recipe: str
    runs: list  # of Run, by seed
    validation: dict
    test: dict
    gain: dict  # measure -> (mean, spread) of test minus the baseline's of the same seed, {} without it
    cost: tuple  # (mean, spread) of seconds over the baseline's of the same seed, NaN without it


@dataclass(frozen=True)
class Outcome:
    """A whole comparison, for tables and page."""

    title: str  # what is compared: the base configuration's path
    command: str  # that makes it again
    arch: str
    epochs: int
    seeds: list
    rank_by: str
    counts: np.ndarray  # training images per class [C], validation images included
    shown: np.ndarray  # validation images per class [C]
    groups: dict  # many, medium, few -> classes
    thresholds: object  # of the groups: "tertiles" or (many, few)
    class_names: dict  # class -> name, may be empty
    lists: dict  # "training", "validation", "test" -> (path, number of images)
    rows: list = field(default_factory=list)  # of Row, ranked, finished recipes
    failures: list = field(default_factory=list)  # of (recipe, seed, or None for all of them, reason)
    missing: list = field(default_factory=list)  # of (recipe, seed) still to run


def ranked(runs, rank_by):
    """Return the rows of the table, best first.

    The ranking looks at validation images alone: the mean over seeds of the
    measure ``rank_by`` at each run's best epoch. Equals stay in their order;
    what is undefined comes last.

    Args:
        runs (list of Run): finished runs, recipes in the order of the request.
        rank_by (str): one of ``MEASURES``.
    """
    by_recipe = {}
    for run in runs:
        by_recipe.setdefault(run.recipe, []).append(run)
    baseline = by_recipe.get(BASELINE, [])
    rows = [_row(recipe, sorted(some, key=lambda run: run.seed), baseline) for recipe, some in by_recipe.items()]
    return sorted(rows, key=lambda row: -np.nan_to_num(row.validation[rank_by][0], nan=-np.inf))


def pairs(runs, others):
    """``(run, run of the others with the same seed)`` of every seed that both have.

    The difference of such a pair is a recipe's own: both began from the same weights.
    """
    by_seed = {other.seed: other for other in others}
    return [(run, by_seed[run.seed]) for run in runs if run.seed in by_seed]


def _row(recipe, runs, baseline):
    paired = pairs(runs, baseline)
    return Row(
        recipe=recipe,
        runs=runs,
        validation={measure: spread([run.validation[measure] for run in runs]) for measure in MEASURES},
        test={measure: spread([run.test[measure] for run in runs]) for measure in MEASURES},
        gain={measure: spread([run.test[measure] - base.test[measure] for run, base in paired]) for measure in MEASURES}
        if paired
        else {},
        cost=spread([run.seconds / base.seconds for run, base in paired]),
    )


def spread(values):
    """``(mean, sample standard deviation)`` over seeds; NaN of none, and the second of one."""
    values = np.asarray(values, dtype=float)
    mean = float(values.mean()) if values.size else float("nan")
    return mean, float(values.std(ddof=1)) if values.size > 1 else float("nan")


def _number(value):
    return float("nan") if value is None else value
