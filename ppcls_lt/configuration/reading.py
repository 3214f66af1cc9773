"""Reading a configuration: its file, its lists, its counts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..basis import checks, yaml_files
from ..basis.findings import ConfigError, Finding, of
from ..basis.registry import found, registered
from ..callbacks import LossSchedule, loss_entries
from ..data.counts import as_counts, count_label_list
from ..data.group_names import THRESHOLDS
from ..datasets import NamedDataset
from .class_numbers import class_number

AUTO = "auto"
NORMALIZED, ETF = "normalized", "etf"
SCALE = "classifier_scale"
CLASSIFIER_KEYS = ("classifier", SCALE)  # of `Arch`, which the host does not know
# What `ppcls-lt adjust` makes of a classifier where an ordinary one, or its bias, is not enough: a Linear on features
# at unit length, with a bias, of a normalised one; an ordinary one with a bias that the architecture's lacks.
GROUPING = ("ManyMediumFewAcc", "ManyMediumFewMAP")  # metrics by groups of classes
UNIT_FEATURES, WITH_BIAS = "unit_features", "with_bias"
ADJUSTED = (UNIT_FEATURES, WITH_BIAS)
# The host's data sets that read a list of lines "image label"; PaddleX's names are names of the first.
IMAGE_LISTS = ("ImageNetDataset", "MultiScaleDataset", "ClsDataset", "ShiTuRecDataset")

_PACKAGE = Path(__file__).resolve().parents[1]
# Installed beside the modules; in a checkout, beside the package.
_CONFIG_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


def find(path: str | os.PathLike, flag: str = "-c") -> Path:
    """Return the file of ``-c``, or of another flag: as given, or among the configs of this package.

    Raises:
        ConfigError: there is no such file, or it is no YAML map.
    """
    for candidate in (Path(path), *(folder / path for folder in _CONFIG_FOLDERS)):
        if os.path.isfile(candidate):
            yaml_files.read_map(candidate, "ppcls-lt", flag)
            return candidate
    folder = next((folder for folder in _CONFIG_FOLDERS if folder.is_dir()), None)
    packaged = [] if folder is None else sorted(str(p.relative_to(folder)) for p in folder.rglob("*.yaml"))
    checks.fail("ppcls-lt", flag, f"a file, or one of {', '.join(packaged)}", checks.sought(path))


def reads_list(dataset: dict) -> bool:
    """Whether a ``dataset`` section names a data set of image lists: the host's, or a registered one made of it."""
    name = dataset.get("name")
    component = registered("dataset").get(name) if isinstance(name, str) else None
    if by_name(dataset) is not None:
        return dataset.get("cls_label_path") is not None
    kinds = [name] if component is None else [kind.__name__ for kind in getattr(component, "__mro__", ())]
    return any(kind in IMAGE_LISTS for kind in kinds)


def by_name(dataset: dict) -> type[NamedDataset] | None:
    """The class of a ``dataset`` section that names a data set whose files are known, else None."""
    name = dataset.get("name")
    component = registered("dataset").get(name) if isinstance(name, str) else None
    return component if isinstance(component, type) and issubclass(component, NamedDataset) else None


def parameters(dataset: dict) -> dict:
    """The parameters of a ``dataset`` section, as its class takes them."""
    return {key: value for key, value in dataset.items() if key not in ("name", "batch_transform_ops")}


def components(config: dict, section: str, part: str | None) -> Iterator[tuple[str, str, dict]]:
    """Yield ``(where, name, params)`` of a list such as ``Loss.Train``, scheduled losses included.

    Raises:
        ConfigError: it is no list of one-key maps.
    """
    for owner, entries in _lists(config, section, part):
        yield from _entries(owner, entries)


def sound(config: dict, section: str, part: str | None) -> Iterator[tuple[str, str, dict]]:
    """Yield those of :func:`components` that are one-key maps; the others are :func:`malformed`."""
    for owner, entries in _lists(config, section, part):
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            with contextlib.suppress(ConfigError):
                yield _component(owner, index, entry)


def malformed(config: dict, section: str, part: str | None) -> Iterator[Finding]:
    """Yield the ``Finding`` of every entry of :func:`components` that is no one-key map."""
    for owner, entries in _lists(config, section, part):
        yield from of(_check_list, owner, entries)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            yield from of(_component, owner, index, entry)


def callbacks(config: dict) -> Iterator[tuple[str, str, dict]]:
    """Yield ``(where, name, params)`` of the list ``Callbacks``."""
    yield from _entries("Callbacks", config.get("Callbacks"))


def _lists(config, section, part):
    """Yield where it is and every list of a part: the losses before a scheduled one beside ``Loss.Train``."""
    if section == "Callbacks":
        yield section, config.get(section)
        return
    yield f"{section}.{part}", (config.get(section) or {}).get(part)
    if (section, part) == ("Loss", "Train"):
        for where, name, params in sound(config, "Callbacks", None):
            if name == LossSchedule.__name__ and params.get("before"):
                yield f"{where} {name}.before", loss_entries(params["before"])


def _entries(owner, entries):
    _check_list(owner, entries)
    for index, entry in enumerate(entries or []):
        yield _component(owner, index, entry)


def _check_list(owner, entries):
    if entries and not isinstance(entries, list):
        raise ConfigError(
            checks.finding(owner, "", "be a list of one-key maps", checks.described(type(entries).__name__))
        )


def _component(owner, index, entry):
    """``(where, name, params)`` of an entry."""
    where = f"{owner}[{index}]"
    if isinstance(entry, str):
        entry = {entry: None}
    if not isinstance(entry, dict) or len(entry) != 1:
        got = checks.described(checks.shown(entry))
        raise ConfigError(checks.finding(where, "", "be a map with one key, the name", got))
    ((name, params),) = entry.items()
    if params is not None and not isinstance(params, dict):
        got = checks.described(checks.shown(params))
        raise ConfigError(checks.finding(f"{where} {name}", "", "have a map of parameters", got))
    return where, name, params or {}


def losses(config: dict, part: str) -> Iterator[tuple[str, type, dict]]:
    """Yield ``(where, class, params)`` of the losses in ``Loss.<part>`` that are built on ``LongTailLoss``."""
    for where, name, params in components(config, "Loss", part):
        loss = found("loss", name, params)
        if loss is not None:
            from ..losses import LongTailLoss  # imports Paddle, as whoever registered a loss has

            if issubclass(loss, LongTailLoss):
                yield where, loss, params


def counting_components(config: dict) -> Iterator[tuple[str, str, dict]]:
    """Yield ``(where, name, params)`` of this package's losses and metrics, which may know counts."""
    for section in ("Loss", "Metric"):
        for part in ("Train", "Eval"):
            for where, name, params in components(config, section, part):
                if found(section.lower(), name, params) is not None:
                    yield where, name, params


def classifier_kind(config: dict) -> str | None:
    """What ``Arch.classifier`` says, ``etf`` of a fixed simplex for one, or None of an ordinary one.

    Raises:
        ConfigError: it is unknown.
    """
    kind = config["Arch"].get("classifier")
    return None if kind is None else checks.choice("Arch", "classifier", kind, (NORMALIZED, ETF, *ADJUSTED))


def normalized_scale(config: dict) -> float | None:
    """The scale of the normalised classifier, or None when the classifier is an ordinary one.

    It is written once, in the loss that is made for cosines: its ``cosine_scale``; or else in ``Arch``.

    Raises:
        ConfigError: ``Arch.classifier`` is unknown, or no or different scales are stated.
    """
    if classifier_kind(config) != NORMALIZED:
        return None
    own = config["Arch"].get(SCALE)
    stated = {} if own is None else {f"Arch.{SCALE}": checks.number("Arch", SCALE, own, above=0)}
    names = [f"Arch.{SCALE}"] * len(stated)
    for part in ("Train", "Eval"):
        for where, cls, params in losses(config, part):
            scale = _cosine_scale(cls, params, config)
            if scale is not None:
                stated[where] = scale
                names += [] if cls.__name__ in names else [cls.__name__]
    if not stated:
        raise ConfigError(
            "Arch: `classifier: normalized` takes its scale `s` from LDAMLoss, or another loss that is made for "
            f"cosines, or else from `{SCALE}` beside it, got a Loss without one"
        )
    if len(set(stated.values())) > 1:
        raise ConfigError(f"{', '.join(names)}: `s` must be the same wherever it is stated, got {stated}")
    return next(iter(stated.values()))


def _cosine_scale(cls, params, config):
    """The ``cosine_scale`` of a loss with these parameters, None of one that is not made for cosines."""
    from ..losses import LongTailLoss

    if cls.cosine_scale is LongTailLoss.cosine_scale:
        return None
    params = {key: value for key, value in params.items() if key not in ("weight", "class_weight")}
    if params.get("num_class_list") is not None:
        params["num_class_list"] = [1] * (class_number(config) or 2)
    return cls(**params).cosine_scale


def counts_given(value: Any, owner: str, config: dict, allow_empty: bool) -> np.ndarray:
    """Counts ``[C]`` of a ``num_class_list`` that is a list or a path."""
    dataset = (((config.get("DataLoader") or {}).get("Train") or {}).get("dataset")) or {}
    return as_counts(
        value,
        owner=owner,
        class_num=class_number(config),
        delimiter=dataset.get("delimiter"),
        allow_empty=allow_empty,
    )


def stated_groups(config: dict, counts: np.ndarray) -> tuple[Any, np.ndarray]:
    """``(thresholds, counts)`` that ``ManyMediumFewAcc`` of ``Metric.Eval`` groups the classes by, or the usual ones.

    Where an image has several labels, ``ManyMediumFewMAP`` is asked.

    Args:
        config (dict): the configuration.
        counts (array): images per class ``[C]`` where the metric names no others.
    """
    stated = next((each for _, name, each in components(config, "Metric", "Eval") if name in GROUPING), {})
    grouping = counts
    if stated.get("group_by") is not None:
        grouping = as_counts(
            stated["group_by"], owner="ManyMediumFewAcc", name="group_by", class_num=counts.size, allow_empty=True
        )
    return stated.get("thresholds", THRESHOLDS), grouping


def check_images(dataset: dict, owner: str) -> None:
    """Raise for the first image of a list that is not there; where there is no list nothing is said.

    Args:
        dataset (dict): a section ``dataset``.
        owner (str): its place, for the message.
    """
    root, listing = dataset.get("image_root"), dataset.get("cls_label_path")
    if by_name(dataset) is not None:
        return  # its list names records, and is held against them as it is read
    if not (isinstance(root, str) and isinstance(listing, str) and os.path.isfile(listing)):
        return
    with open(listing, encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            path = os.path.join(root, line.strip().split(dataset.get("delimiter") or " ")[0])
            if not os.path.isfile(path):
                must = "name an image below `image_root`"
                what = "is no file" if os.path.exists(path) else "does not exist"
                text = f"{owner}: line {number} of {listing} must {must}, got {Path(path)}, which {what}"
                got = checks.described(f"{path} in line {number}, which {what}")
                raise ConfigError(checks.worded(text, owner, "cls_label_path", must, got))


def listed_counts(config: dict) -> np.ndarray | None:
    """Training images per class by the training list, or the files of a data set by name; None where none tells."""
    dataset = ((config.get("DataLoader") or {}).get("Train") or {}).get("dataset") or {}
    named = by_name(dataset)
    if named is not None:
        counts = named.counts(**parameters(dataset))
        return np.pad(counts, (0, max((class_number(config) or 0) - len(counts), 0)))
    listing: Any = dataset.get("cls_label_path")
    if not reads_list(dataset) or not os.path.isfile(str(listing)):
        return None
    if dataset.get("relabel", False):
        counts = count_label_list(
            listing, owner="DataLoader.Train.dataset", delimiter=dataset.get("delimiter"), check_labels=False
        )
        counts = counts[counts > 0]
        return np.pad(counts, (0, max((class_number(config) or 0) - len(counts), 0)))
    return count_label_list(
        listing,
        owner="DataLoader.Train.dataset",
        delimiter=dataset.get("delimiter"),
        class_num=class_number(config),
    )
