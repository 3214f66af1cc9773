"""The host's own samplers, where an epoch of theirs depends on more than its number."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import paddle

# What these shuffle in place, one epoch upon the other; else an epoch would be another one after a resume.
_SHUFFLED = {"PKSampler": ("label_list", "prob_list"), "MultiScaleSampler": ("img_indices", "img_batch_pairs")}


def images_per_step(sampler: Any, steps: int) -> float | None:
    """Images of one process in a step, the mean over an epoch, whose last batch may be smaller; None without a size.

    Args:
        sampler (paddle.io.BatchSampler or None): of the training data.
        steps (int): of an epoch.
    """
    size = getattr(sampler, "batch_size", None)
    if not isinstance(size, int) or not steps:
        return None
    images = getattr(sampler, "images_per_process", None)
    if images is None and type(sampler) is paddle.io.DistributedBatchSampler:
        images = sampler.num_samples
    return size if images is None else min(images, steps * size) / steps


class Order:
    """What a sampler of the host's shuffles in place, as it was built.

    Args:
        sampler (paddle.io.BatchSampler or None): of the training data, before its first epoch; another may come to
            stand for it.
    """

    def __init__(self, sampler: Any) -> None:
        self._sampler, self._kind = sampler, type(sampler).__name__
        # With a seed of its own MultiScaleSampler shuffles alike in every epoch, and differs by what came before.
        self._is_seeded = self._kind == "MultiScaleSampler" and getattr(sampler, "seed", None) is not None
        names = () if self._is_seeded else _SHUFFLED.get(self._kind, ())
        self._built = {name: copy.copy(getattr(sampler, name)) for name in names if hasattr(sampler, name)}

    def put_back(self) -> None:
        """Let the sampler begin an epoch from there."""
        for name, value in self._built.items():
            setattr(self._sampler, name, copy.copy(value))

    def not_resumed(self, config: dict) -> Iterator[str]:
        """Yield what of the host's keeps a state that no checkpoint has, for a warning where a training goes on.

        Args:
            config (dict): of the stage.
        """
        if self._kind == "MixSampler":
            yield "MixSampler begins its data sets anew"
        if self._is_seeded:
            yield "MultiScaleSampler with a seed of its own begins its order anew"
        elif self._kind == "MultiScaleSampler" and config["Global"].get("seed") is None:
            yield "MultiScaleSampler draws sizes anew without Global.seed"
        for entry in (config.get("Loss") or {}).get("Train") or []:
            name = next(iter(entry), "") if isinstance(entry, dict) else ""
            if str(name).endswith("_XBM"):
                yield f"{name} fills its memory anew"
