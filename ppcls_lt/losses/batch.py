"""What a formula is given: one batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Union

import paddle

from ..basis import checks

# What PaddleClas hands a loss: logits ``[N, C]``, or a dict with them.
Outputs = Union[paddle.Tensor, dict]
_FLOATS = (paddle.float32, paddle.float64)


@dataclass
class Batch:
    """The images of one forward as a formula sees them, in the precision in which the loss is computed.

    Attributes:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): int64 classes ``[N]``, or soft labels ``[N, C]`` of the logits' type.
        features (Tensor or None): what enters the final classifier, ``[N, D]``; of a loss with
            ``uses_features``, and in training alone.
        outputs (dict): everything else that the model gave by name, such as a second set of logits.
    """

    logits: paddle.Tensor
    label: paddle.Tensor
    features: paddle.Tensor | None = None
    outputs: dict = field(default_factory=dict)

    @property
    def is_soft(self) -> bool:
        """Whether the labels are soft."""
        return self.label.ndim == 2


def logits_of(x: Outputs, owner: str, classes: int | None) -> paddle.Tensor:
    """The logits ``[N, C]`` in the precision in which a loss is computed.

    Args:
        x (Tensor or dict): what PaddleClas hands over.
        owner (str): the loss, for messages.
        classes (int or None): how many it knows of.

    Raises:
        ConfigError: there are none, or of other classes.
    """
    if isinstance(x, dict):
        if "logits" not in x:
            checks.fail(owner, "x", "a tensor or a dict with `logits`", sorted(x))
        x = x["logits"]
    if not isinstance(x, paddle.Tensor) or x.ndim != 2:
        got = f"shape {x.shape}" if isinstance(x, paddle.Tensor) else type(x).__name__
        checks.fail(owner, "logits", "a tensor [N, C]", checks.described(got))
    if classes is not None and classes != x.shape[1]:
        checks.fail(owner, "num_class_list", f"as long as the logits have classes ({x.shape[1]})", classes)
    # Not astype alone: it copies also what has the type already.
    return x if x.dtype in _FLOATS else x.astype("float32")


def features_of(x: Outputs, owner: str, images: int, source: Any) -> paddle.Tensor:
    """What enters the final classifier ``[N, D]``: caught by an Engine (``source``), or given in ``x``.

    Raises:
        ConfigError: there is none, or of other images.
    """
    if source is not None:
        features = source.take()
    elif isinstance(x, dict) and "features" in x:
        features = x["features"]
    else:
        got = checks.described(f"keys {sorted(x)}" if isinstance(x, dict) else type(x).__name__)
        expected = "a dict with `features`, the input of the final classifier [N, D], when there is no Engine"
        checks.fail(owner, "x", expected, got)
    if not isinstance(features, paddle.Tensor) or features.ndim < 2 or features.shape[0] != images:
        got = f"shape {features.shape}" if isinstance(features, paddle.Tensor) else type(features).__name__
        checks.fail(owner, "features", f"a tensor [{images}, D]", checks.described(got))
    if features.dtype not in _FLOATS:
        features = features.astype("float32")
    return features if features.ndim == 2 else features.flatten(1)
