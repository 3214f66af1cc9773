"""What a decision does to a model, in the words of a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..basis.widths import columns, shortened
from .comparison.figures import wilson

_NAME = 24  # columns of a class's name
_ALL = 30  # up to so many classes all have a line; of more those that are asked for and those that change most


def lines(
    weights: str,
    listing: str,
    names: Sequence[str],
    counts: np.ndarray,
    judged: Sequence[Any],
    targets: Mapping[int, float],
    factors: np.ndarray | None,
    cross_validated: bool | None,
) -> Iterable[str]:
    """Yield what the figures are of, then a line for each class, before and after the decision.

    Args:
        weights, listing (str): the model and the list of held-out images.
        names (sequence of str): of the classes.
        counts (array): held-out images of each class ``[C]``.
        judged (pair): a ``maths.deciding.Judged`` by the highest probability, and one by the decision.
        targets (dict): class -> recall that is asked for.
        factors (array, optional): of the classes ``[C]``.
        cross_validated (bool, optional): whether images were judged by what was solved without them; None where nothing
            was solved.
    """
    before, after = judged
    yield f"{weights}, on the {counts.sum()} held-out images of {listing}, in per cent"
    if cross_validated:
        yield "after, cross-validated in 5 folds: each image is judged by factors that were solved without it"
    elif cross_validated is not None:
        yield (
            "after, of the images on which the factors were solved, which flatters it: with a fifth fewer images no "
            "factors give what is asked for, so nothing is cross-validated"
        )
    yield ""
    head = [
        "class",
        "images",
        "recall",
        "after",
        "(90 % interval)",
        "precision",
        "after",
        "not sure",
        "asked",
        "factor",
    ]
    rows = [head]
    for one in _shown(before, after, targets):
        interval = ""
        if after.images[one]:
            low, high = wilson(after.recall[one], after.images[one])
            interval = f"{100 * low:.1f} to {100 * high:.1f}"
        rows.append(
            [
                *(shortened(names[one], _NAME), str(counts[one]), _percent(before.recall[one])),
                *(_percent(after.recall[one]), interval, _percent(before.precision[one])),
                *(_percent(after.precision[one]), _percent(after.not_sure[one])),
                *(_percent(targets[one]) if one in targets else "", "" if factors is None else f"{factors[one]:.4g}"),
            ]
        )
    widths = [max(map(columns, column)) for column in zip(*rows)]
    for row in rows:
        cells = [" " * (width - columns(cell)) + cell for cell, width in zip(row[1:], widths[1:])]
        yield "  ".join([row[0] + " " * (widths[0] - columns(row[0])), *cells]).rstrip()
    left = len(names) - len(rows) + 1
    if left:
        yield f"and {left} classes more, which change less"
    yield ""
    yield f"right of the sure ones: {_percent(before.overall)}, after {_percent(after.overall)}"
    if before.cost is not None and after.cost is not None:
        yield f"mean cost of an image: {before.cost:.4g}, after {after.cost:.4g}"
    missing = [names[one] for one in np.flatnonzero(counts == 0).tolist()]
    if missing:
        more = ", ..." if len(missing) > 5 else ""
        yield f"without a held-out image, so nothing is known of it: {', '.join(missing[:5])}{more}"


def _shown(before, after, targets):
    number = before.recall.size
    if number <= _ALL:
        return range(number)
    change = np.nan_to_num(np.abs(after.recall - before.recall))
    change[list(targets)] = 2
    return np.sort(np.argsort(-change, kind="stable")[:_ALL])


def _percent(value):
    return "-" if math.isnan(value) else f"{100 * value:.1f}"
