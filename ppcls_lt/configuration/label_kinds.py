"""Data whose images have several classes, or smoothed ones, beside what takes one class an image."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import host
from ..basis import checks, registry
from ..basis.checks import ConfigError
from ..data import label_rows
from . import recipes
from .reading import callbacks, class_number, components, losses
from .recipes import kinds

if TYPE_CHECKING:
    from ..losses import LongTailLoss

_log = logging.getLogger("ppcls.lt")
# The host's metrics of several labels an image.
_METRICS = ("ATTRMetric", "AccuracyScore", "HammingDistance", "MultiLabelMAP")


def check(config: dict, parts: Sequence[str]) -> None:
    """Raise where a component or recipe of this package meets data of several labels an image.

    Args:
        config (dict): the host's configuration.
        parts (list of str): ``Train``, ``Eval``: what is built.

    Raises:
        ConfigError: which component, and what says that there are several labels, or several models' logits.
    """
    _check_models(config)
    found = next(_several_labels(config, parts), None)
    owner = next(_single_label(config, parts), None)
    if found and owner:
        raise ConfigError(
            f"{owner}: `label` must be one class for each image, got several ({found}); {label_rows.WAY_OUT}"
        )


def _check_models(config):
    """Raise where a recipe brings losses or mixed labels for one model's logits to a distillation."""
    name = config["Global"].get("recipe")
    if name is None or not (config.get("Arch") or {}).get("models"):
        return
    brings = next((part.name for part in recipes.read(name).parts if part.kinds & {kinds.LOSS, kinds.MIXING}), None)
    if brings is not None:
        got = checks.described(f"{name} with Arch.models, of which {brings} brings what is made for one model's logits")
        checks.fail("Global", "recipe", "one that leaves the losses of a distillation as they are", got)


def check_rows(config: dict, parts: Sequence[str]) -> None:
    """Raise where a component that takes rows of labels meets data with one class an image.

    Args:
        config (dict): the host's configuration.
        parts (list of str): ``Train``, ``Eval``: what is built.

    Raises:
        ConfigError: which component, and the key that is missing.
    """
    owner = next(_ours(config, parts, several=True), None)
    if owner and not config["Global"].get("use_multilabel", False):
        got = config["Global"].get("use_multilabel")
        checks.fail("Global", "use_multilabel", f"true with {owner}, which takes several labels an image", got)


def _several_labels(config, parts):
    """Yield what says that images have several labels."""
    if config["Global"].get("use_multilabel", False):
        yield "Global.use_multilabel: true"
    kind = host.names("dataset").get("MultiLabelDataset")
    for part in parts:
        name = ((config["DataLoader"].get(part) or {}).get("dataset") or {}).get("name")
        dataset = host.names("dataset").get(name)
        if kind is not None and inspect.isclass(dataset) and issubclass(dataset, kind):
            yield f"DataLoader.{part}.dataset: {name}"
        for where, name, _ in components(config, "Loss", part):
            if "MultiLabel" in name:
                yield f"{where}: {name}"
        for where, name, _ in components(config, "Metric", part):
            if name in _METRICS:
                yield f"{where}: {name}"


def _single_label(config, parts):
    """Yield what of this package takes one class an image."""
    yield from _ours(config, parts, several=False)
    if config["Global"].get("recipe") is not None:
        yield f"recipe {config['Global']['recipe']}"


def _ours(config, parts, several):
    """Yield the losses and metrics of this package that take several labels an image, or those that take one class."""
    for part in parts:
        for section in ("Loss", "Metric"):
            for where, name, params in components(config, section, part):
                found = registry.found(section.lower(), name, params)
                if found is not None and found.several_labels is several:
                    yield f"{where} {name}"


def check_dataset(config: dict, part: str, dataset: Any) -> None:
    """Raise where a component of this package cannot take a data set's own labels.

    Raises:
        ConfigError: the first row that does not sum to 1 before what takes one class an image, or that holds another
            number than 0 and 1 before what takes several.
    """
    labels = getattr(dataset, "labels", None)
    if config["Global"].get("use_multilabel", False):
        owner = next(_ours(config, [part], several=True), None)
        if owner is not None and labels is not None:
            label_rows.check_listed(owner, labels, getattr(dataset, "images", None))
        return
    owner = next(_single_label(config, [part]), None)
    if owner is None or labels is None or len(labels) == 0 or np.ndim(labels[0]) != 1:
        return
    if len(labels[0]) == class_number(config):
        label_rows.check_sums(owner, [float(np.sum(row)) for row in labels])


def check_batch(config: dict, labels: np.ndarray) -> None:
    """Raise where the labels of a training batch are none that the configuration can take.

    Args:
        config (dict): the host's configuration.
        labels (array): ``[N]`` classes or ``[N, C]`` shares.

    Raises:
        ConfigError: rows of several classes before a loss of one, or of another
            length than there are classes.
    """
    if labels.ndim != 2 or labels.dtype.kind != "f" or config["Global"].get("use_multilabel", False):
        return
    owner = "DataLoader.Train.dataset"
    classes = class_number(config)
    if classes is not None and labels.shape[1] not in (1, classes):
        got = f"labels of {labels.shape[1]}; MixupCutmixHybrid is told them as `num_classes`"
        checks.fail(owner, "batch_transform_ops", f"made for the {classes} classes there are", checks.described(got))
    for where, cls, _ in losses(config, "Train"):
        label_rows.check_sums(f"{where} {cls.__name__}", labels.sum(axis=1))


def warn_of_smoothed(config: dict, labels: np.ndarray | None, loss: LongTailLoss) -> None:
    """Say that class weights act on labels that were smoothed before, where they do.

    Args:
        config (dict): the host's configuration.
        labels (array or None): those of a training batch, as far as is known.
        loss (LongTailLoss): one that trains.
    """
    operator = _smoothing_operator(config)
    if operator is None and (labels is None or np.ndim(labels) != 2 or not label_rows.are_smoothed(labels)):
        return
    deferred = any(name in ("DeferredReweighting", "DRW") for _, name, _ in callbacks(config))
    weights = loss.class_weight
    if deferred or weights is not None and np.ptp(weights) > 0:
        _log.warning(
            "%s: %s smooths the labels before the class weights act, so that a rare class can win images of a common "
            "one (docs/losses/README.md, label smoothing); let the operator smooth nothing, and give the loss "
            "`label_smoothing`",
            type(loss).__name__,
            operator or "DataLoader.Train.dataset",
        )


def _smoothing_operator(config):
    """The host's batch operator that smooths labels, or None."""
    dataset = (config["DataLoader"].get("Train") or {}).get("dataset") or {}
    for entry in dataset.get("batch_transform_ops") or []:
        for name, params in entry.items():
            if name == "MixupCutmixHybrid" and (params or {}).get("label_smoothing", 0.1):
                return name
    return None
