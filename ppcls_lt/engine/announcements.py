"""What the log says when a stage of a training begins: its data, its class weights, what chooses the best model."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

import paddle.distributed as dist

from .. import metrics
from ..basis.findings import ConfigError
from ..configuration import named_classes, stages
from ..configuration import reading as configuration
from ..data.groups import shot_groups
from . import best_metric

if TYPE_CHECKING:
    import numpy as np

    from ..host.engine import EngineView
    from .assembly import Assembly
    from .run import Run

_GROUPING = (metrics.ManyMediumFewAcc, metrics.ManyMediumFewMAP)
_log = logging.getLogger("ppcls.lt")


def begin(engine: EngineView, run: Run, assembly: Assembly, plan: Sequence[dict]) -> None:
    """Write the lines of a stage that begins or goes on; the first process does.

    Args:
        engine (EngineView): of the stage, built.
        run (Run): the stage, begun.
        assembly (Assembly): what built it.
        plan (list of dict): the configuration of every stage.
    """
    if dist.get_rank() != 0:
        return
    if len(plan) > 1:
        _log.info("%s", stage(run, plan))
    counts = assembly.known_counts()
    if counts is not None and counts.any():
        _log.info("%s", data(engine.config, counts, engine.metrics))
    for loss in run.weighted_losses():
        if loss.class_weight is not None:
            _log.info(
                "class weights of %s: %s",
                type(loss).__name__,
                spread(loss.class_weight, called=named_classes.called(engine.config)),
            )
    for line in run.announcements():
        _log.info("%s", line)
    _log.info("%s", _best_model(engine))


def nothing_left(run: Run, plan: Sequence[dict]) -> None:
    """Say that a run which was to go on had come to its end; the first process does.

    Args:
        run (Run): the last stage.
        plan (list of dict): the configuration of every stage.
    """
    if dist.get_rank() != 0:
        return
    done = f"{run.epochs} of {run.epochs}" + (f" in stage {run.stage}" if len(plan) > 1 else "")
    line = f"the run in {stages.output_dir(plan)} has all its epochs already ({done}): nothing was trained"
    if run.epochs > 0:
        line += "; `--extend-to M` (`Global.extend_to`), with M above that, trains for longer"
    _log.info("%s", line)


def data(config: dict, counts: np.ndarray, built: Any = None) -> str:
    """One line about the training data, with the groups of the metric that the configuration evaluates by.

    Args:
        config (dict): of the stage.
        counts (array): training images per class ``[C]``, not all 0.
        built (iterable, optional): the metrics as they were built; none are where a training does not evaluate.
    """
    of = "labels" if config["Global"].get("use_multilabel", False) else "images"
    called = named_classes.called(config)
    groups = next((metric.groups for metric in built or () if isinstance(metric, _GROUPING)), None)
    if groups is None:
        try:
            thresholds, grouping = configuration.stated_groups(config, counts)
            groups = shot_groups(grouping, thresholds, owner="Metric.Eval")
        except ConfigError as error:  # of a metric that nothing evaluates yet
            return f"{images(counts, {}, of, called)}; not in groups: {error}"
    return images(counts, groups, of, called)


def images(
    counts: np.ndarray,
    groups: Mapping[str, np.ndarray],
    of: str = "images",
    called: Callable[[object], str] = str,
) -> str:
    """One line about the images per class.

    Args:
        counts (array): training images per class ``[C]``, not all 0.
        groups (dict): ``many``, ``medium``, ``few`` -> classes; empty where they are not known.
        of (str): what is counted; labels, where an image has several.
        called (callable): what to call a class.
    """
    filled = counts[counts > 0]
    text = f"training {of}: {counts.sum()} in {filled.size} classes, {spread(counts, counts > 0, called)}, "
    text += f"imbalance ratio {filled.max() / filled.min():.1f}".removesuffix(".0")
    if filled.size < counts.size:
        text += f"; {counts.size - filled.size} classes without any"
    told = ", ".join(f"{len(members)} {name}" for name, members in groups.items())
    return f"{text}; {told}-shot classes" if told else text


def spread(values: np.ndarray, among: np.ndarray | None = None, called: Callable[[object], str] = str) -> str:
    """From which to which value an array ``[C]`` goes, and of which classes; of those ``among`` (a mask) alone."""
    classes: Any = range(len(values)) if among is None else among.nonzero()[0]
    low, high = (pick(classes, key=lambda label: values[label]) for pick in (min, max))
    return f"from {values[low]:.6g} (class {called(low)}) to {values[high]:.6g} (class {called(high)})"


def stage(run: Run, plan: Sequence[dict]) -> str:
    """One line about the stage that begins, of a training (run) and the configuration of every stage (plan)."""
    line = f"stage {run.stage} of {len(plan)}: {run.epochs} epoch{'' if run.epochs == 1 else 's'}"
    if run.stage > 1:
        line += f", from the weights of stage {run.stage - 1} ({plan[run.stage - 1]['start_from']})"
    return line


def _best_model(engine):
    section = engine.config["Global"]
    if not section.get("eval_during_train", True):
        return "best model: none is kept, since `Global.eval_during_train` is false; the last epoch's is `latest`"
    name = section.get("best_metric")
    if name is not None:
        return f"best model: by `{name}`, as Global.best_metric says"
    if not (engine.config.get("Metric") or {}).get("Eval"):
        return "best model: by what the evaluation returns, since there is no Metric.Eval"
    first = best_metric.first_value(engine.config)
    return f"best model: by {first}, the first of Metric.Eval; Global.best_metric chooses another"
