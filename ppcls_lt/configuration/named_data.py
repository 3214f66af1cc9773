"""Data sets by name in a configuration: what is wrong with their parameters, and the same images as a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..basis import checks
from ..basis.findings import Finding, of
from . import listed_images, trying
from .reading import by_name, class_number, parameters


def findings(config: dict, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield the ``Finding`` of every parameter that a data set by name refuses, its files being looked for.

    Args:
        config (dict): the host's configuration.
        parts (list of str): which of ``Train`` and ``Eval`` are built.
    """
    for part in parts:
        dataset = ((config.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}
        named = by_name(dataset)
        if named is None:
            continue
        place = f"DataLoader.{part}.dataset"
        chosen = yield from trying.mistakes(named.choice, parameters(dataset), place)
        if chosen is not None and chosen.cls_label_path is None:
            yield from (finding.below(place) for finding in of(named.counts, **parameters(dataset)))
        classes = class_number(config)
        if classes is not None and classes < named.class_num:
            must = f"be at least {named.class_num}, the classes of {named.__name__}"
            yield checks.finding("Arch", "class_num", must, classes)


def with_list(dataset: dict, path: str, delimiter: str) -> dict:
    """Return a section that takes the images of a list of the same data set.

    Args:
        dataset (dict): a section of a data set by name.
        path (str): the list.
        delimiter (str): of the list.
    """
    own = {key: value for key, value in dataset.items() if key not in listed_images.DRAW}
    spaced = {} if delimiter == " " else {"delimiter": delimiter}
    return {**own, "cls_label_path": path, **spaced}
