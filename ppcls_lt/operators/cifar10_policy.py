"""AutoAugment's policy for CIFAR-10, which PaddleClas has and offers no operator for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import host
from ..basis import checks
from ..basis.registry import register


@register("operator")
class CIFAR10Policy:
    """One of the 25 pairs of operations that AutoAugment found on CIFAR-10, drawn for each image.

    Random draws come from Python's global generator, as those of PaddleClas's ``AutoAugment``, its policy for
    ImageNet, do; a run seeds it for each epoch, process and worker.

    Args:
        fillcolor (list of int): red, green and blue of what a shift or shear lays bare.

    Raises:
        ConfigError: ``fillcolor`` is not three integers of 0 to 255.

    Source: Cubuk et al., CVPR 2019; the table is that of PaddleClas's own class of this name.
    """

    def __init__(self, fillcolor: Sequence[int] = (128, 128, 128)) -> None:
        if not isinstance(fillcolor, (list, tuple)) or len(fillcolor) != 3:
            checks.fail("CIFAR10Policy", "fillcolor", "a list of three integers", fillcolor)
        colour = [
            checks.integer("CIFAR10Policy", f"fillcolor[{index}]", value, minimum=0, maximum=255)
            for index, value in enumerate(fillcolor)
        ]
        self._policy = host.module("data.preprocess.ops.autoaugment").CIFAR10Policy(tuple(colour))

    def __call__(self, image: Any) -> np.ndarray:
        """Return an image, an array ``[height, width, 3]`` of uint8 or a PIL image, changed."""
        from PIL import Image

        if not isinstance(image, Image.Image):
            image = Image.fromarray(np.ascontiguousarray(image))
        return np.array(self._policy(image))
