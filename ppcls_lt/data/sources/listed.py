"""A folder with lists of its images: those of PaddleX and EasyDL, ``train.txt``, ``val.txt`` and ``label.txt``."""

from __future__ import annotations

import os
from pathlib import Path

from ...basis import checks
from . import texts
from .images import PARTS, Found, Places

# `train_list.txt` and `labels.txt` are what PaddleX wrote up to 2 and PaddleClas's own examples have.
_LISTS = {part: (f"{part}.txt", f"{part}_list.txt") for part in PARTS}
_NAMES = ("label.txt", "labels.txt", "label_list.txt")


def is_there(folder: str | os.PathLike) -> bool:
    """Whether a folder has a training list."""
    return _first(folder, _LISTS["train"]) is not None


def read(
    folder: str | os.PathLike,
    owner: str,
    *,
    root: str | os.PathLike,
    names: str | os.PathLike | None = None,
    delimiter: str | None = None,
    skip_missing: bool = False,
) -> Found:
    """Return the images that the lists of a folder name.

    Args:
        folder (str): with ``train.txt``, and ``val.txt``, ``test.txt`` and ``label.txt`` as they are there.
        owner (str): who asks, for messages.
        root (str): what the paths are relative to.
        names (str, optional): a file of names in the place of ``label.txt``.
        delimiter (str, optional): what separates path and label; by default what does in every line.
        skip_missing (bool): leave out images that are not there.

    Raises:
        ConfigError: a line is none of a list, an image is not there, a label has no name.
    """
    told: list = []
    named = _first(folder, _NAMES) if names is None else names
    called = {} if named is None else texts.class_names(named, owner, told)
    images, classes, parts = [], [], []
    for part, files in _LISTS.items():
        path = _first(folder, files)
        if path is None:
            continue
        rows = [line.strip() for line in texts.lines(path, owner, told) if line.strip()]
        separator = texts.delimiter_of(rows, set(called.values()), delimiter, owner, path)
        told.append(f"{part} list: {path}, {len(rows)} lines")
        places = Places(root)
        for row in rows:
            written, _, label = row.rpartition(separator)
            image = places.find(written.strip())
            if image is not None:
                images.append(image)
                classes.append(_name(label.strip(), called, owner, path, named))
                parts.append(part)
        told += places.told(owner, skip_missing, path)
    return Found(images, classes, list(images), parts, list(called.values()) or None, told)


def _name(label, called, owner, path, named):
    """The name of a class that is written as a label, or as its name."""
    number = str(int(label)) if label.isdecimal() else label
    if not called or number in called:
        return called.get(number, number)
    if label not in called.values():
        checks.fail(
            owner, str(path), f"a list of labels that have a name in {named}", checks.described(f"label {label}")
        )
    return label


def _first(folder, names):
    return next((Path(folder) / name for name in names if (Path(folder) / name).is_file()), None)
