"""Numbers of images per class that components are told, against those of the training data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Callable

import numpy as np

from ..basis import checks
from ..basis.findings import ConfigError, Finding, of, place
from ..basis.registry import found
from ..data.counts import label_counts
from . import named_classes
from .reading import AUTO, class_number, counts_given, listed_counts, sound

_OURS = ("Loss", "Metric")


def findings(config: dict, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield what the training list says against the ``num_class_list`` of this package's losses and metrics.

    Args:
        config (dict): the host's configuration.
        parts (list of str): which of ``Train`` and ``Eval`` are built.
    """
    dataset = ((config.get("DataLoader") or {}).get("Train") or {}).get("dataset") or {}
    try:
        counts = listed_counts(config)
    except ConfigError:  # said of the list itself, where a training needs it
        return
    if counts is None:
        return
    for section in _OURS:
        for part in ("Train", "Eval"):
            for where, name, params in sound(config, section, part):
                if found(section.lower(), name, params) is None or params.get("num_class_list") is None:
                    continue
                at = place(f"{where} {name}", "num_class_list")
                if params["num_class_list"] == AUTO and part not in parts:
                    mistakes: Iterable[Finding] = ()
                elif params["num_class_list"] == AUTO:
                    mistakes = of(check_filled, name, params, counts, data_name(dataset), named_classes.called(config))
                else:
                    mistakes = of(check_same, where, name, params, counts, config)
                yield from (finding._replace(path=at) for finding in mistakes)


def data_name(dataset: Any) -> str:
    """How messages call the training data, by the section ``dataset``."""
    return f"DataLoader.Train.dataset ({dataset.get('cls_label_path', dataset.get('name'))})"


def of_several_labels(config: dict, dataset: Any) -> np.ndarray | None:
    """Training images with each label ``[C]``, of data with several labels an image; None of others.

    Raises:
        ConfigError: the rows of labels are not as long as there are classes.
    """
    if not config["Global"].get("use_multilabel", False):
        return None
    counts, class_num = label_counts(dataset), class_number(config)
    if counts is not None and class_num is not None and len(counts) != class_num:
        must = f"rows of labels must be as long as Arch.class_num ({class_num})"
        raise ConfigError(f"{data_name(config['DataLoader']['Train']['dataset'])}: {must}, got {len(counts)}")
    return counts


def check_filled(name: str, params: dict, counts: np.ndarray, data: str, called: Callable[[object], str] = str) -> None:
    """Raise where a class has no image and the component of that name is not told that it may.

    Args:
        name (str): the component.
        params (dict): its parameters.
        counts (array): training images per class ``[C]``.
        data (str): what :func:`data_name` gives.
        called (callable): what to call a class.
    """
    empty = np.flatnonzero(counts == 0)
    if len(empty) and not params.get("allow_empty_classes", False):
        classes = f"{', '.join(map(called, empty[:10]))}{' and others' if len(empty) > 10 else ''}"
        remedy = "set `allow_empty_classes: true` if that is meant"
        text = f"{name}: {data} has no image of class {classes}; {remedy}"
        got = checks.described(f"{data} without an image of class {classes}")
        must = "be of data with an image of every class"
        raise ConfigError(checks.worded(text, name, "num_class_list", must, got)._replace(remedy=remedy))


def check_same(where: str, name: str, params: dict, counts: np.ndarray, config: dict) -> None:
    """Raise where the counts that a component was given are not those of the training data.

    Args:
        where (str): the component's place.
        name (str): the component.
        params (dict): its parameters.
        counts (array): training images per class ``[C]``.
        config (dict): the host's configuration.
    """
    given = counts_given(params["num_class_list"], name, config, True)
    if len(given) == len(counts) and (given == counts).all():
        return
    data = data_name(config["DataLoader"]["Train"]["dataset"])
    got = checks.described(f"{_shown(given)} where {data} has {_shown(counts)}", whole=True)
    remedy = "`num_class_list: auto` takes them from there"
    must = "be the counts of the training data"
    raise ConfigError(checks.finding(f"{where} {name}", "num_class_list", must, got, remedy))


def _shown(counts, limit=12):
    text = ", ".join(map(str, counts[:limit].tolist()))
    return f"[{text}{', ...' if len(counts) > limit else ''}] ({len(counts)} classes)"
