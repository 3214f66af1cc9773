"""LADE's regulariser as a pure function of tensors, with its gradient.

Source: Hong et al., "Disentangling Label Distribution for Long-tailed Visual Recognition", CVPR 2021.
"""

from typing import Any

import paddle
import paddle.distributed as dist
from paddle.autograd import PyLayer

from .functional import full_precision, once
from .parallel import join_, several_processes

# Divides where a class has no image in the batch, and is lost beside any share of one.
_SMALLEST_SHARE = 1e-30


def lade(
    logits: paddle.Tensor,
    share: paddle.Tensor,
    shift: paddle.Tensor,
    weight: paddle.Tensor,
    remine_lambda: float,
    *,
    present_only: bool,
    synchronize: bool,
) -> paddle.Tensor:
    """``-sum_c weight_c (own_c - L_c - remine_lambda L_c^2)`` of a batch, that of all processes.

    ``own_c`` is the mean logit of class c of its images, 0 where it has none, and
    ``L_c = log mean_i exp(z_ic + shift_ic)``.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        share (Tensor): of the classes in each image, ``[N, C]``: one-hot or soft labels.
        shift (Tensor): log of the weights of the means, ``[C]`` or ``[N, 1]``.
        weight (Tensor): weights of the classes, ``[C]``.
        remine_lambda (float): strength of the second term's regularisation.
        present_only (bool): leave out classes without an image in the batch.
        synchronize (bool): join the processes, when there are several.

    Returns:
        Tensor: scalar, the same in every process. The gradient of each is that of ``W`` times the value, for W
        processes, since ``DataParallel`` averages them. That of a forward can be taken once.
    """
    return _Lade.apply(logits, share, shift, weight, remine_lambda, present_only, synchronize)


class _Lade(PyLayer):
    @staticmethod
    def forward(
        ctx: Any,
        logits: paddle.Tensor,
        share: paddle.Tensor,
        shift: paddle.Tensor,
        weight: paddle.Tensor,
        remine_lambda: float,
        present_only: bool,
        synchronize: bool,
    ) -> paddle.Tensor:
        shifted = logits + shift
        top = join_(shifted.max(axis=0), synchronize=synchronize, largest=True)
        mass = paddle.exp(shifted - top)
        images = paddle.full([1], logits.shape[0], logits.dtype)
        sums = [mass.sum(axis=0), share.sum(axis=0), (share * logits).sum(axis=0), images]
        joined = join_(paddle.concat(sums), synchronize=synchronize)
        masses, shares, own, images = paddle.split(joined, [logits.shape[1]] * 3 + [1])
        if present_only:
            weight = weight * (shares > 0).astype(weight.dtype)
        shares = shares + _SMALLEST_SHARE
        level = top + paddle.log(masses) - paddle.log(images)
        times = dist.get_world_size() if synchronize and several_processes() else 1
        pull, push = -times * weight / shares, times * weight * (1.0 + 2.0 * remine_lambda * level) / masses
        ctx.save_for_backward(share * pull + mass * push)
        return (weight * (level + remine_lambda * level.square() - own / shares)).sum()

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> paddle.Tensor:
        (slope,) = ctx.saved_tensor()
        once(ctx)
        with full_precision():
            return slope.multiply_(upstream)
