"""The state of a run in a file: JSON and NumPy arrays in one ``.npz``, nothing that runs when it is read."""

from __future__ import annotations

import io
import json
import os
import zipfile
from typing import Any

import numpy as np

from ..basis import atomic
from ..basis.checks import ConfigError

_JSON, _ARRAY = "json", "array_{}"
# Keys of a JSON map that stands for something which JSON lacks.
_MARKS = ("array", "tuple", "map")
_MARK = "__{}__"


def write(path: str | os.PathLike, state: Any) -> None:
    """Write plain containers, numbers, text and arrays, whole or not at all; they come back as they are."""
    atomic.write(path, encoded(state))


def encoded(state: Any) -> bytes:
    """Return what :func:`write` writes.

    Raises:
        TypeError: it holds something else; the message says where and what.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_to_json(state, arrays, "state"))
    buffer = io.BytesIO()
    np.savez(buffer, **{_JSON: np.frombuffer(text.encode(), dtype=np.uint8)}, **arrays)  # type: ignore[arg-type]  # none is named as an argument
    return buffer.getvalue()


def is_one(path: str | os.PathLike) -> bool:
    """Whether a file is of this form; before it, the state was a pickle."""
    return zipfile.is_zipfile(path)


def read(path: str | os.PathLike) -> Any:
    """Return what was written.

    Raises:
        ConfigError: the file is damaged.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _from_json(json.loads(arrays[_JSON].tobytes()), arrays)
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: must be the state of a run, got a damaged file: {error}") from error


def _to_json(value, arrays, place):
    if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
        return value
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        name = _ARRAY.format(len(arrays))
        arrays[name] = value
        return {_MARK.format("array"): [name, isinstance(value, np.generic)]}
    if isinstance(value, list):
        return [_to_json(inner, arrays, f"{place}[{i}]") for i, inner in enumerate(value)]
    if isinstance(value, tuple):
        return {_MARK.format("tuple"): _to_json(list(value), arrays, place)}
    if isinstance(value, dict):
        content = {key: _to_json(inner, arrays, f"{place}.{key}") for key, inner in value.items()}
        if all(isinstance(key, str) for key in value) and not any(_MARK.format(mark) in value for mark in _MARKS):
            return content
        return {_MARK.format("map"): [[_to_json(key, arrays, place), inner] for key, inner in content.items()]}
    raise TypeError(f"{place}: {type(value).__name__}")


def _from_json(value, arrays):
    if isinstance(value, list):
        return [_from_json(inner, arrays) for inner in value]
    if not isinstance(value, dict):
        return value
    for mark in _MARKS:
        inner = value.get(_MARK.format(mark))
        if inner is not None and len(value) == 1:
            return _unmarked(mark, inner, arrays)
    return {key: _from_json(inner, arrays) for key, inner in value.items()}


def _unmarked(mark, inner, arrays):
    if mark == "array":
        name, scalar = inner
        return arrays[name][()] if scalar else arrays[name]
    if mark == "tuple":
        return tuple(_from_json(inner, arrays))
    return {_from_json(key, arrays): _from_json(each, arrays) for key, each in inner}
