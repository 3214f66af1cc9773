"""The images that a run was not trained on and is not judged by: what an adjustment after training is chosen on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..basis import checks
from ..basis.findings import Finding, of
from ..data.list_files import listed_classes
from . import listed_images, named_classes
from .reading import IMAGE_LISTS, by_name, reads_list

LIST, EVAL = "val_list", "eval_is_validation"


class HeldOut(NamedTuple):
    """The held-out images."""

    dataset: dict  # a section to evaluate them with
    path: str
    counts: np.ndarray  # images per class [C]


def findings(config: dict) -> Iterator[Finding]:
    """Yield what is wrong with the keys of ``Global`` that name held-out images."""
    section = config["Global"]
    if section.get(LIST) is not None and not isinstance(section[LIST], str):
        yield checks.finding("Global", LIST, "be the path of a label list", section[LIST])
    if not isinstance(section.get(EVAL), str):
        yield from of(checks.flag, "Global", EVAL, section.get(EVAL, False))


def judges(config: dict) -> bool:
    """Whether the list of ``DataLoader.Eval`` is said to be held out to choose by, so that it is no test list.

    ``Global.eval_is_validation`` says so of the list that it names, or, being true, of whichever stands there.
    """
    said = config["Global"].get(EVAL, False)
    if not isinstance(said, str):
        return bool(said)
    loaders = config.get("DataLoader") or {}
    dataset = (loaders.get("Eval") or {}).get("dataset")
    path = dataset.get("cls_label_path") if isinstance(dataset, dict) else None
    return isinstance(path, str) and os.path.abspath(path) == os.path.abspath(said)


def find(config: dict, owner: str, *, is_validation: bool, class_num: int, allow_missing: bool) -> HeldOut:
    """Return the held-out images of a run.

    Those of ``Global.val_list``, or of the list of ``DataLoader.Eval`` where that is said to be one of validation.

    Args:
        config (dict): of the run.
        owner (str): who asks, for messages.
        is_validation (bool): the list of ``DataLoader.Eval`` was held out, whatever the configuration says.
        class_num (int): number of classes C.
        allow_missing (bool): accept classes without an image.

    Raises:
        ConfigError: there are none; they are training or test images; a class has none.
    """
    loaders = config["DataLoader"]
    evaluated, training = loaders["Eval"]["dataset"], (loaders.get("Train") or {}).get("dataset")
    path: str | os.PathLike | None = config["Global"].get(LIST)
    is_validation = is_validation or judges(config)
    if path is None and not is_validation:
        got = checks.described("none; the list of DataLoader.Eval may be the test list")
        remedy = "`--eval-is-validation` takes that of DataLoader.Eval where it was held out to choose by"
        checks.fail(owner, "--val-list", "given, or recorded by the run as Global.val_list", got, remedy)
    if path is None:
        dataset, name = evaluated, "DataLoader.Eval.dataset.cls_label_path"
    else:
        dataset, name = listed_images.another(evaluated, training or evaluated, path), "--val-list"
    check_readable(dataset, owner)
    found = listed_images.read(owner, name, dataset, class_num)
    images = listed_images.paths(dataset, found)
    if training is not None:
        _refuse_shared(owner, name, images, training, "training")
    if path is not None and not is_validation:
        _refuse_shared(owner, name, images, evaluated, "DataLoader.Eval")
    counts = np.pad(found.counts, (0, class_num - found.counts.size))
    empty = np.flatnonzero(counts == 0)
    if empty.size and not allow_missing:
        got = checks.described(
            f"{dataset['cls_label_path']} without {listed_classes(empty, named_classes.called(config))}"
        )
        checks.fail(owner, name, "a list with images of every class (or pass --allow-missing)", got)
    return HeldOut(dict(dataset), str(dataset["cls_label_path"]), counts)


def check_readable(dataset: dict, owner: str) -> None:
    """Raise unless a section names a data set of image lists with labels that are classes."""
    if by_name(dataset) is not None and not reads_list(dataset):
        got = checks.described(f"{dataset['name']} without a list; a run of `ppcls-lt compare` has held out one")
        checks.fail(owner, "DataLoader.Eval.dataset.name", "a data set with a list of held-out images", got)
    if not reads_list(dataset):
        expected = f"one of {', '.join(IMAGE_LISTS)}, with a label for each image"
        checks.fail(owner, "DataLoader.Eval.dataset.name", expected, dataset.get("name"))
    if dataset.get("relabel", False):
        expected = "false, since a list of held-out images may lack a class"
        checks.fail(owner, "DataLoader.Eval.dataset.relabel", expected, True)


def _refuse_shared(owner, name, images, dataset, which):
    both = images & (listed_images.images(owner, f"{which} list", dataset) or set())
    if both:
        got = checks.described(f"{len(both)} images of the {which} list, {min(both)} for one")
        remedy = "`--eval-is-validation` where that list was held out" if which != "training" else ""
        checks.fail(owner, name, "a list of images that neither train nor test", got, remedy)
