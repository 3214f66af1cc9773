"""Which of several candidates to take, from their predictions of held-out images. NumPy only, no files.

The rule is the one that docs/regret.md derives and judges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..basis import checks
from ..runs.measures import BASELINE, MEASURES
from .pooled import Pooled
from .smoothed import probability, reliance

LEVEL = 0.9  # of the intervals
DRAWS = 2000
_ROUNDING = 1e-12
# Why the chosen one is taken: nothing else has a score as high within the uncertainty, it has the highest score of
# those that cannot be told apart, or it is the base, above which nothing has a score.
ONLY, HIGHEST, BASE = "only", "highest", "base"


@dataclass(frozen=True)
class Judgement:
    """What the held-out images say of one candidate.

    Attributes:
        scores (dict): measure -> accuracy over the pooled images, of all ``MEASURES``; NaN without an image.
        score (float): what the rule ranks by, see :func:`judge`; higher is better.
        gain (float): of the accuracy that was asked for over the baseline's.
        low, high (float): interval of the gain, ``LEVEL`` of it.
        best (float): probability of being the best of all.
        recall (array): accuracy on each class ``[C]``, NaN without an image.
    """

    scores: dict[str, float]
    score: float
    gain: float
    low: float
    high: float
    best: float
    recall: np.ndarray


@dataclass(frozen=True)
class Choice:
    """The answer of a comparison.

    Attributes:
        judgements (dict): candidate -> :class:`Judgement`, best first.
        chosen (str): the candidate to take.
        reason (str): ``only``, ``highest`` or ``base``.
        equals (tuple of str): those that cannot be told apart from the highest, itself among them, best first.
        unjudged (tuple of int): classes without a held-out image.
        incomplete (tuple of str): candidates that lack the predictions of a seed.
    """

    judgements: dict[str, Judgement]
    chosen: str
    reason: str
    equals: tuple[str, ...]
    unjudged: tuple[int, ...]
    incomplete: tuple[str, ...]


def judge(
    candidates: Mapping[str, Sequence[np.ndarray | None]],
    labels: Sequence[np.ndarray],
    images: Sequence[np.ndarray],
    *,
    measure: str = "balanced",
    groups: Mapping[str, np.ndarray],
    class_num: int,
    baseline: str = BASELINE,
    work: Mapping[str, float | None] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Choice:
    """Judge candidates on the same images and choose one, that of the highest score.

    The score is the mean over the classes of ``measure`` of the accuracy and of :func:`smoothed.probability`, of which
    the accuracy counts :func:`smoothed.reliance`; the gain is the difference of two such means of accuracies alone.
    Their uncertainty is that of the images, by a bootstrap within classes in which all candidates have the same images,
    that of classes with few images, by two images more on which every model is right by chance, and that of the
    trainings, by :func:`seed_excess`.

    Args:
        candidates (mapping): name -> logits of each seed ``[n_s, C]``; None, or a list that is shorter, where a seed
            is missing. The baseline must have all.
        labels (sequence): of each seed ``[n_s]``, in the order of its logits.
        images (sequence): of each seed ``[n_s]``; equal numbers are the same image.
        measure (str): of ``MEASURES``, what is to be high.
        groups (mapping): group -> its classes.
        class_num (int): number C of classes.
        baseline (str): what gains are over.
        work (mapping, optional): candidate -> cost of its training; of equal scores the cheaper comes first.
        draws (int): of the bootstrap.
        seed (int): of the draws.

    Raises:
        ConfigError: no class that ``measure`` counts has a held-out image.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993; Cameron, Gelbach and Miller, "Robust
    Inference with Multiway Clustering", 2011, for images and seeds together; Agresti and Min, "Simple Improved
    Confidence Intervals for Comparing Matched Proportions", 2005, for the two images more. The rule: docs/regret.md.
    """
    checks.choice("choice", "measure", measure, MEASURES)
    pooled = Pooled(labels, images, class_num)
    weights = pooled.weights(groups)
    if not weights[measure].any():
        got = checks.described(f"{measure}, of whose classes no image is held out")
        checks.fail("choice", "measure", "over classes that have held-out images", got)
    weight = weights[measure]
    share = pooled.share * weight[pooled.label]
    complete, rights, probabilities, marks = [], [], [], []
    for name, parts in candidates.items():  # one at a time: with many classes they fill a memory
        there = [part for part in parts if part is not None]
        if len(there) == len(labels):
            logits = pooled.values(there)
            complete.append(name)
            rights.append(logits.argmax(axis=1) == pooled.label)
            probabilities.append(probability(logits, pooled.label, share))
            marks.append(hashlib.sha256((logits.astype(np.float32) + 0.0).tobytes()).hexdigest())
    right = np.stack(rights, axis=1).astype(float)
    relied = reliance(right, pooled, weight)
    value = relied * right + (1 - relied) * np.stack(probabilities, axis=1)
    base = complete.index(baseline)
    recall = pooled.class_means(right)
    scores = {name: _mean(weights[name], recall) for name in MEASURES if name in weights}
    score = _mean(weight, pooled.class_means(value))
    gains, leads = right - right[:, [base]], value - value[:, [base]]
    gain = _mean(weight, pooled.class_means(gains))
    _, same = np.unique(marks, return_inverse=True)
    of_gains, of_leads = draw(pooled, weight, (gains, leads), same, draws, np.random.default_rng(seed))
    drawn = of_gains - of_gains[:, [base]]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    best = _is_best(of_leads)
    costs = [float((work or {}).get(name) or 0) for name in complete]
    rounded = np.round(score, 9)  # what is equal but for the order of a sum is equal
    order = sorted(range(len(complete)), key=lambda k: (-rounded[k], costs[k], k != base, complete[k]))
    first = order[0]
    behind = np.quantile(of_leads[:, [first]] - of_leads, (1 - LEVEL) / 2, axis=0)
    equals = tuple(complete[k] for k in order if k == first or behind[k] <= _ROUNDING)
    return Choice(
        judgements={
            complete[k]: Judgement(
                scores={name: float(values[k]) for name, values in scores.items()},
                score=float(score[k]),
                gain=float(gain[k]),
                low=float(low[k]),
                high=float(high[k]),
                best=float(best[k]),
                recall=recall[:, k],
            )
            for k in order
        },
        chosen=complete[first],
        reason=BASE if first == base else ONLY if len(equals) == 1 else HIGHEST,
        equals=equals,
        unjudged=tuple(np.flatnonzero(pooled.count == 0).tolist()),
        incomplete=tuple(name for name in candidates if name not in complete),
    )


def draw(
    pooled: Pooled,
    weight: np.ndarray,
    kinds: Sequence[np.ndarray],
    same: np.ndarray,
    draws: int,
    generator: np.random.Generator,
) -> list[np.ndarray]:
    """Draws of means over classes ``[draws, K]`` as other images and other trainings would have them, of each kind.

    Args:
        pooled (Pooled): the predictions.
        weight (array): of each class in the mean ``[C]``.
        kinds (sequence of array): values of each prediction by each candidate ``[J, K]``, over the baseline's.
        same (array of int): of each candidate ``[K]``, equal for those that predict the same.
        draws (int): number of draws.
        generator (Generator): what draws, the same whatever the order of the candidates.
    """
    gains = np.concatenate(kinds, axis=1)
    residuals = pooled.residuals(gains)
    columns = np.split(np.arange(gains.shape[1]), len(kinds))
    found = [seed_excess(pooled, weight, gains[:, mine], residuals[:, mine]) for mine in columns]
    excess = np.repeat(found, len(same))
    drawn = np.zeros((draws, gains.shape[1]))
    for c in np.flatnonzero(weight).tolist():
        of_images = pooled.image_means(gains, c)
        number = len(of_images)
        times = generator.multinomial(number, np.full(number, 1 / number), size=draws)
        drawn += weight[c] / number * (times @ of_images)
        if excess.any():
            of_class = pooled.label == c
            noise = generator.standard_normal((draws, int(of_class.sum()))) * pooled.share[of_class]
            drawn += weight[c] * np.sqrt(excess) * (noise @ residuals[of_class])
    counted = weight > 0
    # Two images more in each class, on each of which a model is right with probability 1/2.
    variance = 2 * 0.25 * ((weight[counted] / (pooled.count[counted] + 2)) ** 2).sum()
    chance = np.sqrt(variance) * generator.standard_normal((draws, same.max() + 1))[:, same]
    drawn += np.tile(chance, len(kinds))
    return np.split(drawn, len(kinds), axis=1)


def seed_excess(pooled: Pooled, weight: np.ndarray, gains: np.ndarray, alone: np.ndarray) -> float:
    """By how much the gains of seeds vary more than their images explain, over all candidates: >= 0, 0 for one seed.

    ``S / (S - 1) sum_s (sum_{j of s} w_j u_j)^2 / sum_j (w_j v_j)^2 - 1`` with w what a prediction counts in the whole
    mean, u its residual from the mean gain of its class and v that of :meth:`Pooled.residuals`; both sums over all
    candidates, since few seeds have few degrees of freedom.

    Args:
        pooled, weight, gains: as :func:`draw` has them.
        alone (array): v ``[J, K]``.
    """
    seeds = pooled.seed.max() + 1
    if seeds < 2:
        return 0.0
    counted = weight[pooled.label] > 0
    share = (weight[pooled.label] * pooled.share)[counted, None]
    of_seeds = np.zeros((seeds, gains.shape[1]))
    means = pooled.class_means(gains)[pooled.label[counted]]
    np.add.at(of_seeds, pooled.seed[counted], share * (gains[counted] - means))
    explained = ((share * alone[counted]) ** 2).sum()
    return max(float(seeds / (seeds - 1) * (of_seeds**2).sum() / explained - 1), 0.0) if explained > 0 else 0.0


def _mean(weight, recall):
    counted = weight > 0
    return weight[counted] @ recall[counted] if counted.any() else np.full(recall.shape[1], np.nan)


def _is_best(drawn):
    """Probability that a candidate has the highest gain ``[K]``; what is equal shares it."""
    highest = drawn >= drawn.max(axis=1, keepdims=True) - _ROUNDING
    return (highest / highest.sum(axis=1, keepdims=True)).mean(axis=0)
