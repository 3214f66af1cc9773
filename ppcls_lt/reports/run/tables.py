"""The tables of a report as CSV files: every class, every evaluation, every confusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...maths import scores
from ..parts.csv_files import as_csv
from . import curves
from .figures import MAX_MATRIX

if TYPE_CHECKING:
    from .collect import Part

NAMES = ("per_class.csv", "history.csv", "confusion.csv", "curves.csv")


def tables(part: Part) -> dict[str, bytes]:
    """Return name -> bytes of the CSV files, in UTF-8; what is undefined is left empty."""
    made = [*(as_csv(make(part)) for make in (_classes, _history, _confusion)), curves.table(part)]
    return dict(zip(NAMES, made))


def _classes(part):
    """One row for each class, ascending."""
    empty = [None] * part.class_num
    columns = {
        "class": range(part.class_num),
        "name": [part.names.get(label) for label in range(part.class_num)],
        "train_images": empty if part.counts is None else part.counts,
        "group": _group_names(part),
        "eval_images": part.support,
        "predicted_images": part.predicted,
        "right_images": part.hits,
        "recall": part.recall,
        "precision": part.precision,
        "f1": part.f1,
        **dict(zip(("recall_low", "recall_high"), scores.wilson(part.recall, part.support))),
        **dict(zip(("precision_low", "precision_high"), scores.wilson(part.precision, part.predicted))),
        "weight_norm": empty if part.classifier is None else part.classifier["norm"],
    }
    return [list(columns), *zip(*columns.values())]


def _group_names(part):
    names = [None] * part.class_num
    for group, members in part.groups.items():
        for label in members:
            names[label] = group
    return names


def history_columns(part: Part) -> list[list[str]]:
    """Names of all values and of all losses in the history, in the order of their first appearance."""
    return [list(dict.fromkeys(name for r in part.all_history for name in r[key])) for key in ("values", "loss")]


def _history(part):
    """One row for each evaluation, those of averaged weights included."""
    values, losses = history_columns(part)
    yield ["epoch", "ema", "best_metric", "score", *values, *(f"loss/{name}" for name in losses)]
    for record in part.all_history:
        yield [
            *(record[key] for key in ("epoch", "ema", "best_metric", "score")),
            *(record["values"].get(name) for name in values),
            *(record["loss"].get(name) for name in losses),
        ]


def _confusion(part):
    """A row for each class up to 100 classes; above, a row for each pair that occurs."""
    label, predicted, images = part.confusions
    if part.class_num > MAX_MATRIX:
        if not part.names:
            return [("class", "predicted", "images"), *zip(label, predicted, images)]
        names = [[part.called(each) for each in classes] for classes in (label, predicted)]
        heads = ("class", "predicted", "images", "class_name", "predicted_name")
        return [heads, *zip(label, predicted, images, *names)]
    matrix = np.zeros((part.class_num, part.class_num), dtype=int)
    matrix[label, predicted] = images
    names = [part.called(each) for each in range(part.class_num)]
    return [["class", *names], *([name, *cells] for name, cells in zip(names, matrix))]
