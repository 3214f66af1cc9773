"""Training, evaluation and comparison as functions, for a script or a notebook, over the commands of those names.

``ppcls_lt`` gives the functions out, and loads this folder when one of them is asked for.
"""

from __future__ import annotations

from .comparing import Comparison, compare
from .evaluating import Evaluation, evaluate
from .training import Training, train

__all__ = ["Comparison", "Evaluation", "Training", "compare", "evaluate", "train"]
