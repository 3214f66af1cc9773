"""The most confident mistakes of each class, with the images themselves where the evaluation list is still here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...basis.checks import ConfigError
from ...data import list_files
from ...runs import files as run_files
from ..parts.thumbnails import small_copy

if TYPE_CHECKING:
    from .collect import Part

CLASSES = 40  # of more, those with the lowest recall
EACH = 5  # mistakes of a class
_SIDE = 96  # pixels of a small copy


class Mistake(NamedTuple):
    """An image that is predicted wrong: a small copy, or None where it cannot be read; what it is taken for."""

    jpeg: bytes | None
    name: str
    predicted: str
    confidence: float


def gallery(part: Part) -> list[tuple[str, int, list[Mistake]]] | None:
    """Return ``(class, how many mistakes, the most confident)`` of each class with mistakes, the lowest recall first.

    None where the images are not known: the evaluation was of no list, or the list is gone or has other labels now.
    """
    known = _images(part)
    if known is None:
        return None
    root, images = known
    wrong = np.flatnonzero(~part.right)
    wrong = wrong[np.argsort(-part.predictions.confidence[wrong], kind="stable")]
    label = part.predictions.label
    found: list[tuple[str, int, list[Mistake]]] = []
    for each in np.argsort(np.where(np.isnan(part.recall), 2, part.recall), kind="stable").tolist():
        own = wrong[label[wrong] == each]
        if own.size and len(found) < CLASSES:
            shown = [_mistake(part, place, root, images[place]) for place in own[:EACH].tolist()]
            found.append((part.called(each), int(own.size), shown))
    return found


def _mistake(part, place, root, image):
    predictions = part.predictions
    called = part.called(predictions.predicted[place])
    copy = small_copy(os.path.join(root, image), _SIDE)
    return Mistake(copy, image, called, float(predictions.confidence[place]))


def _images(part):
    """Where the evaluation images lie and the path of each from there, in the order of the predictions, or None."""
    dataset, folder = part.dataset, part.info.get("folder")
    listing, root = dataset.get("cls_label_path"), dataset.get("image_root")
    if not (isinstance(listing, str) and isinstance(root, str) and isinstance(folder, str)):
        return None
    try:
        found = list_files.read_label_list(Path(folder, listing), owner="report", delimiter=dataset.get("delimiter"))
    except ConfigError:  # it is gone, or no list any more
        return None
    kept = part.info.get("eval_list_sha256")  # earlier versions kept none
    other = kept is not None and kept != run_files.sum_of(Path(folder, listing))
    if other or not np.array_equal(found.labels, part.predictions.label):
        return None
    return os.path.join(folder, root), found.images


def told(part: Part, words: Mapping[str, str]) -> dict:
    """What the template of the chapter tells."""
    return {"classes": gallery(part), "each": EACH, "most": CLASSES, "wrong": int((~part.right).sum())}
