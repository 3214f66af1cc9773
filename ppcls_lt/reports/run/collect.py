"""Reading the folder of a run: which run it is, what it left, and what follows from that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ...basis import yaml_files
from ...basis.checks import ConfigError, fail, integer, sought
from ...data import class_names
from ...data.counts import as_counts, images_per_class
from ...data.group_names import THRESHOLDS
from ...data.groups import shot_groups
from ...maths import scores
from ...runs import files as run_files
from ...runs import history
from . import deeper

_HELP = (
    "train with `Global.eval_during_train: true`, or run `ppcls-lt eval` with its `Global.output_dir`, and then "
    "`ppcls-lt report` again"
)


class NotEvaluated(ConfigError):
    """The folder holds a run, and no evaluation of it."""


@dataclass
class Part:
    """One training, one stage of a training, or one evaluation.

    Arrays are indexed by class, ``[C]``, or by evaluation image, ``[N]``.
    """

    folder: Path
    info: dict
    config: str  # the YAML text
    history: list  # records, those of averaged weights left out
    all_history: list
    predictions: Any  # `Predictions`, or None where nothing was evaluated
    thresholds: object
    bins: int
    names: dict  # class -> name
    arch: str
    epochs: int | None
    dataset: dict = field(default_factory=dict)  # section `DataLoader.Eval.dataset`, or {}
    counts: np.ndarray | None = None  # training images, None if unknown
    groups: dict = field(default_factory=dict)  # many, medium, few; empty without counts
    regrouped: bool = False  # whether the groups are made of other counts, `group_by` of the metric

    @property
    def staged(self) -> bool:
        return self.info["stages"] > 1

    @property
    def evaluation(self) -> bool:
        """Whether it is an evaluation alone."""
        return self.info["mode"] == "eval"

    @property
    def class_num(self) -> int:
        return self.predictions.class_num

    @cached_property
    def called(self) -> Callable[[object], str]:
        """What to call a class: its name where it has one of its own, else its number."""
        return class_names.called(self.names)

    @cached_property
    def right(self) -> np.ndarray:
        return self.predictions.label == self.predictions.predicted

    @cached_property
    def support(self) -> np.ndarray:
        return images_per_class(self.predictions.label, self.class_num)

    @cached_property
    def predicted(self) -> np.ndarray:
        return images_per_class(self.predictions.predicted, self.class_num)

    @cached_property
    def hits(self) -> np.ndarray:
        return images_per_class(self.predictions.label[self.right], self.class_num)

    @cached_property
    def recall(self) -> np.ndarray:
        return scores.recall(self.support, self.hits)

    @cached_property
    def precision(self) -> np.ndarray:
        return scores.precision(self.predicted, self.hits)

    @cached_property
    def f1(self) -> np.ndarray:
        return scores.f1(self.support, self.predicted, self.hits)

    @cached_property
    def order(self) -> np.ndarray:
        """The classes from most to fewest training images (evaluation images where those are unknown)."""
        sizes = self.support if self.counts is None else self.counts
        return np.argsort(-sizes, kind="stable")

    @cached_property
    def record(self) -> dict | None:
        """The history's record of the evaluation shown, or None."""
        return next((r for r in reversed(self.history) if r["epoch"] == self.predictions.epoch), None)

    @property
    def classifier(self) -> dict | None:
        """Its ``name``, ``kind`` and ``norm`` as arrays, or None."""
        found = (self.record or {}).get("classifier")
        if found is None or len(found["norm"]) != self.class_num:
            return None
        return {**found, "norm": np.array(found["norm"], dtype=float)}

    @cached_property
    def confusions(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every pair that occurs: label, predicted and number of images, arrays ``[K]``, by label and prediction."""
        pairs = self.predictions.label.astype(np.int64) * self.class_num + self.predictions.predicted
        values, images = np.unique(pairs, return_counts=True)
        return values // self.class_num, values % self.class_num, images

    def accuracies(self) -> dict[str, float]:
        """Accuracy overall, balanced and by group, name -> number."""
        images = self.predictions.label.size
        found = {"overall": self.hits.sum() / images, "balanced": scores.mean(self.recall)}
        return {**found, **{group: scores.mean(self.recall[members]) for group, members in self.groups.items()}}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % interval of each of these, by what the evaluation images are a draw of."""
        every = {"balanced": np.arange(self.class_num), **self.groups}
        low, high = scores.wilson(self.hits.sum() / self.predictions.label.size, self.predictions.label.size)
        return {
            "overall": (float(low), float(high)),
            **{name: scores.mean_interval(self.recall[each], self.support[each]) for name, each in every.items()},
        }

    def over_epochs(self) -> tuple[list[int], dict[str, np.ndarray]]:
        """Epochs ``[E]`` and by name the accuracies ``[E]`` overall and by group; NaN where one is unknown."""
        names = ["overall", *self.groups]
        rows = []
        for record in self.history:
            values = record["values"]
            overall = values.get("overall", values.get("top1"))
            recall = np.array(record["per_class"].get("recall", []), dtype=float)
            row = [np.nan if overall is None else overall]
            for group in names[1:]:
                known = self.counts is not None and recall.size == self.counts.size
                row.append(scores.mean(recall[self.groups[group]]) if known else np.nan)
            rows.append(row)
        table = np.array(rows, dtype=float).reshape(len(rows), len(names))
        return [record["epoch"] for record in self.history], dict(zip(names, table.T))


def common_folder(parts: Iterable[Part]) -> Path:
    """The folder of a run, which holds those of its stages."""
    return Path(os.path.commonpath([part.folder for part in parts]))


def collect(
    folder: str | os.PathLike,
    *,
    mode: str | None = None,
    thresholds: Any = None,
    names: str | os.PathLike | None = None,
    owner: str = "ppcls-lt report",
) -> list[Part]:
    """Read the run in a folder; with several, the one that began last.

    Args:
        folder (str or Path): a run's ``Global.output_dir``, or the folder of its log.
        mode (str, optional): ``train`` or ``eval``; by default the training, or
            the evaluation where no training was evaluated.
        thresholds (optional): of the groups, as ``groups.shot_groups`` takes them;
            by default those of ``ManyMediumFewAcc`` in the configuration.
        names (str, optional): a file of lines ``class name``.
        owner (str): who asks, for messages.

    Returns:
        list of Part: the stages of a training, or a single one. At least one
        has predictions.

    Raises:
        ConfigError: there is no run, or none with an evaluation; a file is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        fail(owner, "OUTPUT_DIR", "an existing folder, the `Global.output_dir` of a run", sought(folder))
    runs = {wanted: _newest(folder, wanted) for wanted in ((mode,) if mode else ("train", "eval"))}
    if not any(runs.values()):
        deeper.refuse(folder, tuple(runs), owner)
        files = " or ".join(run_files.FILES[wanted].info for wanted in runs)
        raise ConfigError(f"{owner}: {folder} holds no run of ppcls-lt (no {files}); {_HELP}")
    given = None if names is None else class_names.read(names)
    for wanted, infos in runs.items():
        parts = [_part(path.parent, wanted, info, thresholds, given, owner) for path, info in infos]
        if any(part.predictions is not None for part in parts):
            return parts
    raise NotEvaluated(f"{owner}: {folder} holds a run without any evaluation; {_HELP}")


def stages_of_runs(folder: Path, mode: str) -> list[tuple[Path, dict]]:
    """Return the ``(path, info)`` of every stage of every run whose ``Global.output_dir`` the folder is."""
    name = run_files.FILES[mode].info
    # The Engine's log lies in output_dir or in a folder of the architecture's name below it.
    places = [folder / name, *folder.glob(f"*/{name}"), *folder.glob(f"stage_*/*/{name}")]
    return [(path, run_files.read_info(path)) for path in dict.fromkeys(places) if path.is_file()]


def _newest(folder, mode):
    """The ``(path, info)`` of every stage of the run that began last, by stage."""
    found = stages_of_runs(folder, mode)
    if not found:
        return []
    last = max(found, key=lambda each: each[1]["started"])
    run = last[1]["run"]
    if run is None:
        return [last]
    return sorted((each for each in found if each[1]["run"] == run), key=lambda each: each[1]["stage"])


def _configuration(path, owner):
    """The text and the content of a run's configuration, whose sections are sections; both empty without a file."""
    if not path.is_file():
        return "", {}
    text = yaml_files.text(path, owner, "config")
    config = yaml_files.parse(text, path) or {}
    if not isinstance(config, dict):
        fail(str(path), "its content", "the configuration of a run", config)
    for name in ("Arch", "Global", "Metric"):
        if not isinstance(config.get(name) or {}, dict):
            fail(str(path), name, "a map", config[name])
    return text, config


def _part(folder, mode, info, thresholds, names, owner):
    files = run_files.FILES[mode]
    text, config = _configuration(folder / files.config, owner)
    records = history.read(folder / files.history)
    params = {name: given for entry in _metrics(config) for name, given in entry.items() if isinstance(given, dict)}
    stated = params.get("ManyMediumFewAcc", {})
    if thresholds is None:
        thresholds = stated.get("thresholds", THRESHOLDS)
    if names is None:
        names = {int(label): name for label, name in (info.get("class_names") or {}).items()}
    part = Part(
        folder=folder,
        info=info,
        config=text,
        history=[record for record in records if not record["ema"]],
        all_history=records,
        predictions=run_files.read_predictions(folder / files.predictions),
        thresholds=thresholds,
        bins=integer("ECE", "bins", params.get("ECE", {}).get("bins", scores.BINS), minimum=1, maximum=scores.MAX_BINS),
        names=names,
        arch=str((config.get("Arch") or {}).get("name")),
        epochs=(config.get("Global") or {}).get("epochs"),
        dataset=_evaluated(config),
    )
    if info["counts"] is not None:
        part.counts = _counts(info["counts"], part.predictions, folder, owner)
        grouping = part.counts
        if stated.get("group_by") is not None:
            place, size = f"{files.config}: ManyMediumFewAcc", part.counts.size
            grouping = as_counts(stated["group_by"], owner=place, name="group_by", class_num=size, allow_empty=True)
        part.regrouped = not np.array_equal(grouping, part.counts)
        part.groups = shot_groups(grouping, thresholds, owner=owner)
    return part


def _evaluated(config):
    """The section of the evaluated data set, {} where there is none."""
    found: Any = config
    for key in ("DataLoader", "Eval", "dataset"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _counts(counts, predictions, folder, owner):
    """Training images of every class that the model knows."""
    missing = 0 if predictions is None else predictions.class_num - len(counts)
    if missing < 0:
        raise ConfigError(
            f"{owner}: {folder} has training images of {len(counts)} classes and predictions of "
            f"{predictions.class_num}; they belong to different runs"
        )
    return np.array(counts + [0] * missing)


def _metrics(config):
    """The entries of ``Metric.Eval`` that have parameters."""
    entries = (config.get("Metric") or {}).get("Eval") or []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
