"""``relabel: true`` of the host's data sets: by the sorted labels of the training list, for every list alike.

The host numbers the labels of each list by itself, in the order of a set: the
same label is another class in training and in evaluation.
"""

from __future__ import annotations

import importlib
import inspect

from ..basis.checks import ConfigError
from ._wrapping import extend_in

_DATA_SETS = (("imagenet_dataset", "ImageNetDataset"), ("vehicle_dataset", "VeriWild"))


def repair() -> None:
    """Let ``relabel`` be true or a list of labels, whose places are the classes; later calls change nothing."""
    for module_name, name in _DATA_SETS:
        module = importlib.import_module(f"ppcls.data.dataloader.{module_name}")
        component = getattr(module, name)
        knows = "relabel" in inspect.signature(component.__init__).parameters
        if knows and not getattr(component._load_anno, "_sorted", False):
            extend_in(module, f"{name}._load_anno", _load)
            component._load_anno._sorted = True


def _load(original, dataset, *args, **kwargs):
    """Read a list, then number its labels."""
    if hasattr(dataset, "relabel"):  # ImageNetDataset keeps it, VeriWild is given it here
        wanted, dataset.relabel = dataset.relabel, False
        original(dataset, *args, **kwargs)
        dataset.relabel = wanted
    else:
        (wanted,) = args or kwargs.values()
        original(dataset, False)
    if wanted is False or wanted is None:
        return
    dataset.label_classes = sorted({int(label) for label in dataset.labels}) if wanted is True else list(wanted)
    place = {label: number for number, label in enumerate(dataset.label_classes)}
    kind = type(dataset.labels[0]) if dataset.labels else int
    try:
        dataset.labels = [kind(place[int(label)]) for label in dataset.labels]
    except KeyError as error:
        raise ConfigError(
            f"{type(dataset).__name__}: `relabel` needs labels that the training list has, {len(place)} of them from "
            f"{dataset.label_classes[0]} to {dataset.label_classes[-1]}, got {error.args[0]} in {dataset._cls_path}"
        ) from error
