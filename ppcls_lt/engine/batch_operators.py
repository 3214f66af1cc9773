"""Operators on batches of this package: caught while the host builds a loader, and given its data."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import host
from ..basis import checks
from ..data.counts import class_labels
from ..operators import BatchOperator


@contextlib.contextmanager
def caught() -> Iterator[list[BatchOperator]]:
    """A context that gives a list, which fills with those that the host builds within it."""
    found: list[BatchOperator] = []

    def create(original: Callable, *args: Any, **kwargs: Any) -> list:
        built = original(*args, **kwargs)
        found.extend(operator for operator in built if isinstance(operator, BatchOperator))
        return built

    with host.functions("data", create_operators=create):
        yield found


def join(operators: Sequence[BatchOperator], dataset: Any, count: Callable, epochs: int) -> None:
    """Give operators the training data.

    Args:
        operators (list of BatchOperator): what :func:`caught` found.
        dataset (paddle.io.Dataset): what the loader reads.
        count (callable): labels ``[images]`` -> images per class ``[C]``.
        epochs (int): of the training.

    Raises:
        ConfigError: the data have no class for each image.
    """
    if not operators:
        return
    labels = class_labels(dataset)
    if labels is None:
        names = ", ".join(type(operator).__name__ for operator in operators)
        got = checks.described(f"{type(dataset).__name__}, without `labels`")
        checks.fail("DataLoader.Train.dataset", "name", f"a data set of one class for each image, for {names}", got)
    counts = count(labels)
    for operator in operators:
        operator.join_data(dataset, labels, counts, epochs)
