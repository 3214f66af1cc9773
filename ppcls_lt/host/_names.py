"""Where the host looks names up, by kind."""

from __future__ import annotations

import importlib
from typing import Any

MODULE_OF_KIND = {
    "loss": "ppcls.loss",
    "arch": "ppcls.arch",
    "metric": "ppcls.metric",
    "dataset": "ppcls.data",
    "sampler": "ppcls.data",
    "optimizer": "ppcls.optimizer.optimizer",
    "schedule": "ppcls.optimizer.learning_rate",
    "operator": "ppcls.data.preprocess",
    "postprocess": "ppcls.data.postprocess",
    "gear": "ppcls.arch.gears",
}


def namespace(kind: str) -> dict[str, Any]:
    """Return the live namespace in which the host's factory of one kind looks names up."""
    return vars(importlib.import_module(MODULE_OF_KIND[kind]))
