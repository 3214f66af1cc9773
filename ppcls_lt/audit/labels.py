"""Labels that are likely wrong, and classes that overlap, from predictions for images that no model had seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..basis import checks, extras
from . import EXTRA, OWNER, suspects
from .suspects import Suspect

LOW = 0.25  # the quality of a label below which it is likely wrong
_CLOSE, _ROUNDS = 1e-3, 200  # how near to the share of its images a class shall come, and in how many rounds at most
WEAK = 0.5  # models that agree with fewer labels, the mean over classes, know too little


class Predicted(NamedTuple):
    """Held-out predictions for M lines.

    Attributes:
        lines (array): int64 ``[M]``, each once.
        probabilities (array): float64 ``[M, C]``, mean over the models that had not seen the image.
        source (str): which models, in words.
    """

    lines: np.ndarray
    probabilities: np.ndarray
    source: str


class Overlap(NamedTuple):
    """Two classes, the images of either that seem to be of the other, and their share of the judged ones of both."""

    one: int
    other: int
    images: int
    share: float


class Labels(NamedTuple):
    """What predictions say of labels; arrays are of the classes ``[C]``.

    Attributes:
        suspects (list of Suspect): all lines that are likely wrong, ranked; ``value`` is the quality of the label,
            ``other`` the class that is predicted.
        judged (array): images that were judged.
        own (array): mean probability that the images of a class get of it, NaN without any.
        wrong (array): images that are likely wrong.
        wrong_share (array): of the judged ones; 0 without any.
        seem_of (array): images of other classes that seem to be of it.
        overlap (list of Overlap): the largest share first.
        source (str): which models judge.
        agreed (float): share of the judged images for which they predict the label, the mean over classes.
    """

    suspects: list[Suspect]
    judged: np.ndarray
    own: np.ndarray
    wrong: np.ndarray
    wrong_share: np.ndarray
    seem_of: np.ndarray
    overlap: list[Overlap]
    source: str
    agreed: float

    @property
    def weak(self) -> bool:
        """Whether the models know too little to be believed."""
        return self.agreed < WEAK


def judge(predicted: Predicted, label: np.ndarray) -> Labels:
    """Return what predictions say of ``Labels``, by confident learning (Northcutt et al. 2021, arXiv:1911.00068).

    First the classes get the probability that they have among the labels, see :func:`as_frequent_as_given`. Images of
    rare classes are still less probable of theirs. So each class is judged by its own measure: the mean probability
    ``t_k`` that the images labelled ``k`` get of ``k``, cleanlab's confident thresholds. The quality of a label ``y``
    is ``p_y / t_y``. It is likely wrong below 1/4, where another class is predicted. Classes overlap by the confident
    joint: images of one that reach the measure of the other.

    Args:
        predicted (Predicted): for M lines.
        label (array): the class of every line ``[N]``.

    Raises:
        ConfigError: cleanlab is not installed; the images are of one class.
    """
    with extras.needed("cleanlab", "an audit of labels", EXTRA):
        from cleanlab import count, filter, rank

    given, probabilities = label[predicted.lines], predicted.probabilities
    class_num = probabilities.shape[1]
    judged = np.bincount(given, minlength=class_num)
    present = np.flatnonzero(judged)
    if present.size < 2:
        got = checks.described(f"predictions for images of {present.size} class alone")
        checks.fail(OWNER, "--predictions", "of held-out images of two classes or more", got)
    # Classes without a judged image cannot be measured, and take no part.
    place = np.full(class_num, -1)
    place[present] = np.arange(present.size)
    narrowed = probabilities[:, present] / np.maximum(probabilities[:, present].sum(axis=1, keepdims=True), 1e-12)
    labels = place[given]
    agrees = narrowed.argmax(axis=1) == labels
    narrowed = as_frequent_as_given(narrowed, labels)
    thresholds = count.get_confident_thresholds(labels, narrowed)
    quality = rank.get_self_confidence_for_each_label(labels, narrowed) / np.maximum(thresholds[labels], 1e-12)
    seems = present[narrowed.argmax(axis=1)]
    ranked = np.argsort(quality, kind="stable")
    ranked = ranked[(quality < LOW)[ranked] & filter.find_predicted_neq_given(labels, narrowed)[ranked]]
    found = [
        Suspect(suspects.LABEL, int(predicted.lines[each]), float(quality[each]), other=int(seems[each]))
        for each in ranked.tolist()
    ]
    wrong = np.bincount(given[ranked], minlength=class_num)
    own = np.full(class_num, np.nan)
    own[present] = thresholds
    return Labels(
        found,
        judged,
        own,
        wrong,
        wrong / np.maximum(judged, 1),
        np.bincount(seems[ranked], minlength=class_num),
        _overlaps(count.compute_confident_joint(labels, narrowed, calibrate=False), present, judged),
        predicted.source,
        float(np.mean([agrees[given == label].mean() for label in present])),
    )


def as_frequent_as_given(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    r"""Return ``p_k w_k / sum_j p_j w_j`` with weights by which each class has, in the mean, the share of its labels.

    A loss that shifts logits or weighs classes, and a sampler, take the classes for more equally frequent than they
    are; images of common classes then seem to be of rare ones. Of a model that knows the frequencies little changes.

    Args:
        probabilities (array): ``[M, C]``, rows of sum 1.
        labels (array): ``[M]``, of every class at least one.
    """
    wanted = np.bincount(labels, minlength=probabilities.shape[1])
    weights = np.ones(wanted.size)
    for _ in range(_ROUNDS):
        # How often each class is there in all rows, without the rows themselves.
        found = weights * (probabilities.T @ (1 / np.maximum(probabilities @ weights, 1e-300)))
        ratio = wanted / np.maximum(found, 1e-300)
        if np.abs(ratio - 1).max() < _CLOSE:
            break
        weights = np.clip(weights * ratio, 1e-30, 1e30)
        weights /= weights.max()
    weighed = probabilities * weights
    return weighed / np.maximum(weighed.sum(axis=1, keepdims=True), 1e-300)


def _overlaps(joint, present, judged):
    """The pairs of classes of which some images seem to be of the other, by the confident joint ``[n, n]``."""
    both = joint + joint.T
    found = []
    for one, other in zip(*np.nonzero(np.triu(both, 1))):
        pair = int(present[one]), int(present[other])
        images = int(both[one, other])
        found.append(Overlap(*pair, images, images / int(judged[list(pair)].sum())))
    return sorted(found, key=lambda each: -each.share)
