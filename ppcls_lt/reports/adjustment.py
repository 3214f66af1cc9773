"""What an adjustment does to a model, in the words of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..runs.measures import MEASURES

_BEFORE = "as it is"


def table(before: Mapping[str, float], rows: Iterable[tuple[str, str, Mapping[str, float]]], prior: bool) -> list[str]:
    """Return the lines of the table: the model as it is, then each method.

    Args:
        before (dict): measure -> share, and ``ece`` and ``nll``.
        rows (iterable): of (method, its strength in words, such a dict).
        prior (bool): whether the target prior is another than the uniform one, which the balanced accuracy is of.
    """
    measures = (*MEASURES, *(["prior"] if prior else []))
    lines = [["", "strength", *measures, "ECE", "NLL"]]
    for name, strength, values in [(_BEFORE, "", before), *rows]:
        cells = [_percent(values[measure]) for measure in (*measures, "ece")]
        lines.append([name, strength, *cells, f"{values['nll']:.3f}"])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join(_padded(line, widths)).rstrip() for line in lines]


def _padded(line, widths):
    for column, (cell, width) in enumerate(zip(line, widths)):
        yield cell.ljust(width) if column < 2 else cell.rjust(width)


def _percent(value):
    return "-" if np.isnan(value) else f"{100 * value:.1f}"


def about(facts: Mapping[str, Any]) -> list[str]:
    """Return what the figures are of.

    Args:
        facts (dict): ``weights``, ``images``, ``list`` and ``folds``; ``chosen``, whether strengths were chosen.
    """
    how = "chosen and fitted" if facts["chosen"] else "fitted"
    return [
        f"{facts['weights']}, on the {facts['images']} held-out images of {facts['list']}, in per cent",
        f"cross-validated in {facts['folds']} folds: each image is judged by what was {how} without it",
    ]


def strength(parameter: str, value: float, temperature: float) -> str:
    """Return a strength and a temperature in words."""
    said = f"{parameter} {value:g}"
    return said if temperature == 1 else f"{said}, T {temperature:.3g}"


def caution(before: Mapping, after: Mapping, images: int) -> str | None:
    """Return a sentence where the probabilities of what is written are worse than those of the model as it is, or None.

    Args:
        before, after (dict): with ``nll``, of the model as it is and of what is written, cross-validated.
        images (int): by how many it was chosen and judged.
    """
    if not round(after["nll"], 3) > round(before["nll"], 3):
        return None
    return (
        f"caution: its probabilities are worse than those of the model as it is, NLL {after['nll']:.3f} against "
        f"{before['nll']:.3f} on {images} held-out images; more of them, or another method, may help"
    )
