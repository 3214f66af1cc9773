"""Images per class ``[C]``: counting a label list, reading counts that are given. Standard library and NumPy only."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from ..basis import checks
from . import label_lists

# Images per class ``[C]``, or the path of a label list to count.
CountsLike = Union[Sequence[int], np.ndarray, str, os.PathLike]
# One stray label such as a time stamp must not allocate gigabytes of zeros.
MAX_CLASSES = 10**7
# Labels are counted in parts, since NumPy takes eight bytes for each of a part.
_CHUNK = 2**16


def count_label_list(
    path: str | os.PathLike,
    *,
    owner: str,
    name: str = "cls_label_path",
    delimiter: str | None = None,
    class_num: int | None = None,
    check_labels: bool = True,
) -> np.ndarray:
    """Count the images per class in a PaddleClas label list.

    Every line is ``image<delimiter>label``. A line is read as PaddleClas reads
    it: stripped, split at the delimiter, the second field is the label. What
    PaddleClas could not read is an error: see ``label_lists``.

    Args:
        path (str): the label list.
        owner (str): who asks, for messages, e.g. ``DataLoader.Train.dataset``.
        name (str): the parameter that holds the path, for messages.
        delimiter (str): what separates the fields; None means one space.
        class_num (int): the number of classes C; None means the highest label + 1.
        check_labels (bool): False ignores ``class_num``, for lists whose labels
            PaddleClas renumbers (its option ``relabel``).

    Returns:
        int64 array ``[C]``: the images per class.

    Raises:
        ConfigError: the file cannot be read, is empty, is not in UTF-8 or begins
            with a byte order mark, holds a line without an integer label or of
            10^6 characters, or a label below 0 or not below C.
    """
    if not isinstance(path, (str, os.PathLike)):
        checks.fail(owner, name, "the path of a label list", path)
    delimiter = " " if delimiter is None else delimiter
    if not isinstance(delimiter, str) or not delimiter:
        checks.fail(owner, "delimiter", "a string that is not empty", delimiter)
    if class_num is not None:
        class_num = checks.integer(owner, "class_num", class_num, minimum=1)
        if class_num > MAX_CLASSES:
            checks.fail(owner, "class_num", f"at most {MAX_CLASSES}", class_num)
    limit = class_num if check_labels else None
    bound = MAX_CLASSES if limit is None else limit
    tally: Counter[int] = Counter()
    if os.path.exists(path):
        checks.regular_file(owner, name, path)
    try:
        # One pass that only counts strings; each distinct one becomes an integer once.
        with label_lists.open_list(path) as file:
            tokens = Counter(line.strip().split(delimiter, 2)[1] for line in label_lists.lines(file))
        for token, images in tokens.items():
            tally[int(token)] += images
    except OSError as error:
        checks.unreadable(owner, name, path, error)
    except (IndexError, ValueError):
        label_lists.fail_at_line(path, owner, name, delimiter, bound)
    if not tally:
        checks.fail(owner, name, f"a list of images ({path})", checks.described("an empty file"))
    if min(tally) < 0 or max(tally) >= bound:
        from_one = (min(tally), max(tally)) == (1, limit)
        label_lists.fail_at_line(path, owner, name, delimiter, bound, from_one)
    counts = np.zeros(max(tally) + 1 if limit is None else limit, dtype=np.int64)
    counts[list(tally)] = list(tally.values())
    return counts


def as_counts(
    value: CountsLike,
    *,
    owner: str,
    name: str = "num_class_list",
    class_num: int | None = None,
    delimiter: str | None = None,
    allow_empty: bool = False,
) -> np.ndarray:
    """Return the images per class, given as numbers or as the path of a label list.

    Args:
        value (sequence of int, array or str): C integers >= 0, or a path.
        owner (str): who asks, for messages, e.g. ``LDAMLoss``.
        name (str): the parameter, for messages.
        class_num (int): the number of classes C, if known.
        delimiter (str): see ``count_label_list``.
        allow_empty (bool): accept classes without any image.

    Returns:
        int64 array ``[C]``.

    Raises:
        ConfigError: no such numbers, not C of them, no class, a class without
            an image (unless ``allow_empty``), or no image at all.
    """
    if isinstance(value, str) and value == "auto":
        checks.fail(
            owner,
            name,
            "a list of integers or the path of a label list here (`auto` is resolved only when "
            "PaddleClas's Engine builds the training data set)",
            value,
        )
    if class_num is not None:
        class_num = checks.integer(owner, "class_num", class_num, minimum=1)
    if isinstance(value, (str, os.PathLike)):
        counts = count_label_list(value, owner=owner, name=name, delimiter=delimiter, class_num=class_num)
    else:
        counts = _integers(value, owner, name)
    if counts.size == 0:
        checks.fail(owner, name, "a list with at least one class", value)
    if class_num is not None and counts.size != class_num:
        got = checks.described(f"{counts.size} numbers")
        checks.fail(owner, name, f"as long as `class_num`, which is {class_num}", got)
    empty = np.flatnonzero(counts == 0)
    if empty.size == counts.size:
        checks.fail(owner, name, "a list with at least one image", checks.described("only zeros"))
    if empty.size and not allow_empty:
        listed = ", ".join(map(str, empty[:10])) + (", ..." if empty.size > 10 else "")
        checks.fail(
            owner,
            name,
            "at least 1 for every class (or set `allow_empty_classes: true`)",
            checks.described(f"no image for {empty.size} of {counts.size} classes: {listed}"),
        )
    return counts


def images_per_class(labels: Sequence[int] | np.ndarray, class_num: int = 0) -> np.ndarray:
    """Return the images per class, int64 ``[C]`` with C the highest label + 1, or ``class_num`` if that is more.

    Args:
        labels (array): ``[N]``, integers >= 0.
        class_num (int): number of classes.
    """
    labels = np.asarray(labels)
    counts = np.zeros(max(class_num, int(labels.max()) + 1 if labels.size else 0), np.int64)
    for part in parts(labels, counts.size):
        counts += np.bincount(part, minlength=counts.size)
    return counts


def parts(labels: np.ndarray, classes: int) -> list[np.ndarray]:
    """Cut labels into parts, none shorter than C but the last: what is done per class stays in proportion."""
    size = max(_CHUNK, classes)
    return [labels[start : start + size] for start in range(0, labels.size, size)]


def class_labels(dataset: Any) -> np.ndarray | None:
    """Return the labels of a data set as an array ``[N]`` of integers, or None where it has no class for each image."""
    labels = getattr(dataset, "labels", None)
    if labels is None or len(labels) == 0 or np.ndim(labels[0]) > 0:
        return None
    labels = np.asarray(labels)
    return labels if labels.dtype.kind in "iu" else None


def label_counts(dataset: Any) -> np.ndarray | None:
    """Return the images with each label, int64 ``[C]``, of a data set with rows of 0 and 1 as labels, else None."""
    labels = getattr(dataset, "labels", None)
    if labels is None or len(labels) == 0 or np.ndim(labels[0]) != 1:
        return None
    rows = np.asarray(labels)
    return (rows == 1).sum(axis=0, dtype=np.int64) if rows.ndim == 2 else None


def _integers(value, owner, name):
    """Return ``value`` as an int64 array ``[C]`` if it is a sequence of integers >= 0."""
    expected = "a list of integers >= 0 or the path of a label list"
    if isinstance(value, np.ndarray):
        if value.ndim != 1 or (value.size and value.dtype.kind not in "iu"):
            got = checks.described(f"an array of shape {list(value.shape)} and type {value.dtype}")
            checks.fail(owner, name, expected, got)
        if value.size and value.min() >= 0 and value.max() <= np.iinfo(np.int64).max:
            return value.astype(np.int64)
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        checks.fail(owner, name, expected, value)
    numbers = [checks.integer(owner, f"{name}[{c}]", n, minimum=0) for c, n in enumerate(value)]
    if max(numbers, default=0) > np.iinfo(np.int64).max:
        checks.fail(owner, name, "a list of integers below 2^63", max(numbers))
    return np.array(numbers, dtype=np.int64)
