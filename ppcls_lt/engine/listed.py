"""The label lists of a run: whether they are what they were."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from ..runs import state_files

_log = logging.getLogger("ppcls.lt")


def sums(stage: dict) -> dict[str, str]:
    """The sum of each label list, part of ``DataLoader`` -> text."""
    result = {}
    for part in ("Train", "Eval"):
        path = (((stage.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}).get("cls_label_path")
        if isinstance(path, str) and Path(path).is_file():
            result[part] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return result


def tell_other(stage: dict, weights: str | None) -> None:
    """Warn where a model that is evaluated was trained on another list than stands there now.

    Args:
        stage (dict): the configuration, that of a run.
        weights (str or None): the run's, without their ending.
    """
    path = Path(f"{weights}.pdlt")
    if weights is None or not path.is_file() or not state_files.is_one(path):  # that of 0.1.0 says nothing of lists
        return
    state = state_files.read(path)
    before = (state.get("lists") or {}).get("Train") if isinstance(state, dict) else None
    now = sums(stage).get("Train")
    if before is not None and now not in (None, before):
        path_now = stage["DataLoader"]["Train"]["dataset"]["cls_label_path"]
        said = "%s has another content than when the model was trained: images that are evaluated may have trained it"
        _log.warning(said, path_now)
