"""What is compared: the base configuration, the recipes, the images, and each run's own configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import host
from ..basis import atomic, checks
from ..basis.findings import ConfigError, raise_all
from ..configuration import devices, held_out, listed_images, plain, recipes, replaced, schedules, structure, values
from ..configuration import reading as configuration
from ..data.counts import count_label_list
from ..data.group_names import THRESHOLDS
from ..data.groups import shot_groups
from ..engine import recording, trainer
from ..runs.measures import BASELINE, MEASURES
from . import OWNER, candidates
from .job import TEST, TRAIN, TRAINING, WEIGHTS, Job
from .kept import check_versions, keep_config
from .lists import Lists, with_lists

if TYPE_CHECKING:
    import numpy as np


class Settings:
    """Everything that a comparison is told, checked.

    Args:
        path (str): the base configuration, or a packaged one.
        overrides (sequence of str): ``key=value``, for the base.
        wanted (sequence of str): recipes' names, paths of own fragments, or ``all``.
        folder (str, optional): where everything is written; ``<Global.output_dir>/compare`` by default.
        epochs (int, optional): of every run; those of the base by default. The
            learning rate's schedule is stretched along.
        seeds (sequence of int): of the trainings, each another run.
        rank_by (str): the validation accuracy that chooses the epoch and ranks, one of ``MEASURES``.
        thresholds (optional): of the groups, as ``groups.shot_groups`` takes them;
            what is None is that of ``ManyMediumFewAcc`` in the base.
        val_fraction (float): share of the training images, class by class, to choose by.
        val_list (str, optional): a list of validation images instead.
        adjustments (sequence of str): methods by which every run's weights are adjusted after the training.

    Raises:
        ConfigError: what is wrong and where.
    """

    plans: dict[str, list[dict]]
    refused: dict
    same: list

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
        val_fraction: float = 0.1,
        val_list: str | os.PathLike | None = None,
        adjustments: Sequence[str] = (),
    ) -> None:
        trainer.register()
        self.title = str(path)
        self.base = plain.plain(host.load_config(configuration.find(path), list(overrides)))
        raise_all(structure.sections(self.base))
        raise_all(devices.findings(self.base))
        self._check_base(folder)
        own = checks.integer("Global", "epochs", self.base["Global"].get("epochs"), minimum=1)
        self.epochs = own if epochs is None else checks.integer(OWNER, "--epochs", epochs, minimum=1)
        if self.epochs != own and isinstance(self.base.get("Optimizer"), list):
            checks.fail(OWNER, "--epochs", f"left out with a list of optimizers, or {own} as in the base", epochs)
        self.seeds = [checks.integer(OWNER, "--seeds", seed, minimum=0) for seed in seeds]
        if max(self.seeds) > values.MOST_SEED:
            checks.fail(OWNER, "--seeds", "numbers below 2^32", max(self.seeds))
        if len(set(self.seeds)) < len(self.seeds):
            checks.fail(OWNER, "--seeds", "different numbers", self.seeds)
        self.rank_by = checks.choice(OWNER, "--rank-by", rank_by, MEASURES)
        self.recipes = candidates.load(wanted)
        self._adjustments = candidates.check_adjustments(adjustments, self.recipes)
        self._lists = Lists(self.base, self.folder, val_fraction, val_list)
        stated, self._grouping = configuration.stated_groups(self.base, self.counts)
        self.thresholds = _completed(thresholds, stated)
        self.groups = shot_groups(self._grouping, self.thresholds, owner=OWNER)
        self._check_rank_by()
        self.plans, self.refused, self.same = {}, {}, []
        # Whether the base is what 0.1.0 took as the baseline.
        self._once_ce = recipes.laid(self.base, recipes.read(candidates.CE)) == self.base

    @property
    def jobs(self) -> list[Job]:
        """Every run that ``prepare`` found possible: all recipes with the first seed, then with the next."""
        return [self._job(name, seed) for seed in self.seeds for name in self.plans]

    @property
    def lists(self) -> dict[str, tuple]:
        """``training``, ``validation``, ``test`` -> (path, number of images)."""
        return self._lists.sizes()

    @property
    def counts(self) -> np.ndarray:
        """Images per class ``[C]`` of the whole training list."""
        return self._lists.counts

    @property
    def validation_counts(self) -> np.ndarray:
        """Validation images per class ``[C]``."""
        return self._lists.validation_counts

    @property
    def arch(self) -> str:
        return str(self.base["Arch"]["name"])

    def class_names(self) -> dict[int, str]:
        """Class -> name where the base tells them, else empty."""
        return {int(label): name for label, name in (recording.class_names(self.base) or {}).items()}

    def prepare(self, retrain: bool = False) -> None:
        """Write the lists and every run's configurations, or find that those there are the same.

        A recipe whose configuration is not valid is put into ``refused``, name -> reason; one that changes nothing
        in the base into ``same``.

        Args:
            retrain (bool): remove the runs of other versions of the packages instead of refusing to go on.

        Raises:
            ConfigError: the folder holds runs of other settings, other images or, where some are still to be
                trained, other versions; the baseline's configuration is not valid.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lists.keep(self.folder)
        for name in self.recipes:
            self._check_recipe(name)
        check_versions(self.jobs, recording.versions(), retrain)
        for job in self.jobs:
            atomic.make_folder(self.folder, job.folder.relative_to(self.folder))
            for file, config in ((TRAIN, self.training(job.recipe, job)), (TEST, self.test(job.recipe, job))):
                keep_config(job, job.folder / file, config)

    def complete(self, recipe: str) -> dict:
        """The base with a recipe, ready to run on its own lists and epochs."""
        return plain.reusable(self._merged(recipe))

    def hold_out(self, config: dict) -> None:
        """Let a configuration of :meth:`complete` train without the validation images, and record their list."""
        config["DataLoader"]["Train"]["dataset"]["cls_label_path"] = self._lists["training"]
        config["Global"][held_out.LIST] = self._lists["validation"]

    def training(self, recipe: str, job: Job) -> dict:
        """The configuration of a run's training."""
        config = self._merged(recipe)
        section = config["Global"]
        for key in ("report", "start_eval_epoch"):
            section.pop(key, None)
        section.update(
            output_dir=str(job.folder / TRAINING),
            seed=job.seed,
            epochs=self.epochs,
            save_interval=self.epochs,
            eval_during_train=True,
            eval_interval=1,
            best_metric=self.rank_by,
            use_visualdl=False,
        )
        schedules.stretch(config, self.epochs / self.base["Global"]["epochs"])
        for stage in config.get("Stages") or []:
            schedules.stretch(stage or {}, self.epochs / self.base["Global"]["epochs"])
        train = config["DataLoader"]["Train"]["dataset"]
        train["cls_label_path"] = self._lists["training"]
        part = config["DataLoader"]["Eval"]
        part["dataset"] = listed_images.another(part["dataset"], train, self._lists["validation"])
        config["Metric"] = {**(config.get("Metric") or {}), "Eval": [self._metric()]}
        config = plain.reusable(config)
        config["Global"]["resume"] = True
        return config

    def test(self, recipe: str, job: Job) -> dict:
        """The configuration of a run's evaluation on the test images."""
        config = self.training(recipe, job)
        config["Global"]["output_dir"] = str(job.folder / "test")
        for key in ("best_metric", "resume"):
            del config["Global"][key]
        config["Global"]["pretrained_model"] = str(job.folder / WEIGHTS)
        if config["Arch"].get("pretrained"):
            config["Arch"]["pretrained"] = False  # the trained weights are loaded anyway
        merged = self._merged(recipe)
        config["DataLoader"]["Eval"]["dataset"] = merged["DataLoader"]["Eval"]["dataset"]
        return config

    def replaced(self) -> dict:
        """Recipe -> what it changes or removes in the base, a list of ``replaced.Change``; those that can run."""
        return {name: replaced.changes(self.base, self.recipes[name]) for name in self.plans if name != BASELINE}

    def _merged(self, recipe):
        return recipes.laid(self.base, self.recipes[recipe])

    def _job(self, name, seed):
        folder = self._folder(name, seed)
        plan = self.plans.get(name, [])
        outputs = [folder / TRAINING / (f"stage_{i}" if len(plan) > 1 else "") for i, _ in enumerate(plan, 1)]
        kinds = [(str(stage["Arch"]["name"]), stage["Global"]["epochs"]) for stage in plan]
        parts = tuple((output, *kind) for output, kind in zip(outputs, kinds))
        return Job(name, seed, folder, parts, self._adjustments)

    def _folder(self, name, seed):
        """Of a run; the base's is that of ``ce`` where 0.1.0 has begun it and the two are the same."""
        mine, older = (self.folder / "runs" / each / f"seed_{seed}" for each in (name, candidates.CE))
        older_is_mine = name == BASELINE and self._once_ce and (older / TRAIN).is_file()
        return older if older_is_mine and not mine.exists() else mine

    def _check_base(self, folder):
        for section in ("Global", "Arch", "DataLoader"):
            if not isinstance(self.base.get(section), dict):
                checks.fail("configuration", section, "a section, to compare", self.base.get(section))
        for key in ("recipe", "checkpoints"):
            if self.base["Global"].get(key) is not None:
                checks.fail("Global", key, "left out of the base of a comparison", self.base["Global"][key])
        if self.base.get("Stages") is not None:
            got = checks.described("Stages in the base; put them into a recipe file of your own")
            checks.fail("configuration", "Stages", "left out of the base of a comparison", got)
        for section, key in (("Global", "output_dir"), ("Arch", "name")):
            if not isinstance(self.base[section].get(key), str):
                checks.fail(section, key, "a text", self.base[section].get(key))
        self.folder = Path(self.base["Global"]["output_dir"]) / "compare" if folder is None else Path(folder)
        with_lists(self.base, self.folder)
        for part in ("Train", "Eval"):
            dataset = (self.base["DataLoader"].get(part) or {}).get("dataset") or {}
            owner = f"DataLoader.{part}.dataset"
            if not configuration.reads_list(dataset):
                expected = f"one of {', '.join(configuration.IMAGE_LISTS)}, whose list can be split"
                checks.fail(owner, "name", expected, dataset.get("name"))
            if dataset.get("relabel", False):
                checks.fail(owner, "relabel", "false to compare, since a part of a list may lack a class", True)
            # The host would say so run by run.
            count_label_list(dataset.get("cls_label_path"), owner=owner, delimiter=dataset.get("delimiter"))
            configuration.check_images(dataset, owner)

    def _check_rank_by(self):
        members = self.groups.get(self.rank_by)
        if members is not None and not self._lists.validation_counts[members].any():
            sizes = ", ".join(f"{len(classes)} {group}" for group, classes in self.groups.items())
            got = checks.described(f"{self.rank_by} with classes {sizes}; --groups tertiles gives every group a third")
            checks.fail(OWNER, "--rank-by", "a group of classes with validation images", got)

    def _metric(self):
        thresholds = self.thresholds if isinstance(self.thresholds, str) else list(self.thresholds)
        params = {"num_class_list": configuration.AUTO, "thresholds": thresholds, "allow_empty_classes": True}
        return {"ManyMediumFewAcc": {**params, "group_by": self._grouping.tolist()}}

    def _check_recipe(self, name):
        """Plan the recipe's runs, or remember why it cannot run; the baseline must."""
        job = self._job(name, self.seeds[0])
        try:
            candidates.check(self.recipes[name])
            if name != BASELINE and self._merged(name) == self.base:
                self.same.append(name)
                return
            plan = trainer.checked_plan(self.training(name, job), "train")
            test = self.test(name, job)
            test["Global"].update(pretrained_model=None, untrained=True)  # its weights are still to come
            trainer.checked_plan(test, "eval")
        except ConfigError as error:
            if name == BASELINE:
                raise
            self.refused[name] = "; ".join(finding.text for finding in error.findings)
        else:
            self.plans[name] = plan


def _completed(asked, stated):
    """Thresholds as asked for, those of a pair that were not from what the base states."""
    if asked is None or isinstance(asked, str):
        return stated if asked is None else asked
    usual = THRESHOLDS if isinstance(stated, str) else stated
    return tuple(usual[i] if each is None else each for i, each in enumerate(asked))
