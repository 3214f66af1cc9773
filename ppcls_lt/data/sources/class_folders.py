"""A folder of class folders; or of the folders train, val and test with class folders in them."""

from __future__ import annotations

import os
from collections import Counter

from ...basis import checks
from ..image_files import below
from .images import Found, folders_in, passed_over

# What people call the parts of their data.
PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def read(folder: str | os.PathLike, owner: str) -> Found:
    """Return the images below a folder, the class of each by the folder that it lies in.

    The class is the first folder on the way, whatever lies deeper. Where all folders with images are called train, val
    or test (or as in ``PART_NAMES``), and one of them train, they are the parts, and the classes lie in them.

    Args:
        folder (str): the folder.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: there is no image in a class folder; parts with class folders in them lie beside other folders.
    """
    others: Counter = Counter()
    again: dict[str, str] = {}
    paths = list(below(folder, others, again))
    first = {path.split("/")[0] for path in paths if "/" in path}
    known = {PART_NAMES.get(name.lower()) for name in first}
    in_parts = "train" in known and None not in known
    if not in_parts:
        _check_not_mixed(paths, folder, owner)
    depth = 1 if in_parts else 0
    _check_once(again, depth, folder, owner)
    images, classes, parts, loose = [], [], [], []
    for path in paths:
        folders = path.split("/")[:-1]
        if len(folders) <= depth:
            loose.append(path)
            continue
        images.append(path)
        classes.append(folders[depth])
        parts.append(PART_NAMES[folders[0].lower()] if in_parts else None)
    if not images:
        got = f"{len(loose)} images without a class" if loose else "none"
        expected = f"a folder with images in a folder for each class ({folder})"
        checks.fail(owner, "SOURCE", expected, checks.described(got))
    told = []
    if in_parts:
        told.append(f"parts: the folders {', '.join(sorted(first))}")
    empty = [name for name in folders_in(folder) if name not in first]
    if in_parts:
        shown = {tuple(path.split("/")[:2]) for path in paths}
        inner = [(part, name) for part in sorted(first) for name in folders_in(os.path.join(folder, part))]
        empty += ["/".join(place) for place in inner if place not in shown]
    if empty:
        told.append(f"left out, no image in them: {', '.join(empty)}")
    if loose:
        told.append(f"left out, in no folder of a class: {checks.some(len(loose), 'image')}, {loose[0]} for one")
    return Found(images, classes, list(images), parts, None, [*told, *passed_over(others)])


def _check_once(again, depth, folder, owner):
    """Raise where one folder is that of two classes or parts, by a link."""
    for path, first in again.items():
        if path.split("/")[: depth + 1] != first.split("/")[: depth + 1]:
            got = checks.described(f"{first} and {path}, which a link makes one folder; take one of them out")
            checks.fail(owner, "SOURCE", f"a folder whose images have one class each ({folder})", got)


def _check_not_mixed(paths, folder, owner):
    """Raise where there are a training and another part, with folders in them, and folders that are no parts."""
    deep = {path.split("/")[0] for path in paths if path.count("/") > 1}
    parts = {name: PART_NAMES[name.lower()] for name in deep if name.lower() in PART_NAMES}
    others = sorted({path.split("/")[0] for path in paths if "/" in path} - set(parts))
    if "train" in parts.values() and len(set(parts.values())) > 1 and others:
        got = checks.described(f"{', '.join(sorted(parts))} with folders in them, and beside them {', '.join(others)}")
        remedy = "take the other folders out of it"
        expected = f"a folder of classes, or of parts with classes in them ({folder})"
        checks.fail(owner, "SOURCE", expected, got, remedy)
