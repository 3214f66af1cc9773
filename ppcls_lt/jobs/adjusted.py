"""A run of a comparison judged after adjustment too: candidates that cost no training."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import host
from ..basis import atomic
from ..basis.checks import ConfigError
from ..configuration import plain, stages
from ..configuration import reading as configuration
from ..data.groups import shot_groups
from ..engine import adjusting
from ..engine.features import TrainedModel, Unsuitable, held_to_list
from ..maths import adjustment, cross_validation
from ..runs.measures import MEASURES
from ..runs.results import Result
from .job import RESULT, TEST, TRAIN, adjusted_file, adjusted_name

_REFUSED = "refused"
_METRIC = "ManyMediumFewAcc"


def finish(folder: Path, methods: Sequence[str]) -> None:
    """Adjust a finished run by those methods by which it is not yet, and write what comes out.

    The strength is chosen on the validation images. Their accuracy is cross-validated; the test images are judged by
    the strength that all validation images choose.

    Args:
        folder (Path): of the run, with its result and its weights.
        methods (sequence of str): names in ``METHODS``.
    """
    missing = [name for name in methods if not adjusted_file(folder, name).is_file()]
    if not missing:
        return
    result = Result.read(folder / RESULT)
    training, test = (_last_stage(folder / file) for file in (TRAIN, TEST))
    try:
        found = _outcomes(result, training, test, missing)
    except Unsuitable as error:
        found = dict.fromkeys(missing, str(error))
    for name, outcome in found.items():
        path = adjusted_file(folder, name)
        atomic.make_folder(folder, path.parent.relative_to(folder))
        if isinstance(outcome, Result):
            outcome.write(path)
        else:
            atomic.write(path, json.dumps({_REFUSED: outcome}).encode())


def read(folder: Path, recipe: str, method: str) -> Result | str | None:
    """Return the ``Result`` that :func:`finish` wrote, or in words why the run cannot be adjusted so; None before it.

    Args:
        folder (Path): of the run.
        recipe (str): its recipe, by the name that it has here.
        method (str): by which it was adjusted.

    Raises:
        ConfigError: the file is damaged.
    """
    path = adjusted_file(folder, method)
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


def _outcomes(result, training, test, methods):
    """Method -> ``Result``, or why there is none."""
    counts = configuration.listed_counts(training)
    counts = np.pad(counts, (0, len(result.recall) - counts.size))
    thresholds, grouping = configuration.stated_groups(training, counts)
    groups = shot_groups(grouping, thresholds, owner=_METRIC)
    target = np.full(counts.size, 1 / counts.size)
    rank_by = training["Global"]["best_metric"]
    task = adjusting.Task(methods, counts, target, groups, rank_by, calibrate=False)
    held_out = training["DataLoader"]["Eval"]["dataset"]
    seen = held_to_list(test, training["DataLoader"]["Train"]["dataset"]["cls_label_path"])
    with tempfile.TemporaryDirectory() as scratch:
        model = TrainedModel(test, scratch)
        found = adjusting.adjust(model, held_out, seen, task)
        tested = model.features(test["DataLoader"]["Eval"]["dataset"])
    outputs = adjusting.outputs_of(found.classifier, *tested)
    outcomes: dict[str, Any] = {name: str(error) for name, error in found.refused.items()}
    for name, chosen in found.chosen.items():
        predicted = adjustment.predicted(chosen.change, outputs)
        accuracies = cross_validation.accuracies(outputs.label, predicted, groups, target)
        outcomes[name] = dataclasses.replace(
            result,
            recipe=adjusted_name(result.recipe, name),
            validation={measure: found.values[name][measure] for measure in MEASURES},
            test={measure: accuracies[measure] for measure in MEASURES},
            recall=cross_validation.recalls(outputs.label, predicted, counts.size).tolist(),
            curve=[],
            adjustment={"of": result.recipe, "method": name, "strength": chosen.strength},
        )
    return outcomes
