"""Class vectors: their norms, and their projection onto a ball or a sphere, in place.

A weight holds one vector for each class or filter. ``class_axis`` is the axis
that counts them: 1 for Paddle's ``Linear`` ``[D, C]``, 0 for a convolution
``[C, in, kh, kw]``; a vector runs along all other axes.

Nothing here waits for the device, and a weight's memory is read once for the
norms and read and written once for the scaling. Norms are summed in float64,
so that rounding lets no vector out of its ball. Scaling is done in float32 for
16-bit weights, otherwise in the weight's own type.

Sums are products with a vector of ones, and a Linear's weight is scaled some
rows at a time by the factors laid out for as many rows: on the CPU, Paddle's
reductions take up to nine times as long, its broadcasting twice.
"""

import math
from typing import Union

import paddle

from .classifier import SMALLEST_NORM

# Elements worked on at a time: on the CPU few enough for the cache, and for their memory to be had again without asking
# the system, which would take several times as long as the work; elsewhere few steps, and 128 MiB.
_SLICE = {"cpu": 2**17, "other": 2**24}
_TINY = 1e-300


@paddle.no_grad()
def class_norms(weight: paddle.Tensor, class_axis: int, p: float = 2) -> paddle.Tensor:
    r"""Return the p-norm of each class vector.

    .. math:: \|w_c\|_p = (\sum_i |w_{ci}|^p)^{1/p}

    Args:
        weight (Tensor): class vectors, any floating type.
        class_axis (int): the axis that counts the classes, 0 or above.
        p (float): order of the norm, >= 1.

    Returns:
        float64 tensor ``[C]``.
    """
    parts = _parts(weight)
    if class_axis == 0:  # whole vectors in each part
        return paddle.concat([_norm([part], 0, p) for part in parts])
    return _norm(parts, class_axis, p)


def max_norm_radius(weight: paddle.Tensor, thresh: float, class_axis: int, p: float = 2) -> paddle.Tensor:
    r"""Return the radius that lies ``thresh`` of the way from the smallest to the largest norm.

    .. math:: r = \min_c \|w_c\|_p + thresh \, (\max_c \|w_c\|_p - \min_c \|w_c\|_p)

    Args:
        weight (Tensor): class vectors.
        thresh (float): in [0, 1].
        class_axis (int): the axis that counts the classes.
        p (float): order of the norm, >= 1.

    Returns:
        float64 tensor ``[]``, on the weight's device.

    Source: Alshammari et al., "Long-Tailed Recognition via Weight Balancing",
    CVPR 2022, and their code.
    """
    norms = class_norms(weight, class_axis, p)
    low, high = norms.min(), norms.max()
    # Written so that 0, 1 and a single class give a norm exactly.
    return paddle.minimum(paddle.maximum((1 - thresh) * low + thresh * high, low), high)


@paddle.no_grad()
def project_to_ball_(weight: paddle.Tensor, radius: Union[float, paddle.Tensor], class_axis: int, p: float = 2) -> None:
    r"""Scale each class vector that is longer than ``radius`` onto the ball, in place.

    .. math:: w_c \leftarrow w_c \min(1, r / \|w_c\|_p)

    Vectors within the ball keep every bit. A projected vector ends within the
    ball after all rounding, at most a few units in the last place below ``r``,
    so that a second projection changes nothing.

    Args:
        weight (Tensor): class vectors, changed in place.
        radius (float or float64 tensor ``[]``): r, >= 0.
        class_axis (int): the axis that counts the classes.
        p (float): order of the norm, >= 1.

    Source: the max-norm constraint of Alshammari et al., CVPR 2022. For
    ``p = 2`` this is the nearest point of the ball.
    """
    norms = class_norms(weight, class_axis, p)
    # What rounding may add: to each element when it is stored, and to the norm's sum.
    length = int(weight.size) // weight.shape[class_axis]
    slack = float(paddle.finfo(weight.dtype).eps) + (length + 4) * float(paddle.finfo(paddle.float64).eps)
    onto = radius * (1 - slack) / paddle.clip(norms, min=_TINY)
    _scale_(weight, paddle.where(norms > radius, onto, paddle.ones_like(norms)), class_axis)


def project_to_sphere_(weight: paddle.Tensor, class_axis: int) -> None:
    r"""Scale each class vector to L2 norm 1, in place.

    .. math:: w_c \leftarrow w_c / \|w_c\|_2

    A vector shorter than 1e-12 has no direction and is left alone.

    Args:
        weight (Tensor): class vectors, changed in place.
        class_axis (int): the axis that counts the classes.

    Source: the L2 normalisation of Alshammari et al., CVPR 2022.
    """
    tau_normalize_(weight, 1.0, class_axis)


@paddle.no_grad()
def tau_normalize_(weight: paddle.Tensor, tau: float, class_axis: int) -> None:
    r"""Divide each class vector by a power of its L2 norm, in place.

    .. math:: w_c \leftarrow w_c / \|w_c\|_2^\tau

    A vector shorter than 1e-12 has no direction and is left alone.

    Args:
        weight (Tensor): class vectors, changed in place.
        tau (float): 0 changes nothing, 1 gives unit vectors.
        class_axis (int): the axis that counts the classes.

    Source: Kang et al., "Decoupling Representation and Classifier for
    Long-Tailed Recognition", ICLR 2020.
    """
    norms = class_norms(weight, class_axis)
    _scale_(weight, _power(paddle.where(norms > SMALLEST_NORM, norms, paddle.ones_like(norms)), -tau), class_axis)


def _parts(weight):
    """Views of a weight, one after the other along its first axis."""
    limit = _SLICE["cpu" if weight.place.is_cpu_place() else "other"]
    rows = max(1, limit * weight.shape[0] // int(weight.size))
    return [weight[start : start + rows] for start in range(0, weight.shape[0], rows)]


def _norm(parts, class_axis, p):
    """The p-norm of each class vector, of which every part has a part: float64 ``[C]``."""
    if p == 2:
        return sum(_sum(_squares(part), class_axis) for part in parts).sqrt()
    if p == 1:
        return sum(_sum(part.astype("float64").abs(), class_axis) for part in parts)
    # Relative to the largest element, or a high power would vanish or overflow.
    others = [axis for axis in range(parts[0].ndim) if axis != class_axis]
    tops = [part.astype("float64").abs().max(axis=others) for part in parts]
    largest = paddle.clip(paddle.stack(tops).max(axis=0), min=_TINY)
    divisor = largest.reshape([-1, *[1] * (parts[0].ndim - class_axis - 1)])
    powers = (_power(part.astype("float64").abs() / divisor, p) for part in parts)
    return _power(sum(_sum(part, class_axis) for part in powers), 1 / p) * largest


def _squares(part):
    """Squares in float64, in new memory."""
    if part.dtype == paddle.float64:
        return part * part
    part = part.astype("float64")
    return part.multiply_(part)


def _sum(x, class_axis):
    """Sum over all axes but one: ``[C]``."""
    classes = x.shape[class_axis]
    before = math.prod(x.shape[:class_axis])
    after = int(x.size) // (before * classes)
    if after > 1:
        x = paddle.matmul(x.reshape([before * classes, after]), paddle.ones([after], dtype=x.dtype))
    return paddle.matmul(paddle.ones([before], dtype=x.dtype), x.reshape([before, classes]))


def _power(x, exponent):
    """``x`` to a power; Paddle rounds an exponent that is a Python number to float32."""
    return x ** paddle.full([], exponent, dtype=x.dtype)


def _scale_(weight, factor, class_axis):
    """Multiply each class vector by its factor ``[C]``, in place; a factor of 1 keeps every bit."""
    # Without leading axes of size 1, which cost Paddle's broadcasting a factor of three.
    factor = factor.reshape([-1, *[1] * (weight.ndim - class_axis - 1)])
    if weight.dtype not in (paddle.float32, paddle.float64):
        scaled = weight.astype("float32") * factor.astype("float32")
        paddle.assign(scaled.astype(weight.dtype), weight)
        return
    factor = factor.astype(weight.dtype)
    parts = _parts(weight) if weight.ndim == 2 and class_axis == 1 else []
    # Views as Paddle has them, unless FLAGS_use_stride_kernel is off.
    if len(parts) > 1 and parts[0].data_ptr() == weight.data_ptr():
        repeated = paddle.tile(factor, [parts[0].shape[0], 1])
        for part in parts:
            part.multiply_(repeated[: part.shape[0]])
    else:
        weight.multiply_(factor)
