"""CIFAR-10 and CIFAR-100 as files: the binary form, the Python form (pickles) and a folder for each class.

The first two are those of https://www.cs.toronto.edu/~kriz/cifar.html. A pickle is read by ``basis.unpickling``, which
runs nothing that it names.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..basis import checks, unpickling
from ..basis.checks import ConfigError
from .named_images import Images

BINARY, PYTHON, FOLDERS = "binary", "python", "folders"
_PIXELS = 3 * 32 * 32
_IMAGE_FILES = (".png", ".jpg", ".jpeg", ".bmp")


class Kind(NamedTuple):
    """What the files of CIFAR-10 or CIFAR-100 are called and hold."""

    name: str
    classes: int
    files: dict[str, dict[str, tuple[str, ...]]]  # form -> part -> its files
    folders: dict[str, str]  # form -> the folder that its archive makes
    label_classes: tuple[int, ...]  # of the label bytes of the binary form; the last is the class
    key: str  # of the labels in a pickle


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
CIFAR10 = Kind(
    "CIFAR-10",
    10,
    {
        BINARY: {"train": tuple(f"{batch}.bin" for batch in _BATCHES), "test": ("test_batch.bin",)},
        PYTHON: {"train": _BATCHES, "test": ("test_batch",)},
    },
    {BINARY: "cifar-10-batches-bin", PYTHON: "cifar-10-batches-py"},
    (10,),
    "labels",
)
CIFAR100 = Kind(
    "CIFAR-100",
    100,
    {BINARY: {"train": ("train.bin",), "test": ("test.bin",)}, PYTHON: {"train": ("train",), "test": ("test",)}},
    {BINARY: "cifar-100-binary", PYTHON: "cifar-100-python"},
    (20, 100),
    "fine_labels",
)


def find(kind: Kind, root: str | os.PathLike, part: str, owner: str) -> tuple[str, Path]:
    """Return the form of the data set below a folder, and the folder that its files are in.

    Args:
        kind (Kind): ``CIFAR10`` or ``CIFAR100``.
        root (str): the folder that an archive makes, the one above it, or one with the folders ``train`` and ``test``.
        part (str): ``train`` or ``test``.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: there is none, more than one, or a file of it is missing.
    """
    found = [
        (form, folder)
        for form, names in kind.files.items()
        for folder in (Path(root), Path(root) / kind.folders[form])
        if any((folder / name).is_file() for files in names.values() for name in files)
    ]
    if any((Path(root) / name).is_dir() for name in ("train", "test")):
        found.append((FOLDERS, Path(root)))
    if len(found) != 1:
        _refuse(kind, root, found, owner)
    form, folder = found[0]
    for name in kind.files[form][part] if form in kind.files else ():
        if not (folder / name).is_file():
            checks.fail(owner, "image_root", f"a whole {kind.name}", checks.described(f"no {name} in {folder}"))
    if form == FOLDERS and not (folder / part).is_dir():
        checks.fail(owner, "image_root", f"a whole {kind.name}", checks.described(f"no folder {part} in {folder}"))
    return form, folder


def _refuse(kind, root, found, owner):
    if found:
        got = checks.described(" and ".join(f"{form} in {folder}" for form, folder in found))
        checks.fail(owner, "image_root", f"a folder with one form of {kind.name}", got)
    archives = sorted(path.name for path in Path(root).glob("cifar-*.tar.gz")) if os.path.isdir(root) else []
    first = {form: names["train"][0] for form, names in kind.files.items()}
    expected = (
        f"a folder with {kind.name}: in binary form ({first[BINARY]}, ...), in Python form ({first[PYTHON]}, ...), or "
        f"as train/CLASS/IMAGE and test/CLASS/IMAGE"
    )
    got = checks.described(f"an archive, {archives[0]}; unpack it") if archives else checks.sought(root)
    checks.fail(owner, "image_root", expected, got)


def read(kind: Kind, root: str | os.PathLike, part: str, owner: str, pixels: bool = True) -> Images:
    """Read one part of a data set.

    Args:
        kind, root, part, owner: see :func:`find`.
        pixels (bool): False leaves them out where that is cheaper.

    Raises:
        ConfigError: as of :func:`find`, or a file is damaged or none of this data set.
    """
    form, folder = find(kind, root, part, owner)
    if form == FOLDERS:
        return _read_folders(kind, folder, part, owner)
    batches = [_BATCH_OF[form](kind, folder / name, owner) for name in kind.files[form][part]]
    labels = np.concatenate([labels for labels, _ in batches]).astype(np.int64)
    names = [f"{part}/{number:05d}" for number in range(labels.size)]
    if not pixels:
        return Images(names, labels, None, folder)
    planes = np.concatenate([planes for _, planes in batches])
    images = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Images(names, labels, images, folder)


def _read_binary(kind, path, owner):
    """Labels ``[M]`` and pixels ``[M, 3072]``, red, green, blue."""
    before = len(kind.label_classes)
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        checks.unreadable(owner, "image_root", path, error)
    if not data.size or data.size % (before + _PIXELS):
        got = checks.described(f"{data.size} bytes in {path}")
        checks.fail(owner, "image_root", f"files of whole records, each of {before + _PIXELS} bytes", got)
    records = data.reshape(-1, before + _PIXELS)
    for place, classes in enumerate(kind.label_classes):
        _check_labels(kind, records[:, place], classes, path, owner)
    return records[:, before - 1], records[:, before:]


def _read_pickle(kind, path, owner):
    try:
        with open(path, "rb") as file:
            content: Any = unpickling.load(file)
    except OSError as error:
        checks.unreadable(owner, "image_root", path, error)
    except (ConfigError, pickle.UnpicklingError) as error:
        got = checks.described(f"one that cannot be read: {error}")
        checks.fail(owner, "image_root", f"a folder with the pickles of {kind.name}", got)
    labels, planes = (content.get(key) if isinstance(content, dict) else None for key in (kind.key, "data"))
    expected = f"pickles with `data`, [M, {_PIXELS}] bytes, and `{kind.key}`, M integers"
    if not isinstance(labels, list) or not all(type(label) is int for label in labels) or not labels:
        checks.fail(owner, "image_root", expected, checks.described(f"no such `{kind.key}` in {path}"))
    if not isinstance(planes, np.ndarray) or planes.dtype != np.uint8 or planes.shape != (len(labels), _PIXELS):
        checks.fail(owner, "image_root", expected, checks.described(f"no such `data` in {path}"))
    labels = np.array(labels)
    _check_labels(kind, labels, kind.classes, path, owner)
    return labels, planes


_BATCH_OF = {BINARY: _read_binary, PYTHON: _read_pickle}


def _check_labels(kind, labels, classes, path, owner):
    if labels.min() < 0 or labels.max() >= classes:
        got = checks.described(f"labels from {labels.min()} to {labels.max()} in {path}")
        checks.fail(owner, "image_root", f"files of {kind.name}, with labels from 0 to {classes - 1}", got)


def _read_folders(kind, root, part, owner):
    """The images of ``root/part/CLASS``, the classes being the folders of ``train`` in order, numbers as numbers."""
    classes = {name: label for label, name in enumerate(_class_names(root / ("train" if part == "test" else part)))}
    if part == "test" and not classes:
        classes = {name: label for label, name in enumerate(_class_names(root / part))}
    if len(classes) != kind.classes:
        got = checks.described(f"{len(classes)} in {root / part}")
        checks.fail(owner, "image_root", f"a folder for each of the {kind.classes} classes", got)
    names, labels = [], []
    for name in _class_names(root / part):
        if name not in classes:
            got = checks.described(f"{root / part / name}, which train has not")
            checks.fail(owner, "image_root", "folders of the same classes in train and test", got)
        images = sorted(image.name for image in os.scandir(root / part / name) if _is_image(image))
        names += [f"{part}/{name}/{image}" for image in images]
        labels += [classes[name]] * len(images)
    if not names:
        expected = f"a folder with images ({', '.join(_IMAGE_FILES)})"
        checks.fail(owner, "image_root", expected, checks.described(f"none in {root / part}"))
    return Images(names, np.array(labels, dtype=np.int64), None, root)


def _class_names(folder):
    if not folder.is_dir():
        return []
    names = [entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith(".")]
    return sorted(names, key=int) if all(map(str.isdecimal, names)) else sorted(names)


def _is_image(entry):
    return entry.name.lower().endswith(_IMAGE_FILES) and entry.is_file()
