"""``compare --tune``: values for a recipe, proposed by Optuna and judged on the folds that judge the recipes.

Trial 0 is the recipe as it is, whose runs are there. Trials are proposed in rounds of ``ROUND``, whatever the number of
jobs, each by its number and the rounds before: the same command proposes the same. A trial's values are in Optuna's
journal and as a recipe's file, its runs in folders as all others, so that what was cut off goes on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import numpy as np
import yaml

from ..basis import atomic, checks, extras
from ..configuration import recipes
from ..data import folds
from ..engine import recording
from ..maths import choice
from ..reports.comparison import messages
from ..runs.measures import BASELINE
from ..runs.tuned import Gain, Tuned
from . import OWNER, kept, outcome
from .base_checks import has_held_out
from .job import Job
from .proposals import Proposals
from .space import Space

if TYPE_CHECKING:
    from .settings import Settings

BEST = "best"
TRIALS = 10
ROUND = 4
_FOLDER, _TUNED = "tuning", "tuned"


class Asked(NamedTuple):
    """What the command is told: recipes, or ``best``, and how many trials each gets beside its own values."""

    recipes: Sequence[str]
    trials: int


def needed() -> None:
    """Raise where Optuna is not installed.

    Raises:
        ConfigError: as said.
    """
    with extras.needed("Optuna", f"{OWNER} --tune", "tune"):
        import optuna  # noqa: F401


class Tuner:
    """Tunes recipes of a comparison.

    Args:
        settings (Settings): what is compared, prepared.
        asked (Asked): what is tuned.
        retrain (bool): as ``Settings.prepare`` has it.
        words (dict): key -> text, in the language of the user.

    Attributes:
        found (list of Tuned): what came out.

    Raises:
        ConfigError: there is no such recipe, or it has nothing to tune.
    """

    def __init__(
        self, settings: Settings, asked: Asked, retrain: bool, words: Mapping[str, str] = messages.ENGLISH
    ) -> None:
        self._settings, self._asked, self._retrain, self._words = settings, asked, retrain, words
        self.found: list[Tuned] = []
        names = [name for name in settings.recipes if name != BASELINE]
        for name in asked.recipes:
            if name != BEST:
                checks.known_name(OWNER, "recipe of the comparison", name, names, key="--tune")
            if name != BEST and name not in settings.refused and not self._space(name).ranges:
                got = checks.described(f"{name}, which has none that fits the base")
                checks.fail(OWNER, "--tune", "recipes with a range in a section `tune`", got)
        tunable = [name for name in names if name not in settings.refused and self._space(name).ranges]
        if BEST in asked.recipes and not tunable:
            got = checks.described(f"{BEST} of {', '.join(names) or 'none'}, of which none has one that fits the base")
            checks.fail(OWNER, "--tune", "used with recipes that have a range in a section `tune`", got)
        for name in tunable if BEST in asked.recipes else asked.recipes:
            if tuned_name(name) in settings.recipes:
                got = checks.described(f"{tuned_name(name)}, the name of what is tuned")
                checks.fail(OWNER, "--recipes", "other recipes", got)

    def plan(self) -> list[str]:
        """What will be done, a line for each recipe."""
        words, settings = self._words, self._settings
        facts = {
            "trials": messages.counted(words, self._asked.trials, "trial"),
            "runs": messages.counted(words, len(settings.seeds), "run"),
        }
        wanted = [name for name in self._asked.recipes if name not in settings.refused]
        return [words["tune_plan"].format(recipe=self._said(name), **facts) for name in wanted]

    def work(self, do: Callable[[Sequence[Job]], Any], say: Callable[[str], Any]) -> None:
        """Tune, or go on with it; every recipe's best values become a candidate of the comparison.

        Args:
            do (callable): does tasks.
            say (callable): takes a line of text for the user.

        Raises:
            ConfigError: the folder holds a tuning of other ranges.
        """
        names = []
        for name in self._asked.recipes:
            wanted = self._best() if name == BEST else name
            if name == BEST:
                words = self._words
                said = words["tune_best"].format(name=wanted, recipe=self._said(wanted)) if wanted else None
                say(said or words["tune_none"])
            if wanted and wanted not in self._settings.refused and wanted not in names:
                names.append(wanted)
        for name in names:
            self._tune(name, do, say)

    def _space(self, name):
        return Space.of(self._settings.recipes[name], self._settings.configs.merged(name))

    def _said(self, name):
        if name == BEST:
            return self._words["tune_any"]
        parts = [
            self._words["tune_range"].format(entry=path, low=f"{each.low:g}", high=f"{each.high:g}")
            for path, each in self._space(name).ranges.items()
        ]
        return self._words["enumerated"].join([name, *parts])

    def _untuned(self, name):
        """The candidate that is a recipe as it is."""
        return BASELINE if name in self._settings.same else name

    def _best(self):
        """The recipe that the held-out images put first of those that can be tuned; None where none can."""
        judged = outcome.choose(self._settings)
        for name in () if judged is None else judged.judgements:
            for each in self._settings.same if name == BASELINE else [name]:
                if each in self._settings.recipes and self._space(each).ranges:
                    return each
        return None

    def _tune(self, name, do, say):
        settings, untuned = self._settings, self._untuned(name)
        before = [replace(settings.job(untuned, seed), adjustments=()) for seed in settings.seeds]
        if not all(job.finished for job in before):
            say(self._words["tune_unfinished"].format(recipe=name))
            return
        space = self._space(name)
        trials = settings.folder.glob(f"{_FOLDER}/{name}.trial_*")
        if self._retrain and kept.of_others(trials, recording.versions()):
            self._journal(name).unlink(missing_ok=True)  # they are trained anew, and so proposed anew
        self._keep_space(name, space)
        judged, runs = outcome.choose(settings, before, untuned), list(before)
        proposals = Proposals(self._journal(name), name, space)
        for first in range(1, self._asked.trials + 1, ROUND):
            numbers = range(first, min(first + ROUND, self._asked.trials + 1))
            params = proposals.params(numbers, self._scores(name, judged))
            for number, proposed in zip(numbers, params):
                self._write(self._file(name, number), name, space.values(proposed), f"trial {number}")
            found = {_trial(name, number): recipes.read(str(self._file(name, number))) for number in numbers}
            variant = settings.variant(_FOLDER, found, settings.seeds, self._retrain)
            for refused, reason in variant.refused.items():
                say(self._words["refused"].format(recipe=refused, reason=reason))
            runs += variant.jobs
            missing = [job for job in variant.jobs if not job.complete]
            if missing:
                kept.check_versions(settings.folder, runs, recording.versions(), retrain=False)
                do(missing)
            judged = outcome.choose(settings, runs, untuned)
            proposals.tell(self._scores(name, judged))
        self._conclude(name, space, judged, do)

    def _journal(self, name):
        return self._settings.folder / _FOLDER / f"{name}.journal"

    def _scores(self, name, judged):
        """Number -> score of the trials that were judged."""
        keys = {0: self._untuned(name), **{n: _trial(name, n) for n in range(1, self._asked.trials + 1)}}
        return {n: judged.judgements[key].score for n, key in keys.items() if key in judged.judgements}

    def _conclude(self, name, space, judged, do):
        """Take the best trial as a candidate, and judge it where the tuning did not."""
        settings, untuned = self._settings, self._untuned(name)
        scores = self._scores(name, judged)
        best = max(scores, key=lambda number: (scores[number], -number))
        found = Tuned(name, untuned, len(scores) - 1)
        if best:
            key, tuned = _trial(name, best), tuned_name(name)
            recipe = recipes.read(str(self._file(name, best)))
            values = recipes.read_content(str(self._file(name, best)))["values"]
            path = settings.folder / _TUNED / f"{tuned}.yaml"
            self._write(path, name, values, f"trial {best} of {len(scores) - 1}")
            settings.add(tuned, recipe._replace(name=tuned), settings.folder / _FOLDER / key, untuned)
            found = replace(
                found,
                name=tuned,
                trial=best,
                values={entry: (space.start[entry], value) for entry, value in values.items()},
                chosen_by=_gain(judged, key),
            )
            found = self._confirmed(found, {untuned: settings.recipes[untuned], key: recipe}, key, do)
        self.found.append(found)

    def _confirmed(self, found, both, key, do):
        seeds = self._fresh_seeds()
        if not seeds:
            return found
        variant = self._settings.variant(f"{_FOLDER}/fresh", both, seeds, self._retrain)
        held_out, before = (each.validation_counts for each in (variant, self._settings))
        if not has_held_out(variant.rank_by, variant.groups, held_out):
            return found
        ranked = variant.groups.get(variant.rank_by, np.arange(before.size))
        lacks = [label for label in ranked.tolist() if before[label] > 0 and held_out[label] == 0]
        found = replace(found, seeds=seeds, lacks=lacks)
        missing = [job for job in variant.jobs if not job.complete]
        if missing:
            do(missing)
        judged = outcome.choose(variant, baseline=found.untuned)
        if judged is None or key not in judged.judgements:
            return found
        return replace(found, fresh=_gain(judged, key))

    def _fresh_seeds(self):
        """Seeds that hold out folds of which no image has chosen values; as many as there are of the others at most."""
        seeds, number = self._settings.seeds, self._settings.folds
        divisions = set() if number is None else {folds.fold_of(seed, number)[0] for seed in seeds}
        if number is None or len(divisions) > 1:  # each division is one of all images
            return []
        (division,) = divisions
        mine = range(division * number, (division + 1) * number)
        return [seed for seed in mine if seed not in seeds][: len(seeds)]

    def _file(self, name, number):
        return self._settings.folder / _FOLDER / f"{_trial(name, number)}.yaml"

    def _write(self, path: Path, name: str, values: dict, said: str) -> None:
        recipe = self._settings.recipes[name]
        content = {
            "summary": f"{name}, tuned by compare: {said}",
            "source": "; ".join(dict.fromkeys(part.source for part in recipe.parts)),
            "parts": [one if one in recipes.known() else os.path.abspath(one) for one in recipe.asked],
            "values": values,
        }
        atomic.make_folder(self._settings.folder, path.parent.relative_to(self._settings.folder))
        atomic.write(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())

    def _keep_space(self, name, space):
        path = self._settings.folder / _FOLDER / f"{name}.space.yaml"
        data = yaml.safe_dump(space.content(), sort_keys=True).encode()
        atomic.make_folder(self._settings.folder, path.parent.relative_to(self._settings.folder))
        if not path.is_file():
            atomic.write(path, data)
        elif path.read_bytes() != data:
            got = checks.described(f"{self._settings.folder}, with trials of {name} in other ranges ({path})")
            checks.fail(OWNER, "--out", "another folder", got)


def tuned_name(name: str) -> str:
    """The candidate that is a recipe with its best values."""
    return f"{name}_{_TUNED}"


def _trial(name, number):
    return f"{name}.trial_{number:03}"


def _gain(judged: choice.Choice, name: str) -> Gain:
    judgement = judged.judgements[name]
    return Gain(judgement.gain, judgement.low, judgement.high)
