"""Decisions by class that are no plain highest probability: factors that give classes the recall that is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..basis import checks
from ..serving.served import decided
from . import cross_validation

OWNER = "ppcls-lt decide"
FOLDS = 5
_ROUNDS = 200
_HIGHEST = 1e9  # of a factor
_MARGIN = 1e-6  # a factor lies above the one at which two classes are equal


class Judged(NamedTuple):
    """What decisions come to on images of classes ``[N]``.

    ``recall``, ``precision`` and ``not_sure`` are shares by class ``[C]``, NaN without images; recall is that of the
    images of which the model is sure.
    """

    recall: np.ndarray
    precision: np.ndarray
    not_sure: np.ndarray
    images: np.ndarray  # sure ones of the class [C]
    overall: float  # of the sure images
    cost: float | None  # the mean of all images, where there are costs


def rank(images: int, target: float, exact: bool) -> int:
    r"""Return how many of the images of a class must be recognised for a recall.

    .. math:: \lceil (n + 1) t \rceil

    With so many of n, a new image of the class is recognised with a probability of at least t, whatever the
    distribution: its place among the n + 1 is any with equal probability. With ``exact`` :math:`\lceil n t \rceil`, the
    recall on these images alone.

    Source: the quantile of split conformal prediction, Vovk et al., "Algorithmic Learning in a Random World", 2005.

    Args:
        images (int): n.
        target (float): t, above 0 and at most 1.
        exact (bool): of these images.

    Returns:
        int, above n where these are too few.
    """
    # Rounded, since 20 * 0.95 is to be 19.
    return math.ceil(round((images if exact else images + 1) * target, 9))


def needed(target: float) -> int:
    """Return the fewest images of a class with which :func:`rank` is possible."""
    return max(1, math.ceil(round(target / (1 - target), 9)))


def factors(probabilities: np.ndarray, label: np.ndarray, ranks: Mapping[int, int]) -> np.ndarray | None:
    r"""Return the smallest factors :math:`f \ge 1` with which enough images of some classes are recognised, ``[C]``.

    An image of class c is recognised where :math:`f_c p_c` is the highest, so :math:`f_c` is the
    r-th smallest of the ratios :math:`\max_{k \ne c} f_k p_k / p_c`. Each class's factor asks for more of the others',
    never for less: raised in turns from 1, they reach the smallest that satisfy all, or grow without end.

    Args:
        probabilities (array): of the images, ``[N, C]``.
        label (array): their classes ``[N]``.
        ranks (dict): class -> how many of its images are to be recognised.

    Returns:
        float64 ``[C]``; None where no factors satisfy all.
    """
    found = np.ones(probabilities.shape[1])
    own = {one: probabilities[label == one].astype(np.float64) for one in ranks}
    for _ in range(_ROUNDS):
        before = found.copy()
        for one, count in ranks.items():
            found[one] = max(found[one], _needed_factor(own[one], one, count, found))
        if found.max() > _HIGHEST:
            return None
        if (found == before).all():
            return found
    return None


def _needed_factor(own, one, count, found):
    rivals = np.delete(own * found, one, axis=1).max(axis=1)
    with np.errstate(divide="ignore"):
        ratios = np.sort(rivals / own[:, one])
    return 1.0 if ratios[count - 1] < 1 else ratios[count - 1] * (1 + _MARGIN)


def cross_validated(
    probabilities: np.ndarray,
    label: np.ndarray,
    targets: Mapping[int, float],
    *,
    exact: bool,
    below: float | None,
) -> np.ndarray | None:
    """Return the decisions on images by factors that were solved without them, int64 ``[N]``, -1 for not sure.

    Args:
        probabilities (array): ``[N, C]``.
        label (array): the classes ``[N]``.
        targets (dict): class -> recall.
        exact (bool): as in :func:`rank`.
        below (float, optional): ``not_sure_below``.

    Returns:
        None where a fifth fewer images cannot be solved, though all of them may be.
    """
    fold = cross_validation.folds(label, FOLDS)
    predicted = np.full(label.size, -1)
    sure = is_sure(probabilities, below)
    for one in np.unique(fold):
        others = (fold != one) & sure
        counts = np.bincount(label[others], minlength=probabilities.shape[1])
        # With a fifth fewer images as many as there are may be too few: then all of them.
        ranks = {c: min(rank(int(counts[c]), t, exact), int(counts[c])) for c, t in targets.items() if counts[c]}
        found = factors(probabilities[others], label[others], ranks)
        if found is None:
            return None
        rule = {"factors": found, "not_sure_below": below}
        predicted[fold == one] = decided(probabilities[fold == one], rule)
    return predicted


def is_sure(probabilities: np.ndarray, below: float | None) -> np.ndarray:
    """Return which images have a probability that is high enough for a class, bool ``[N]``."""
    return np.ones(len(probabilities), dtype=bool) if below is None else probabilities.max(axis=1) >= below


def solve(
    probabilities: np.ndarray,
    label: np.ndarray,
    targets: Mapping[int, float],
    *,
    exact: bool,
    below: float | None,
    names: Sequence[str],
) -> np.ndarray:
    """Return the factors ``[C]`` for recalls of classes, of the images of which the model is sure.

    Args:
        probabilities, label, targets, exact, below: as in :func:`cross_validated`.
        names (sequence of str): of the classes, for messages.

    Raises:
        ConfigError: a class has too few images, or no factors give all that is asked for.
    """
    sure = is_sure(probabilities, below)
    counts = np.bincount(label[sure], minlength=probabilities.shape[1])
    ranks = check_counts(counts, targets, exact=exact, below=below, names=names)
    return _solved(probabilities[sure], label[sure], ranks, targets, names)


def check_counts(
    counts: np.ndarray, targets: Mapping[int, float], *, exact: bool, below: float | None, names: Sequence[str]
) -> dict[int, int]:
    """Return how many images of each class with a target are to be recognised.

    Args:
        counts (array): held-out images ``[C]``, of all or of those of which the model is sure.
        targets, exact, below, names: as in :func:`cross_validated`.

    Raises:
        ConfigError: a class has too few images.
    """
    ranks = {one: rank(int(counts[one]), target, exact) for one, target in targets.items()}
    for one, target in targets.items():
        if ranks[one] > counts[one] or counts[one] == 0:
            least = 1 if exact else needed(target)
            sure_ones = "" if below is None else " of which the model is sure"
            got = checks.described(f"{counts[one]} of {names[one]}{sure_ones}")
            remedy = "`--val-list` names more of them"
            if not exact:
                remedy += ", or `--on-held-out` asks for the recall on the held-out images alone"
            expected = f"solved on at least {least} held-out images of the class for {target:g}"
            checks.fail(OWNER, "--recall", expected, got, remedy)
    return ranks


def _solved(probabilities, label, ranks, targets, names):
    found = factors(probabilities, label, ranks)
    if found is None:
        got = checks.described(", ".join(f"{names[one]}={target:g}" for one, target in targets.items()))
        checks.fail(OWNER, "--recall", "lower, since no factors give so much to all of these classes", got)
    return found


def judged(label: np.ndarray, predicted: np.ndarray, class_num: int, costs: np.ndarray | None = None) -> Judged:
    """Return what decisions ``[N]``, -1 for not sure, come to; see :class:`Judged`."""
    sure = predicted >= 0
    right = np.bincount(label[sure & (label == predicted)], minlength=class_num)
    images, all_images = (np.bincount(label[which], minlength=class_num) for which in (sure, slice(None)))
    taken = np.bincount(predicted[sure], minlength=class_num)
    cost = None
    if costs is not None and (sure.all() or costs.shape[1] > class_num):
        cost = float(costs[label, np.where(sure, predicted, class_num)].mean())
    with np.errstate(invalid="ignore"):
        return Judged(
            right / images,
            right / taken,
            1 - images / all_images,
            images,
            float(right.sum() / images.sum()) if images.sum() else math.nan,
            cost,
        )
