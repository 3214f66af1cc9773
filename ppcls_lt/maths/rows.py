"""Operations on the rows of a matrix ``[N, C]``: the plain form, and beside it one that takes less time on the CPU.

Paddle's reductions and broadcasts over rows are several times slower on the CPU
than its matrix products and poolings. Each function here states its plain form,
which is what runs on every other device; ``function.on_cpu`` is what takes its
place for tensors of the CPU, equal but for rounding.
"""

import functools
import math
from typing import Any, Callable

import paddle
import paddle.nn.functional as F

# Times any normal number of float32 it is beyond 1.
_LARGE = 3e38
# exp() of less counts as exp() of this: far below what float32 and float64 keep beside 1, and far above the denormal
# numbers, with which the CPU computes ten times as slowly.
FLOOR = {paddle.float32: -30.0, paddle.float64: -300.0}
# A factor that is smaller makes denormal numbers of exp(FLOOR).
_SMALLEST = {dtype: float(paddle.finfo(dtype).tiny) / math.exp(floor) for dtype, floor in FLOOR.items()}


def kept(make: Callable[..., paddle.Tensor]) -> Callable[..., paddle.Tensor]:
    """Keep tensors that depend on shapes alone: making one takes several times as long as an operation on it."""
    keep = functools.lru_cache(maxsize=16)(make)

    @functools.wraps(make)
    def get(*args):
        # What is made while a graph is traced belongs to that graph.
        return keep(*args) if paddle.in_dynamic_mode() else make(*args)

    return get


@kept
def starts(images: int, classes: int, place: str) -> paddle.Tensor:
    """Where the rows of ``[N, C]`` start when it is flat: ``[N]``."""
    return paddle.arange(0, images * classes, classes, dtype="int64")


@kept
def constant(value: float, length: int, dtype: Any, place: str) -> paddle.Tensor:
    """A vector of one value, which nobody changes."""
    return paddle.full([length], value, dtype)


def is_on_cpu(tensor: paddle.Tensor) -> bool:
    """Whether a tensor is the CPU's; one of a graph that is being traced may be anywhere."""
    return paddle.in_dynamic_mode() and tensor.place.is_cpu_place()


def plain(
    on_cpu: Callable[..., paddle.Tensor],
) -> Callable[[Callable[..., paddle.Tensor]], Callable[..., paddle.Tensor]]:
    """Decorator of a plain form: ``on_cpu`` takes its place for tensors of the CPU."""

    def decorate(function):
        @functools.wraps(function)
        def choose(matrix, *args):
            return (on_cpu if is_on_cpu(matrix) else function)(matrix, *args)

        choose.plain, choose.on_cpu = function, on_cpu
        return choose

    return decorate


def _sums_on_cpu(matrix):
    return paddle.mv(matrix, constant(1.0, matrix.shape[1], matrix.dtype, str(matrix.place)))


@plain(_sums_on_cpu)
def sums(matrix: paddle.Tensor) -> paddle.Tensor:
    """Sum of each row: ``[N]``."""
    return matrix.sum(axis=1)


def _means_on_cpu(matrix, share=1.0):
    classes = matrix.shape[1]
    return paddle.mv(matrix, constant(share / classes, classes, matrix.dtype, str(matrix.place)))


@plain(_means_on_cpu)
def means(matrix: paddle.Tensor, share: float = 1.0) -> paddle.Tensor:
    """``share`` times the mean of each row: ``[N]``."""
    return share * matrix.mean(axis=1)


def _largest_on_cpu(matrix):
    # First of windows, by pooling.
    images, classes = matrix.shape
    window = 1, max(math.isqrt(classes), 1)
    return F.max_pool2d(matrix.reshape([images, 1, 1, classes]), window, window, ceil_mode=True).max(axis=[1, 2, 3])


@plain(_largest_on_cpu)
def largest(matrix: paddle.Tensor) -> paddle.Tensor:
    """Largest entry of each row, ``[N]``."""
    return matrix.max(axis=1)


def _signs_on_cpu(matrix, column):
    signs = (matrix * _LARGE).clip_(-1.0, 1.0)
    # Spread over the columns by mm, several times as fast as by broadcasting
    row = constant(1.0, matrix.shape[1], column.dtype, str(column.place)).unsqueeze(0)
    return signs.multiply_(paddle.mm(column.unsqueeze(1), row))


@plain(_signs_on_cpu)
def signs(matrix: paddle.Tensor, column: paddle.Tensor) -> paddle.Tensor:
    """The sign of each entry, times its row's entry of ``column`` ``[N]``: ``[N, C]``."""
    return matrix.sign() * column.unsqueeze(1)


def _exp_on_cpu(matrix):
    return paddle.exp(matrix.clip(min=FLOOR[matrix.dtype]))


@plain(_exp_on_cpu)
def exp(matrix: paddle.Tensor) -> paddle.Tensor:
    """The exponential of numbers <= 0, with its gradient."""
    return paddle.exp(matrix)


def _exp_in_place_on_cpu(matrix):
    return matrix.clip_(min=FLOOR[matrix.dtype]).exp_()


@plain(_exp_in_place_on_cpu)
def exp_(matrix: paddle.Tensor) -> paddle.Tensor:
    """The exponential of numbers <= 0, in place."""
    return matrix.exp_()


def _log1p_on_cpu(matrix):
    # Paddle's own takes ten times as long as its log. What 1 + x has lost of x is added to the first order.
    whole = paddle.scale(matrix, 1.0, 1.0)
    lost = (matrix - paddle.scale(whole, 1.0, -1.0)).divide_(whole)
    return lost.add_(paddle.log(whole))


@plain(_log1p_on_cpu)
def log1p(matrix: paddle.Tensor) -> paddle.Tensor:
    """``log(1 + x)`` of numbers in [0, 1], without a gradient."""
    return paddle.log1p(matrix)


def _scale_on_cpu(matrix, column):
    # Of a row whose true class leads so far: its entries are beyond what float32 adds to anything.
    column = column * (column.abs() > _SMALLEST[matrix.dtype]).astype(column.dtype)
    return matrix.multiply_(column.unsqueeze(1))


@plain(_scale_on_cpu)
def scale_(matrix: paddle.Tensor, column: paddle.Tensor) -> paddle.Tensor:
    """Each row of what :func:`exp_` gave times its entry of ``column`` ``[N]``, in place."""
    return matrix.multiply_(column.unsqueeze(1))


def set_(matrix: paddle.Tensor, place: paddle.Tensor, values: paddle.Tensor) -> None:
    """Write values ``[N]`` into ``[N, C]`` at the places ``[N]`` of the flat matrix."""
    paddle.scatter_(matrix.reshape([-1]), place, values)
