"""``compare`` within a budget: which runs there are, round by round, and what was dropped on what evidence.

Every decision is kept in the folder with what it was made from, so that the same command goes on with the same ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..basis import checks
from ..engine import recording
from ..maths.halving import Round, Rung, ladder, makespan
from ..reports.comparison import budgeted, messages
from ..runs.budgeted import Budgeted, Dropped, Trained
from ..runs.measures import BASELINE
from . import OWNER, kept, outcome, parts
from .base_checks import check_rank_by
from .costs import EPOCHS, SECONDS, Asked, Costs
from .job import Job, adjusted_name

if TYPE_CHECKING:
    from ..maths.choice import Choice
    from .settings import Settings


class Rounds:
    """The rounds of a comparison.

    Args:
        settings (Settings): what is compared, prepared; its ``left_out`` and ``seeds`` follow the decisions.
        asked (Asked): the budget.
        retrain (bool): as ``Settings.prepare`` has it.
        words (dict): key -> text, in the language of the user.

    Raises:
        ConfigError: the folder's file of rounds is damaged, or it holds short runs of other settings.
    """

    def __init__(
        self, settings: Settings, asked: Asked, retrain: bool = False, words: Mapping[str, str] = messages.ENGLISH
    ) -> None:
        self._settings, self._asked, self._words = settings, asked, words
        self._seeds, self._whole = list(settings.seeds), settings.epochs
        first = self._seeds[0]
        check_rank_by(settings.rank_by, settings.groups, settings.held_out(first), first)
        self._short = parts.shortened(settings, retrain)
        self.rungs = ladder(self._whole, len(self._seeds), self._short)
        self._costs = Costs(asked, self.rungs, settings, self._short)
        self._recipe = {name: name for name in settings.plans}
        for job in settings.jobs:
            self._recipe.update({adjusted_name(job.recipe, method): job.recipe for method in job.adjustments})
        wanted = {
            **asked._asdict(),
            "rungs": [list(rung) for rung in self.rungs],
            "seeds": self._seeds,
            "recipes": list(settings.plans),
            "rank_by": settings.rank_by,
            "candidates": sorted(self._recipe),
        }
        found = Budgeted.read(settings.folder)
        self.replaces = found is not None and found.asked != wanted  # the rounds of another budget
        self.found = Budgeted(wanted, ()) if found is None or self.replaces else found
        self._rounds = list(self.found.rounds)
        self._took = 0.0  # seconds of the last round, as this process saw it
        self._leave_out()

    def plan(self, spent: float = 0.0) -> list[str]:
        """Lines: the rounds that are decided or to be expected, with what they cost, before anything is trained.

        Args:
            spent (float): what measuring has cost.

        Raises:
            ConfigError: the budget is too small.
        """
        asked, words = self._asked, self._words
        names, by_epochs = list(self._settings.plans), self._costs.by_epochs()
        every = by_epochs.cost(names, None, len(self.rungs) - 1)
        counted = messages.compared(words, "recipe", len(names), len(self._seeds), self._whole)
        budget = asked.said(asked.amount, words)
        if asked.slots > 1:
            budget = words["budget_slots"].format(budget=budget, slots=asked.slots)
        lines = [words["budget_all"].format(counted=counted, epochs=f"{every:.0f}", budget=budget)]
        if self.replaces and not spent:
            lines.append(words["budget_anew"])
        if self._rounds and not spent:
            done = [(i, len(one.recipes), Rung(one.epochs, len(one.seeds))) for i, one in enumerate(self._rounds, 1)]
            lines += [words["budget_decided"].format(n=i, recipes=n, rung=self._said(rung)) for i, n, rung in done]
            return lines
        if not self._costs.measured:
            least = by_epochs.least()
            total = asked.amount * asked.slots
            times = {name: self._each(total / epochs) for name, epochs in (("every", every), ("least", least))}
            lines += [
                words["budget_measured_first"].format(epochs=self.rungs[0].epochs, baseline=BASELINE),
                words["budget_fits"].format(epochs=f"{least:.0f}", **times),
            ]
            return lines
        halving = self._costs.halving(self._slower(spent))
        self._check(halving, spent)
        lines.append(words["budget_planned"])
        done = None
        for i, one in enumerate(halving.outlook(asked.amount - spent), 1 + len(self._rounds)):
            cost = halving.cost(one.kept, done, one.rung)
            done, spent = one.rung, spent + cost
            rung = self._said(self.rungs[one.rung])
            facts = {"n": i, "recipes": len(one.kept), "rung": rung, "cost": asked.said(cost, words)}
            lines.append(words["budget_expected"].format(**facts))
        lines.append(words["budget_together"].format(cost=asked.said(spent, words)))
        return lines

    def work(self, train: Callable[[Sequence[Job]], Any], say: Callable[[str], Any]) -> None:
        """Do the rounds, or what is missing of them.

        Args:
            train (callable): has runs done, and returns when they have ended.
            say (callable): takes a line of text for the user.

        Raises:
            ConfigError: as measured the budget is too small.
        """
        words, asked = self._words, self._asked
        number, done = 0, None
        while number < len(self._rounds) or self._decide(say):
            one = self._rounds[number]
            tasks = self._tasks(one, done)
            missing = [job for job in tasks if not job.complete]  # what has failed is tried again
            rung = Rung(one.epochs, len(one.seeds))
            facts = {"n": number + 1, "recipes": len(one.recipes), "rung": self._said(rung)}
            finished = len(tasks) - len(missing)
            say(words["budget_now"].format(finished=finished, missing=len(missing), **facts))
            self._short.get(one.epochs, self._settings).keep(missing)
            begun = time.monotonic()
            if missing:
                wanted = [job for jobs in self._of_rounds() for job in jobs]
                kept.check_versions(self._settings.folder, wanted, recording.versions(), retrain=False)
                train(missing)
            self._took = time.monotonic() - begun
            failed = {each.recipe for each in one.dropped or () if each.score is None}
            if any(job.complete and job.recipe in failed for job in missing):
                # What it was dropped for is gone, so that the round is decided anew.
                self._rounds[number:] = [one._replace(dropped=None)]
            number, done = number + 1, rung
        reached = max((len(one.seeds) for one in self._rounds if one.epochs == self._whole), default=0)
        if reached < len(self._seeds):
            say(words["budget_seeds"].format(reached=reached, n=len(self._seeds)))
            self._settings.keep_seeds(self._seeds[: max(reached, 1)])
        spent, budget = (asked.said(each or 0, words) for each in (self.found.rounds[-1].spent, asked.amount))
        say(words["budget_used"].format(spent=spent, budget=budget))

    def _decide(self, say):
        """Say what is dropped after the last round and plan the next; return whether there is one."""
        asked = self._asked
        if not self._rounds:
            if not self._costs.measured:
                # As many at a time as later, since they slow each other down.
                names = list(self._settings.plans)
                first = Round(0, tuple(names[: max(min(asked.slots, len(names) - 1), 1)]))
            else:
                self._check(self._costs.halving())
                first = self._costs.halving().first(asked.amount)
            return self._append(first)
        last = self._rounds[-1]
        if last.dropped is not None or not self._costs.measured:
            return False  # in the second case the base has failed, which is told elsewhere
        spent = max(self._spent(), last.spent or 0.0)
        rung = self.rungs.index(Rung(last.epochs, len(last.seeds)))
        halving = self._costs.halving(self._slower(spent))
        if len(self._rounds) == 1 and len(last.recipes) < len(self._settings.plans):
            for line in self.plan(spent)[1:]:
                say(line)
            self._rounds[-1] = last._replace(spent=spent, dropped=())
            return self._append(halving.first(asked.amount - spent))
        part = self._short.get(last.epochs, self._settings)
        choice = outcome.choose(parts.of_round(part, last))
        if choice is None:
            return False  # the same
        order = list(dict.fromkeys(self._recipe[name] for name in choice.judgements))
        equals = {self._recipe[name] for name in choice.equals}
        following = halving.then(order, equals, rung, asked.amount - spent)
        kept = last.recipes if following is None else following.kept
        dropped = tuple(self._evidence(name, choice, order) for name in last.recipes if name not in kept)
        self._rounds[-1] = last._replace(spent=spent, dropped=dropped)
        for each in dropped:
            evidence = budgeted.evidence(each, self._settings.rank_by, self._words)
            say(self._words["budget_drops"].format(evidence=evidence))
        return self._append(following)

    def _append(self, following):
        """Keep a decision in the folder; return whether there is a round to follow."""
        if following is not None:
            rung = self.rungs[following.rung]
            seeds = tuple(self._seeds[: rung.seeds])
            self._rounds.append(Trained(rung.epochs, seeds, following.kept))
        self.found = self.found._replace(rounds=tuple(self._rounds))
        self.found.write(self._settings.folder)
        self._leave_out()
        return following is not None

    def _leave_out(self):
        """Nothing is wanted of the whole runs but what the rounds have."""
        wanted = {
            (name, s) for one in self._rounds if one.epochs == self._whole for name in one.recipes for s in one.seeds
        }
        self._settings.left_out = {(name, s) for name in self._settings.plans for s in self._seeds} - wanted

    def _tasks(self, one: Trained, done: Rung | None) -> list[Job]:
        """The runs of a round, behind those of the one before."""
        part = self._short.get(one.epochs, self._settings)
        had = done.seeds if done is not None and done.epochs == self._whole else 0
        jobs = [part.job(name, seed) for seed in one.seeds[had:] for name in one.recipes]
        if self._asked.unit == EPOCHS or not self._costs.measured:
            return jobs
        rung = self.rungs.index(Rung(one.epochs, len(one.seeds)))
        costs = {name: self._costs.of_recipe(name)[rung] for name in one.recipes}
        return sorted(jobs, key=lambda job: -costs[job.recipe])  # as the estimate has it

    def _spent(self):
        """What the rounds so far have cost."""
        last = self._of_runs()[-1]
        took = self._took if self._asked.unit == SECONDS else 0.0
        return (self._rounds[-2].spent or 0.0 if len(self._rounds) > 1 else 0.0) + max(last, took)

    def _slower(self, spent):
        """By how much the rounds took longer than their runs, at least 1: they waited, or were not alone."""
        runs = sum(self._of_runs())
        return max(spent / runs, 1.0) if runs and self._asked.unit == SECONDS else 1.0

    def _of_runs(self):
        """What the runs of each round have cost, those of an earlier one left out."""
        return [makespan([self._costs.of_run(job) for job in jobs], self._asked.slots) for jobs in self._of_rounds()]

    def _of_rounds(self):
        """The runs of each round, those of an earlier one left out."""
        done, counted = None, set()
        for one in self._rounds:
            jobs = [job for job in self._tasks(one, done) if job not in counted]
            yield jobs
            done = Rung(one.epochs, len(one.seeds))
            counted.update(jobs)

    def _check(self, halving, spent=0.0):
        asked, least = self._asked, halving.least() + spent
        if halving.first(asked.amount - spent) is not None:
            return
        ends = [rung for rung in self.rungs if rung.epochs < self._whole]
        shortest = f"every recipe {ends[0].epochs} epochs and then " if ends and len(self._settings.plans) > 2 else ""
        if asked.unit == SECONDS:
            value = f"{math.ceil(least)}s" if least < 120 else f"{math.ceil(least / 60)}m"
            expected = f"at least {value}, as measured, which gives {shortest}{BASELINE} and one more a whole training"
        else:
            expected = f"at least {math.ceil(least)}, which gives {shortest}{BASELINE} and one more a whole training"
        checks.fail(
            OWNER, asked.flag, expected, checks.described(asked.said(asked.amount)), "or compare fewer --recipes"
        )

    def _evidence(self, name: str, choice: Choice, order: Sequence[str]) -> Dropped:
        measure, judgements = self._settings.rank_by, choice.judgements
        best = judgements[choice.chosen].scores[measure]
        mine = next((each for each in judgements if self._recipe[each] == name), None)
        if mine is None:
            return Dropped(name, None, len(order), None, None, None, False)
        equal = any(self._recipe[each] == name for each in choice.equals)
        score = judgements[mine].scores[measure]
        return Dropped(name, order.index(name) + 1, len(order), score, best, choice.chosen, equal)

    def _said(self, rung):
        seeds = self._words["comma"].join(map(str, self._seeds[: rung.seeds]))
        key = "budget_rung_one" if rung.seeds == 1 else "budget_rung"
        return self._words[key].format(epochs=rung.epochs, seeds=seeds)

    def _each(self, seconds):
        """So many seconds at most."""
        words = self._words
        short = words["seconds"].format(n=f"{seconds:.1f}")
        return words["budget_at_most"].format(time=short if seconds < 90 else messages.duration(seconds, words))
