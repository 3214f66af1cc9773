"""LDAM as a pure function of tensors, with its gradient.

Source: Cao et al., NeurIPS 2019, equation 13.
"""

from typing import Any, Optional

import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

from . import rows
from .functional import full_precision, once

# Below every logit, and far enough from the type's end that nothing overflows.
_LOWEST = {dtype: float(paddle.finfo(dtype).min) / 4 for dtype in (paddle.float32, paddle.float64)}
# Up to here exp(z) and exp(-z) of a million classes add up in float32 without loss.
_LARGEST_BOUND = 60.0


def ldam(
    logits: paddle.Tensor,
    label: paddle.Tensor,
    margin: paddle.Tensor,
    scale: float = 1.0,
    bound: Optional[float] = None,
) -> paddle.Tensor:
    """LDAM: cross entropy of ``scale * logits`` with ``margin[y]`` taken off the true class.

    With ``a = margin[y]``, ``z`` the scaled logits and ``L`` the logsumexp of the
    other classes' ``z``, the loss is ``softplus(L + a - z_y)``. Its gradient is
    ``g = sigmoid(L + a - z_y)`` times the other classes' softmax, and ``-g`` for
    ``y``. The others are summed without ``y``, so nothing cancels in float32.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): ``[N]``, int64.
        margin (Tensor): ``[C]``, in units of ``scale * logits``.
        scale (float): the factor ``s``.
        bound (float or None): scaled logits are known to lie within ``-bound``
            and ``bound``, as those of a normalised classifier do. Up to 60 this
            saves looking for the largest.

    Returns:
        Tensor: ``[N]``.
    """
    bounded = bound is not None and bound <= _LARGEST_BOUND
    return _LDAM.apply(logits, label, paddle.gather(margin, label), scale, bounded)


class _LDAM(PyLayer):
    # Adding a column is faster on the CPU than subtracting one, and entries are reached fastest in the flat matrix.
    @staticmethod
    def forward(
        ctx: Any, logits: paddle.Tensor, label: paddle.Tensor, shift: paddle.Tensor, scale: float, bounded: bool
    ) -> paddle.Tensor:
        images, classes = logits.shape
        device = str(logits.place)
        place = label + rows.starts(images, classes, device)
        true = paddle.gather(logits.reshape([-1]), place)
        shift = shift - (true if scale == 1.0 else true * scale)
        if bounded:
            others = paddle.exp(logits if scale == 1.0 else logits * scale)
            rows.set_(others, place, rows.constant(0.0, images, others.dtype, device))
        else:
            # From the largest of the others down, so that their sum is at least 1 whatever leads. Not Paddle's
            # softmax: its CPU kernel lets no probability fall below e^-64 of the largest.
            others = logits.clone() if scale == 1.0 else logits * scale
            rows.set_(others, place, rows.constant(_LOWEST[logits.dtype], images, others.dtype, device))
            top = rows.largest(others)
            others = rows.exp_(others.add_(-top.unsqueeze(1)))
            shift = shift + top
        rest = rows.sums(others)
        excess = paddle.log(rest) + shift
        pull = F.sigmoid(excess)
        ctx.save_for_backward(others, place, pull / rest, pull)
        ctx.scale, ctx.bounded = scale, bounded
        # softplus(excess), which Paddle's own op replaces by a line above its threshold
        return F.relu(excess) + paddle.log1p(paddle.exp(-excess.abs()))

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> paddle.Tensor:
        others, place, share, pull = ctx.saved_tensor()
        once(ctx)
        with full_precision():
            upstream = upstream * ctx.scale
            # In place, as Paddle's own cross entropy.
            factor = share * upstream
            # Bounded ones are no numbers up to 1.
            others = others.multiply_(factor.unsqueeze(1)) if ctx.bounded else rows.scale_(others, factor)
            rows.set_(others, place, -pull * upstream)
            return others


def class_ldam(logits: paddle.Tensor, margin: paddle.Tensor, scale: float = 1.0) -> paddle.Tensor:
    """LDAM of every class taken as the true one: ``[N, C]``, for soft labels.

    Arguments as for :func:`ldam`.
    """
    scaled = logits * scale
    scaled = scaled - rows.largest(scaled.detach()).unsqueeze(1)
    mass = rows.exp(scaled)
    is_top = F.one_hot(scaled.argmax(axis=1), logits.shape[1]).astype(mass.dtype)
    # total - mass cancels only for the largest class, which gets the log of its sum directly
    lowest = paddle.full_like(scaled, _LOWEST[logits.dtype])
    below_top = paddle.logsumexp(paddle.where(is_top > 0, lowest, scaled), axis=1, keepdim=True)
    others = (mass.sum(axis=1, keepdim=True) - mass) * (1.0 - is_top) + is_top
    log_others = is_top * below_top + (1.0 - is_top) * paddle.log(others)
    excess = log_others + margin - scaled
    return F.relu(excess) + paddle.log1p(paddle.exp(-excess.abs()))
