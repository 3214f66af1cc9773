"""``ppcls-lt adjust``: a trained run's classifier adjusted on held-out images, written as a run of its own."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

from .. import host
from ..basis import checks, lock
from ..basis.checks import ConfigError
from ..configuration import held_out, listed_images, named_classes, plain
from ..configuration import reading as configuration
from ..data.counts import count_label_list
from ..data.groups import shot_groups
from ..data.list_files import listed_classes
from ..engine import adjusted_run, adjusting
from ..engine.features import TrainedModel
from ..maths.adjustment import METHODS, OWNER, UNIFORM
from ..reports import adjustment as report
from ..runs import files as run_files
from ..runs import history
from ..runs.measures import MEASURES
from .opened import opened

TRAINING = "training"  # the prior of the training images
RANKS = (*MEASURES, "prior")
# How far the adjusted model's logits may lie from those that were chosen, as a share of the largest.
_ROUNDING = 1e-3


class Asked(NamedTuple):
    """What the command is told."""

    folder: str
    overrides: Sequence[str]
    methods: Sequence[str]
    strength: float | None
    prior: str
    rank_by: str
    thresholds: Any
    is_validation: bool
    allow_missing: bool
    calibrate: bool
    out: str | None
    overwrite: bool
    command: str


def check(asked: Asked) -> None:
    """Raise where the flags contradict one another, before anything heavy is loaded."""
    for name in asked.methods:
        checks.known_name(OWNER, "method", name, METHODS, key="--methods")
    if asked.strength is None:
        return
    if len(asked.methods) != 1:
        got = checks.described(f"{asked.strength:g} with {len(asked.methods)} methods")
        checks.fail(OWNER, "--strength", "used with one of `--methods`, whose strength it is", got)
    highest = METHODS[asked.methods[0]].highest
    checks.number(OWNER, "--strength", asked.strength, minimum=0, **({} if np.isinf(highest) else {"maximum": highest}))


def run(asked: Asked, say: Callable[[str], Any]) -> None:
    """Adjust, tell before and after, and write what comes first.

    Args:
        asked (Asked): what the command is told.
        say (callable): takes a line of text for the user.

    Raises:
        ConfigError: what is wrong, or no method ranks above the model as it is.
    """
    check(asked)
    source = opened(asked.folder, asked.overrides, OWNER, "to adjust")
    config, info = source.config, source.info
    counts = _counts(config, info)
    class_num = counts.size
    held = held_out.find(
        config, OWNER, is_validation=asked.is_validation, class_num=class_num, allow_missing=asked.allow_missing
    )
    if sum(held.counts > 0) < 2:
        checks.fail(OWNER, "--val-list", "a list of images of several classes", held.path)
    target = _prior(asked.prior, counts, config)
    task = adjusting.Task(
        asked.methods, counts, target, _groups(asked, config, counts), asked.rank_by, asked.strength, asked.calibrate
    )
    task.called = named_classes.called(config)
    _check_zeros(task)
    members = task.groups.get(asked.rank_by)
    if members is not None and not held.counts[members].any():
        sizes = ", ".join(f"{len(classes)} {group}" for group, classes in task.groups.items())
        got = checks.described(f"{asked.rank_by} with classes {sizes}; --groups tertiles gives every group a third")
        checks.fail(OWNER, "--rank-by", "a group of classes with held-out images", got)
    place = source.output_dir / "adjusted" if asked.out is None else Path(asked.out)
    if asked.out is not None:
        adjusted_run.check_free(place, source.output_dir, asked.overwrite)
    elif len(asked.methods) == 1:
        adjusted_run.check_free(place / asked.methods[0], source.output_dir, asked.overwrite)
    with tempfile.TemporaryDirectory() as scratch, host.quiet():
        model = TrainedModel(config, scratch)
        found = adjusting.adjust(model, held.dataset, _training(config), task)
        _tell(found, task, config, held, say)
        name = _first(found, task)
        out = place / name if asked.out is None else place
        adjusted_run.check_free(out, source.output_dir, asked.overwrite)
        record = _record(asked, found, task, config, held, name, info)
        with lock.held(out, OWNER, "--out"):
            adjusted_run.write(out, config, info, model, found.classifier, found.chosen[name], record)
            _check_written(out, held, found, name, scratch)
    chosen = found.chosen[name]
    said = report.strength(METHODS[name].parameter, chosen.strength, chosen.temperature)
    say(f"{name}, {said}: {_told(model, chosen)}")
    caution = report.caution(found.before, found.values[name], found.images)
    if caution is not None:
        say(caution)
    say(f"{out}: use it with `ppcls-lt eval --run {out}`, and infer and export")


def _training(config):
    """The section of the training images with the operators of an evaluation, or None where they are not here."""
    loaders = config["DataLoader"]
    return listed_images.judged(loaders["Eval"]["dataset"], (loaders.get("Train") or {}).get("dataset") or {})


def _counts(config, info):
    """Training images per class, of the list or else of what the training wrote down."""
    dataset = (config["DataLoader"].get("Train") or {}).get("dataset") or {}
    if dataset.get("relabel", False):
        checks.fail(OWNER, "DataLoader.Train.dataset.relabel", "false to adjust", True)
    found = configuration.listed_counts(config)
    if found is None and info["counts"] is not None:
        found = np.asarray(info["counts"])
    if found is None:
        got = checks.described("a training list that is not here, and a run that did not write its images per class")
        checks.fail(OWNER, "DataLoader.Train.dataset.cls_label_path", "there, to count the training images", got)
    return np.pad(found, (0, max((configuration.class_number(config) or 0) - found.size, 0)))


def _prior(given, counts, config):
    """The target prior ``[C]``."""
    if given == UNIFORM:
        return np.full(counts.size, 1 / counts.size)
    if given == TRAINING:
        return counts / counts.sum()
    try:
        shares = np.array([float(part) for part in given.split(",")])
    except ValueError:
        dataset = (config["DataLoader"].get("Train") or {}).get("dataset") or {}
        shares = count_label_list(
            given, owner=OWNER, name="--prior", delimiter=dataset.get("delimiter"), class_num=counts.size
        ).astype(float)
    expected = f"uniform, training, {counts.size} shares >= 0 with commas between, or a label list with these shares"
    if shares.size != counts.size or not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() <= 0:
        checks.fail(OWNER, "--prior", expected, given)
    return shares / shares.sum()


def _check_zeros(task):
    """Raise where a method takes the logarithm of the prior and a class has none, before an image is looked at."""
    empty = np.flatnonzero(task.target == 0)
    name = next((each for each in task.methods if METHODS[each].needs_whole_prior), None)
    if name is None or not empty.size:
        return
    others = [each for each in task.methods if not METHODS[each].needs_whole_prior]
    others = others or [each for each, method in METHODS.items() if not method.needs_whole_prior]
    got = checks.described(f"0 for {listed_classes(empty, task.called)}")
    remedy = f"give such a class a small share, or take other methods: `--methods {' '.join(others)}`"
    checks.fail(OWNER, "--prior", f"above 0 for every class with {name}", got, remedy)


def _groups(asked, config, counts):
    thresholds, grouping = configuration.stated_groups(config, counts)
    return shot_groups(grouping, thresholds if asked.thresholds is None else asked.thresholds, owner=OWNER)


def _tell(found, task, config, held, say):
    facts = {
        "weights": config["Global"]["pretrained_model"],
        "images": found.images,
        "list": held.path,
        "folds": task.folds,
        "chosen": task.strength is None,
    }
    for line in report.about(facts):
        say(line)
    rows = [
        (name, report.strength(METHODS[name].parameter, chosen.strength, chosen.temperature), found.values[name])
        for name, chosen in found.chosen.items()
    ]
    say("")
    for line in report.table(found.before, rows, prior=bool(np.ptp(task.target))):
        say(line)
    say("")
    for error in found.refused.values():
        if len(task.methods) > 1:
            say(f"left out: {error}")


def _first(found, task):
    """The method to write: the one that was asked for, or the first of several."""
    if len(task.methods) == 1:
        (name,) = task.methods
        if name in found.refused:
            raise found.refused[name]
        return name
    name = found.best(task.rank_by)
    if name is None:
        got = checks.described(f"none above the model as it is, {100 * found.before[task.rank_by]:.1f}")
        remedy = "one method alone, as `--methods logit_adjustment`, is written whatever it gains"
        checks.fail(OWNER, "--methods", f"such that one ranks first by `{task.rank_by}`", got, remedy)
    return name


def _record(asked, found, task, config, held, name, info):
    chosen = found.chosen[name]
    return history.finite(
        {
            "method": name,
            "parameter": METHODS[name].parameter,
            "strength": chosen.strength,
            "temperature": chosen.temperature,
            "prior": asked.prior if asked.prior in (UNIFORM, TRAINING) else task.target.tolist(),
            "chosen_by": task.rank_by if task.strength is None else None,
            "folds": task.folds,
            "weights": config["Global"]["pretrained_model"],
            "of_run": info["run"],
            "held_out": {
                "list": held.path,
                "images": found.images,
                "sha256": hashlib.sha256(Path(held.path).read_bytes()).hexdigest(),
            },
            "cross_validated": {"as it is": found.before, **found.values},
            "strengths": {other: each.strength for other, each in found.chosen.items()},
            "command": asked.command,
        }
    )


def _check_written(out, held, found, name, scratch):
    """Raise unless the model that was written gives the adjusted logits; nothing is left of it then."""
    loaded = host.load_config(out / run_files.FILES["train"].config, [f"Global.run={str(out)!r}"])
    again = TrainedModel(plain.plain(dict(loaded)), scratch)
    features, label = again.features(held.dataset)
    expected = found.chosen[name].change.logits(adjusting.outputs_of(found.classifier, features, label))
    worst = float(np.abs(features.astype(np.float64) @ again.weight + again.bias - expected).max())
    if worst > _ROUNDING * float(np.abs(expected).max()):
        shutil.rmtree(out, ignore_errors=True)
        raise ConfigError(f"{OWNER}: the adjusted weights give other logits than the adjustment, by up to {worst:g}")


def _told(model, chosen):
    if chosen.strength == 0:
        return "no strength ranks above none, the weights are those of the run"
    kind = adjusted_run.classifier_kind(model, chosen)
    parts = f"folded into {model.name}.weight" + (f" and {model.name}.bias" if model.has_bias or kind else "")
    return parts + (f", with Arch.classifier {kind}" if kind else "")
