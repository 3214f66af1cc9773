"""The image files that a folder, a file or a list of files names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..basis import checks
from . import label_lists

# What OpenCV, with which PaddleClas decodes, reads everywhere.
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
LISTS = (".txt", ".lst", ".list")


class ImageFiles(NamedTuple):
    """Files in their order, and how many others lie in the folders, which end like no image."""

    paths: list[str]
    others: int


def named(
    given: Sequence[str], *, owner: str, image_root: str | None = None, delimiter: str | None = None
) -> ImageFiles:
    """Return the images that some paths name.

    A folder stands for every file below it that ends like an image, in alphabetical order; a file that ends in
    .txt, .lst or .list for the paths in its lines, each alone or with a class behind it as in a label list; any other
    for itself. What a list names need not be there.

    Args:
        given (sequence of str): paths.
        owner (str): who asks, for messages.
        image_root (str, optional): the folder below which lists name images; that of the list by default.
        delimiter (str, optional): of the fields of a label list; None means one space.

    Raises:
        ConfigError: a path is not there, or they name no image at all.
    """
    paths: list[str] = []
    others = 0
    for path in given:
        if os.path.isdir(path):
            found, left = _below(path)
            paths += found
            others += left
            continue
        if not os.path.exists(path):
            checks.fail(owner, "IMAGES", "folders, image files or lists that are there", checks.sought(path))
        checks.regular_file(owner, "IMAGES", path)
        if Path(path).suffix.lower() in LISTS:
            root = str(Path(path).parent) if image_root is None else image_root
            paths += _listed(path, root, delimiter or " ", owner)
        else:
            paths.append(path)
    if not paths:
        got = checks.described(f"{', '.join(given)}, with none that ends in {', '.join(ENDINGS)}")
        checks.fail(owner, "IMAGES", "paths with at least one image", got)
    return ImageFiles(paths, others)


def _below(folder):
    found, others = [], 0
    for home, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(ENDINGS) and os.path.isfile(os.path.join(home, name)):
                found.append(os.path.join(home, name))
            else:
                others += 1
    return found, others


def _listed(path, root, delimiter, owner):
    try:
        with label_lists.open_list(path) as file:
            lines = file.read().splitlines()
    except UnicodeDecodeError as error:
        checks.fail(owner, "IMAGES", "lists of paths, text in UTF-8", checks.described(f"{path}: {error}"))
    found = []
    for line in filter(str.strip, lines):
        name, _, label = line.rpartition(delimiter)
        full = os.path.join(root, line)
        if name and label.strip().lstrip("-").isdecimal() and not os.path.exists(full):
            full = os.path.join(root, name)
        found.append(full)
    return found
