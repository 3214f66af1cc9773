"""The label list of a section ``dataset``, held to the number of classes, and its images as paths."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..basis import checks
from ..data import list_files
from .reading import by_name, parameters, reads_list

if TYPE_CHECKING:
    from ..data.list_files import LabelList

# Where a data set's images lie, which other lists of it share with the training list.
PLACE = ("image_root", "delimiter")
# What says which images a data set by name takes where no list does.
DRAW = ("mode", "ratio", "profile", "order", "seed")


def read(owner: str, name: str, dataset: dict, class_num: int | None) -> LabelList:
    """Return the list of a section.

    Args:
        owner, name (str): who asks, and the parameter that holds the path, for messages.
        dataset (dict): with ``cls_label_path``.
        class_num (int, optional): number of classes.

    Raises:
        ConfigError: it is no list, or has more classes.
    """
    found = list_files.read_label_list(
        dataset.get("cls_label_path"),  # type: ignore[arg-type]  # which says so where there is none
        owner=owner,
        name=name,
        delimiter=dataset.get("delimiter"),
    )
    if class_num is not None and found.counts.size > class_num:
        got = checks.described(f"label {found.counts.size - 1} in {dataset['cls_label_path']}")
        checks.fail(owner, name, f"a list of labels below {class_num}, the number of classes", got)
    return found


def paths(dataset: dict, found: LabelList) -> set[str]:
    """Return the images of a list as full paths."""
    return _full(dataset, found.images)


def images(owner: str, name: str, dataset: dict) -> set[str] | None:
    """Return the images that a section takes as full paths; None where that is not known.

    Args:
        owner, name (str): who asks, and what the section is, for messages.
        dataset (dict): a section ``dataset``.

    Raises:
        ConfigError: its list is there and is none.
    """
    named = by_name(dataset)
    if named is not None and not reads_list(dataset):
        data, delimiter = named.as_list(**parameters(dataset))
        return _full(dataset, [line.split(delimiter)[0] for line in data.decode().splitlines()])
    listing = dataset.get("cls_label_path")
    if not reads_list(dataset) or not isinstance(listing, str) or not os.path.isfile(listing):
        return None
    return paths(dataset, read(owner, name, dataset, None))


def another(section: dict, training: dict, path: str | os.PathLike) -> dict:
    """Return a section for another list of the training's data set, with the operators of ``section``."""
    place = {key: training[key] for key in PLACE if key in training}
    return {**without_images(section), **place, "cls_label_path": str(path)}


def judged(section: dict, training: dict) -> dict | None:
    """Return a section for the training's images with the operators of ``section``; None where they are not here."""
    if by_name(training) is not None and not reads_list(training):
        return {**without_images(section), **{key: training[key] for key in ("name", *PLACE, *DRAW) if key in training}}
    listing = training.get("cls_label_path")
    if not reads_list(training) or not isinstance(listing, str) or not os.path.isfile(listing):
        return None
    return another(section, training, listing)


def without_images(section: dict) -> dict:
    """Return a section without what says which images it takes."""
    gone = ("cls_label_path", *PLACE, *(() if by_name(section) is None else DRAW))
    return {key: value for key, value in section.items() if key not in gone}


def _full(dataset, names):
    root = os.path.realpath(str(dataset.get("image_root", "")))  # so that a link to it is no other folder
    return {os.path.normpath(os.path.join(root, name)) for name in names}
