"""What a trained model gives for the images of a list, one logit for each class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle

from .. import host, metrics
from ..basis import checks
from ..basis.checks import ConfigError


def predicted(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits, float32 ``[N, C]``, and the classes, int64 ``[N]``, in the order of the list.

    Args:
        path (Path): the configuration of an evaluation, with the weights in ``Global.pretrained_model``.

    Raises:
        ConfigError: the model's outputs are no logits of classes, or not finite.
    """
    config = host.load_config(path, [])
    config["profiler_options"] = None
    sampler = config["DataLoader"]["Eval"].get("sampler")
    if isinstance(sampler, dict) and "shuffle" in sampler:
        sampler["shuffle"] = False
    with paddle.utils.unique_name.guard():
        engine = host.built(config, "eval")
    found: list[tuple] = []

    def take(_, inputs):
        batch = metrics.Batch.of(*inputs)
        if batch is None:
            got = checks.described(f"other outputs of {engine.config['Arch'].get('name')}")
            raise ConfigError(checks.finding("Arch", "name", "be a model that gives a logit for each class", got))
        found.append((batch.logits.astype("float32").numpy(), batch.label.numpy()))

    with engine.evaluating(loss=None, before=take, after=lambda *_: None):
        engine.evaluate()
    logits, label = (np.concatenate(each) for each in zip(*found))
    return logits, label
