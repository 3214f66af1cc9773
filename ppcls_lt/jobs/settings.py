"""What is compared: the base configuration, the recipes, the images, and each run's own configuration."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import host
from ..basis import checks
from ..basis.findings import ConfigError, raise_all
from ..configuration import devices, held_out, named_classes, places, plain, processes, replaced, structure
from ..configuration import reading as configuration
from ..configuration.recipes import Recipe
from ..data.groups import shot_groups
from ..engine import recording, trainer
from ..runs import budgeted
from ..runs.measures import BASELINE, MEASURES
from . import OWNER, base_checks, candidates
from .configs import Configurations
from .job import HELD_OUT, TEST, TRAIN, TRAINING, Job
from .kept import check_versions, is_untouched, keep_config, refuse_earlier_rule
from .lists import Lists, with_lists


class Settings:
    """Everything that a comparison is told, checked.

    Args:
        path (str): the base configuration, or a packaged one.
        overrides (sequence of str): ``key=value``, for the base.
        wanted (sequence of str): recipes' names, paths of own fragments, or ``all``.
        folder (str, optional): where everything is written; ``<Global.output_dir>/compare`` by default.
        epochs (int, optional): of every run, to which schedules are stretched; those of the base by default.
        seeds (sequence of int): of the trainings, each another run.
        rank_by (str): the accuracy of held-out images that decides, one of ``MEASURES``.
        thresholds (optional): of the groups, as ``groups.shot_groups`` takes them;
            what is None is that of ``ManyMediumFewAcc`` in the base.
        folds (int, optional): into how many parts the training images are divided, class by class, of which each seed
            holds out another; ``lists.FOLDS`` by default.
        val_list (str, optional): a list that every seed holds out instead.
        choose_epoch (bool): judge the epoch that is best on the images of ``val_list``, and not the last.
        adjustments (sequence of str): methods by which every run's weights are adjusted after the training.
        train_processes (int, optional): of each training; those of the base by default, else one.
        scratch (Path, optional): what stands for a folder that holds no comparison yet, where nothing is to be left.

    Attributes:
        left_out (set): of (recipe, seed), runs that are not wanted after all.

    Raises:
        ConfigError: what is wrong and where.
    """

    plans: dict[str, list[dict]]
    refused: dict
    same: list
    tuned: dict[str, str]  # tuned recipe -> what was tuned

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        overrides: Sequence[str] = (),
        wanted: Sequence[str] = ("all",),
        folder: str | os.PathLike | None = None,
        epochs: int | None = None,
        seeds: Sequence[int] = (0,),
        rank_by: str = "balanced",
        thresholds: Any = None,
        folds: int | None = None,
        val_list: str | os.PathLike | None = None,
        choose_epoch: bool = False,
        adjustments: Sequence[str] = (),
        train_processes: int | None = None,
        scratch: Path | None = None,
    ) -> None:
        trainer.register()
        self.title = str(path)
        self.base = plain.plain(host.load_config(configuration.find(path), list(overrides)))
        raise_all(structure.sections(self.base))
        raise_all(devices.findings(self.base))
        base_checks.set_processes(self.base, train_processes)
        base_checks.check_sections(self.base)
        self.folder = Path(self.base["Global"]["output_dir"]) / "compare" if folder is None else Path(folder)
        places.check_folder(OWNER, "--out", str(self.folder))
        if scratch is not None and is_untouched(self.folder):
            refuse_earlier_rule(self.folder)
            self.folder = scratch
        with_lists(self.base, self.folder)
        base_checks.check_data(self.base)
        self.base["Global"].pop(held_out.EVAL, None)  # of another list than the one that is tested on
        self.epochs = base_checks.checked_epochs(self.base, epochs)
        self.seeds = base_checks.checked_seeds(seeds)
        self.rank_by = checks.choice(OWNER, "--rank-by", rank_by, MEASURES)
        self.recipes = candidates.load(wanted)
        self._adjustments = candidates.check_adjustments(adjustments, self.recipes)
        if choose_epoch and val_list is None:
            got = checks.described("folds, whose images are too few to choose an epoch by and judge it as well")
            checks.fail(OWNER, "--choose-epoch", "used with a --val-list", got)
        self._lists = Lists(self.base, self.folder, folds, val_list, self.seeds)
        stated, self._grouping = configuration.stated_groups(self.base, self.counts)
        self.thresholds = base_checks.completed(thresholds, stated)
        self.groups = shot_groups(self._grouping, self.thresholds, owner=OWNER)
        base_checks.check_rank_by(self.rank_by, self.groups, self.validation_counts)
        self._best_metric = self.rank_by if choose_epoch else None
        self._begin(self.epochs, "runs")
        self.left_out: set[tuple[str, int]] = set()

    @property
    def train_processes(self) -> int:
        """How many processes each training has."""
        return processes.of_config(self.base)

    @property
    def jobs(self) -> list[Job]:
        """Every run that ``prepare`` found possible: all recipes with the first seed, then with the next."""
        wanted = ((name, seed) for seed in self.seeds for name in self.plans)
        return [self.job(*each) for each in wanted if each not in self.left_out]

    @property
    def lists(self) -> dict[str, tuple]:
        """``training``, ``validation``, ``test`` -> (path, number of images)."""
        return self._lists.sizes()

    @property
    def folds(self) -> int | None:
        """How many there are; None where every seed holds out the same list."""
        return self._lists.folds

    @property
    def counts(self) -> np.ndarray:
        """Images per class ``[C]`` of the whole training list."""
        return self._lists.counts

    @property
    def validation_counts(self) -> np.ndarray:
        """Images per class ``[C]`` that some seed holds out."""
        return self._lists.validation_counts

    def held_out(self, seed: int) -> np.ndarray:
        """Images per class ``[C]`` that a seed holds out; see ``folds``."""
        return self._lists.held_out(seed)

    @property
    def unjudged(self) -> np.ndarray:
        """Classes of training images of which no seed holds out one."""
        return np.flatnonzero((self.counts > 0) & (self.validation_counts == 0))

    @property
    def arch(self) -> str:
        return str(self.base["Arch"]["name"])

    def class_names(self) -> dict[int, str]:
        """Class -> name where the base tells them, else empty."""
        return named_classes.of(self.base) or {}

    def prepare(self, retrain: bool = False, begin: bool = True, versions: bool = True) -> None:
        """Write the lists and every run's configurations, or find that those there are the same.

        A recipe whose configuration is not valid is put into ``refused``, name -> reason; one that changes nothing
        in the base into ``same``.

        Args:
            retrain (bool): remove the runs of other versions of the packages instead of refusing to go on.
            begin (bool): also of runs of which there is nothing yet; :meth:`keep` writes them later.
            versions (bool): of all runs must be those here; a budget sees to those that it wants.

        Raises:
            ConfigError: the folder holds runs of other settings, other images, an earlier rule or, where some are still
                to be trained, other versions; the baseline's configuration is not valid.
        """
        refuse_earlier_rule(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lists.keep(self.folder)
        try:
            for name in self.recipes:
                self._check_recipe(name)
            removed = self.check_kept(retrain, begin, versions)
        except ConfigError:
            self.take_back()
            raise
        if removed:
            budgeted.forget(self.folder)

    def take_back(self) -> None:
        """Remove the lists that :meth:`prepare` has written."""
        self._lists.take_back()

    def shortened(self, epochs: int) -> Settings:
        """Return the same with fewer epochs and the first seed alone, its runs in folders of their own.

        Raises:
            ConfigError: a recipe that can run with all epochs cannot with so few.
        """
        found = copy.copy(self)
        found._begin(epochs, f"short/{epochs}_epochs")
        found.epochs, found.seeds, found.left_out = epochs, self.seeds[:1], set()
        for name in self.plans:
            found._check_recipe(name)
        if found.refused:
            raise ConfigError("\n".join(found.refused.values()))
        return found

    def keep_seeds(self, seeds: Sequence[int]) -> None:
        """Be a comparison of these seeds alone."""
        self.seeds = list(seeds)
        self._lists.keep_seeds(seeds)

    def variant(self, folder: str, found: Mapping[str, Recipe], seeds: Sequence[int], retrain: bool) -> Settings:
        """Return the same with other recipes and seeds, without adjustments, its runs prepared in another folder.

        Raises:
            ConfigError: as :meth:`prepare`.
        """
        other = copy.copy(self)
        other.recipes, other.seeds, other._adjustments, other.left_out = dict(found), list(seeds), (), set()
        if other.seeds != self.seeds:
            other._lists = self._lists.with_seeds(self.base, self.folder, seeds)
            other._lists.keep(self.folder)
        other._begin(self.epochs, folder)
        for name in other.recipes:
            other._check_recipe(name)
        other.check_kept(retrain, begin=True)
        return other

    def add(self, name: str, recipe: Recipe, runs: Path, of: str) -> None:
        """Compare a tuned recipe too.

        Args:
            name (str): the candidate's.
            recipe (Recipe): the tuned one.
            runs (Path): a folder with a run of each seed.
            of (str): the recipe that was tuned.
        """
        self.recipes[name], self._places[name], self.tuned[name] = recipe, runs, of
        self._check_recipe(name)
        self.keep(self.job(name, seed) for seed in self.seeds)

    def keep(self, jobs: Iterable[Job]) -> None:
        """Write the configurations of runs, or find that those there are the same.

        Raises:
            ConfigError: the folder holds runs of other settings.
        """
        for job in jobs:
            begun = job.begun
            configs = {HELD_OUT: self.configs.held_out, TEST: self.configs.test, TRAIN: self.configs.training}
            for file, config in configs.items():
                state = {"begun": begun, "finished": job.finished}
                keep_config(self.folder, job.folder, file, config(job.recipe, job), **state)

    def replaced(self) -> dict:
        """Recipe -> what it changes or removes in the base, a list of ``replaced.Change``; those that can run."""
        return {name: replaced.changes(self.base, self.recipes[name]) for name in self.plans if name != BASELINE}

    def job(self, name: str, seed: int) -> Job:
        """The run of a recipe with a seed."""
        folder = self._places.get(name, self.folder / self._runs / name) / f"seed_{seed}"
        plan = self.plans.get(name, [])
        outputs = [folder / TRAINING / (f"stage_{i}" if len(plan) > 1 else "") for i, _ in enumerate(plan, 1)]
        kinds = [(str(stage["Arch"]["name"]), stage["Global"]["epochs"]) for stage in plan]
        parts = tuple((output, *kind) for output, kind in zip(outputs, kinds))
        return Job(name, seed, folder, parts, self.rank_by, self._lists.whole, self._adjustments, self._short)

    def _begin(self, epochs, runs):
        """Nothing is planned yet, with runs of so many epochs in that folder."""
        groups = {"thresholds": self.thresholds, "group_by": self._grouping}
        self.configs = Configurations(self.base, self.recipes, self._lists, epochs, groups, self._best_metric)
        self.plans, self.refused, self.same = {}, {}, []
        self._places, self.tuned = {}, {}
        self._runs, self._short = runs, 0 if epochs == self.epochs else epochs

    def check_kept(self, retrain: bool, begin: bool, versions: bool = True) -> bool:
        """Hold what the folder has of the runs against what is wanted, as :meth:`prepare`; whether one was removed."""
        removed = (versions or retrain) and check_versions(self.folder, self.jobs, recording.versions(), retrain)
        self.keep(job for job in self.jobs if begin or job.begun)
        return removed

    def _check_recipe(self, name):
        """Plan the recipe's runs, or remember why it cannot run; the baseline must."""
        job = self.job(name, self.seeds[0])
        try:
            candidates.check(self.recipes[name])
            if name != BASELINE and self.configs.merged(name) == self.base:
                self.same.append(name)
                return
            plan = trainer.checked_plan(self.configs.training(name, job), "train")
            test = self.configs.test(name, job)
            test["Global"].update(pretrained_model=None, untrained=True)  # its weights are still to come
            trainer.checked_plan(test, "eval")
        except ConfigError as error:
            if name == BASELINE:
                raise
            self.refused[name] = "; ".join(finding.text for finding in error.findings)
        else:
            self.plans[name] = plan
