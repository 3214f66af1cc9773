"""The sampler of the training, where it is one of this package, built on the counts of the list alone."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from ..basis.findings import ConfigError, Finding
from ..basis.registry import registered
from . import trying
from .reading import listed_counts

_PLACE = "DataLoader.Train.sampler"


class _Listed:
    """In the place of a data set: its labels, in the order of the classes."""

    def __init__(self, counts: np.ndarray) -> None:
        self.labels = np.repeat(np.arange(len(counts)), counts)

    def __len__(self) -> int:
        return len(self.labels)


def findings(config: dict) -> Generator[Finding, None, Any]:
    """Yield what the sampler refuses of its parameters, where the training list tells the images per class.

    Args:
        config (dict): the host's configuration, to train.

    Returns:
        The sampler, of one process and the seed 0; None where there is none of this package, or something is wrong.
    """
    part = (config.get("DataLoader") or {}).get("Train") or {}
    section, dataset = part.get("sampler") or {}, part.get("dataset") or {}
    component = registered("sampler").get(str(section.get("name")))
    # One of the user's own may need what a list does not tell.
    if component is None or not component.__module__.startswith(f"{__name__.partition('.')[0]}."):
        return None
    try:
        counts = listed_counts(config)
    except ConfigError:  # said of the list itself
        return None
    if counts is None:
        return None
    # Some samplers ask what kind of data set they are given.
    listed = type(str(dataset.get("name")), (_Listed,), {})(counts)
    params = {name: value for name, value in section.items() if name != "name"}
    return (yield from trying.mistakes(component, {"dataset": listed, "num_replicas": 1, "rank": 0, **params}, _PLACE))
