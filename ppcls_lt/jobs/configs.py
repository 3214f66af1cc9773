"""The configurations of a comparison: of each run's training and evaluations, and of what is trained in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..configuration import held_out, listed_images, plain, recipes, schedules, stages
from ..configuration import reading as configuration
from ..configuration.merging import merged
from .job import TRAINING, WEIGHTS, Job

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

    def hold_out(self, config: dict, seed: int) -> None:
        """Let a configuration of :meth:`complete` train without what a seed holds out, and record that list."""
        part = self._lists.part(seed)
        config["DataLoader"]["Train"]["dataset"]["cls_label_path"] = part.training
        config["Global"][held_out.LIST] = part.held_out

    def training(self, recipe: str, job: Job) -> dict:
        """The configuration of a run's training."""
        config = self.merged(recipe)
        section = config["Global"]
        for key in ("report", "start_eval_epoch"):
            section.pop(key, None)
        section.update(
            output_dir=str(job.folder / TRAINING),
            seed=job.seed,
            epochs=self._epochs,
            save_interval=self._epochs,
            eval_during_train=True,
            use_visualdl=False,
        )
        section.pop("best_metric", None)
        schedules.stretch(config, self._epochs / self._base["Global"]["epochs"])
        for stage in config.get("Stages") or []:
            schedules.stretch(stage or {}, self._epochs / self._base["Global"]["epochs"])
        self._evaluate_at(config)
        train = config["DataLoader"]["Train"]["dataset"]
        lists = self._lists.part(job.seed)
        train["cls_label_path"] = lists.training
        part = config["DataLoader"]["Eval"]
        part["dataset"] = listed_images.another(part["dataset"], train, lists.held_out)
        config["Metric"] = {**(config.get("Metric") or {}), "Eval": [self._metric()]}
        config = plain.reusable(config)
        config["Global"]["resume"] = True
        return config

    def _evaluate_at(self, config):
        """Evaluate after the last epoch of each stage, or after every one where the best of them is to be chosen."""
        if self._best_metric is not None:
            config["Global"].update(eval_interval=1, best_metric=self._best_metric)
            return
        config["Global"]["eval_interval"] = max(self._epochs, 1)
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
        if config["Arch"].get("pretrained"):
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
