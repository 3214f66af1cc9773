"""Sums and means over the images of all processes in one forward."""

from typing import Optional, Union

import paddle
import paddle.distributed as dist

# Lost in any sum of weights but 0, which it lets divide.
_SMALLEST_DIVISOR = 1e-30


def several_processes() -> bool:
    """Whether there are others to join."""
    return dist.is_initialized() and dist.get_world_size() > 1


def join_(tensor: paddle.Tensor, *, synchronize: bool, largest: bool = False) -> paddle.Tensor:
    """Add up a tensor over the processes, in place, or take the ``largest`` of each entry; no gradient flows.

    Args:
        tensor (Tensor): of one shape in every process.
        synchronize (bool): join the processes, when there are several.
    """
    if synchronize and several_processes():
        dist.all_reduce(tensor, op=dist.ReduceOp.MAX if largest else dist.ReduceOp.SUM)
    return tensor


def global_mean(
    losses: paddle.Tensor, weights: Optional[paddle.Tensor], divisor: Union[paddle.Tensor, int], *, synchronize: bool
) -> paddle.Tensor:
    """Divide the weighted sum of this process's losses by the divisor of all processes.

    ``DataParallel`` averages gradients over the processes. With the sums ``S_r``
    and divisors ``D_r`` of W processes, the loss of the joined batch is
    ``sum S_r / sum D_r``; so the gradient of process r must be that of
    ``W * S_r / sum D_r``. The value returned is the joined batch's loss, the
    same on every process.

    Args:
        losses (Tensor): ``[M]``.
        weights (Tensor or None): ``[M]``; None is 1 for each.
        divisor (Tensor or int): scalar, sum of weights, or the number ``M`` of images here.
        synchronize (bool): join the processes, when there are several. The
            evaluation of PaddleClas already gathers the images of all.

    Returns:
        Tensor: scalar. No gradient flows through the divisor; 0 / 0 gives 0.
    """
    if synchronize and several_processes():
        own = losses.sum() if weights is None else paddle.dot(losses, weights)
        if not isinstance(divisor, paddle.Tensor):
            divisor = paddle.full_like(own, divisor)
        sums = paddle.stack([own.detach(), divisor.detach()])
        dist.all_reduce(sums)
        own = own * dist.get_world_size()
        return (sums[0] + (own - own.detach())) / (sums[1] + _SMALLEST_DIVISOR)
    if isinstance(divisor, paddle.Tensor):
        divisor = divisor.detach() + _SMALLEST_DIVISOR
        if weights is None:
            return losses.sum() / divisor
    elif weights is None:
        return losses.mean()
    # The weights are divided, which have no gradient, so that nothing but the dot product has one.
    return paddle.dot(losses, weights / divisor)


def places(images: int, *, interleaved: bool, synchronize: bool) -> range:
    """The places of this process's images in the batch that all processes have together, N of them.

    Args:
        images (int): N, as many as every other process has, which is what batch samplers give.
        interleaved (bool): whether the sampler deals its images out one by one, rather than a block to each process.
        synchronize (bool): as in :func:`global_mean`.
    """
    if not (synchronize and dist.is_initialized()):
        return range(images)
    if interleaved:
        return range(dist.get_rank(), dist.get_world_size() * images, dist.get_world_size())
    return range(dist.get_rank() * images, (dist.get_rank() + 1) * images)
