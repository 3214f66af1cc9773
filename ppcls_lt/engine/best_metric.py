"""``Global.best_metric``: the value by which the host keeps its best model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import metrics
from ..basis import checks
from ..basis.checks import ConfigError
from ..basis.registry import registered
from ..configuration import reading as configuration
from ..data import counts

if TYPE_CHECKING:
    from ..host.engine import EngineView

AMONG_HOST = "TopkAcc"  # its values are known before anything is built


def check(config: dict, mode: str) -> None:
    """Raise if ``Global.best_metric`` names nothing that an evaluation will give.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.

    Raises:
        ConfigError: what is wrong, with the names there are.
    """
    section = config["Global"]
    name = section.get("best_metric")
    if name is None or mode not in ("train", "eval"):
        return
    if section.get("eval_mode", "classification") != "classification":
        checks.fail("Global", "best_metric", "left out unless `eval_mode` is classification", name)
    if mode == "train" and not section.get("eval_during_train", True):
        checks.fail("Global", "best_metric", "left out unless `eval_during_train` is true", name)
    checks.choice("Global", "best_metric", name, _announced(config))


def check_built(engine: EngineView) -> None:
    """Raise if the chosen value can never be a number: a group without classes or without images.

    Args:
        engine (EngineView): built.

    Raises:
        ConfigError: as said.
    """
    name = engine.config["Global"].get("best_metric")
    metric = _owner(engine, name)
    if metric is None or name not in metric.impossible(_images(engine.eval_loader.dataset, metric)):
        return
    raise ConfigError(
        f"Global: `best_metric` must be a group of classes that the evaluation set holds, got {name!r}: with the "
        f"thresholds of {type(metric).__name__} no class of the group has an image there"
    )


def score(engine: EngineView, values: Mapping[str, float], default: float) -> float:
    """What the host is to maximise: the chosen of ``values`` such that more is better, else ``default``.

    What is undefined is NaN, which is no better than anything in every version; -inf is the first best in develop.
    """
    name = engine.config["Global"].get("best_metric")
    if name is None:
        return default
    metric = _owner(engine, name)
    return values[name] if metric is None else metric.score(name)


def first_value(config: dict) -> str:
    """The name of the value by which the host chooses where ``Global.best_metric`` does not."""
    entries = list(configuration.components(config, "Metric", "Eval"))[:1]
    return next(iter(_given(entries)), f"the first value of {entries[0][1]}")


def _announced(config):
    """The names that ``Metric.Eval`` will give values for, in its order."""
    return _given(configuration.components(config, "Metric", "Eval"))


def _given(entries):
    known = registered("metric")
    names = []
    for _, metric, params in entries:
        if metric in known:
            names += known[metric].keys
        elif metric == AMONG_HOST:
            topk = params.get("topk", (1, 5))
            names += [f"top{k}" for k in ([topk] if isinstance(topk, int) else topk)]
    return names


def _owner(engine, name):
    """The metric of this package that gives the value ``name``, or None."""
    for metric in engine.metrics:
        if isinstance(metric, metrics.LongTailMetric) and name in metric.keys:
            return metric
    return None


def _images(dataset, metric):
    """Evaluation images per class, or with each label, or None where the data set does not tell."""
    labels = counts.class_labels(dataset)
    if labels is None:
        return counts.label_counts(dataset)
    return counts.images_per_class(labels, len(getattr(metric, "counts", ())))
