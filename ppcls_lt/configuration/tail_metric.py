"""The metric that shows the tail, for a recipe on a configuration that has none."""

from __future__ import annotations

import os

from ..basis.registry import registered
from . import reading as configuration

NAME = "ManyMediumFewAcc"


def brought(stage: dict, mode: str) -> dict:
    """Return a stage of a recipe with ``ManyMediumFewAcc`` behind its metrics, where none of ours is listed.

    It comes last, so that what chooses the best model stays what it is. It is
    not brought where the images have no single class, where the metric could
    not count each image once, or where the images per class are not known.

    Args:
        stage (dict): the configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    if not _fits(stage):
        return stage
    dataset = stage["DataLoader"]["Train"]["dataset"]
    # To evaluate, the training images need not be there; their list tells enough.
    counts = configuration.AUTO if mode == "train" else dataset["cls_label_path"]
    metric = {NAME: {"num_class_list": counts, "allow_empty_classes": True}}
    return {**stage, "Metric": {**stage["Metric"], "Eval": [*stage["Metric"]["Eval"], metric]}}


def _fits(stage):
    section, loaders = stage.get("Global"), stage.get("DataLoader")
    listed = (stage.get("Metric") or {}).get("Eval")
    if not (isinstance(section, dict) and isinstance(loaders, dict) and isinstance(listed, list)):
        return False
    # Only beside the host's own accuracy of one label an image.
    names = {str(name) for entry in listed for name in (entry if isinstance(entry, dict) else [entry])}
    if section.get("recipe") is None or "TopkAcc" not in names or names & set(registered("metric")):
        return False
    if section.get("eval_mode", "classification") != "classification" or section.get("use_multilabel", False):
        return False
    if _inner(loaders, "Train", "sampler").get("indices") is not None:
        return False  # the counts of the whole list are not those of what trains
    if section.get("use_dali", False) or "infer_model_name" in (stage.get("Arch") or {}):
        return False
    dataset = _inner(loaders, "Train", "dataset")
    sampler = _inner(loaders, "Eval", "sampler")
    each_once = sampler.get("name") == "DistributedBatchSampler" and not (
        sampler.get("drop_last", False) or sampler.get("shuffle", False)
    )
    listing = dataset.get("cls_label_path")
    known = configuration.reads_list(dataset) and not dataset.get("relabel", False)
    return each_once and known and isinstance(listing, str) and os.path.isfile(listing)


def _inner(loaders, part, key):
    section = (loaders.get(part) or {}).get(key)
    return section if isinstance(section, dict) else {}
