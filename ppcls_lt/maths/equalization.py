"""Softmax equalisation as pure functions of tensors: rare classes left out of other classes' softmax."""

import paddle
import paddle.nn.functional as F

from . import rows
from .functional import cross_entropy

# Below every logit, and far enough from float32's end that nothing overflows.
_LOWEST = float(paddle.finfo(paddle.float32).min) / 4


def equalized(logits: paddle.Tensor, label: paddle.Tensor, left_out: paddle.Tensor) -> paddle.Tensor:
    """Cross entropy ``[N]`` of a softmax without the classes that are left out, the true one kept.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): ``[N]``, int64.
        left_out (Tensor): ``[N, C]`` of the logits' type, 1 for a class that is left out of the softmax
            of this image, else 0; what stands at the true class does not matter.

    Returns:
        Tensor: ``[N]``. No exponential is taken of more than 0.
    """
    images, classes = logits.shape
    place = label + rows.starts(images, classes, str(logits.place))
    shift = left_out * _LOWEST
    rows.set_(shift, place, paddle.zeros([images], shift.dtype))
    return cross_entropy(logits + shift, label)


def class_equalized(logits: paddle.Tensor, left_out: paddle.Tensor) -> paddle.Tensor:
    """The same of every class taken as the true one: ``[N, C]``, for soft labels."""
    kept = logits + left_out * _LOWEST
    top = rows.largest(kept.detach()).unsqueeze(1)
    log_others = top + paddle.log(rows.exp(kept - top).sum(axis=1, keepdim=True))
    excess = log_others - logits
    # A class that is left out joins the sum where it is the true one: log(rest + e^z) - z
    joined = F.relu(excess) + paddle.log1p(paddle.exp(-excess.abs()))
    return paddle.where(left_out > 0, joined, excess)
