"""A comparison as CSV files: the ranked table, and every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...data import class_names
from ...runs.measures import MEASURES
from ..parts.csv_files import as_csv

if TYPE_CHECKING:
    from ...runs.results import Outcome

# Up to so many the CSV of the runs has a column for each class.
MAX_CLASSES = 100
_NOTHING = (float("nan"), float("nan"))
_KINDS = (("validation", ("",)), ("test", ("", "_spread")), ("test_gain", ("", "_spread")))


def ranked(outcome: Outcome) -> bytes:
    """Return the ranked table as a CSV file, bytes: a row for each recipe; accuracies and gains are shares.

    ``gain``, ``gain_low``, ``gain_high`` and ``best`` are of what the comparison ranks by, on the held-out images.
    """
    judged = ("gain", "gain_low", "gain_high", "best", "equal")
    accuracies = [f"{kind}_{each}{end}" for kind, ends in _KINDS for each in MEASURES for end in ends]
    rows = [_numbers(outcome, rank, row) for rank, row in enumerate(outcome.rows, 1)]
    return as_csv([["rank", "recipe", "seeds", *judged, *accuracies, "work"], *rows])


def _numbers(outcome, rank, row):
    found = None if outcome.choice is None else outcome.choice.judgements.get(row.recipe)
    judged: list = [float("nan")] * 5
    if found is not None:
        judged = [found.gain, found.low, found.high, found.best, int(row.recipe in outcome.choice.equals)]
    tests = [row.test.get(each, _NOTHING) for each in MEASURES] + [row.gain.get(each, _NOTHING) for each in MEASURES]
    held_out = [row.validation[each][0] for each in MEASURES]
    return [rank, row.recipe, len(row.runs), *judged, *held_out, *(value for pair in tests for value in pair), row.work]


def runs(outcome: Outcome) -> bytes:
    """Return the finished runs as a CSV file, bytes: a row for each run, recipes as ranked.

    Up to 100 classes the test accuracy of each class is in ``recall_0``, ``recall_1``, ..., or by the names of
    the classes where they have some, empty where a run was not tested.
    """
    called = class_names.called(outcome.class_names)
    classes = outcome.counts.size if outcome.counts.size <= MAX_CLASSES else 0
    facts = ("recipe", "seed", "epochs", "stage", "best_epoch", "seconds", "images")
    scores = [f"{kind}_{name}" for kind in ("validation", "test") for name in MEASURES]
    rows = [[*facts, *scores, *(f"recall_{called(label)}" for label in range(classes))]]
    for row in outcome.rows:
        for run in row.runs:
            values = [values[name] for values in (run.validation, run.test) for name in MEASURES]
            recall = run.recall[:classes] or [float("nan")] * classes
            rows.append([*(getattr(run, fact) for fact in facts), *values, *recall])
    return as_csv(rows)
