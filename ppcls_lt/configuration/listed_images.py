"""The label list of a section ``dataset``, held to the number of classes, and its images as paths."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..basis import checks
from ..data import list_files

if TYPE_CHECKING:
    from ..data.list_files import LabelList

# Where a data set's images lie, which other lists of it share with the training list.
PLACE = ("image_root", "delimiter")


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
    root = os.path.abspath(str(dataset.get("image_root", "")))
    return {os.path.normpath(os.path.join(root, image)) for image in found.images}


def another(section: dict, training: dict, path: str | os.PathLike) -> dict:
    """Return a section for another list of the training's data set, with the operators of ``section``."""
    own = {key: value for key, value in section.items() if key not in PLACE}
    return {**own, **{key: training[key] for key in PLACE if key in training}, "cls_label_path": str(path)}
