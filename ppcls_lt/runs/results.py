"""What the runs of a comparison gave, and their ranking. Nothing here needs Paddle."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..basis import atomic
from ..basis.checks import ConfigError, shown
from . import history
from .files import is_whole
from .measures import BASELINE, MEASURES

_OF_THE_TEST = ("test", "recall")


@dataclass(frozen=True)
class Result:
    """One training of one recipe with one seed, finished.

    ``validation`` are the accuracies on the images that it held out, ``test`` those on the test images, measure ->
    share, NaN where a group has no image and where it was not tested; ``recall`` is the test accuracy of each class
    ``[C]``, empty where it was not tested. What the test gave is in a file of its own, :class:`Accuracies`.
    """

    recipe: str
    seed: int
    epochs: int  # trained, over all stages
    stage: int  # of the weights that are judged
    best_epoch: int  # of that stage, the last unless the best was chosen
    seconds: float  # of training, evaluations left out
    validation: dict
    test: dict = field(default_factory=lambda: dict.fromkeys(MEASURES, float("nan")))
    recall: list = field(default_factory=list)
    curve: list = field(default_factory=list)  # of the last stage: (epoch, score by which the best was chosen)
    # 0.1.0 wrote neither of them.
    images: int | None = None  # trained on, over all stages; each counts as often as it was seen
    versions: dict | None = None  # name -> version of what trained it
    # Of weights that were adjusted after the training: ``of``, the recipe that trained them, ``method``, ``strength``.
    adjustment: dict | None = None

    def write(self, path: str | os.PathLike) -> None:
        """Write it as JSON, whole or not at all, the test left out; what is undefined becomes null."""
        _write(path, {name: value for name, value in vars(self).items() if name not in _OF_THE_TEST})

    @property
    def tested(self) -> bool:
        """Whether its weights have predicted the test images."""
        return not all(np.isnan(value) for value in self.test.values())

    def with_test(self, found: Accuracies) -> Result:
        """Return it with what the test gave."""
        return replace(self, test=found.test, recall=found.recall)

    @classmethod
    def read(cls, path: str | os.PathLike, **facts: Any) -> Result:
        """Read what ``write`` wrote; ``facts`` replace what stands there.

        Raises:
            ConfigError: the file is damaged.
        """
        with _what_was_written(path):
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**_checked({**content, **facts}))


@dataclass(frozen=True)
class Accuracies:
    """What weights of a comparison gave on the test images: accuracies by measure, and of each class ``[C]``."""

    test: dict
    recall: list

    def write(self, path: str | os.PathLike) -> None:
        """Write it as JSON, whole or not at all; what is undefined becomes null."""
        _write(path, vars(self))

    @classmethod
    def read(cls, path: str | os.PathLike) -> Accuracies:
        """Read what ``write`` wrote.

        Raises:
            ConfigError: the file is damaged.
        """
        with _what_was_written(path):
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(_by_measure("test", content["test"]), [_number("recall", each) for each in content["recall"]])


def _write(path, content):
    atomic.write(path, (json.dumps(history.finite(content), indent=1, allow_nan=False) + "\n").encode())


@contextlib.contextmanager
def _what_was_written(path):
    """Say of a damaged file that it is one."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError) as error:
        raise ConfigError(f"{path}: must be what a run of ppcls-lt compare wrote, got: {error}") from error


def _by_measure(name, values):
    found = {key: _number(name, value) for key, value in values.items()}
    return {**found, **{measure: found[measure] for measure in MEASURES}}


def _checked(content):
    """The entries of a result with every number a number, null as NaN where it stands for what is undefined."""
    unknown = content.keys() - {each.name for each in fields(Result)} | content.keys() & set(_OF_THE_TEST)
    if unknown:
        raise ValueError(f"unknown entries {', '.join(sorted(unknown))}")
    for name in ("seed", "epochs", "stage", "best_epoch"):
        content[name] = _whole(name, content[name])
    if content.get("images") is not None:
        content["images"] = _whole("images", content["images"])
    content["seconds"] = _number("seconds", content["seconds"])
    content["validation"] = _by_measure("validation", content["validation"])
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

    ``validation`` and ``test`` map a measure to ``(mean, spread)``; the spread is the sample standard deviation over
    seeds, NaN with one seed and, of what a choice gives, which pools the images of all seeds. ``test`` is NaN where
    the recipe was not tested.
    """

    recipe: str
    runs: list  # of Result, by seed
    validation: dict
    test: dict
    gain: dict  # measure -> (mean, spread) of test minus the baseline's of the same seed, {} where one was not tested
    work: float  # images trained on, as a multiple of the baseline's; NaN where either does not say it

    @property
    def adjustment(self) -> dict | None:
        """What was done to its weights after the training, by its first run; None where nothing was."""
        return self.runs[0].adjustment

    @property
    def tested(self) -> bool:
        """Whether its weights of all seeds have predicted the test images."""
        return all(run.tested for run in self.runs)

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
    counts: np.ndarray  # training images per class [C], held-out images included
    validation_counts: np.ndarray  # images per class [C] that some seed held out
    groups: dict  # many, medium, few -> classes
    thresholds: Any  # of the groups: "tertiles" or (many, few)
    class_names: dict  # class -> name, may be empty
    lists: dict  # "training", "validation", "test" -> (path, number of images)
    baseline: str = BASELINE  # the recipe that gains are over
    folds: int | None = None  # of which each seed held out another; None where all held out the same list
    choice: Any = None  # ``maths.choice.Choice``; None before the baseline has a finished run
    same: list = field(default_factory=list)  # recipes that change nothing in the base, and are not trained
    replaced: dict = field(default_factory=dict)  # recipe -> [(place, old, new)] of what it changes in the base
    versions: list = field(default_factory=list)  # of the finished runs, in words, each once
    rows: list = field(default_factory=list)  # of Row, ranked, finished recipes
    failures: list = field(default_factory=list)  # of (recipe, seed, or None for all of them, reason)
    missing: list = field(default_factory=list)  # of (recipe, seed) still to run
    unadjusted: list = field(default_factory=list)  # of (candidate, reason) of those that there are not
    budget: Any = None  # ``runs.budgeted.Budgeted`` where there is one
    tuned: list = field(default_factory=list)  # of ``runs.tuned.Tuned``
    refit: dict = field(default_factory=dict)  # candidate -> ``Accuracies`` after a training on the whole list
    final_epochs: int | None = None  # of the base, for which the final training is; None: the same

    @property
    def chosen(self) -> Row | None:
        """The row of the candidate that the choice takes; None without a choice."""
        return next((row for row in self.rows if self.choice and row.recipe == self.choice.chosen), None)


def ranked(runs: Iterable[Result], rank_by: str, baseline: str = BASELINE, choice: Any = None) -> list[Row]:
    """Return the rows of the table, best first.

    In the order of the choice, and behind it what it does not judge; without a choice by the mean over seeds of each
    run's own held-out images. Equals stay in their order; what is undefined comes last. Test images decide nothing.

    Args:
        runs (list of Result): finished runs, recipes in the order of the request.
        rank_by (str): one of ``MEASURES``.
        baseline (str): the recipe that gains are over.
        choice (maths.choice.Choice, optional): by which the recipes are ranked.
    """
    by_recipe: dict[str, list[Result]] = {}
    for run in runs:
        by_recipe.setdefault(run.recipe, []).append(run)
    base = by_recipe.get(baseline, [])
    judgements = {} if choice is None else choice.judgements
    rows = [
        _row(recipe, sorted(some, key=lambda run: run.seed), base, judgements.get(recipe))
        for recipe, some in by_recipe.items()
    ]
    places = {name: place for place, name in enumerate(judgements)}
    return sorted(
        rows,
        key=lambda row: (
            places.get(row.recipe, len(places)),
            -np.nan_to_num(row.validation[rank_by][0], nan=-np.inf),
        ),
    )


def pairs(runs: Iterable[Result], others: Iterable[Result]) -> list[tuple[Result, Result]]:
    """``(run, run of the others with the same seed)`` of every seed that both have.

    The difference of such a pair is a recipe's own: both began from the same weights.
    """
    by_seed = {other.seed: other for other in others}
    return [(run, by_seed[run.seed]) for run in runs if run.seed in by_seed]


def _row(recipe, runs, baseline, judgement):
    paired = pairs(runs, baseline)
    tested = bool(paired) and all(run.tested and base.tested for run, base in paired)
    return Row(
        recipe=recipe,
        runs=runs,
        validation={
            measure: spread([run.validation[measure] for run in runs])
            if judgement is None
            else (judgement.scores.get(measure, float("nan")), float("nan"))
            for measure in MEASURES
        },
        test={measure: spread([run.test[measure] for run in runs]) for measure in MEASURES},
        gain={measure: spread([run.test[measure] - base.test[measure] for run, base in paired]) for measure in MEASURES}
        if tested
        else {},
        work=work(runs, baseline),
    )


def work(runs: Iterable[Result], baseline: Iterable[Result]) -> float:
    """Images trained on, as a multiple of the baseline's of the same seeds, their mean; NaN where either says none."""
    paired = pairs(runs, baseline)
    return spread([run.images / base.images for run, base in paired if run.images is not None and base.images])[0]


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
