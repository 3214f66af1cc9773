"""What a formula is given: one batch."""

from dataclasses import dataclass, field
from typing import Optional, Union

import paddle

# What PaddleClas hands a loss: logits ``[N, C]``, or a dict with them.
Outputs = Union[paddle.Tensor, dict]


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
    features: Optional[paddle.Tensor] = None
    outputs: dict = field(default_factory=dict)

    @property
    def is_soft(self) -> bool:
        """Whether the labels are soft."""
        return self.label.ndim == 2
