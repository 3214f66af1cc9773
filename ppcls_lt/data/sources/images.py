"""Image files below a folder, and images that a list or table names in one way or another."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from ...basis import checks
from ..image_files import is_hidden

PARTS = ("train", "val", "test")
_SHOWN = 3


class Found(NamedTuple):
    """The images of a source, lists of one length N but for ``names`` and ``told``."""

    images: list  # paths relative to the root, with `/`, or absolute ones
    classes: list  # the name of each one's class
    groups: list  # what each one must stay together with; its own path where that is nothing
    parts: list  # of each `train`, `val` or `test`, or None where the source does not say
    names: list | None  # of the classes in the order of their labels; None: they have no order yet
    told: list  # sentences about what was left out, and what was taken for what


def folders_in(folder: str | os.PathLike) -> list[str]:
    """Return the names of the folders in a folder, sorted, without the hidden ones."""
    return sorted(entry.name for entry in os.scandir(os.fspath(folder)) if entry.is_dir() and not is_hidden(entry.name))


def passed_over(others: Counter) -> list[str]:
    """Return the sentences about what is no image, if there is anything."""
    kinds = ", ".join(f"{number} {ending}" for ending, number in others.most_common() if ending is not None)
    told = [f"left out, no images by their endings: {kinds}"] if kinds else []
    if others[None]:
        told.append(f"left out, no files though named like images (links that lead nowhere, pipes): {others[None]}")
    return told


class Places:
    """Finds the images that a list names below a root, and counts those that are not there.

    Args:
        root (str): the folder that the paths are relative to.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = root
        self.missing: list[str] = []

    def find(self, written: str) -> str | None:
        """Return an image's path with ``/``, as it is below the root, or None where there is none."""
        for path in dict.fromkeys((written, written.replace("\\", "/"))):
            if os.path.isfile(os.path.join(self.root, path)):
                return self._once(path)
        self.missing.append(written)
        return None

    def _once(self, path):
        """One way to write a path, so that an image that is written in several is one image."""
        plain = os.path.normpath(path)
        if os.path.isabs(plain):
            inside = os.path.relpath(plain, os.path.abspath(self.root))
            plain = plain if inside.split(os.sep)[0] == os.pardir else inside
        there = os.path.isfile(os.path.join(self.root, plain))  # not behind a link and `..`
        return Path(plain if there else path).as_posix()

    def told(self, owner: str, skip: bool, source: str | os.PathLike) -> list[str]:
        """Return the sentence about images that are not there.

        Raises:
            ConfigError: there are such, and they are not to be skipped.
        """
        if not self.missing:
            return []
        shown = ", ".join(map(repr, self.missing[:_SHOWN])) + (", ..." if len(self.missing) > _SHOWN else "")
        if not skip:
            got = checks.described(f"{len(self.missing)} that are not below {self.root}: {shown}")
            remedy = "`--image-root` names the folder that they lie in, `--skip-missing` leaves them out"
            checks.fail(owner, str(source), "a list of images that are there", got, remedy)
        return [f"left out, not to be found: {len(self.missing)} images of {source} ({shown})"]
