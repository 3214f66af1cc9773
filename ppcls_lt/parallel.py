"""The mean over the images of all processes in one forward."""

import paddle
import paddle.distributed as dist


def global_mean(numerator, divisor, *, synchronize):
    """Divide a sum over this process's images by the divisor of all processes.

    ``DataParallel`` averages gradients over the processes. With the sums ``S_r``
    and divisors ``D_r`` of W processes, the loss of the joined batch is
    ``sum S_r / sum D_r``; so the gradient of process r must be that of
    ``W * S_r / sum D_r``. The value returned is the joined batch's loss, the
    same on every process.

    Args:
        numerator (Tensor): scalar, sum of the weighted losses here.
        divisor (Tensor): scalar, number of images or sum of weights here.
        synchronize (bool): join the processes, when there are several. The
            evaluation of PaddleClas already gathers the images of all.

    Returns:
        Tensor: scalar. No gradient flows through the divisor; 0 / 0 gives 0.
    """
    divisor = divisor.detach()
    if synchronize and dist.is_initialized() and dist.get_world_size() > 1:
        own = numerator
        sums = paddle.stack([own.detach(), divisor])
        dist.all_reduce(sums)
        numerator, divisor = sums[0], sums[1]
        own = own * dist.get_world_size()
        numerator = numerator + (own - own.detach())
    return numerator / paddle.where(divisor > 0, divisor, paddle.ones_like(divisor))
