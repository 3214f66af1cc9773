"""The kinds of parts, in their order, and which of them a fragment of a configuration brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from .. import adapters

LOSS, SAMPLING, DEFERRAL, CLASSIFIER = "loss", "sampling", "deferral", "classifier"
START, FREEZING, RATES, OPTIMIZER = "classifier start", "freezing", "learning rates", "optimizer"
POLICY, ERASING, MIXING, SMOOTHING = "image policy", "erasing", "mixing", "label smoothing"
ADAPTER = "adapter"
STEP, SCHEDULE, DECAY, AVERAGING, SECOND = "step", "schedule", "weight decay", "averaging", "second stage"
KINDS = (
    *(LOSS, SAMPLING, DEFERRAL, CLASSIFIER, START, ADAPTER, FREEZING, POLICY, ERASING, MIXING, SMOOTHING, STEP),
    *(OPTIMIZER, RATES, SCHEDULE, DECAY, AVERAGING, SECOND),
)
# Kinds of which a part holds in the stage that trains the features unless it says otherwise; others hold in all.
FEATURES_STAGE = (MIXING,)
# Kinds whose callbacks stand beside those that a stage sets itself; of the others the stage's own list wins.
BESIDE = tuple(kind for kind in KINDS if kind not in (LOSS, SAMPLING, DEFERRAL, SECOND))
# PaddleClas's operators on images and this package's, by kind; every operator on batches mixes.
_OPERATORS = {
    POLICY: (
        *("AutoAugment", "CIFAR10Policy", "TimmAutoAugment", "AugMix", "ColorJitter"),
        *("RandAugment", "RandAugmentV2", "RandAugmentV3", "RandAugmentV4"),
    ),
    ERASING: ("Cutout", "RandomErasing", "HideAndSeek", "GridMask"),
}
# Callbacks' second names; recipes are read where nothing has registered them.
ALIASES = {"DRW": "DeferredReweighting", "DRS": "DeferredResampling"}
# Where the lists stand into which parts put entries of their own.
DATASET = ("DataLoader", "Train", "dataset")
TRANSFORMS, BATCHES, CALLBACKS = (*DATASET, "transform_ops"), (*DATASET, "batch_transform_ops"), ("Callbacks",)
LOSSES = ("Loss", "Train")


def at(config: Any, path: Iterable[str]) -> Any:
    """What stands at a path of a configuration, or None."""
    for key in path:
        config = config.get(key) if isinstance(config, dict) else None
    return config


def entry_name(entry: Any) -> str:
    """The name of an entry of a list: a name, or a map with one key."""
    return str(next(iter(entry), "")) if isinstance(entry, dict) else str(entry)


def callback_name(entry: Any) -> str:
    """The name of a callback's entry, the first where it has two."""
    name = entry_name(entry)
    return ALIASES.get(name, name)


def operator_kind(name: str) -> str | None:
    """The kind of a part that an operator on images can be, or None."""
    return next((kind for kind, names in _OPERATORS.items() if name in names), None)


def callback_kind(name: str) -> str | None:
    """The kind of the packaged part that brings a callback of this name, or None."""
    return _callbacks().get(name, (None, False))[0]


def holds_in_all_stages(name: str) -> bool:
    """Whether the packaged part that brings a callback of this name holds in stages that set callbacks themselves."""
    return _callbacks().get(name, (None, False))[1]


@cache
def _callbacks():
    from . import files

    # The callbacks of a second stage stand in its `Stages`, and are no part's of their own.
    return {
        callback_name(entry): (content["kind"], content["kind"] in BESIDE and content.get("stages", "all") == "all")
        for content in map(files.read_content, files.known())
        for entry in content.get("config", {}).get("Callbacks") or []
    }


def of(config: dict) -> set[str]:
    """Return the kinds of parts that a fragment of a configuration, or the first of its stages, brings."""
    stages = config.get("Stages")
    first = stages[0] if isinstance(stages, list) and stages and isinstance(stages[0], dict) else {}
    found = {SECOND} if stages else set()
    return found.union(_of_stage(config), _of_stage(first))


def _of_stage(config: dict) -> Iterator[str]:
    losses = at(config, LOSSES)
    if losses is not None:
        yield SMOOTHING if isinstance(losses, dict) else LOSS
    sampler = at(config, ("DataLoader", "Train", "sampler"))
    if isinstance(sampler, dict) and {"name", "mode"} & set(sampler):
        yield SAMPLING
    if at(config, ("Arch", "classifier")) is not None:
        yield CLASSIFIER
    if any(at(config, ("Arch", kind)) is not None for kind in adapters.KINDS):
        yield ADAPTER
    if at(config, BATCHES):
        yield MIXING
    if at(config, ("Optimizer", "lr", "name")) is not None:
        yield SCHEDULE
    if any(at(config, ("Optimizer", key)) is not None for key in ("regularizer", "weight_decay")):
        yield DECAY
    if config.get("EMA") is not None:
        yield AVERAGING
    for path, kind_of, called in (
        (TRANSFORMS, operator_kind, entry_name),
        (CALLBACKS, callback_kind, callback_name),
    ):
        entries = at(config, path)
        yield from filter(None, (kind_of(called(e)) for e in (entries if isinstance(entries, list) else ())))
