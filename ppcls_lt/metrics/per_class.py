"""The table of the classes."""

import numpy as np

from ..basis.registry import register
from ..maths import scores
from .base import OneNumber


@register("metric")
class PerClassAcc(OneNumber):
    """Recall, precision, F1 and support of every class; as one number, their mean recall.

    Per class as scikit-learn's ``precision_recall_fscore_support`` with
    ``zero_division=np.nan``: NaN is what is undefined, the recall of a class
    without images, the precision of one that is never predicted, the F1 of one
    that is neither. It takes no arguments.
    """

    @staticmethod
    def from_counts(support: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> float:
        """Mean recall, "mean per-class accuracy"."""
        return scores.mean(scores.recall(support, right))

    def per_class(self) -> dict[str, np.ndarray]:
        """Return arrays ``[C]`` by name: ``recall``, ``precision``, ``f1``, ``support``; {} without images."""
        seen = self.predictions.classes()
        if seen is None:
            return {}
        return {
            "recall": scores.recall(seen.support, seen.right),
            "precision": scores.precision(seen.predicted, seen.right),
            "f1": scores.f1(*seen),
            "support": seen.support,
        }
