"""What runs of a comparison cost: in epochs, or in seconds as finished ones took them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..maths.halving import Halving, Rung
from ..reports.comparison.messages import ENGLISH, duration
from ..runs.measures import BASELINE
from .job import Job

if TYPE_CHECKING:
    from .settings import Settings

EPOCHS, SECONDS = "epochs", "seconds"


class Asked(NamedTuple):
    """A budget: so many epochs of all trainings together, or seconds with so many runs at the same time."""

    amount: float
    unit: str
    slots: int = 1

    @property
    def flag(self) -> str:
        return "--budget" if self.unit == SECONDS else "--budget-epochs"

    def said(self, amount: float, words: Mapping[str, str] = ENGLISH) -> str:
        """An amount of it in words."""
        return duration(amount, words) if self.unit == SECONDS else words["budget_epochs"].format(n=f"{amount:.0f}")


class Costs:
    """The costs.

    Args:
        asked (Asked): which has the unit.
        rungs (sequence of Rung): how far recipes are trained.
        whole (Settings): of whole trainings; with the seeds that are asked for.
        short (mapping): epochs -> settings of shorter schedules.
    """

    def __init__(self, asked: Asked, rungs: Sequence[Rung], whole: Settings, short: Mapping[int, Settings]) -> None:
        self._asked, self._rungs, self._whole, self._short = asked, rungs, whole, short
        self._seeds = list(whole.seeds)

    @property
    def measured(self) -> bool:
        """Whether it is known what a run of the base costs, without which nothing can be planned."""
        return self._asked.unit == EPOCHS or any(True for _ in self._finished(BASELINE))

    def of_run(self, job: Job) -> float:
        """What a run has cost, as far as it has come."""
        if self._asked.unit == EPOCHS:
            return job.trained
        if job.finished:
            return sum(job.seconds())
        epoch, rest = self._rates(job.recipe)
        return epoch * job.trained + rest

    def of_recipe(self, name: str) -> list[float]:
        """What one run of a recipe costs on each rung."""
        epochs = [self._epochs(name, rung) for rung in self._rungs]
        if self._asked.unit == EPOCHS:
            return [float(number) for number in epochs]
        epoch, rest = self._rates(name)
        return [epoch * number + rest for number in epochs]

    def halving(self, slower: float = 1.0) -> Halving:
        """The decisions by these costs, or by so many times as high ones."""
        costs = {name: [slower * cost for cost in self.of_recipe(name)] for name in self._whole.plans}
        return Halving(self._rungs, costs, self._asked.slots)

    def by_epochs(self) -> Halving:
        """The decisions as if the budget were of epochs, one run at a time."""
        return Halving(
            self._rungs, {name: [self._epochs(name, rung) for rung in self._rungs] for name in self._whole.plans}
        )

    def _rates(self, name):
        """Seconds of an epoch and of the rest of a run, by the longest finished one, else by the base's."""
        job = next(self._finished(name), None) or next(self._finished(BASELINE))
        training, rest = job.seconds()
        return training / job.epochs, rest

    def _finished(self, name: str) -> Iterator[Job]:
        """The finished runs of a recipe, the longest first."""
        jobs = [self._whole.job(name, seed) for seed in self._seeds]
        jobs += [self._short[length].job(name, self._seeds[0]) for length in sorted(self._short, reverse=True)]
        yield from (job for job in jobs if job.finished)

    def _epochs(self, name, rung):
        """Epochs of a run of a recipe, over all its stages."""
        return self._short.get(rung.epochs, self._whole).job(name, self._seeds[0]).epochs
