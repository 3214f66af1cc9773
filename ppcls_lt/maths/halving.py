"""Successive halving: which candidates are trained how long, within a budget. Plain Python, no files.

A rung is a length of the training and a number of seeds. What is on one rung goes on to a later one, or is dropped:
half of it each time, less where the budget allows, more where it demands. The costs have any unit, that of the budget.

Short schedules are a last resort, since the best of them is often another than that of whole ones, and a second seed
says little that the first did not; so one whole training of each and then all seeds of some comes before any halving
that is gentler. docs/regret.md has the figures.

Source: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016. There
a training goes on from rung to rung; here it begins anew with a schedule of that length, since what acts late in a
schedule shows in no part of a longer one.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_TIMES = (2, 4, math.inf)  # one in so many is left from rung to rung


class Rung(NamedTuple):
    """How far candidates are trained: with a schedule of so many epochs, with so many of the seeds."""

    epochs: int
    seeds: int


class Round(NamedTuple):
    """Candidates that are trained up to a rung, the baseline first."""

    rung: int  # index of it
    kept: tuple[str, ...]


def ladder(epochs: int, seeds: int, lengths: Iterable[int]) -> list[Rung]:
    """Return the rungs, shortest first: one seed at each shorter length, then all epochs with one seed more each.

    Args:
        epochs (int): of a whole training.
        seeds (int): at most.
        lengths (iterable of int): of the short schedules.
    """
    short = [Rung(length, 1) for length in sorted(set(lengths)) if length < epochs]
    return [*short, *(Rung(epochs, number) for number in range(1, seeds + 1))]


def makespan(costs: Iterable[float], slots: int) -> float:
    """The time for work that is begun in order of its cost, the most first, so much at once; one slot: the sum."""
    ordered = sorted(costs, reverse=True)
    if slots == 1:
        return sum(ordered)
    free = [0.0] * slots
    for cost in ordered:
        heapq.heapreplace(free, free[0] + cost)
    return max(free)


class Halving:
    """The decisions.

    Args:
        rungs (sequence of Rung): as :func:`ladder` gives them.
        costs (mapping): candidate -> cost of one run on each rung; the first is the baseline, which is never dropped.
        slots (int): runs at the same time.
    """

    def __init__(self, rungs: Sequence[Rung], costs: Mapping[str, Sequence[float]], slots: int = 1) -> None:
        self._rungs, self._costs, self._slots = list(rungs), costs, slots
        self.last = len(self._rungs) - 1
        self.first_whole = next(i for i, rung in enumerate(rungs) if rung.epochs == rungs[-1].epochs)
        self._base = next(iter(costs))

    def cost(self, names: Sequence[str], done: int | None, rung: int) -> float:
        """What it costs to bring candidates from the rung where they are (None: no run yet) to another."""
        times = self._runs(done, rung)
        return makespan([self._costs[name][rung] for name in names for _ in range(times)], self._slots)

    def least(self) -> float:
        """The smallest budget: each candidate has its turn on some rung, baseline and one more a whole training."""
        every, target = list(self._costs), self.first_whole
        return min(self._halved(every, None, start, target, times) for start in range(target + 1) for times in _TIMES)

    def first(self, budget: float) -> Round | None:
        """The first round, in which nothing is dropped; None where the budget is below :meth:`least`.

        All candidates begin with one seed and as long a schedule as leaves room for some of them with all seeds in the
        end, if that can be, else with fewer.
        """
        every = list(self._costs)
        if self.cost(every, None, self.last) <= budget:
            return Round(self.last, tuple(every))
        for target in range(self.last, self.first_whole - 1, -1):
            for start in range(self.first_whole, -1, -1):
                if any(self._halved(every, None, start, target, times) <= budget for times in _TIMES):
                    return Round(start, tuple(every))
        return None

    def then(self, order: Sequence[str], equals: Iterable[str], done: int, left: float) -> Round | None:
        """The next round, None where there is none.

        What can be told apart from the best goes as soon as not all can be trained to the end, what cannot only as the
        budget demands it, the last in the order first. After one whole training the others of all seeds follow at once,
        for as many as there is room for. Without any budget left the baseline and the best of the others still get one
        whole training.

        Args:
            order (sequence of str): what is left, best first; the baseline among it.
            equals (iterable of str): of these what cannot be told apart from the best.
            done (int): the rung that all of it is on.
            left (float): of the budget.
        """
        if done == self.last:
            return None
        equals = set(equals)
        alike = [name for name in order if name != self._base and name in equals]
        others = [name for name in order if name != self._base and name not in equals]
        ranked = [self._base, *alike, *others]
        if len(ranked) == 1:
            return Round(self.last, (self._base,)) if self.cost(ranked, done, self.last) <= left else None
        whole = range(self.last, max(done, self.first_whole - 1), -1)
        for target in whole if done >= self.first_whole else (self.last,):
            number = max((n for n in range(len(ranked) + 1) if self.cost(ranked[:n], done, target) <= left), default=0)
            if number >= (2 if done >= self.first_whole else max(1 + len(alike), 2)):
                return Round(target, tuple(ranked[:number]))
        if done >= self.first_whole:
            return None
        pool = [self._base, *(alike or others[:1])]
        for target in whole:
            for start in range(self.first_whole, done, -1):
                for times in _TIMES:
                    for number in range(len(pool), _left(len(pool), times) - 1, -1):
                        if self._halved(pool[:number], done, start, target, times) <= left:
                            return Round(start if number > 2 else target, tuple(pool[:number]))
        return Round(self.first_whole, tuple(pool[:2]))

    def outlook(self, budget: float) -> list[Round]:
        """All rounds of a budget, as they are where nothing can be told apart."""
        found, done, spent = [], None, 0.0
        following = self.first(budget)
        while following is not None:
            found.append(following)
            spent += self.cost(following.kept, done, following.rung)
            done = following.rung
            following = self.then(following.kept, following.kept, done, budget - spent)
        return found

    def _runs(self, done, rung):
        """How many runs a candidate needs between two rungs."""
        if rung < self.first_whole:
            return 1
        return self._rungs[rung].seeds - (0 if done is None or done < self.first_whole else self._rungs[done].seeds)

    def _halved(self, names, done, start, target, times):
        """The most that it costs to bring candidates to a rung and one in ``times`` of them, each time, to the next.

        From one whole training they go on to the end, and so do two that are left.
        """
        others = [name for name in names if name != self._base]
        number, total, rung = len(names), 0.0, start
        while True:
            rung = target if number <= 2 or rung > self.first_whole else rung
            dearest = sorted(others, key=lambda name: -self._costs[name][rung])[: number - 1]  # noqa: B023  # used at once
            total += self.cost([self._base, *dearest], done, rung)
            if rung == target:
                return total
            number, done, rung = _left(number, times), rung, rung + 1


def _left(number, times):
    """How many are left of so many."""
    return max(math.ceil(number / times), 2)
