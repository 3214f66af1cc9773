"""One run of a comparison: train, predict the images that it held out, leave ``result.json`` last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import paddle

from .. import host
from ..basis import atomic, checks
from ..basis.checks import ConfigError
from ..configuration import adapters, listed_images, plain, processes, stages
from ..configuration import reading as configuration
from ..data.groups import shot_groups
from ..data.list_files import read_label_list
from ..engine import logits, recording, trainer
from ..maths import cross_validation
from ..runs import checkpoints, history
from ..runs.logits import HeldOut
from ..runs.logits import write as write_logits
from ..runs.measures import MEASURES
from ..runs.results import Accuracies, Result
from . import adjusted, training
from .job import AS_TRAINED, HELD_OUT, LOGITS, RESULT, TEST, TRAIN, WEIGHTS, history_path, tested_file
from .lists import positions

_BEST = "best_model"
_OWNER = "ManyMediumFewAcc"


def finish(
    folder: str | os.PathLike, recipe: str, seed: int, rank_by: str, listed: str, adjustments: Sequence[str] = ()
) -> None:
    """Do what is missing of a run and write its result.

    Args:
        folder (str or Path): of the run, with what ``settings`` wrote there.
        recipe (str): the recipe's name.
        seed (int): of the training.
        rank_by (str): the accuracy by which the strength of an adjustment is chosen.
        listed (str): the list in which held-out images have their numbers.
        adjustments (sequence of str): methods by which its weights are adjusted afterwards.

    Raises:
        ConfigError: the configuration is not valid here, or there are no weights to judge.
    """
    folder = Path(folder)
    if not (folder / RESULT).is_file():
        _train_and_predict(folder, recipe, seed, listed)
    trainer.register()
    adjusted.finish(folder, rank_by, adjustments)


def test(folder: str | os.PathLike, rank_by: str, methods: Sequence[str]) -> None:
    """Let a finished run's weights predict the test images, once, and write their accuracies.

    Args:
        folder (str or Path): of the run.
        rank_by (str): as in :func:`finish`.
        methods (sequence of str): the adjustments after which they predict, ``AS_TRAINED`` for none.
    """
    folder = Path(folder)
    missing = [name for name in methods if not tested_file(folder, rank_by, _method(name)).is_file()]
    if AS_TRAINED in missing:
        metric = trainer.run_engine("eval", folder / TEST).metrics[0]
        Accuracies(metric.values(), metric.per_class().tolist()).write(tested_file(folder, rank_by))
    adjustments = [name for name in missing if name != AS_TRAINED]
    if adjustments:
        trainer.register()
        adjusted.test(folder, rank_by, adjustments)


def _method(name):
    return None if name == AS_TRAINED else name


def _train_and_predict(folder, recipe, seed, listed):
    training.train(folder / TRAIN)
    config = host.load_config(folder / TRAIN, [])
    plan = stages.plan(config)
    folders = [(stage["Global"]["output_dir"], stage["Arch"]["name"]) for stage in plan]
    records = [history.read(history_path(*each)) for each in folders]
    evaluated = [record for record in records[-1] if not record["ema"]]
    weights, epoch = _judged_weights(folder, recipe, plan, evaluated)
    _check_finite(f"{weights}.pdparams", recipe)
    _keep(weights, folder)
    held_out = _predicted(folder, plan[-1], listed)
    write_logits(folder / LOGITS, held_out)
    scores = [(record["epoch"], record["score"]) for record in evaluated]
    result = Result(
        recipe=recipe,
        seed=seed,
        epochs=sum(stage["Global"]["epochs"] for stage in plan),
        stage=len(plan),
        best_epoch=epoch,
        seconds=sum(stage[-1]["seconds"] for stage in records if stage),
        validation=_accuracies(held_out, plain.plain(dict(plan[-1]))),
        images=_images(plan, records),
        versions=recording.versions(),
        curve=scores if plan[-1]["Global"].get("best_metric") else [],
    )
    result.write(folder / RESULT)
    for output, _ in folders:
        # Only an unfinished training needs them, and many runs fill a disk.
        checkpoints.remove_all(output)


def _keep(weights, folder):
    """Copy the judged weights, with what they say of those that they lie beside."""
    record = adapters.recorded(str(weights))
    if record is None:
        atomic.copy(f"{weights}.pdparams", folder / f"{WEIGHTS}.pdparams")
        return
    manifest = checkpoints.manifest_of(weights)
    facts = {key: value for key, value in manifest.items() if key not in ("prefix", "files")}
    with checkpoints.saving(folder, WEIGHTS, facts) as staged:
        atomic.copy(f"{weights}.pdparams", staged / f"{WEIGHTS}.pdparams")


def _judged_weights(folder, recipe, plan, evaluated):
    """The path, without its ending, and the epoch of the weights that are judged: the last, or the best of one list."""
    prefix, epoch = checkpoints.LATEST, plan[-1]["Global"]["epochs"]
    if plan[-1]["Global"].get("best_metric"):
        chosen = history.best(evaluated)
        if chosen is None:
            said = "no evaluation gave a number to choose an epoch by; has the training diverged?"
            raise ConfigError(f"{recipe}: {said}")
        prefix, epoch = _BEST, chosen["epoch"]
    found = checkpoints.find(plan[-1]["Global"]["output_dir"], plan[-1]["Arch"]["name"], prefix)
    if found is None or checkpoints.epoch_of(found) != epoch:
        # Where the epochs after a kill did not come out as before it.
        raise ConfigError(
            f"{recipe}: the weights saved as {prefix} are not those of epoch {epoch}, which are to be judged; delete "
            f"{folder} to train this run anew"
        )
    return found, epoch


def _predicted(folder, training, listed):
    """The logits of the images that the run held out, each with its number in a list."""
    dataset = training["DataLoader"]["Eval"]["dataset"]
    part = listed_images.read("DataLoader.Eval.dataset", "cls_label_path", dataset, None)
    delimiter = dataset.get("delimiter")
    whole = read_label_list(listed, owner="DataLoader.Train.dataset", name="cls_label_path", delimiter=delimiter)
    found, label = logits.predicted(folder / HELD_OUT)
    if not np.array_equal(label, part.labels):
        got = checks.described(f"others than those of {dataset['cls_label_path']}, in its order")
        checks.fail("DataLoader.Eval", "dataset", "one that gives the images of its list, each once", got)
    return HeldOut(found, label, positions(whole.images, part.images))


def _accuracies(held_out, training):
    counts = configuration.listed_counts(training)
    class_num = held_out.logits.shape[1]
    thresholds, grouping = configuration.stated_groups(training, np.pad(counts, (0, class_num - counts.size)))
    found = cross_validation.accuracies(
        held_out.label,
        held_out.logits.argmax(axis=1),
        shot_groups(grouping, thresholds, owner=_OWNER),
        np.full(class_num, 1 / class_num),
    )
    return {measure: found[measure] for measure in MEASURES}


def _images(plan, records):
    """How many images trained, over all stages; None where the records of a stage do not say it."""
    images = [stage[-1].get("images") if stage else None for stage in records]
    if None not in images:
        return sum(images)
    # Of records before they said it; the last batch of an epoch counts as a whole one.
    steps = [stage[-1].get("steps") if stage else None for stage in records]
    if None in steps:
        return None
    sizes = [(stage["DataLoader"]["Train"].get("sampler") or {}).get("batch_size") for stage in plan]
    if None in sizes:
        return None
    return processes.of_config(plan[0]) * sum(number * size for number, size in zip(steps, sizes))


def _check_finite(path, recipe):
    """Raise where the chosen weights are those of a training that has diverged, whose classes are no predictions."""
    for name, value in paddle.load(path, return_numpy=True).items():
        if not np.isfinite(value).all():
            raise ConfigError(f"{recipe}: the training has diverged, {name} of the chosen epoch is not finite")
