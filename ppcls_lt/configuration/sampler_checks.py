"""The sampler of the training, where it is one of this package, built on the counts of the list alone."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from .. import operators
from ..basis import checks
from ..basis.findings import ConfigError, Finding
from ..basis.registry import registered
from . import trying
from .reading import counting_components, listed_counts

_PLACE = "DataLoader.Train.sampler"
_COUNTING = ("ClassMeanClassifier", "DeferredReweighting", "FocalSAM", "ImbSAM")


def with_dali(config: dict) -> Iterator[Finding]:
    """Yield what DALI's loader would leave out without a word: its order of images, and its operators, are its own.

    Args:
        config (dict): the host's configuration, to train.
    """
    if not (config.get("Global") or {}).get("use_dali", False):
        return
    part = (config.get("DataLoader") or {}).get("Train") or {}
    dataset = part.get("dataset") or {}
    ours = [name for name in [(part.get("sampler") or {}).get("name")] if name in registered("sampler")]
    for key in ("transform_ops", "batch_transform_ops"):
        ours += [name for entry in dataset.get(key) or [] for name in entry if name in operators.__all__]
    ours += [name for name in _callbacks(config) if _class_name(name) == "DeferredResampling"]
    if ours:
        got = checks.described("true, with which it has no effect")
        yield checks.finding("Global", "use_dali", f"be false with {', '.join(ours)}", got)


def with_indices(config: dict) -> Iterator[Finding]:
    """Yield what would count, or draw from, all images of a list of which the sampler takes some by ``indices``.

    Args:
        config (dict): the host's configuration, to train.
    """
    part = (config.get("DataLoader") or {}).get("Train") or {}
    sampler = part.get("sampler") or {}
    if sampler.get("name") not in registered("sampler") or sampler.get("indices") is None:
        return
    wholes = [
        f"{where} {name}"
        for where, name, params in counting_components(config)
        if params.get("num_class_list") is not None
    ]
    wholes += [name for name in _callbacks(config) if _class_name(name) in _COUNTING]
    for entry in (part.get("dataset") or {}).get("batch_transform_ops") or []:
        wholes += [name for name in entry if name in operators.__all__]
    if wholes:
        must = f"be left out with {wholes[0]}, which goes by all images of the list; make a list of those alone"
        yield checks.finding(_PLACE, "indices", must, checks.described("some of them"))


def _callbacks(config):
    return [name for entry in config.get("Callbacks") or [] for name in (entry or {})]


def _class_name(name):
    """Of a callback of this package, which may have several names."""
    found = registered("callback").get(name)
    return None if found is None else found.__name__


class _Listed:
    """In the place of a data set: its labels, in the order of the classes."""

    def __init__(self, counts: np.ndarray) -> None:
        self.labels = np.repeat(np.arange(len(counts)), counts)

    def __len__(self) -> int:
        return len(self.labels)


def findings(config: dict) -> Generator[Finding, None, Any]:
    """Yield what the sampler refuses of its parameters, where the training list tells the images per class.

    Args:
        config (dict): the host's configuration, to train.

    Returns:
        The sampler, of one process and the seed 0; None where there is none of this package, or something is wrong.
    """
    part = (config.get("DataLoader") or {}).get("Train") or {}
    section, dataset = part.get("sampler") or {}, part.get("dataset") or {}
    component = registered("sampler").get(str(section.get("name")))
    # One of the user's own may need what a list does not tell.
    if component is None or not component.__module__.startswith(f"{__name__.partition('.')[0]}."):
        return None
    try:
        counts = listed_counts(config)
    except ConfigError:  # said of the list itself
        return None
    if counts is None:
        return None
    # Some samplers ask what kind of data set they are given.
    listed = type(str(dataset.get("name")), (_Listed,), {})(counts)
    params = {name: value for name, value in section.items() if name != "name"}
    return (yield from trying.mistakes(component, {"dataset": listed, "num_replicas": 1, "rank": 0, **params}, _PLACE))
