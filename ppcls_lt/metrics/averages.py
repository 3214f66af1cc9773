"""One number for all classes alike, however many images each has."""

import numpy as np

from ..basis.registry import register
from ..maths import scores
from .base import OneNumber


@register("metric")
class BalancedAcc(OneNumber):
    """Mean recall of the classes that the evaluation set has.

    Equals scikit-learn's ``balanced_accuracy_score``. It takes no arguments.

    Source: Brodersen et al., "The balanced accuracy and its posterior
    distribution", ICPR 2010.
    """

    @staticmethod
    def from_counts(support: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> float:
        """Mean recall."""
        return scores.mean(scores.recall(support, right))


@register("metric")
class MacroF1(OneNumber):
    """Mean F1 of the classes that are in the labels or in the predictions.

    ``F1_c = 2 right_c / (support_c + predicted_c)``. Equals scikit-learn's
    ``f1_score(average="macro", zero_division=0)``. So a class without images
    that is predicted counts with 0. It takes no arguments.
    """

    @staticmethod
    def from_counts(support: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> float:
        """Mean F1."""
        return scores.mean(scores.f1(support, predicted, right))


@register("metric")
class GMean(OneNumber):
    """Geometric mean of the recalls of the classes that the evaluation set has; 0 if one is 0.

    It takes no arguments.

    Source: Kubat and Matwin, "Addressing the Curse of Imbalanced Training
    Sets", ICML 1997, for two classes. Deviation from imbalanced-learn's
    ``geometric_mean_score(correction=0)``: that one takes a class without
    images that is predicted as recall 0 and then returns 0.
    """

    @staticmethod
    def from_counts(support: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> float:
        """Geometric mean of the recalls."""
        return scores.geometric_mean(scores.recall(support, right))


@register("metric")
class WorstClassAcc(OneNumber):
    """Lowest recall of a class that the evaluation set has. It takes no arguments."""

    @staticmethod
    def from_counts(support: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> float:
        """Lowest recall."""
        return scores.lowest(scores.recall(support, right))
