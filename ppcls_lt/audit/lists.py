"""The lists that are audited, as lines one after another, and the files that they name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..basis import checks
from ..data.list_files import LabelList, read_label_list
from . import OWNER

# From what a model learns to what judges it.
PARTS = ("train", "val", "test")


class Lines(NamedTuple):
    """N lines of all lists, those of one list together.

    Attributes:
        lists (dict): part -> its ``LabelList``, in the order of ``PARTS``.
        sources (dict): part -> the path of its list.
        files (list of str): U files, each once, as full paths.
        file (array): which of them a line names, int64 ``[N]``.
        part (array): which of ``lists`` it stands in, by its place there, int64 ``[N]``.
        label (array): its class, int64 ``[N]``.
        names (list of str): N images as the lists name them.
        class_num (int): C.
    """

    lists: dict[str, LabelList]
    sources: dict[str, str]
    files: list[str]
    file: np.ndarray
    part: np.ndarray
    label: np.ndarray
    names: list[str]
    class_num: int

    @property
    def parts(self) -> list[str]:
        """The parts that are there."""
        return list(self.lists)

    def of(self, part: str) -> np.ndarray:
        """The lines ``[n]`` of a list."""
        return np.flatnonzero(self.part == self.parts.index(part))

    def position(self, line: int) -> tuple[str, int]:
        """The part of a line and its number in that list, from 1."""
        part = int(self.part[line])
        return self.parts[part], line - int(np.searchsorted(self.part, part)) + 1


def read(
    sources: Mapping[str, str | os.PathLike | None], image_root: str | os.PathLike, delimiter: str | None
) -> Lines:
    """Return the ``Lines`` of lists.

    Args:
        sources (dict): part -> list, or None where it is not given.
        image_root (str): the folder from which the lists name their images.
        delimiter (str, optional): of the lists; one space by default.

    Raises:
        ConfigError: a list cannot be read, or none of its images is where it should be.
    """
    called = {"train": "LIST", "val": "--val-list", "test": "--test-list"}
    if not os.path.isdir(image_root):
        checks.fail(OWNER, "--image-root", "a folder", checks.sought(image_root))
    given = {part: os.fspath(sources[part]) for part in PARTS if sources.get(part) is not None}  # type: ignore[arg-type]  # filtered
    lists: dict[str, LabelList] = {}
    numbers: dict[str, int] = {}
    for part, path in given.items():
        lists[part] = read_label_list(path, owner=OWNER, name=called[part], delimiter=delimiter)
    root = os.path.realpath(image_root)  # so that a link to it is no other folder
    names = [name for found in lists.values() for name in found.images]
    file = np.empty(len(names), dtype=np.int64)
    for line, name in enumerate(names):
        file[line] = numbers.setdefault(os.path.normpath(os.path.join(root, name)), len(numbers))
    for part, found in lists.items():
        first = os.path.join(root, found.images[0])
        if not any(os.path.exists(os.path.join(root, name)) for name in found.images):
            got = checks.described(f"none of the {len(found.images)} images of {given[part]} there, {first} for one")
            checks.fail(OWNER, "--image-root", "the folder from which the lists name their images", got)
    return Lines(
        lists=lists,
        sources=given,
        files=list(numbers),
        file=file,
        part=np.repeat(np.arange(len(lists)), [len(found.images) for found in lists.values()]),
        label=np.concatenate([found.labels for found in lists.values()]),
        names=names,
        class_num=max(found.counts.size for found in lists.values()),
    )
