"""Whether a path is that of weights, and what to say where it is not."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..basis import checks
from ..runs import checkpoints

_ENDING = checkpoints.WEIGHTS
_BEGINS = b"\x80"  # weights are pickles


def check_existing(owner: str, key: str, path: str) -> None:
    """Raise unless the path is that of weights, with or without its ending, that are not torn."""
    bare = path.removesuffix(_ENDING)
    if os.path.isfile(bare + _ENDING):
        with open(bare + _ENDING, "rb") as file:
            if file.read(1) != _BEGINS:
                got = checks.described(f"{bare}{_ENDING}, which is something else")
                checks.fail(owner, key, "weights that Paddle saved", got)
        checkpoints.check_weights(bare, owner, key)
        return
    folder = Path(path) if os.path.isdir(path) else Path(path).parent
    near = [str(found)[: -len(_ENDING)] for found in _weights_below(folder)] if os.path.isdir(folder) else []
    inside = ", ".join(near[:8]) + (", ..." if len(near) > 8 else "") or "no such file"
    what = f"which is not there; {folder} holds {inside}"
    if os.path.isfile(path):
        what = f"which does not end in {_ENDING}; {folder} holds {inside}"
    if os.path.isdir(path):
        what = f"a folder; it holds {inside}"
    if not os.path.isdir(folder):
        what = f"which is not there, nor is the folder {folder}"
    got = checks.described(f"{path}, {what} (sought from {Path.cwd()})")
    checks.fail(owner, key, f"the path of a {_ENDING} file without its ending", got)


def _weights_below(folder):
    found = []
    for depth in ("*", "*/*", "*/*/*"):
        with contextlib.suppress(OSError):  # a folder that is gone meanwhile, or that nobody may look into
            found += folder.glob(depth + _ENDING)
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
