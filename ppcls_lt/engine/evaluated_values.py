"""The values of an evaluation: the host's metrics and this package's, in the log and in VisualDL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
import paddle

from .. import host, metrics
from ..basis.widths import columns, shortened
from ..configuration import named_classes
from ..maths import scores

if TYPE_CHECKING:
    from ..host.engine import EngineView

# Up to so many classes are listed one by one in the log and in VisualDL.
_LISTED_CLASSES = 100
_NAME = 30  # columns of a name there


def ours(engine: EngineView) -> list[metrics.LongTailMetric]:
    """Return this package's metrics of the evaluation, in their order."""
    return [m for m in engine.metrics if isinstance(m, metrics.LongTailMetric)]


class LossMeter:
    """Stands for the evaluation loss during one pass and keeps its mean over the images."""

    def __init__(self, loss: Callable) -> None:
        self._loss = loss
        self._sums: dict[str, Any] = {}
        self._images = 0

    def __call__(self, predictions: Any, labels: Any) -> dict:
        """Return what the loss returns: a dict of scalars."""
        result = self._loss(predictions, labels)
        images = labels.shape[0]
        for key, value in result.items():
            self._sums[key] = self._sums.get(key, 0.0) + value.detach().astype("float64") * images
        self._images += images
        return result

    def means(self) -> dict[str, float]:
        """Return the mean of each loss over the images, by its name."""
        return {key: number(total) / self._images for key, total in self._sums.items()}


def values(engine: EngineView) -> dict[str, float]:
    """Return every value of the last evaluation, name -> float: the host's metrics and this package's."""
    result = {}
    for metric in engine.metrics:
        if isinstance(metric, metrics.LongTailMetric):
            result.update(metric.values())
        else:
            meters = getattr(metric, "avg_meters", {})
            result.update((name, number(meter.avg)) for name, meter in meters.items())
    return result


def log_values(engine: EngineView, epoch: int, found: Mapping[str, float], losses: Mapping[str, float]) -> None:
    """Write the values of an evaluation to VisualDL, with the epoch as step; what is undefined is left out.

    Args:
        engine (EngineView): nothing is written without its VisualDL.
        epoch (int): the epoch.
        found (dict): name -> float.
        losses (dict): name -> float, of the evaluation loss.
    """
    writer = engine.writer
    if writer is None:
        return
    called = named_classes.called(engine.config)
    group = "eval_ema" if engine.uses_average else "eval"
    scalars = {**found, **{f"loss/{name}": value for name, value in losses.items()}}
    for table in (m for m in ours(engine) if isinstance(m, metrics.PerClassAcc)):
        for name, array in table.per_class().items():
            if name == "support":
                continue
            known = array[~np.isnan(array)]
            if len(known):
                writer.add_histogram(tag=f"{group}/{name}", values=known, step=epoch)
            if len(array) <= _LISTED_CLASSES:
                scalars.update((f"{name}/class_{called(c)}", float(value)) for c, value in enumerate(array))
    for name, value in scalars.items():
        if not np.isnan(value):
            writer.add_scalar(tag=f"{group}/{name}", value=value, step=epoch)


def log_table(engine: EngineView) -> None:
    """Write the table of ``PerClassAcc``, if it is listed and not too long, to the host's log."""
    for metric in ours(engine):
        table = metric.per_class() if isinstance(metric, metrics.PerClassAcc) else {}
        if table and len(table["support"]) <= _LISTED_CLASSES:
            info = host.module("utils.logger").info
            names = [shortened(named_classes.called(engine.config)(c), _NAME) for c in range(len(table["support"]))]
            width = max(5, *map(columns, names))
            info(f"[Eval] {'class':>{width}} images  recall  precision  F1")
            for c, (recall, precision, f1, images) in enumerate(zip(*table.values())):
                name = " " * (width - columns(names[c])) + names[c]
                info(f"[Eval] {name} {images:6d} {recall:7.4f}  {precision:9.4f}  {f1:6.4f}")


def per_class(engine: EngineView) -> dict[str, np.ndarray]:
    """Arrays ``[C]`` by name: recall, and all of ``PerClassAcc`` where it is listed."""
    listed = ours(engine)
    tables = [metric.per_class() for metric in listed if isinstance(metric, metrics.PerClassAcc)]
    if tables:
        return tables[0]
    seen = listed[0].predictions.classes() if listed else None
    return {} if seen is None else {"recall": scores.recall(seen.support, seen.right)}


def number(value: Any) -> float:
    """Return a scalar tensor or a number as a float."""
    return float(value.item() if isinstance(value, paddle.Tensor) else value)
