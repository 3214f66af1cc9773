"""Regret of ways to choose, and how often an interval holds the truth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from ppcls_lt.maths import choice

from .kept import Comparison
from .rules import SCORES, predictions

SUBSET = 6  # recipes, for the means over many small comparisons
POINTS = 100.0


def regret(comparison: Comparison, score: np.ndarray) -> float:
    """Points by which the truly best recipe is above the one of the highest score; of equals the first."""
    return POINTS * float(comparison.accuracy.max() - comparison.accuracy[int(np.argmax(score))])


def regret_of_subsets(comparison: Comparison, score: np.ndarray) -> float:
    """Mean regret over all comparisons of ``SUBSET`` of the recipes, in points."""
    truth = comparison.accuracy
    sets = np.array(list(itertools.combinations(range(len(truth)), min(SUBSET, len(truth)))))
    chosen = truth[np.take_along_axis(sets, score[sets].argmax(axis=1)[:, None], 1)[:, 0]]
    return POINTS * float((truth[sets].max(axis=1) - chosen).mean())


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's, without ties."""
    ranks = [np.argsort(np.argsort(each)) for each in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])


def oracle(comparison: Comparison, folds: int) -> np.ndarray:
    """The score of an oracle: test accuracy of the trainings that the choice has, whose seeds the truth has not."""
    return comparison.held[folds].recall.mean(axis=(1, 2))


def better_half(comparison: Comparison) -> float:
    """Mean regret of choosing at random among the truly better half, in points."""
    truth = np.sort(comparison.accuracy)[::-1]
    return POINTS * float(truth[0] - truth[: len(truth) // 2].mean())


def today(comparison: Comparison) -> np.ndarray | None:
    """The score of the rule before: the best epoch on one tenth that is the same for all seeds."""
    return None if comparison.best_epoch is None else comparison.best_epoch.mean(axis=1)


def design(comparisons: list[Comparison], folds: int) -> dict[str, tuple]:
    """Score -> mean regret, highest regret, mean regret over subsets of the recipes, mean rank correlation with the
    truth, mean regret with two of the seeds and with one.
    """
    found = {"oracle": _summary(comparisons, [oracle(each, folds) for each in comparisons]) + (None, None)}
    all_seeds = [predictions(each, folds) for each in comparisons]
    some = {
        number: [
            [
                predictions(each, folds, seeds)
                for seeds in itertools.combinations(np.unique(each.held[folds].seed), number)
            ]
            for each in comparisons
        ]
        for number in (2, 1)
    }
    for name, rule in SCORES.items():
        whole = _summary(comparisons, [rule(each) for each in all_seeds])
        fewer = [
            float(np.mean([regret(each, rule(one)) for each, sets in zip(comparisons, some[number]) for one in sets]))
            for number in (2, 1)
        ]
        found[name] = (*whole, *fewer)
    return found


def _summary(comparisons, scores):
    pairs = list(zip(comparisons, scores))
    whole = [regret(*pair) for pair in pairs]
    parts = [regret_of_subsets(*pair) for pair in pairs]
    ranks = [correlation(each.accuracy, score) for each, score in pairs]
    return float(np.mean(whole)), max(whole), float(np.mean(parts)), float(np.mean(ranks))


def judged(
    comparison: Comparison, folds: int, *, recipes: Sequence[str] | None = None, seeds: int | None = None
) -> choice.Choice:
    """What the package's own rule says, of all recipes and seeds or of some, of the seeds the first."""
    held = comparison.held[folds]
    wanted = comparison.recipes if recipes is None else recipes
    candidates = {name: held.parts(held.logits[comparison.recipes.index(name)])[:seeds] for name in wanted}
    parts = held.parts(comparison.labels[held.image])[:seeds], held.parts(held.image)[:seeds]
    return choice.judge(candidates, *parts, groups={}, class_num=10)


def coverage(comparison: Comparison, found: choice.Choice) -> tuple[int, int, int]:
    """Gains whose interval holds the truth as it was measured, those whose interval widened by the truth's own error
    does, and all gains; over the classes that have held-out images.
    """
    gains = comparison.truth - comparison.truth[comparison.recipes.index("base")]
    of_seeds = np.delete(gains, found.unjudged, axis=2).mean(axis=2)  # [R, T]
    true = of_seeds.mean(axis=1)
    others = [k for k, name in enumerate(comparison.recipes) if name != "base"]
    error = math.sqrt(of_seeds[others].var(axis=1, ddof=1).mean() / of_seeds.shape[1])
    plain = widened = 0
    for k in others:
        judgement = found.judgements[comparison.recipes[k]]
        low, high = judgement.low, judgement.high
        plain += low <= true[k] <= high
        factor = 1.645 * error
        middle, half = (low + high) / 2, (high - low) / 2
        widened += abs(true[k] - middle) <= math.hypot(half, factor)
    return plain, widened, len(others)


def binomial_interval(hits: int, number: int) -> tuple[float, float]:
    """90 % interval of a share (Wilson)."""
    z = 1.645
    share = hits / number
    middle = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * math.sqrt(share * (1 - share) / number + z * z / (4 * number**2))
    return middle - half, middle + half
