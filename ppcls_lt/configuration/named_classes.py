"""What a configuration calls its classes: the file of names in ``Infer.PostProcess``."""

from __future__ import annotations

import functools
import logging
import os
from typing import Callable

from ..basis.findings import ConfigError
from ..data import class_names
from .reading import class_number

_log = logging.getLogger("ppcls.lt")


FILE = "class_id_map_file"


def file_of(config: dict) -> tuple[str | None, str]:
    """Return the path of the file of names that a configuration has, or None, and the key that it stands at."""
    after = (config.get("Infer") or {}).get("PostProcess") or {}
    inner = after.get("Topk") if not after.get(FILE) else None
    if isinstance(inner, dict) and inner.get(FILE):
        return inner[FILE], f"Infer.PostProcess.Topk.{FILE}"
    return after.get(FILE), f"Infer.PostProcess.{FILE}"


def of(config: dict) -> dict[int, str] | None:
    """Return the names of the classes, class -> name; None where the configuration tells none that can be read.

    Those of a finished training are the ones that it had. A file with more classes than the model has is of other data:
    all stock configurations name that of ImageNet.
    """
    kept = (config.get("Global") or {}).get("class_names")
    if kept:
        return {int(label): name for label, name in kept.items()}
    path, _ = file_of(config)
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    try:
        names = class_names.read(path)
    except ConfigError as error:
        _leave_out(str(error))
        return None
    number = class_number(config)
    if isinstance(number, int) and max(names, default=-1) >= number:
        _leave_out(
            f"{path} (Infer.PostProcess.class_id_map_file) has the class {max(names)}, and Arch.class_num is {number}: "
            "it is that of other data"
        )
        return None
    return names


@functools.cache
def _leave_out(reason):
    # Once a process: names are asked for in many places.
    _log.warning("names of classes left out: %s", reason)


def called(config: dict) -> Callable[[object], str]:
    """Return what to call a class of a configuration, see ``class_names.called``."""
    return class_names.called(of(config) or {})
