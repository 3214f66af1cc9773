"""The final model, in processes of its own: trained on the whole list, adjusted, tested once, exported."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import host
from ..basis import atomic
from ..configuration import finished_run, plain
from ..configuration import reading as configuration
from ..engine import adjusted_run, trainer
from ..engine.features import TrainedModel, held_to_list
from ..maths import adjustment
from ..maths.adjustment import METHODS, Change, Classifier
from ..maths.cross_validation import Chosen, Judged
from ..runs import files as run_files
from ..runs.results import Accuracies
from . import training
from .job import EXPORTED, INFERENCE, TESTED, TO_ADJUST, TRAIN, TRAINED


def train(folder: str | os.PathLike, tests: bool) -> None:
    """Train what ``train.yaml`` in a folder says, or go on with it, and write what its last weights give on the test.

    Args:
        folder (str or Path): of the training, and of its configuration.
        tests (bool): test it; where its adjusted model is wanted that is tested in its stead.
    """
    folder = Path(folder)
    if not (folder / TRAINED).is_file():
        training.train(folder / TRAIN)
        atomic.write(folder / TRAINED, b"{}")
    if tests and not (folder / TESTED).is_file():
        _test(folder)


def readjust(folder: str | os.PathLike, run: str | os.PathLike) -> None:
    """Adjust a trained model as the runs of the comparison were, write it as a run and test it.

    The strength is the median of theirs, what was fitted on held-out images besides the mean: the model itself has
    trained on all images, so that there is none left to choose by.

    Args:
        folder (str or Path): where to write, with ``to_adjust.json``, the runs' adjustments.
        run (str or Path): the trained model's folder.
    """
    folder = Path(folder)
    if (folder / TESTED).is_file():
        return
    trainer.register()
    source = finished_run.find(run)
    found = json.loads((folder / TO_ADJUST).read_text(encoding="utf-8"))
    config = plain.plain(dict(host.load_config(source.config, [f"Global.run={str(run)!r}"])))
    config["profiler_options"] = None
    counts = configuration.listed_counts(config)
    class_num = len(found[0]["change"]["bias"])
    counts = np.pad(counts, (0, class_num - counts.size))  # type: ignore[union-attr, arg-type]  # it has a list
    with tempfile.TemporaryDirectory() as scratch:
        model = TrainedModel(config, scratch)
        seen = held_to_list(config, config["DataLoader"]["Train"]["dataset"]["cls_label_path"])
        means = model.class_means(seen, class_num)
    uniform = np.full(class_num, 1 / class_num)
    classifier = Classifier(model.weight, model.bias, counts, uniform, model.normalized, means)
    strength, change = transferred(classifier, found)
    chosen = Chosen(strength, 1.0, change, Judged(*(np.zeros(0),) * 3), {})
    info = run_files.read_info(source.config.with_name(run_files.FILES["train"].info))
    record = {
        "method": found[0]["method"],
        "parameter": METHODS[found[0]["method"]].parameter,
        "strength": strength,
        "temperature": 1.0,
        "prior": adjustment.UNIFORM,
        "chosen_by": "ppcls-lt compare",
        "strengths": [each["strength"] for each in found],
        "weights": config["Global"]["pretrained_model"],
        "of_run": info["run"],
    }
    adjusted_run.write(folder, config, info, model, classifier, chosen, record)
    _test(folder)


def transferred(classifier: Classifier, found: Sequence[dict]) -> tuple[float, Change]:
    """Return the strength and the change of a classifier that the adjustments of other trainings of it come to.

    Args:
        classifier (Classifier): the one to adjust.
        found (sequence of dict): of each other one ``method``, ``strength`` and ``change`` with the ``bias`` before it.
    """
    method = METHODS[found[0]["method"]]
    strength = float(np.median([each["strength"] for each in found]))
    if strength == 0:
        return strength, adjustment.nothing(classifier)
    if method.needs_means:
        factors = [each["change"]["mix"] / each["strength"] for each in found if each["strength"] > 0]
        return strength, method.change(classifier, float(np.mean(factors)), strength)
    if method.fits:
        moved = [np.subtract(each["change"]["offset"], each["change"]["bias"]) for each in found]
        start = adjustment.nothing(classifier)
        return strength, start._replace(offset=start.offset + np.mean(moved, axis=0))
    return strength, method.change(classifier, None, strength)


def export(folder: str | os.PathLike) -> None:
    """Export a run's model for inference.

    Args:
        folder (str or Path): of the run.
    """
    folder = Path(folder)
    out = folder / INFERENCE
    overrides = [f"Global.run={str(folder)!r}", f"Global.save_inference_dir={str(out)!r}"]
    source = finished_run.find(folder)
    trainer.run_engine("export", source.config, overrides)
    atomic.write(out / EXPORTED, json.dumps({"run": source.name}).encode())


def _test(folder):
    overrides = [f"Global.run={str(folder)!r}"]
    metric = trainer.run_engine("eval", finished_run.find(folder).config, overrides).metrics[0]
    Accuracies(metric.values(), metric.per_class().tolist()).write(folder / TESTED)
