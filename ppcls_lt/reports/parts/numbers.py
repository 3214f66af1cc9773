"""Numbers as pages and tables show them."""

from __future__ import annotations

import numpy as np

NONE = "–"


def percent(value: float) -> str:
    """A share as per cent with one decimal, or a dash where it is undefined."""
    return NONE if np.isnan(value) else f"{100 * value:.1f}"


def whole(number: int) -> str:
    """A count with its thousands apart."""
    return f"{number:,}"


def short(value: float | None) -> str:
    """A number with four digits or so, or a dash where it is undefined."""
    if value is None or np.isnan(value):
        return NONE
    return f"{value:.3f}" if 0.1 <= abs(value) < 1000 else f"{value:.4g}"
