"""What PaddleClas itself would answer by an assertion or a traceback, some of it after an epoch: said before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from .. import host
from ..basis import checks
from ..basis.findings import Finding, of, place
from .reading import sound

CLASSIFICATION, RETRIEVAL = "classification", "retrieval"
# Of a matrix of similarities, which an evaluation by classes does not have.
_OF_RETRIEVAL = ("Recallk", "Precisionk", "mAP", "mINP")
# Heads that take the true class into their logits.
_MARGINS = ("ArcMargin", "CosMargin", "CircleMargin", "AdaMargin")
# Batch operators after which an image has no one class.
_MIXING = ("MixupOperator", "CutmixOperator", "FmixOperator", "MixupCutmixHybrid", "OpSampler")
# How many images of each class, of two samplers.
_OF_EACH_CLASS = ("sample_per_id", "num_instances")
# The files of data sets that have other names for them.
_FILES = {"AdaFaceDataset": ("root_dir", "label_path"), "FiveValidationDataset": ("val_data_path",)}


def evaluation(config: dict, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with the kind of evaluation, and what it is evaluated with.

    Args:
        config (dict): the host's configuration.
        parts (list of str): which of ``Train`` and ``Eval`` are built.
    """
    kind = (config.get("Global") or {}).get("eval_mode", CLASSIFICATION)
    found = list(of(checks.choice, "Global", "eval_mode", kind, host.eval_modes()))
    yield from found
    if found or "Eval" not in parts:
        return
    section = (config.get("DataLoader") or {}).get("Eval")
    if kind == RETRIEVAL and isinstance(section, dict) and len(section) != 1:  # of one alone, query and gallery both
        for name in ("Query", "Gallery"):
            if not isinstance(section.get(name), dict):
                yield checks.finding("DataLoader.Eval", name, f"be a section, to evaluate {kind}", section.get(name))
    if isinstance(config.get("Loss"), dict) and config["Loss"].get("Eval") == []:
        yield checks.finding("Loss", "Eval", "be a list of losses, or be left out", [])
    if kind == CLASSIFICATION:
        for where, name, _ in sound(config, "Metric", "Eval"):
            if name in _OF_RETRIEVAL:
                text = f"{where}: {name} must be used with `Global.eval_mode: {RETRIEVAL}`, got {CLASSIFICATION}"
                must = f"be used with `Global.eval_mode: {RETRIEVAL}`"
                yield checks.worded(text, where, name, must, kind)._replace(path=place(where, name))


def samplers(config: dict, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield batches that the host's samplers of a few images of each class cannot fill."""
    for part in parts:
        section = ((config.get("DataLoader") or {}).get(part) or {}).get("sampler")
        if not isinstance(section, dict):
            continue
        size, owner = _whole(section.get("batch_size")), f"DataLoader.{part}.sampler"
        name, each, several = section.get("name"), *(_whole(section.get(key)) for key in _OF_EACH_CLASS)
        if name == "PKSampler" and size and each and size % each:
            yield checks.finding(owner, "batch_size", f"be a multiple of `{_OF_EACH_CLASS[0]}`, {each}", size)
        if name == "DistributedRandomIdentitySampler" and size and several and size < several:  # it would never end
            yield checks.finding(owner, "batch_size", f"be at least `{_OF_EACH_CLASS[1]}`, {several}", size)


def margins(config: dict, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield mixed images before a head that takes the class of each."""
    head = (config.get("Arch") or {}).get("Head")
    dataset = ((config.get("DataLoader") or {}).get("Train") or {}).get("dataset")
    entries = dataset.get("batch_transform_ops") if isinstance(dataset, dict) else None
    if "Train" not in parts or not isinstance(head, dict) or head.get("name") not in _MARGINS:
        return
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        for name in entry if isinstance(entry, dict) else ():
            if name in _MIXING:
                got = checks.described(f"{name}, whose images have several classes, before {head['name']}")
                must = "be an operator that leaves each image its class"
                yield checks.finding("DataLoader.Train.dataset", f"batch_transform_ops[{number}]", must, got)


def files(config: dict, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield files that are not there, of data sets that call them otherwise than the others."""
    for part in parts:
        dataset: Any = ((config.get("DataLoader") or {}).get(part) or {}).get("dataset")
        for key in _FILES.get(str(dataset.get("name")), ()) if isinstance(dataset, dict) else ():
            path = dataset.get(key)
            if isinstance(path, str) and not os.path.exists(path):
                yield checks.finding(f"DataLoader.{part}.dataset", key, "be an existing path", checks.sought(path))


def _whole(value: Any) -> int | None:
    """The value, where it is a whole number above 0; else it is said elsewhere."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
