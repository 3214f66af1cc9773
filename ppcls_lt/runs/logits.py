"""What a model gave for images that it was not trained on, as a file: the logits from which recipes are judged."""

from __future__ import annotations

import io
import os
import zipfile
from typing import NamedTuple

import numpy as np

from ..basis import atomic
from ..basis.checks import ConfigError


class HeldOut(NamedTuple):
    """Logits of N images."""

    logits: np.ndarray  # float32 [N, C]
    label: np.ndarray  # classes, int64 [N]
    image: np.ndarray  # numbers that tell images apart, the same in every run of a comparison, int64 [N]


def write(path: str | os.PathLike, found: HeldOut) -> None:
    """Write a ``HeldOut``, whole or not at all."""
    buffer = io.BytesIO()
    arrays = {
        "logits": found.logits.astype(np.float32),
        "label": found.label.astype(np.int64),
        "image": found.image.astype(np.int64),
    }
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # arrays by name, which the stubs take for flags
    atomic.write(path, buffer.getvalue())


def read(path: str | os.PathLike) -> HeldOut:
    """Return the ``HeldOut`` of a file.

    Raises:
        ConfigError: there is none, or it is damaged.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = HeldOut(*(arrays[name] for name in HeldOut._fields))
    except (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: must be what a run of ppcls-lt compare wrote, got: {error}") from error
    logits, label, image = found
    sound = (
        [array.dtype.kind for array in found] == ["f", "i", "i"]
        and logits.ndim == 2
        and label.shape == image.shape == logits.shape[:1]
        and bool(np.isfinite(logits).all())
        and (label.size == 0 or 0 <= label.min() <= label.max() < logits.shape[1])
    )
    if not sound:
        raise ConfigError(f"{path}: must hold finite logits, and a class and a number for each image")
    return found
