"""The label lists of a comparison: what trains, what chooses, what tests."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..basis import atomic, checks
from ..basis.findings import ConfigError, raise_all
from ..configuration import listed_images, named_data
from ..configuration import reading as configuration
from ..data import list_files, splits
from ..data.counts import images_per_class
from . import OWNER


class Lists:
    """Training, validation and test list, and the images per class.

    Args:
        base (dict): the base configuration.
        folder (Path): where lists that are split off are to be written.
        val_fraction (float): share of the training images, class by class, to choose by.
        val_list (str or None): a list to choose by instead.

    Attributes:
        counts (array): images per class ``[C]`` of the whole training list.
        validation_counts (array): validation images per class ``[C]``.

    Raises:
        ConfigError: a list cannot be read or split, or has images of another.
    """

    def __init__(self, base: dict, folder: Path, val_fraction: float, val_list: str | os.PathLike | None) -> None:
        train, test = (base["DataLoader"][part]["dataset"] for part in ("Train", "Eval"))
        class_num = configuration.class_number(base)
        whole = listed_images.read("DataLoader.Train.dataset", "cls_label_path", train, class_num)
        self.counts = np.pad(whole.counts, (0, max((class_num or 0) - whole.counts.size, 0)))
        tested = listed_images.read("DataLoader.Eval.dataset", "cls_label_path", test, self.counts.size)
        if val_list is None:
            kept, held_out = splits.stratified_split(
                whole.labels,
                fraction=checks.number(OWNER, "--val-fraction", val_fraction, above=0, below=1),
                images=whole.images,
                allow_missing=True,
                owner="DataLoader.Train.dataset",
                name="cls_label_path",
            )
            self._lists: dict[str, tuple] = {
                name: (str(folder / file), len(chosen), list_files.joined(whole.lines, chosen))
                for name, file, chosen in (("training", "train.txt", kept), ("validation", "val.txt", held_out))
            }
            self.validation_counts = images_per_class(whole.labels[held_out], self.counts.size)
        else:
            chosen = listed_images.read(OWNER, "--val-list", {**train, "cls_label_path": val_list}, self.counts.size)
            chosen_images = listed_images.paths(train, chosen)
            for name, other in (
                ("test", listed_images.paths(test, tested)),
                ("training", listed_images.paths(train, whole)),
            ):
                both = chosen_images & other
                if both:
                    got = checks.described(f"{len(both)} images of the {name} list, {min(both)} for one")
                    checks.fail(OWNER, "--val-list", "a list of images that neither train nor test", got)
            self._lists = {
                "training": (train["cls_label_path"], len(whole.lines), None),
                "validation": (str(val_list), len(chosen.lines), None),
            }
            self.validation_counts = np.pad(chosen.counts, (0, self.counts.size - chosen.counts.size))
        self._lists["test"] = (test["cls_label_path"], len(tested.lines), None)

    def __getitem__(self, name: str) -> Any:
        """The path of the ``training``, ``validation`` or ``test`` list."""
        return self._lists[name][0]

    def sizes(self) -> dict[str, tuple]:
        """Name -> (path, number of images)."""
        return {name: (path, images) for name, (path, images, _) in self._lists.items()}

    def keep(self, folder: Path) -> None:
        """Write the lists that were split off and the sums of all, or find that those there are the same.

        Raises:
            ConfigError: the folder holds runs on other images.
        """
        for name, (path, _, data) in self._lists.items():
            if data is not None:
                _keep(Path(path), data, folder, f"a {name} list of other images")
        sums = "".join(f"{self._sum(name)}  {name}\n" for name in self._lists)
        _keep(folder / "lists.sha256", sums.encode(), folder, "runs on lists of other images")

    def _sum(self, name):
        path, _, data = self._lists[name]
        return hashlib.sha256(Path(path).read_bytes() if data is None else data).hexdigest()


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
        _keep(folder / name, data, folder, f"a list of other images of {named.__name__}")
        section["dataset"] = named_data.with_list(section["dataset"], str(folder / name), delimiter)


def _keep(path, data, folder, what):
    if not path.is_file():
        atomic.write(path, data)
    elif path.read_bytes() != data:
        raise ConfigError(f"{OWNER}: `--out` must be another folder, {folder} holds {what} ({path})")
