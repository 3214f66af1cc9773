"""The configurations of a comparison: of each run's training and evaluations, and of what is trained in the end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..configuration import adapters, held_out, listed_images, plain, recipes, schedules, stages, tail_metric
from ..configuration import reading as configuration
from ..configuration.merging import merged
from .job import INFERENCE, TRAINING, WEIGHTS, Job

if TYPE_CHECKING:
    from .lists import Lists


class Configurations:
    """What the base becomes with each recipe.

    Args:
        base (dict): the base configuration.
        found (dict): name -> recipe.
        lists (Lists): what trains and what is held out.
        epochs (int): of every run.
        groups (dict): ``thresholds`` of the groups of classes and ``group_by``, the images per class that they count.
        best_metric (str, optional): the accuracy that chooses a run's epoch; the last is judged without.
    """

    def __init__(
        self,
        base: dict,
        found: Mapping[str, recipes.Recipe],
        lists: Lists,
        epochs: int,
        groups: Mapping[str, Any],
        best_metric: str | None = None,
    ) -> None:
        self._base, self._recipes, self._lists, self._epochs = base, found, lists, epochs
        self._groups, self._best_metric = groups, best_metric

    def merged(self, recipe: str) -> dict:
        """The base with a recipe laid over it."""
        return recipes.laid(self._base, self._recipes[recipe])

    def complete(self, recipe: str) -> dict:
        """The base with a recipe, ready to run on its own lists and epochs."""
        return plain.reusable(self.merged(recipe))

    def best(self, recipe: str, folder: Path, seed: int) -> dict:
        """The same as a user trains it in the end: the epoch is kept that would have been judged.

        That is the last, which alone is evaluated, or the one that is best on the list of the user's own.

        Args:
            recipe (str): that was chosen.
            folder (Path): in the place of the base's, which may hold an earlier training.
            seed (int): whose held-out list chooses the epoch; all seeds have the same where one does.
        """
        config = self.complete(recipe)
        _move(config["Global"], folder)
        config["Global"].pop("start_eval_epoch", None)
        if self._best_metric is None:
            config["Global"]["eval_during_train"] = True
            self._evaluate_last(config, self._base["Global"]["epochs"])
            return config
        path = self._lists.part(seed).held_out
        # Whichever list a later evaluation is given, this one alone is held out.
        config["Global"].update({"eval_during_train": True, held_out.EVAL: path})
        self._evaluate_at(config)
        config["Metric"] = {**(config.get("Metric") or {}), "Eval": [self._metric()]}
        part = config["DataLoader"]["Eval"]
        part["dataset"] = listed_images.another(part["dataset"], config["DataLoader"]["Train"]["dataset"], path)
        return config

    def hold_out(self, config: dict, seed: int) -> None:
        """Let a configuration of :meth:`complete` train without what a seed holds out, and record that list.

        What adjusts it by that list finds the groups of classes of the comparison, which are of the whole list.
        """
        part = self._lists.part(seed)
        section = config.get("Metric") or {}
        others = [entry for entry in section.get("Eval") or [] if tail_metric.NAME not in entry]
        config["Metric"] = {**section, "Eval": [*others, self._metric()]}
        config["DataLoader"]["Train"]["dataset"]["cls_label_path"] = part.training
        config["Global"][held_out.LIST] = part.held_out

    def training(self, recipe: str, job: Job) -> dict:
        """The configuration of a run's training."""
        config = self._run(recipe, job.folder / TRAINING, job.seed)
        section, own = config["Global"], self._base["Global"]["epochs"]
        section.update(epochs=self._epochs, save_interval=self._epochs, eval_during_train=True)
        for part in (config, *filter(None, config.get("Stages") or [])):
            schedules.stretch(part, self._epochs / own)
        self._evaluate_at(config)
        train = config["DataLoader"]["Train"]["dataset"]
        lists = self._lists.part(job.seed)
        train["cls_label_path"] = lists.training
        part = config["DataLoader"]["Eval"]
        part["dataset"] = listed_images.another(part["dataset"], train, lists.held_out)
        return config

    def refit(self, recipe: str, folder: Path, seed: int) -> dict:
        """The configuration of the training on the whole list and for the base's own epochs, without an evaluation."""
        config = self._run(recipe, folder, seed)
        config["Global"].update(
            eval_during_train=False,
            save_interval=self._base["Global"]["epochs"],
            save_inference_dir=str(folder / INFERENCE),
        )
        for part in (config, *filter(None, config.get("Stages") or [])):
            if "start_from" in part:
                part["start_from"] = "last"  # as in the comparison, where each stage's last epoch is its best
        return config

    def _run(self, recipe, folder, seed):
        """What all trainings have in common."""
        config = self.merged(recipe)
        for key in ("report", "start_eval_epoch", "best_metric", "uniform_output_enabled"):
            config["Global"].pop(key, None)
        config["Global"].update(output_dir=str(folder), seed=seed, use_visualdl=False)
        config["Metric"] = {**(config.get("Metric") or {}), "Eval": [self._metric()]}
        config = plain.reusable(config)
        config["Global"]["resume"] = True
        return config

    def _evaluate_at(self, config):
        """Evaluate after the last epoch of each stage, or after every one where the best of them is to be chosen."""
        if self._best_metric is not None:
            config["Global"].update(eval_interval=1, best_metric=self._best_metric)
        else:
            self._evaluate_last(config, self._epochs)

    @staticmethod
    def _evaluate_last(config: dict, epochs: int) -> None:
        config["Global"]["eval_interval"] = max(epochs, 1)
        if config.get("Stages"):
            lengths = [stage["Global"]["epochs"] for stage in stages.plan(config)]
            config["Stages"] = [
                merged(stage or {}, {"Global": {"eval_interval": max(epochs, 1)}})
                for stage, epochs in zip(config["Stages"], lengths)
            ]

    def held_out(self, recipe: str, job: Job) -> dict:
        """The configuration of a run's evaluation on the images that it holds out."""
        config = self.training(recipe, job)
        config["Global"]["output_dir"] = str(job.folder / "held_out")
        for key in ("best_metric", "resume"):
            config["Global"].pop(key, None)
        config["Global"]["pretrained_model"] = str(job.folder / WEIGHTS)
        if config["Arch"].get("pretrained") and not adapters.downloads(config["Arch"]):
            config["Arch"]["pretrained"] = False  # the trained weights are loaded anyway
        return config

    def test(self, recipe: str, job: Job) -> dict:
        """The configuration of a run's evaluation on the test images."""
        config = self.held_out(recipe, job)
        config["Global"]["output_dir"] = str(job.folder / "test")
        config["DataLoader"]["Eval"]["dataset"] = self.merged(recipe)["DataLoader"]["Eval"]["dataset"]
        return config

    def _metric(self):
        thresholds = self._groups["thresholds"]
        params = {
            "num_class_list": configuration.AUTO,
            "thresholds": thresholds if isinstance(thresholds, str) else list(thresholds),
            "allow_empty_classes": True,
            "group_by": self._groups["group_by"].tolist(),
        }
        return {"ManyMediumFewAcc": params}


def _move(section: dict, folder: Path) -> None:
    """Let a section ``Global`` write into another folder, with what it exports to below the old one."""
    old, exported = section["output_dir"], section.get("save_inference_dir")
    section["output_dir"] = str(folder)
    if isinstance(exported, str):
        below = os.path.relpath(exported, old)
        if os.path.pardir not in Path(below).parts:
            section["save_inference_dir"] = os.path.normpath(folder / below)
