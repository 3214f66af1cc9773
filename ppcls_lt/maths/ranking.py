"""How well scores rank what has a label before what has not. NumPy only."""

import numpy as np


def average_precision(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The average precision of each class: the mean of the precision at each image that has the label.

    Images of one score share one rank, as in scikit-learn's ``average_precision_score``.

    Args:
        scores (array): ``[N, C]``, higher is likelier.
        labels (array): ``[N, C]``, bool.

    Returns:
        float array ``[C]``; NaN for a class without an image that has the label.
    """
    result = np.full(labels.shape[1], np.nan)
    for c in np.flatnonzero(labels.any(axis=0)):
        order = np.argsort(-scores[:, c], kind="stable")
        ranked, own = scores[order, c], np.cumsum(labels[order, c])
        last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each score
        found = np.diff(own[last], prepend=0)
        result[c] = (found * own[last] / (last + 1)).sum() / own[-1]
    return result
