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
    evaluation mode meanwhile. Each process passes its share of the images.

    Args:
        engine (EngineView): of a training, built.
        classifier (nn.Linear): the model's, weight ``[D, C]``.
        config (dict): of the stage.
    """
    features, classes = classifier.weight.shape
    sums, counts = np.zeros((features, classes)), np.zeros(classes)
    caught: list[paddle.Tensor] = []
    hook = classifier.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].detach()))
    engine.model.eval()
    for batch, forward in engine.passes(_loader(config)):
        forward()
        (found,) = caught
        caught.clear()
        one_hot = np.eye(classes)[batch[1].numpy().reshape(-1)]
        sums += found.flatten(1).astype("float64").numpy().T @ one_hot
        counts += one_hot.sum(axis=0)
    engine.model.train()
    hook.remove()
    sums, counts = (join_(paddle.to_tensor(each), synchronize=True).numpy() for each in (sums, counts))
    return sums / np.maximum(counts, 1), counts


def _loader(config):
    """The share of the training images that this process passes, in their order."""
    section = config["DataLoader"]["Train"]
    operators = config["DataLoader"]["Eval"]["dataset"]["transform_ops"]
    dataset = host.build_dataset({**section["dataset"], "transform_ops": operators})
    # All processes take as many steps, but for the last.
    share = _Places(range(dist.get_rank(), len(dataset), dist.get_world_size()))
    batches = paddle.io.BatchSampler(sampler=share, batch_size=section["sampler"]["batch_size"])
    options = section.get("loader") or {}
    loader = paddle.io.DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=options.get("num_workers", 0),
        use_shared_memory=options.get("use_shared_memory", True),
    )
    unreadable.watch(loader, config, "Train")
    return loader


class _Places(paddle.io.Sampler):
    """Places in a data set, in their order; Paddle 2.6 takes no bare sequence of them."""

    def __init__(self, places: range) -> None:
        self._places = places

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
