"""The image files that a folder, a file or a list of files names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..basis import checks
from ..basis.checks import ConfigError
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
    for itself. Single images that a list names need not be there.

    Args:
        given (sequence of str): paths.
        owner (str): who asks, for messages.
        image_root (str, optional): the folder below which lists name images; that of the list by default.
        delimiter (str, optional): of the fields of a label list; None means one space.

    Raises:
        ConfigError: a path is not there, none of the images of a list is, or they name no image at all.
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
            found = _listed(path, root, delimiter or " ", owner)
            if found and not any(map(os.path.exists, found)):
                got = checks.described(f"{path}, of whose {len(found)} images none is there, {found[0]} for one")
                remedy = "`--image-root` names the folder that its paths are relative to"
                checks.fail(owner, "IMAGES", "lists of images that are there", got, remedy)
            paths += found
        else:
            paths.append(path)
    if not paths:
        got = checks.described(f"{', '.join(given)}, with none that ends in {', '.join(ENDINGS)}")
        checks.fail(owner, "IMAGES", "paths with at least one image", got)
    return ImageFiles(paths, others)


def below(folder: str | os.PathLike, others: Counter, again: dict[str, str] | None = None) -> Iterator[str]:
    """Yield the image files below a folder, sorted, relative to it, with ``/``; links are followed, hidden files not.

    A folder to which several links lead is read once.

    Args:
        folder (str): where to look.
        others (Counter): ending -> how many files with it were passed over, which is added to; ``None`` counts what has
            an image's ending and is no file: a link that leads nowhere, a pipe.
        again (dict, optional): gets the folders that had been read already -> where, both relative; those that lead
            back to one that they lie in are left out.

    Raises:
        ConfigError: a folder cannot be read.
    """
    seen: dict[str, str] = {}
    for place, folders, files in os.walk(os.fspath(folder), followlinks=True, onerror=_unreadable):
        real, inside = os.path.realpath(place), os.path.relpath(place, folder)
        if real in seen:
            folders.clear()
            if again is not None and not f"{os.path.realpath(os.path.dirname(place))}{os.sep}".startswith(
                f"{real}{os.sep}"
            ):
                again[Path(inside).as_posix()] = Path(seen[real]).as_posix()
            continue
        seen[real] = inside
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(files):
            if is_hidden(name):
                continue
            if name.lower().endswith(ENDINGS) and not os.path.isfile(os.path.join(place, name)):
                others[None] += 1
            elif name.lower().endswith(ENDINGS):
                yield Path(name).as_posix() if inside == "." else (Path(inside) / name).as_posix()
            else:
                others[os.path.splitext(name)[1].lower() or "no ending"] += 1


def is_hidden(name: str) -> bool:
    """Return whether a file or a folder is one that people do not see."""
    return name.startswith(".") or name == "__MACOSX"


def _unreadable(error):
    raise ConfigError(f"{error.filename}: must be a folder that can be read, got: {error.strerror}") from error


def _below(folder):
    others: Counter = Counter()
    found = [os.path.join(folder, *path.split("/")) for path in below(folder, others)]
    return found, sum(others.values())


def _listed(path, root, delimiter, owner):
    try:
        with label_lists.open_list(path) as file:
            lines = file.read().removeprefix("\ufeff").splitlines()
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
