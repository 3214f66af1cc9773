"""The mean features of each class: of every training image once, as an evaluation shows it, in all processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import paddle
import paddle.distributed as dist

from .. import host
from ..maths.parallel import join_
from . import unreadable

if TYPE_CHECKING:
    from paddle import nn

    from ..host.engine import EngineView


def measured(engine: EngineView, classifier: nn.Linear, config: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of what enters the classifier, a class, float64 ``[D, C]``, and images of each class ``[C]``.

    A class without images has the mean 0. The images go through the operators of ``DataLoader.Eval``; the model is in
    evaluation mode meanwhile. Each process passes its share of the images. One that cannot be read, for which the
    training has another, counts for nothing.

    Args:
        engine (EngineView): of a training, built.
        classifier (nn.Linear): the model's, weight ``[D, C]``.
        config (dict): of the stage.
    """
    dataset = _dataset(config)
    watches = unreadable.watch(dataset, config, "Train")
    everything = np.arange(len(dataset))
    sums, counts = _sums(engine, classifier, _loader(config, dataset, everything))
    for watched in watches:
        bad = unreadable.joined(watched.found())
        # Where the data set is made of others, places in them are none in it.
        if bad.any() and len(bad) == len(everything):
            sums, counts = _sums(engine, classifier, _loader(config, dataset, everything[bad == 0]))
    sums, counts = (join_(paddle.to_tensor(each), synchronize=True).numpy() for each in (sums, counts))
    return sums / np.maximum(counts, 1), counts


def _sums(engine, classifier, loader):
    """Sums of features ``[D, C]`` and numbers of images ``[C]`` of what this process passes."""
    features, classes = classifier.weight.shape
    sums, counts = np.zeros((features, classes)), np.zeros(classes)
    caught: list[paddle.Tensor] = []
    hook = classifier.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].detach()))
    engine.model.eval()
    for batch, forward in engine.passes(loader):
        forward()
        (found,) = caught
        caught.clear()
        one_hot = np.eye(classes)[batch[1].numpy().reshape(-1)]
        sums += found.flatten(1).astype("float64").numpy().T @ one_hot
        counts += one_hot.sum(axis=0)
    engine.model.train()
    hook.remove()
    return sums, counts


def _dataset(config):
    """The training images, as an evaluation shows them."""
    operators = config["DataLoader"]["Eval"]["dataset"]["transform_ops"]
    return host.build_dataset({**config["DataLoader"]["Train"]["dataset"], "transform_ops": operators})


def _loader(config, dataset, places):
    """Return this process's share of some images, in their order."""
    section = config["DataLoader"]["Train"]
    # All processes take as many steps, but for the last.
    share = _Places(places[dist.get_rank() :: dist.get_world_size()].tolist())
    batches = paddle.io.BatchSampler(sampler=share, batch_size=section["sampler"]["batch_size"])
    options = section.get("loader") or {}
    return paddle.io.DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=options.get("num_workers", 0),
        use_shared_memory=options.get("use_shared_memory", True),
    )


class _Places(paddle.io.Sampler):
    """Places in a data set, in their order; Paddle 2.6 takes no bare sequence of them."""

    def __init__(self, places: list[int]) -> None:
        self._places = places

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
