"""Recall and precision of each class where predictions below a confidence do not count: a picture and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data import charts
from ...maths import scores
from ..parts.csv_files import as_csv

if TYPE_CHECKING:
    from .collect import Part

THRESHOLDS = np.arange(0, 1, 0.05)
PANELS = 12  # of more classes, those with the lowest recall
_COLUMNS = 4


def of_classes(part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predicted images, recall and precision ``[T, C]``: only predictions with at least a confidence count."""
    predictions = part.predictions
    counted = [predictions.confidence >= threshold for threshold in THRESHOLDS]
    predicted = np.stack([np.bincount(predictions.predicted[kept], minlength=part.class_num) for kept in counted])
    hits = np.stack([np.bincount(predictions.label[kept & part.right], minlength=part.class_num) for kept in counted])
    return predicted, scores.recall(part.support, hits), scores.precision(predicted, hits)


def table(part: Part) -> bytes:
    """Return the curves as a CSV file, bytes: a row for each class and threshold."""
    predicted, recall, precision = of_classes(part)
    rows = [
        [label, part.names.get(label), THRESHOLDS[t], predicted[t, label], recall[t, label], precision[t, label]]
        for label in range(part.class_num)
        for t in range(THRESHOLDS.size)
    ]
    return as_csv([["class", "name", "confidence", "predicted_images", "recall", "precision"], *rows])


def drawn(part: Part) -> np.ndarray:
    """Return the classes that have a panel, in the order of their training images; those without images have none."""
    there = part.order[part.support[part.order] > 0]
    if there.size <= PANELS:
        return there
    worst = set(there[np.argsort(part.recall[there], kind="stable")][:PANELS].tolist())
    return np.array([label for label in there.tolist() if label in worst])


def figure(part: Part, ticks: Sequence[str], words: Mapping[str, str]) -> Any:
    """Return the picture: a panel for each class.

    Args:
        part (Part): with predictions.
        ticks (sequence of str): what fits of the name of each drawn class.
        words (dict): the captions.
    """
    classes = drawn(part)
    _, recall, precision = of_classes(part)
    columns = min(_COLUMNS, classes.size)
    lines = -(-classes.size // columns)
    picture = charts.new_figure(1 + 1.5 * lines)
    grid = picture.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, label, name in zip(grid, classes.tolist(), ticks):
        axes.plot(100 * THRESHOLDS, 100 * recall[:, label], color="#0072B2", label=words["recall"])
        axes.plot(
            100 * THRESHOLDS, 100 * precision[:, label], color="#E69F00", linestyle="--", label=words["precision"]
        )
        axes.set_title(f"{name} ({part.support[label]})", fontsize=8)
        axes.set(xlim=(0, 100), ylim=(0, 104))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[classes.size :]:
        axes.set_axis_off()
    for axes in grid[(lines - 1) * columns : classes.size]:
        axes.set_xlabel(words["fig_threshold"], fontsize=8)
    for axes in grid[::columns]:
        axes.set_ylabel("%")
    handles, labels = grid[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return picture
