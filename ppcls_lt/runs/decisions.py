"""How a run's probabilities become classes: what ``ppcls-lt decide`` keeps in its folder, for certain weights."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ..basis import atomic, checks
from ..basis.checks import ConfigError
from .checkpoints import WEIGHTS

FILE = "decision.json"
RULE = ("factors", "costs", "not_sure_below")


def weights_sum(weights: str | os.PathLike) -> str:
    """Return the SHA-256 of a checkpoint's weights, given with or without the ending."""
    found = hashlib.sha256()
    with open(f"{os.fspath(weights).removesuffix(WEIGHTS)}{WEIGHTS}", "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def write(folder: Path, content: dict) -> None:
    """Write a decision into the output folder of a run."""
    atomic.sweep(folder / FILE)
    atomic.write(folder / FILE, json.dumps(content, indent=1, ensure_ascii=False).encode())


def read(folder: str | os.PathLike, weights: str | os.PathLike, class_num: int, owner: str) -> dict | None:
    """Return the decision that a run keeps, a map with ``factors``, ``costs`` and ``not_sure_below``, or None.

    Args:
        folder (str or Path): the run's output folder.
        weights (str): those that are used.
        class_num (int): number of classes C.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: the file is damaged, or was solved on other weights.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        factors, costs, _ = (content[key] for key in RULE)
        whole = factors is None or len(factors) == class_num
        if costs is not None:
            whole = len(costs) == class_num and all(len(row) in (class_num, class_num + 1) for row in costs)
        known = content["weights_sha256"]
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        got = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{path}: must be what ppcls-lt decide wrote, got: {got}") from error
    if not whole:
        raise ConfigError(f"{path}: must be a decision among {class_num} classes, got one among others")
    if known != weights_sum(weights):
        got = checks.described(f"{path}, which was solved on other weights than {weights}", whole=True)
        remedy = "`ppcls-lt decide` solves it anew, `--no-decision` of predict goes without, or remove the file"
        raise ConfigError(checks.finding(owner, "--run", "be a run whose decision is of its weights", got, remedy))
    return content


def command(folder: str | os.PathLike) -> str | None:
    """Return by which command the decision that a folder keeps was made, or None without one that tells it."""
    try:
        return str(json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))["command"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def rule(content: dict | None) -> dict | None:
    """Return what of a decision makes classes of probabilities, or None without one."""
    return None if content is None else {key: content[key] for key in RULE}
