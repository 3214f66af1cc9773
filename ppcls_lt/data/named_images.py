"""The images of a data set that is known by name, and which of them a long tail or a list takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

from ..basis import checks
from . import list_files, subsets
from .counts import images_per_class

PARTS = ("train", "test")
# The profiles of the long tail.
PROFILES = subsets.KINDS


class Images(NamedTuple):
    """One part of a data set, in the order of its files.

    Attributes:
        names (list of str): M names, each beginning with the part: ``train/00017``, or the path of a file below
            ``folder``.
        labels (array): int64 ``[M]``.
        pixels (array or None): uint8 ``[M, H, W, 3]`` or ``[M, H, W]``; None where each is a file, or not asked for.
        folder (Path): where the files are.
    """

    names: list[str]
    labels: np.ndarray
    pixels: np.ndarray | None
    folder: Path

    def taken(self, positions: np.ndarray) -> Images:
        """Return those at some positions, in their order."""
        names = [self.names[position] for position in positions.tolist()]
        pixels = None if self.pixels is None else self.pixels[positions]
        return Images(names, self.labels[positions], pixels, self.folder)


class Choice(NamedTuple):
    """Which images are taken, checked: a part, a long tail of it, or those of a list."""

    owner: str
    mode: str | None
    ratio: float | None
    profile: str
    order: Any
    seed: int
    cls_label_path: str | None
    delimiter: str | None

    def of(self, read: Callable[[str], Images]) -> Images:
        """Return the images that are taken.

        Args:
            read (callable): part -> its ``Images``.

        Raises:
            ConfigError: a class has too few images, or the list names one that is not there, or with another label.
        """
        if self.cls_label_path is not None:
            return self._listed(read)
        images = read(str(self.mode))
        if self.ratio is None:
            return images
        counts = self.counts(images.labels)
        return images.taken(subsets.ldam_subset(images.labels, counts, seed=self.seed))

    def counts(self, labels: np.ndarray) -> np.ndarray:
        """Return the images of each class ``[C]`` that are taken of a part with these labels ``[M]``."""
        available = images_per_class(labels)
        if self.ratio is None:
            return available
        counts = subsets.tail_counts(
            available, ratio=self.ratio, kind=self.profile, order=self.order, owner=self.owner, name="image_root"
        )
        if self.ratio > counts.max():
            got = checks.described(f"{self.ratio:g} of a largest class of {counts.max()} images")
            checks.fail(self.owner, "ratio", "at most the images of the largest class", got)
        return counts

    def _listed(self, read):
        listed = list_files.read_label_list(
            self.cls_label_path,
            owner=self.owner,
            name="cls_label_path",
            delimiter=self.delimiter,
        )
        wanted = {name.partition("/")[0] for name in listed.images}
        parts = [read(part) for part in PARTS if part in wanted]
        places = {name: (part, place) for part in parts for place, name in enumerate(part.names)}
        for number, (name, label) in enumerate(zip(listed.images, listed.labels.tolist()), 1):
            part, place = places.get(name, (None, 0))
            if part is None or part.labels[place] != label:
                is_there = "which there is not" if part is None else f"which is of class {part.labels[place]}"
                got = checks.described(f"{name} {label} in line {number} of {self.cls_label_path}, {is_there}")
                checks.fail(self.owner, "cls_label_path", "a list of images of this data set", got)
        if len(parts) == 1:
            return parts[0].taken(np.array([places[name][1] for name in listed.images]))
        return _joined([places[name][0].taken(np.array([places[name][1]])) for name in listed.images])


def _joined(parts: Sequence[Images]) -> Images:
    pixels = None if parts[0].pixels is None else np.concatenate([part.pixels for part in parts])
    names = [name for part in parts for name in part.names]
    return Images(names, np.concatenate([part.labels for part in parts]), pixels, parts[0].folder)


def choice(
    owner: str,
    *,
    mode: Any = None,
    ratio: Any = None,
    profile: Any = None,
    order: Any = None,
    seed: Any = None,
    cls_label_path: Any = None,
    delimiter: Any = None,
) -> Choice:
    """Return the ``Choice`` that parameters ask for.

    Args:
        owner (str): who asks, for messages.
        mode (str): ``train``, of which a long tail is taken, or ``test``, which is taken whole.
        ratio (float): images of the largest class over those of the smallest, >= 1; of ``train`` alone.
        profile (str): ``exp`` (by default) or ``step``.
        order (list of int, optional): the classes from most to fewest images; 0, 1, ... by default.
        seed (int): which images are drawn; 0 by default.
        cls_label_path (str, optional): a list of the images to take, in the place of all of these.
        delimiter (str, optional): of that list.

    Raises:
        ConfigError: a parameter is not what it must be, or given where nothing reads it.
    """
    given = {"ratio": ratio, "profile": profile, "order": order, "seed": seed}
    if cls_label_path is not None:
        for name, value in {"mode": mode, **given}.items():
            if value is not None:
                checks.fail(owner, name, "left out with `cls_label_path`, whose images are taken", value)
        if not isinstance(cls_label_path, (str, os.PathLike)):
            checks.fail(owner, "cls_label_path", "the path of a list", cls_label_path)
        return Choice(owner, None, None, "exp", "given", 0, str(cls_label_path), delimiter)
    if delimiter is not None:
        checks.fail(owner, "delimiter", "left out without `cls_label_path`", delimiter)
    checks.choice(owner, "mode", mode, PARTS)
    if mode == "test":
        for name, value in given.items():
            if value is not None:
                checks.fail(owner, name, "left out with `mode: test`, whose images are all taken", value)
        return Choice(owner, mode, None, "exp", "given", 0, None, None)
    ratio = checks.number(owner, "ratio", ratio, minimum=1)
    profile = checks.choice(owner, "profile", "exp" if profile is None else profile, PROFILES)
    if order is not None and not isinstance(order, (list, tuple)):
        checks.fail(owner, "order", "a list of the classes, from most to fewest images", order)
    seed = checks.integer(owner, "seed", 0 if seed is None else seed, minimum=0, maximum=2**32 - 1)
    return Choice(owner, mode, ratio, profile, "given" if order is None else list(order), seed, None, None)


def as_list(images: Images, delimiter: str) -> bytes:
    """Return a label list of images, as a file."""
    lines = [f"{name}{delimiter}{label}\n" for name, label in zip(images.names, images.labels.tolist())]
    return "".join(lines).encode("utf-8")
