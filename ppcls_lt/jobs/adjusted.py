"""A run of a comparison judged after adjustment too: candidates that cost no training."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import host
from ..basis import atomic
from ..basis.checks import ConfigError
from ..configuration import named_classes, plain, stages
from ..configuration import reading as configuration
from ..data.groups import shot_groups
from ..engine import adjusting
from ..engine.features import TrainedModel, Unsuitable, held_to_list
from ..maths import adjustment, cross_validation
from ..maths.adjustment import Change, Classifier
from ..runs.logits import read as read_logits
from ..runs.logits import write as write_logits
from ..runs.measures import MEASURES
from ..runs.results import Accuracies, Result
from .job import HELD_OUT, LOGITS, RESULT, TEST, adjusted_file, adjusted_name, logits_file, tested_file

_REFUSED = "refused"
_METRIC = "ManyMediumFewAcc"


def finish(folder: Path, rank_by: str, methods: Sequence[str]) -> None:
    """Adjust a finished run by those methods by which it is not yet, and write what comes out.

    The strength is chosen on the images that the run held out; of each of them the logits are those of what was
    chosen without it.

    Args:
        folder (Path): of the run, with its result and its weights.
        rank_by (str): the accuracy that chooses the strength.
        methods (sequence of str): names in ``METHODS``.
    """
    missing = [name for name in methods if not adjusted_file(folder, rank_by, name).is_file()]
    if not missing:
        return
    result, before = Result.read(folder / RESULT), read_logits(folder / LOGITS)
    try:
        found = _Adjusting(folder, rank_by, before.logits.shape[1]).chosen(missing)
    except Unsuitable as error:
        found = dict.fromkeys(missing, str(error))
    for name in missing:
        path, outcome = adjusted_file(folder, rank_by, name), found[name]
        atomic.make_folder(folder, path.parent.relative_to(folder))
        if isinstance(outcome, str):
            atomic.write(path, json.dumps({_REFUSED: outcome}).encode())
            continue
        write_logits(logits_file(folder, rank_by, name), before._replace(logits=outcome.logits))
        adjustment = {"of": result.recipe, "method": name, "strength": outcome.strength}
        change = {key: np.asarray(value).tolist() for key, value in outcome.change._asdict().items()}
        change["bias"] = outcome.bias.tolist()
        dataclasses.replace(
            result,
            recipe=adjusted_name(result.recipe, name),
            validation=outcome.validation,
            curve=[],
            adjustment={**adjustment, "change": change},
        ).write(path)


def test(folder: Path, rank_by: str, methods: Sequence[str]) -> None:
    """Let a run's weights predict the test images after adjustments that :func:`finish` chose; write the accuracies.

    Args:
        folder (Path): of the run.
        rank_by (str): the accuracy that chose the strengths.
        methods (sequence of str): by which it was adjusted.
    """
    class_num = read_logits(folder / LOGITS).logits.shape[1]
    changes = {}
    for name in methods:
        chosen = (Result.read(adjusted_file(folder, rank_by, name)).adjustment or {})["change"]
        changes[name] = Change(np.array(chosen["scale"]), np.array(chosen["offset"]), chosen["mix"])
    for name, found in _Adjusting(folder, rank_by, class_num).tested(changes).items():
        found.write(tested_file(folder, rank_by, name))


def read(folder: Path, rank_by: str, recipe: str, method: str) -> Result | str | None:
    """Return the ``Result`` that :func:`finish` wrote, or in words why the run cannot be adjusted so; None before it.

    Args:
        folder (Path): of the run.
        rank_by (str): the accuracy that chose the strength.
        recipe (str): its recipe, by the name that it has here.
        method (str): by which it was adjusted.

    Raises:
        ConfigError: the file is damaged.
    """
    path = adjusted_file(folder, rank_by, method)
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        refused = content.get(_REFUSED)
    except (ValueError, AttributeError, RecursionError, OSError) as error:
        raise ConfigError(f"{path}: must be what a run of ppcls-lt compare wrote, got: {error}") from error
    if refused is not None:
        return str(refused)
    found = Result.read(path, recipe=adjusted_name(recipe, method))
    return dataclasses.replace(found, adjustment={**(found.adjustment or {}), "of": recipe, "method": method})


def _last_stage(path):
    """The configuration of a run's last stage, as an evaluation has it: with the weights that the file names."""
    config = host.load_config(path, [])
    found = plain.plain(dict(stages.plan(config)[-1]))
    found["Global"]["pretrained_model"] = config["Global"].get("pretrained_model")
    return {**found, "profiler_options": None}


class _Outcome(NamedTuple):
    """What a run comes to after an adjustment."""

    validation: dict
    strength: float
    change: Change
    bias: np.ndarray  # of the classifier that it changes [C]
    logits: np.ndarray  # of the images that it held out [N, C]


class _Adjusting:
    """A run's model, and what it is adjusted for."""

    def __init__(self, folder: Path, rank_by: str, class_num: int) -> None:
        training, self._test = (_last_stage(folder / file) for file in (HELD_OUT, TEST))
        counts = configuration.listed_counts(training)
        self._counts = np.pad(counts, (0, class_num - counts.size))  # type: ignore[union-attr, arg-type]  # of a list
        thresholds, grouping = configuration.stated_groups(training, self._counts)
        self._groups = shot_groups(grouping, thresholds, owner=_METRIC)
        self._target = np.full(class_num, 1 / class_num)
        self._rank_by = rank_by
        self._held_out = training["DataLoader"]["Eval"]["dataset"]
        self._seen = held_to_list(self._test, training["DataLoader"]["Train"]["dataset"]["cls_label_path"])

    def chosen(self, methods):
        """Method -> ``_Outcome``, or why there is none."""
        task = adjusting.Task(methods, self._counts, self._target, self._groups, self._rank_by, calibrate=False)
        task.called = named_classes.called(self._test)
        with tempfile.TemporaryDirectory() as scratch:
            found = adjusting.adjust(TrainedModel(self._test, scratch), self._held_out, self._seen, task)
        outcomes: dict[str, Any] = {name: str(error) for name, error in found.refused.items()}
        for name, chosen in found.chosen.items():
            values = {measure: found.values[name][measure] for measure in MEASURES}
            outcomes[name] = _Outcome(values, chosen.strength, chosen.change, found.classifier.bias, found.logits(name))
        return outcomes

    def tested(self, changes):
        """Method -> ``Accuracies`` of those changes."""
        with tempfile.TemporaryDirectory() as scratch:
            model = TrainedModel(self._test, scratch)
            features, label = model.features(self._test["DataLoader"]["Eval"]["dataset"])
            classifier = Classifier(model.weight, model.bias, self._counts, self._target, model.normalized)
            if any(change.mix for change in changes.values()):
                classifier = classifier._replace(means=model.class_means(self._seen, self._target.size))
        outputs = adjusting.outputs_of(classifier, features, label)
        return {name: self._judged(change, outputs) for name, change in changes.items()}

    def _judged(self, change, outputs):
        predicted = adjustment.predicted(change, outputs)
        accuracies = cross_validation.accuracies(outputs.label, predicted, self._groups, self._target)
        recall = cross_validation.recalls(outputs.label, predicted, self._target.size)
        return Accuracies({measure: accuracies[measure] for measure in MEASURES}, recall.tolist())
