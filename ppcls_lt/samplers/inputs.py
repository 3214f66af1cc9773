"""What a batch sampler is given, read and checked: labels, indices, image sizes."""

from __future__ import annotations

import numbers
import os
from array import array
from typing import Any

import numpy as np

from ..basis import checks
from ..data.counts import MAX_CLASSES


def labels_of(owner: str, dataset: Any) -> np.ndarray:
    """Return the labels of a data set as an array ``[N]`` of integers.

    Raises:
        ConfigError: it has none, or other ones.
    """
    kind = type(dataset).__name__
    expected = f"a data set whose `labels` hold one integer from 0 to {MAX_CLASSES - 1} for each image"
    if not hasattr(dataset, "labels"):
        checks.fail(owner, "dataset", expected, checks.described(f"{kind}, which has no `labels`"))
    try:
        labels = _natural_numbers(dataset.labels, MAX_CLASSES)
    except ValueError as error:
        checks.fail(owner, "dataset", expected, checks.described(f"{kind} with {error}"))
    if labels.size != len(dataset):
        got = f"{kind} with {labels.size} labels for {len(dataset)} images"
        checks.fail(owner, "dataset", expected, checks.described(got))
    return labels


def image_indices(owner: str, value: Any, size: int) -> np.ndarray:
    """Return ``value``, integers or the path of a file of them, as an array of integers below ``size``."""
    expected = f"integers from 0 to {size - 1}, or the path of a file with one of them a line"
    if isinstance(value, (str, os.PathLike)) and os.path.exists(value):
        checks.regular_file(owner, "indices", value)
    try:
        return _natural_numbers(_read_indices(value) if isinstance(value, (str, os.PathLike)) else value, size)
    except OSError as error:
        checks.unreadable(owner, "indices", value, error)
    except (ValueError, OverflowError, EOFError) as error:
        checks.fail(owner, "indices", expected, checks.described(str(error)))


def _read_indices(path):
    if os.fspath(path).endswith(".npy"):
        return np.load(path, allow_pickle=False)
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return np.array(lines, dtype=str).astype(np.int64)


def _natural_numbers(values, limit):
    """Return ``values`` as an array of integers.

    Raises:
        ValueError: there is none, or which one is no integer in [0, limit).
    """
    if isinstance(values, (list, tuple)):
        try:
            # The fastest way from a list, and one that takes no fractions.
            values = array("I", values)
        except (TypeError, OverflowError):
            number, value = next(
                (number, value)
                for number, value in enumerate(values)
                if not (isinstance(value, numbers.Integral) and 0 <= value < limit)
            )
            raise ValueError(f"{value!r} (entry {number})") from None
    values = np.asarray(values)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise ValueError(f"an array of shape {list(values.shape)} and type {values.dtype}")
    if values.size == 0:
        raise ValueError("an empty list")
    if values.min() < 0 or values.max() >= limit:
        place = np.flatnonzero((values < 0) | (values >= limit))[0]
        raise ValueError(f"{values[place]} (entry {place})")
    return values


def image_sizes(owner: str, scales: Any, dataset: Any) -> list[tuple[int, ...]] | None:
    """Return ``scales`` as a list of (width, height); None where the data set takes plain indices."""
    kinds = [kind.__name__ for kind in type(dataset).__mro__]
    if "MultiScaleDataset" not in kinds:
        if scales is not None:
            checks.fail(owner, "scales", f"left out with {kinds[0]}; it is for MultiScaleDataset", scales)
        return None
    if not isinstance(scales, (list, tuple)) or not scales:
        checks.fail(owner, "scales", f"a list of image sizes in pixels, for {kinds[0]}", scales)
    sizes = []
    for number, scale in enumerate(scales):
        pair = scale if isinstance(scale, (list, tuple)) and len(scale) == 2 else (scale, scale)
        sizes.append(tuple(checks.integer(owner, f"scales[{number}]", side, minimum=1) for side in pair))
    return sizes
