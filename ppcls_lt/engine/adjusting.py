"""Adjusting a trained model: what its classifier gives for held-out images, and what each method makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

from ..basis import checks
from ..basis.checks import ConfigError
from ..data.list_files import listed_classes
from ..maths import adjustment, cross_validation
from ..maths.adjustment import METHODS, OWNER, Classifier, Outputs
from ..maths.cross_validation import Chosen
from .features import TrainedModel, Unsuitable

FOLDS = 5


@dataclass
class Task:
    """What is asked for.

    ``strength`` is taken instead of a choice; ``calibrate`` fits a temperature besides.
    """

    methods: Sequence[str]
    counts: np.ndarray  # training images per class [C]
    target: np.ndarray  # prior of the classes where the model is to be used [C]
    groups: Mapping[str, np.ndarray]  # many, medium, few -> classes
    rank_by: str  # of `cross_validation.accuracies`
    strength: float | None = None
    calibrate: bool = True
    folds: int = FOLDS
    called: Callable[[int], str] = str  # what to call a class


@dataclass
class Adjusted:
    """What came out.

    ``values`` are the accuracies and the calibration of held-out images, of which each was judged by what was chosen
    without it, by method; ``before`` those of the model as it is.
    """

    classifier: Classifier
    outputs: Outputs
    fold: np.ndarray  # of each image [N]
    before: dict
    chosen: dict[str, Chosen] = field(default_factory=dict)
    values: dict[str, dict] = field(default_factory=dict)
    refused: dict[str, ConfigError] = field(default_factory=dict)  # method -> why it does not suit the model

    @property
    def images(self) -> int:
        return self.fold.size

    def logits(self, name: str) -> np.ndarray:
        """The logits after a method, of each image by what was chosen without it, float32 ``[N, C]``."""
        return cross_validation.held_out_logits(self.chosen[name], self.outputs, self.fold)

    def best(self, rank_by: str) -> str | None:
        """The method that ranks first, or None where none ranks above the model as it is."""
        ranks = {name: values[rank_by] for name, values in self.values.items()}
        ranks = {name: value for name, value in ranks.items() if value > self.before[rank_by]}
        return max(ranks, key=ranks.__getitem__, default=None)


def adjust(model: TrainedModel, held_out: Mapping, training: Mapping | None, task: Task) -> Adjusted:
    """Choose each method's strength on held-out images.

    Args:
        model (TrainedModel): the model.
        held_out (dict): section ``dataset`` of the held-out images.
        training (dict, optional): that of the training images with the operators of an evaluation; None where they
            are not here.
        task (Task): what is asked for.

    Raises:
        ConfigError: the model has no classifier to adjust, or there are too few images.
    """
    features, label = model.features(held_out)
    class_num = task.target.size
    if model.bias.size != class_num:
        got = checks.described(f"{class_num} classes and {model.bias.size} logits")
        checks.fail(OWNER, "--run", "a training of which the lists have as many classes as the model", got)
    fold = cross_validation.folds(label, task.folds)
    if np.unique(fold).size < 3:  # one to judge, one to choose, one to fit on
        got = checks.described(f"{label.size} of them")
        raise Unsuitable(checks.finding(OWNER, "--val-list", "be a list of enough images to cross-validate", got))
    classifier = Classifier(model.weight, model.bias, task.counts, task.target, model.normalized)
    refused = _refused(classifier, task.methods, training, np.bincount(label, minlength=class_num), task.called)
    methods = [METHODS[name] for name in task.methods if name not in refused]
    if any(method.needs_means for method in methods):
        classifier = classifier._replace(means=model.class_means(training, class_num))  # type: ignore[arg-type]  # it is there
    outputs = outputs_of(classifier, features, label)
    before = cross_validation.judged(adjustment.nothing(classifier), outputs)
    found = Adjusted(classifier, outputs, fold, _values(label, before, task), refused=refused)
    score = cross_validation.by(task.rank_by, task.groups, task.target)
    for method in methods:
        chosen = cross_validation.choose(
            method, classifier, outputs, fold, score, strength=task.strength, calibrate=task.calibrate
        )
        found.chosen[method.name] = chosen
        found.values[method.name] = _values(label, chosen.judged, task)
    return found


def outputs_of(classifier: Classifier, features: np.ndarray, label: np.ndarray) -> Outputs:
    """Return what a classifier gives for features ``[N, D]`` of classes ``[N]``."""
    near = None if classifier.means is None else _products(features, classifier.means)
    return Outputs(_products(features, classifier.weight), label, near)


def _products(features, weight):
    """``features @ weight``, summed in float64 and kept in float32: with many classes they fill the memory."""
    parts = np.array_split(features, max(1, len(features) // 1024))
    return np.concatenate([(part.astype(np.float64) @ weight).astype(np.float32) for part in parts])


def _refused(classifier, names, training, held_out, called):
    found: dict[str, ConfigError] = {}
    for name in names:
        try:
            METHODS[name].check(classifier, called)
            if METHODS[name].needs_means and training is None:
                got = checks.described("a training list that is not here")
                checks.fail(OWNER, name, "used where the training images are there", got)
            empty = np.flatnonzero(held_out == 0)
            if METHODS[name].needs_every_class and empty.size:
                # Whatever is said of the others would push such a class away.
                got = checks.described(f"none of {listed_classes(empty, called)}")
                checks.fail(OWNER, name, "used where every class has held-out images", got)
        except ConfigError as error:
            found[name] = error
    return found


def _values(label, judged, task):
    accuracies = cross_validation.accuracies(label, judged.predicted, task.groups, task.target)
    return {**accuracies, **cross_validation.calibration(label, judged, task.target)}
