"""The values of every evaluation of a run, one JSON line each, in the order of the epochs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..basis import atomic
from ..basis.checks import ConfigError


def read(path: str | os.PathLike) -> list[dict]:
    """Return the records of a history file, a list of dicts; a last line that was cut short is left out.

    A record holds ``epoch``, ``ema`` (true: of the averaged weights), ``values``
    (name -> number), ``loss`` (name -> number), ``per_class`` (name -> list
    ``[C]``), ``best_metric`` (what chooses the best model, or None) and ``score``
    (its value, such that more is better). None stands for what is undefined.
    Those of this version also hold ``seconds``, of training so far in this stage,
    evaluations left out, ``steps`` and ``images``, the batches and images trained on so far in it (all None of an
    evaluation alone; 0.1.0 wrote neither), and ``classifier``, None or ``name``, ``kind`` and ``norm``, the L2 norm of
    each class vector ``[C]``.

    Raises:
        ConfigError: a line before the last is no record.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: must be a file of the records of evaluations, got: {error}") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(_checked(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if number == len(lines) and isinstance(error, json.JSONDecodeError):
                break
            raise ConfigError(
                f"{path}: line {number} must be the record of an evaluation, got {line[:80]!r}"
            ) from error
    return records


def last_epoch(path: str | os.PathLike) -> int:
    """Return the epoch of the last whole record of a history file, 0 without one; reads no more than its end."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            for room in (2**14, 2**18, 2**22, size):
                file.seek(max(size - room, 0))
                lines = file.read().rsplit(b"\n", 2)
                if len(lines) == 3 or room >= size:
                    break
    except FileNotFoundError:
        return 0
    try:
        return _whole(json.loads(lines[-2])["epoch"]) if len(lines) > 1 else 0
    except (ValueError, TypeError, KeyError):
        return 0  # `read` says what is wrong with it


def best(records: Iterable[dict], before: int | None = None) -> dict | None:
    """Return the record with the highest score, the first of equals, or None.

    Args:
        records (list of dict): as ``read`` returns them.
        before (int, optional): look only at epochs before this one.
    """
    scored = [r for r in records if r["score"] is not None and (before is None or r["epoch"] < before)]
    return max(scored, key=lambda record: record["score"], default=None)


class History:
    """Writes such a file, ascending by epoch; an evaluation that is repeated replaces the older record.

    The first record of this object rewrites the file, in one step; later ones
    are appended where they can be.

    Args:
        path (str or Path): the file.
        resume (bool): keep what an earlier run wrote of the epochs before the first record here.
    """

    def __init__(self, path: str | os.PathLike, *, resume: bool) -> None:
        self.path = Path(path)
        self._resume = resume
        self._last = None

    def append(self, record: dict) -> None:
        """Write one record; numbers that are not finite become None."""
        record = finite(record)
        place = _place(record)
        if self._last is None:
            earlier = read(self.path) if self._resume else []
            self._rewrite([*(other for other in earlier if _place(other) < place), record])
            self._last = place
        elif place > self._last:
            with atomic.open_to_append(self.path) as file:
                file.write(_line(record).encode())
            self._last = place
        else:
            others = (other for other in read(self.path) if _place(other) != place)
            self._rewrite(sorted([*others, record], key=_place))

    def _rewrite(self, records):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(self.path, "".join(map(_line, records)).encode())


def _line(record):
    return json.dumps(record, allow_nan=False) + "\n"


def _checked(record):
    """Return a record if everything in it is of the kind that is written.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: something is not.
    """
    _whole(record["epoch"])
    for name in ("values", "loss"):
        for value in record[name].values():
            _number(value)
    for values in record["per_class"].values():
        for value in values:
            _number(value)
    _number(record["score"])
    found = record.get("classifier")
    if found is not None:
        for value in found["norm"]:
            _number(value)
    texts = [record["best_metric"], *((found["name"], found["kind"]) if found is not None else ())]
    if not isinstance(record["ema"], bool) or not all(isinstance(text, (str, type(None))) for text in texts):
        raise ValueError("no flag or no text where one belongs")
    return record


def _whole(value):
    """Return a count, such as an epoch."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"no count: {value!r}")
    return value


def _number(value):
    """Raise unless a value is a number or None, which stands for what is undefined."""
    if value is not None and (type(value) not in (int, float) or not abs(value) < 2.0**63):
        raise ValueError(f"no number: {value!r}")


def _place(record):
    return record["epoch"], record["ema"]


def finite(value: Any) -> Any:
    """Return plain maps, lists and values with None for every number that is not finite, as JSON can say it."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
