"""The files that a run leaves beside its log: its configuration, its facts, its last predictions.

Together with the history they are all that a report reads. Nothing here needs
Paddle.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..basis import atomic
from ..basis.checks import ConfigError
from ..data.counts import MAX_CLASSES


class Files(NamedTuple):
    """File names of one mode."""

    config: str
    info: str
    history: str
    predictions: str


# An evaluation alone may share the folder of the training that it evaluates.
FILES = {
    "train": Files("config.yaml", "run_info.json", "metrics.jsonl", "predictions.npz"),
    "eval": Files("eval_config.yaml", "eval_run_info.json", "eval_metrics.jsonl", "eval_predictions.npz"),
}


class Predictions(NamedTuple):
    """What one evaluation predicted, in the order in which PaddleClas saw the images."""

    label: np.ndarray  # the right class, int32 [N]
    predicted: np.ndarray  # the class of the highest logit, int32 [N]
    confidence: np.ndarray  # its probability, float32 [N]
    class_num: int
    epoch: int


def write_config(path: str | os.PathLike, config: dict, comment: str = "") -> None:
    """Write a configuration of plain maps, lists and values as YAML below a comment, whole or not at all."""
    atomic.write(path, config_text(config, comment).encode())


_MADE_BY, _SUM = "made by: ", "# as it was made, sha256 of what follows: "


def config_text(config: dict, comment: str = "") -> str:
    """Return a configuration of plain maps, lists and values as YAML below a comment."""
    import yaml

    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    return "".join([*(f"# {line}\n" for line in comment.splitlines()), text])


def made_text(config: dict, made_by: str) -> str:
    """Return a configuration as YAML that says what it was made by, and by a sum whether it is still as it was made."""
    text = config_text(config)
    comment = "".join(f"# {line}\n" for line in f"{_MADE_BY}{made_by}".splitlines())
    return f"{comment}{_SUM}{_sum(text)}\n{text}"


def is_as_made(path: str | os.PathLike) -> bool:
    """Return whether a file is what :func:`made_text` gave, and nobody has changed it."""
    text = Path(path).read_bytes().decode(errors="replace")
    above, found, below = text.partition(f"\n{_SUM}")
    kept, _, content = below.partition("\n")
    return bool(found) and above.startswith(f"# {_MADE_BY}") and kept == _sum(content)


def _sum(text):
    return hashlib.sha256(text.encode()).hexdigest()


def write_info(path: str | os.PathLike, info: dict) -> None:
    """Write the facts of a run as JSON, whole or not at all.

    Args:
        path (Path): the file.
        info (dict): ``mode``, ``folder`` (the working folder), ``run`` (its name, None for an evaluation alone),
            ``stage`` and ``stages``, ``started``, ``seed``, ``processes``,
            ``device``, ``counts`` (training images per class, or None),
            ``class_names`` (class as text -> name, or None), ``labels`` (what each class is called in the lists
            where they are renumbered, or None), ``plugins`` (name -> file of the modules that ``Global.plugins``
            names), ``eval_list_sha256`` (of the evaluated list, or None), ``versions``.
    """
    atomic.write(path, json.dumps(info, indent=1, allow_nan=False).encode())


def sum_of(path: Any) -> str | None:
    """Return the SHA-256 of a file, or None where it is none."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (OSError, TypeError):
        return None


def write_predictions(path: str | os.PathLike, predictions: Predictions) -> None:
    """Write ``Predictions``, 12 bytes an image, whole or not at all."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        label=np.asarray(predictions.label, dtype=np.int32),
        predicted=np.asarray(predictions.predicted, dtype=np.int32),
        confidence=np.asarray(predictions.confidence, dtype=np.float32),
        class_num=np.int64(predictions.class_num),
        epoch=np.int64(predictions.epoch),
    )
    atomic.write(path, buffer.getvalue())


def read_info(path: str | os.PathLike) -> dict:
    """Return the facts of a run.

    Raises:
        ConfigError: the file is damaged.
    """
    try:
        info = json.loads(Path(path).read_text(encoding="utf-8"))
        wrong = None if "mode" in info and "started" in info else "another file"
        wrong = wrong or _wrong_fact(info)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise ConfigError(f"{path}: must be what a run of ppcls-lt wrote, got a damaged file: {error}") from error
    if wrong is not None:
        raise ConfigError(f"{path}: must be what a run of ppcls-lt wrote, got {wrong}")
    return info


def _wrong_fact(info):
    """Which of the facts that are read is not of its kind, in words, or None."""
    counts, names = info["counts"], info.get("class_names")
    right = {
        "mode": isinstance(info["mode"], str) and info["mode"] in FILES,
        "started": isinstance(info["started"], str),
        "run": isinstance(info["run"], (str, type(None))),
        "stage": is_whole(info["stage"]),
        "stages": is_whole(info["stages"]),
        "counts": counts is None or (isinstance(counts, list) and bool(counts) and all(map(is_whole, counts))),
        "class_names": names is None
        or (isinstance(names, dict) and all(k.isdecimal() and isinstance(v, str) for k, v in names.items())),
        "plugins": isinstance(info.get("plugins", {}), dict),
        "versions": isinstance(info.get("versions", {}), dict),
    }
    return next((f"{name} = {str(info.get(name))[:80]!r}" for name, well in right.items() if not well), None)


def is_whole(value: Any) -> bool:
    """Whether a value from JSON is a whole number >= 0 that every reader of JSON keeps."""
    return type(value) is int and 0 <= value < 2**53


def read_predictions(path: str | os.PathLike) -> Predictions | None:
    """Return the ``Predictions`` of a file, or None where there is none.

    Raises:
        ConfigError: the file is damaged.
    """
    if not Path(path).is_file():
        return None
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = Predictions(  # type: ignore[call-arg]  # three of the fields come from one expression
                *(arrays[name] for name in Predictions._fields[:3]), int(arrays["class_num"]), int(arrays["epoch"])
            )
    except (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: must be what an evaluation wrote, got a damaged file: {error}") from error
    if [array.dtype.kind for array in found[:3]] != ["i", "i", "f"]:
        raise ConfigError(f"{path}: must hold classes as integers and confidences as fractions")
    if not 1 <= found.class_num <= MAX_CLASSES or not 0 <= found.epoch:
        raise ConfigError(f"{path}: must be of 1 to {MAX_CLASSES} classes, got {found.class_num}")
    if not found.label.shape == found.predicted.shape == found.confidence.shape == (found.label.size,):
        raise ConfigError(f"{path}: must hold a class, a prediction and a confidence for each image")
    for classes in found[:2]:
        if found.label.size and not (0 <= classes.min() and classes.max() < found.class_num):
            raise ConfigError(
                f"{path}: classes must lie in [0, {found.class_num}), got {classes.min()} to {classes.max()}"
            )
    return found
