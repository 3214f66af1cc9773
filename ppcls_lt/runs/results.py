"""What the runs of a comparison gave, and their ranking. Nothing here needs Paddle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..basis import atomic
from ..basis.checks import ConfigError, shown
from . import history
from .files import is_whole
from .measures import BASELINE, MEASURES


@dataclass(frozen=True)
class Result:
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
    # 0.1.0 wrote neither of them.
    images: int | None = None  # trained on, over all stages; each counts as often as it was seen
    versions: dict | None = None  # name -> version of what trained it
    # Of weights that were adjusted after the training: ``of``, the recipe that trained them, ``method``, ``strength``.
    adjustment: dict | None = None

    def write(self, path: str | os.PathLike) -> None:
        """Write it as JSON, whole or not at all; what is undefined becomes null."""
        atomic.write(path, (json.dumps(history.finite(vars(self)), indent=1, allow_nan=False) + "\n").encode())

    @classmethod
    def read(cls, path: str | os.PathLike, **facts: Any) -> Result:
        """Read what ``write`` wrote; ``facts`` replace what stands there.

        Raises:
            ConfigError: the file is damaged.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**_checked({**content, **facts}))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError) as error:
            raise ConfigError(f"{path}: must be what a run of ppcls-lt compare wrote, got: {error}") from error


def _checked(content):
    """The entries of a result with every number a number, null as NaN where it stands for what is undefined."""
    unknown = content.keys() - {each.name for each in fields(Result)}
    if unknown:
        raise ValueError(f"unknown entries {', '.join(sorted(unknown))}")
    for name in ("seed", "epochs", "stage", "best_epoch"):
        content[name] = _whole(name, content[name])
    if content.get("images") is not None:
        content["images"] = _whole("images", content["images"])
    content["seconds"] = _number("seconds", content["seconds"])
    for name in ("validation", "test"):
        values = {key: _number(name, value) for key, value in content[name].items()}
        content[name] = {**values, **{measure: values[measure] for measure in MEASURES}}
    content["recall"] = [_number("recall", value) for value in content["recall"]]
    content["curve"] = [(_whole("curve", epoch), _number("curve", value)) for epoch, value in content["curve"]]
    if not isinstance(content["recipe"], str):
        raise ValueError(f"recipe {shown(content['recipe'])}")
    if not isinstance(content.get("versions"), (dict, type(None))):
        raise ValueError(f"versions {shown(content['versions'])}")
    adjusted = content.get("adjustment")
    if adjusted is not None and not all(isinstance(adjusted[name], str) for name in ("of", "method")):
        raise ValueError(f"adjustment {shown(adjusted)}")
    return content


@dataclass(frozen=True)
class Row:
    """One recipe over its seeds: a line of the table.

    ``validation`` and ``test`` map a measure to ``(mean, spread)``; the spread is
    the sample standard deviation over seeds, NaN with one seed.
    """

    recipe: str
    runs: list  # of Result, by seed
    validation: dict
    test: dict
    gain: dict  # measure -> (mean, spread) of test minus the baseline's of the same seed, {} without it
    work: float  # images trained on, as a multiple of the baseline's; NaN where either does not say it

    @property
    def adjustment(self) -> dict | None:
        """What was done to its weights after the training, by its first run; None where nothing was."""
        return self.runs[0].adjustment

    @property
    def trained(self) -> str:
        """The recipe that trained its weights."""
        return self.recipe if self.adjustment is None else self.adjustment["of"]


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
    validation_counts: np.ndarray  # validation images per class [C]
    groups: dict  # many, medium, few -> classes
    thresholds: Any  # of the groups: "tertiles" or (many, few)
    class_names: dict  # class -> name, may be empty
    lists: dict  # "training", "validation", "test" -> (path, number of images)
    baseline: str = BASELINE  # the recipe that gains are over
    same: list = field(default_factory=list)  # recipes that change nothing in the base, and are not trained
    replaced: dict = field(default_factory=dict)  # recipe -> [(place, old, new)] of what it changes in the base
    versions: list = field(default_factory=list)  # of the finished runs, in words, each once
    rows: list = field(default_factory=list)  # of Row, ranked, finished recipes
    failures: list = field(default_factory=list)  # of (recipe, seed, or None for all of them, reason)
    missing: list = field(default_factory=list)  # of (recipe, seed) still to run
    unadjusted: list = field(default_factory=list)  # of (candidate, reason) of those that there are not


def ranked(runs: Iterable[Result], rank_by: str, baseline: str = BASELINE) -> list[Row]:
    """Return the rows of the table, best first.

    The ranking looks at validation images alone: the mean over seeds of the
    measure ``rank_by`` at each run's best epoch. Equals stay in their order;
    what is undefined comes last.

    Args:
        runs (list of Result): finished runs, recipes in the order of the request.
        rank_by (str): one of ``MEASURES``.
        baseline (str): the recipe that gains are over.
    """
    by_recipe: dict[str, list[Result]] = {}
    for run in runs:
        by_recipe.setdefault(run.recipe, []).append(run)
    base = by_recipe.get(baseline, [])
    rows = [_row(recipe, sorted(some, key=lambda run: run.seed), base) for recipe, some in by_recipe.items()]
    return sorted(rows, key=lambda row: -np.nan_to_num(row.validation[rank_by][0], nan=-np.inf))


def pairs(runs: Iterable[Result], others: Iterable[Result]) -> list[tuple[Result, Result]]:
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
        work=spread([run.images / base.images for run, base in paired if run.images is not None and base.images])[0],
    )


def spread(values: Any) -> tuple[float, float]:
    """``(mean, sample standard deviation)`` over seeds; NaN of none, and the second of one."""
    values = np.asarray(values, dtype=float)
    mean = float(values.mean()) if values.size else float("nan")
    return mean, float(values.std(ddof=1)) if values.size > 1 else float("nan")


def versions_said(versions: dict | None) -> str:
    """What a training's numbers depend on most, in words; the folder of an installed PaddleClas is left out."""
    if versions is None:
        return "unknown versions"
    names = {"ppcls_lt": "ppcls_lt", "paddle": "Paddle", "paddleclas": "PaddleClas"}
    return ", ".join(f"{said} {str(versions.get(name)).split(' (')[0]}" for name, said in names.items())


def _whole(name, value):
    if not is_whole(value):
        raise ValueError(f"{name} {shown(value)}")
    return value


def _number(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise ValueError(f"{name} {shown(value)}")
    result = float("nan") if value is None else float(value)
    if abs(result) >= 2.0**53:
        raise ValueError(f"{name} {shown(value)}")
    return result
