"""What a configuration calls its classes: the file of names in ``Infer.PostProcess``."""

from __future__ import annotations

import logging
import os
from typing import Callable

from ..basis.findings import ConfigError
from ..data import class_names

_log = logging.getLogger("ppcls.lt")


def of(config: dict) -> dict[int, str] | None:
    """Return the names of the classes, class -> name; None where the configuration tells none that can be read."""
    after = (config.get("Infer") or {}).get("PostProcess") or {}
    path = after.get("class_id_map_file") or (after.get("Topk") or {}).get("class_id_map_file")
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    try:
        return class_names.read(path)
    except ConfigError as error:
        _log.warning("names of classes left out: %s", error)
        return None


def called(config: dict) -> Callable[[object], str]:
    """Return what to call a class of a configuration, see ``class_names.called``."""
    return class_names.called(of(config) or {})
