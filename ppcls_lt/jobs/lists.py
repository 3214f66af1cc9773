"""The label lists of a comparison: what trains, what is held out to judge, what tests."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..basis import atomic, checks
from ..basis.findings import raise_all
from ..configuration import listed_images, named_data
from ..configuration import reading as configuration
from ..data import folds, list_files
from ..data.counts import images_per_class
from ..data.drawing import one_by_one
from . import OWNER
from .kept import keep_list

FOLDS = 5  # unless more or fewer are asked for
SUMS = "lists.sha256"


class Part(NamedTuple):
    """What a seed trains on and what it holds out: paths, and the lists' content where they are to be written."""

    training: str
    held_out: str
    contents: tuple[bytes, bytes] | None


class Lists:
    """Training, held-out and test images, and how many there are of each class.

    Args:
        base (dict): the base configuration.
        folder (Path): where lists of folds are to be written.
        number (int or None): of folds, of which each seed holds out another; ``FOLDS`` by default.
        val_list (str or None): a list that every seed holds out instead.
        seeds (sequence of int): of the trainings.

    Attributes:
        counts (array): images per class ``[C]`` of the whole training list.
        validation_counts (array): images per class ``[C]`` that some seed holds out, each counted once.
        whole (str): the list in which held-out images have their numbers.
        folds (int or None): their number; None with ``val_list``.

    Raises:
        ConfigError: a list cannot be read or divided, or has images of another.
    """

    def __init__(
        self,
        base: dict,
        folder: Path,
        number: int | None,
        val_list: str | os.PathLike | None,
        seeds: Sequence[int],
    ) -> None:
        train, test = (base["DataLoader"][part]["dataset"] for part in ("Train", "Eval"))
        class_num = configuration.class_number(base)
        whole = listed_images.read("DataLoader.Train.dataset", "cls_label_path", train, class_num)
        self.counts = np.pad(whole.counts, (0, max((class_num or 0) - whole.counts.size, 0)))
        tested = listed_images.read("DataLoader.Eval.dataset", "cls_label_path", test, self.counts.size)
        _refuse_trained(test, listed_images.paths(test, tested) & listed_images.paths(train, whole))
        self.folds: int | None = None
        self._written: list[Path] = []
        self._sums = {"training": train["cls_label_path"], "test": test["cls_label_path"]}
        if val_list is None:
            number = FOLDS if number is None else checks.integer(OWNER, "--folds", number, minimum=2)
            self.whole, self.folds = str(train["cls_label_path"]), number
            self._parts = _parts_of(whole, folder, number, seeds)
            self.validation_counts = self._held_out(whole, seeds)
            sizes = {"validation": (str(folder / "folds" / f"of_{number}"), int(self.validation_counts.sum()))}
        else:
            if number is not None:
                checks.fail(OWNER, "--folds", "left out with --val-list", number)
            self.whole = str(val_list)
            section = {**train, "cls_label_path": val_list}
            found = listed_images.read(OWNER, "--val-list", section, self.counts.size)
            one_by_one(found.labels, found.images, OWNER, "--val-list")
            configuration.check_images({**section, "cls_label_path": str(val_list)}, f"{OWNER}: --val-list")
            _refuse_shared(listed_images.paths(train, found), {"test": (test, tested), "training": (train, whole)})
            part = Part(train["cls_label_path"], str(val_list), None)
            self._parts = {seed: (np.arange(len(found.lines)), part) for seed in seeds}
            self.validation_counts = _images_per_class(found, np.full(len(found.lines), True), self.counts.size)
            self._sums["validation"] = str(val_list)
            sizes = {"validation": (str(val_list), len(found.lines))}
        self._sizes = {
            "training": (train["cls_label_path"], len(whole.lines)),
            **sizes,
            "test": (test["cls_label_path"], len(tested.lines)),
        }
        self._whole = whole

    def keep_seeds(self, seeds: Sequence[int]) -> None:
        """Count as held out what these seeds alone hold out."""
        if self.folds is not None:
            self.validation_counts = self._held_out(self._whole, seeds)
            self._sizes["validation"] = (self._sizes["validation"][0], int(self.validation_counts.sum()))

    def with_seeds(self, base: dict, folder: Path, seeds: Sequence[int]) -> Lists:
        """Return the same folds with what other seeds hold out; ``base`` and ``folder`` are those that they are of."""
        return Lists(base, folder, self.folds, None, seeds)

    def held_out(self, seed: int) -> np.ndarray:
        """Images per class ``[C]`` of a seed's fold; without folds those of the list that every seed holds out."""
        return self.validation_counts if self.folds is None else self._held_out(self._whole, [seed])

    def part(self, seed: int) -> Part:
        """What the runs of a seed train on and hold out."""
        return self._parts[seed][1]

    def sizes(self) -> dict[str, tuple]:
        """``training``, ``validation``, ``test`` -> (path, number of images)."""
        return self._sizes

    def _held_out(self, whole, seeds):
        chosen = np.zeros(len(whole.lines), dtype=bool)
        for seed in seeds:
            chosen[self._parts[seed][0]] = True
        return _images_per_class(whole, chosen, self.counts.size)

    def keep(self, folder: Path) -> None:
        """Write the lists of the folds and the sums of those that are given, or find that those there are the same.

        Raises:
            ConfigError: the folder holds runs on other images.
        """
        sums = "".join(f"{_sum(path)}  {name}\n" for name, path in self._sums.items())
        files = [(folder / SUMS, sums.encode(), "runs on lists of other images")]
        for _, part in self._parts.values():
            if part.contents is not None:
                atomic.make_folder(folder, Path(part.training).parent.relative_to(folder))
                paths = map(Path, (part.training, part.held_out))
                files += [(path, data, "a list of other images") for path, data in zip(paths, part.contents)]
        for path, data, what in files:
            if keep_list(path, data, folder, what):
                self._written.append(path)

    def take_back(self) -> None:
        """Remove the files that were not there before :meth:`keep`, and folders that are empty then."""
        for path in self._written:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else is in one
                path.parent.rmdir()
                path.parent.parent.rmdir()
        self._written = []


def positions(whole: Sequence[str], images: Sequence[str]) -> np.ndarray:
    """Return the number of each image of a list, its first line in the whole list, int64 ``[N]``.

    Args:
        whole (sequence of str): the images of the whole list.
        images (sequence of str): those of a part of it, ``[N]``.
    """
    first: dict[str, int] = {}
    for line, image in enumerate(whole):
        first.setdefault(image, line)
    return np.array([first[image] for image in images], dtype=np.int64)


def _parts_of(whole, folder, number, seeds):
    """Seed -> (lines that it holds out, ``Part``)."""
    found, by_partition = {}, {}
    for seed in seeds:
        partition, fold = folds.fold_of(seed, number)
        if partition not in by_partition:
            by_partition[partition] = folds.stratified_folds(
                whole.labels,
                number=number,
                partition=partition,
                images=whole.images,
                owner="DataLoader.Train.dataset",
                name="cls_label_path",
            )
        is_held_out = by_partition[partition] == fold
        lines = np.flatnonzero(is_held_out)
        if not lines.size:
            got = checks.described(f"{number}, and no class has an image in fold {fold}, which seed {seed} holds out")
            checks.fail(OWNER, "--folds", "a number such that every seed holds out an image", got)
        names = (f"partition_{partition}_fold_{fold}_{kind}.txt" for kind in ("train", "val"))
        training, held_out = (str(folder / "folds" / f"of_{number}" / name) for name in names)
        contents = (
            list_files.joined(whole.lines, np.flatnonzero(~is_held_out)),
            list_files.joined(whole.lines, lines),
        )
        found[seed] = lines, Part(training, held_out, contents)
    return found


def _images_per_class(listed, chosen, class_num):
    """Images per class ``[C]`` of the chosen lines, those of one image counted once."""
    first = {image: label for image, label, taken in zip(listed.images, listed.labels.tolist(), chosen) if taken}
    return images_per_class(np.array(list(first.values()), dtype=np.int64), class_num)


def _refuse_trained(test, both):
    if both:
        got = checks.described(
            f"{len(both)} images of the training list in {test['cls_label_path']}, {min(both)} for one"
        )
        expected = "a list of test images, none of which trains, to compare"
        remedy = "take them out of one of the two lists"
        checks.fail("DataLoader.Eval.dataset", "cls_label_path", expected, got, remedy)


def _refuse_shared(images, others):
    for name, (dataset, listed) in others.items():
        both = images & listed_images.paths(dataset, listed)
        if both:
            got = checks.described(f"{len(both)} images of the {name} list, {min(both)} for one")
            checks.fail(OWNER, "--val-list", "a list of images that neither train nor test", got)


def with_lists(base: dict, folder: Path) -> None:
    """Let data sets by name in a base configuration take their images from lists, which are written, once.

    Raises:
        ConfigError: their parameters are wrong, or the folder holds lists of other images.
    """
    raise_all(named_data.findings(base, ("Train", "Eval")))
    for part, name in (("Train", "named_train.txt"), ("Eval", "named_test.txt")):
        section = base["DataLoader"].get(part) or {}
        named = configuration.by_name(section.get("dataset") or {})
        if named is None or configuration.reads_list(section["dataset"]):
            continue
        data, delimiter = named.as_list(**configuration.parameters(section["dataset"]))
        folder.mkdir(parents=True, exist_ok=True)
        keep_list(folder / name, data, folder, f"a list of other images of {named.__name__}", replaces=False)
        section["dataset"] = named_data.with_list(section["dataset"], str(folder / name), delimiter)


def _sum(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
