"""One run of a comparison: train, choose the epoch, test once, leave ``result.json`` last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import paddle

from .. import host
from ..basis import atomic
from ..basis.checks import ConfigError
from ..configuration import stages
from ..engine import recording, trainer
from ..runs import checkpoints, history
from ..runs.results import Result
from . import adjusted
from .job import RESULT, TEST, TRAIN, WEIGHTS, history_path

_BEST = "best_model"


def finish(folder: str | os.PathLike, recipe: str, seed: int, adjustments: Sequence[str] = ()) -> None:
    """Do what is missing of a run and write its result.

    Args:
        folder (str or Path): of the run, with what ``settings`` wrote there.
        recipe (str): the recipe's name.
        seed (int): of the training.
        adjustments (sequence of str): methods by which its weights are adjusted afterwards.

    Raises:
        ConfigError: the configuration is not valid here, or there are no weights to choose.
    """
    folder = Path(folder)
    if not (folder / RESULT).is_file():
        _train_and_test(folder, recipe, seed)
    trainer.register()
    adjusted.finish(folder, adjustments)


def _train_and_test(folder, recipe, seed):
    trainer.run_engine("train", folder / TRAIN)
    plan = stages.plan(host.load_config(folder / TRAIN, []))
    folders = [(stage["Global"]["output_dir"], stage["Arch"]["name"]) for stage in plan]
    records = [history.read(history_path(*each)) for each in folders]
    chosen = history.best([record for record in records[-1] if not record["ema"]])
    if chosen is None:
        raise ConfigError(f"{recipe}: no evaluation gave a number to choose an epoch by; has the training diverged?")
    best = checkpoints.find(*folders[-1], _BEST)
    if best is None or checkpoints.epoch_of(best) != chosen["epoch"]:
        # Where the epochs after a kill did not come out as before it.
        raise ConfigError(
            f"{recipe}: the weights saved as the best are not those of epoch {chosen['epoch']}, which the validation "
            f"images choose; delete {folder} to train this run anew"
        )
    _check_finite(f"{best}.pdparams", recipe)
    atomic.copy(f"{best}.pdparams", folder / f"{WEIGHTS}.pdparams")
    engine = trainer.run_engine("eval", folder / TEST)
    metric = engine.metrics[0]
    result = Result(
        recipe=recipe,
        seed=seed,
        epochs=sum(stage["Global"]["epochs"] for stage in plan),
        stage=len(plan),
        best_epoch=chosen["epoch"],
        seconds=sum(stage[-1]["seconds"] for stage in records if stage),
        validation=chosen["values"],
        test=metric.values(),
        recall=metric.per_class().tolist(),
        images=_images(plan, records),
        versions=recording.versions(),
        curve=[(record["epoch"], record["score"]) for record in records[-1] if not record["ema"]],
    )
    result.write(folder / RESULT)
    for output, _ in folders:
        # Only an unfinished training needs them, and many runs fill a disk.
        checkpoints.remove_all(output)


def _images(plan, records):
    """How many images trained, over all stages; None where the records of a stage do not say it."""
    steps = [stage[-1].get("steps") if stage else None for stage in records]
    if None in steps:
        return None
    sizes = [(stage["DataLoader"]["Train"].get("sampler") or {}).get("batch_size") for stage in plan]
    return sum(number * size for number, size in zip(steps, sizes)) if None not in sizes else None


def _check_finite(path, recipe):
    """Raise where the chosen weights are those of a training that has diverged, whose classes are no predictions."""
    for name, value in paddle.load(path, return_numpy=True).items():
        if not np.isfinite(value).all():
            raise ConfigError(f"{recipe}: the training has diverged, {name} of the chosen epoch is not finite")
