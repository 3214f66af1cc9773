"""Losses as pure functions of tensors, one value per image or per image and class.

With hard labels every loss here except LDAM is a function of the image's cross
entropy ``ce = -log p_y`` alone, since ``p_y = exp(-ce)``; so the only work on
``[N, C]`` is one softmax cross entropy. With soft labels ``y`` the loss of an
image is ``sum_c y_c * loss(z, c)``, for which the functions take the matrix of
``-log p_c`` instead.
"""

import contextlib
import functools
import math

import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

# Keeps (1 - p) ** gamma differentiable at p = 1 for gamma < 1.
_SMALLEST_BASE = 1e-30
# Times any normal number of float32 it is beyond 1.
_LARGE = 3e38
# Below every logit, and far enough from the type's end that nothing overflows.
_LOWEST = {dtype: float(paddle.finfo(dtype).min) / 4 for dtype in (paddle.float32, paddle.float64)}
# Up to here exp(z) and exp(-z) of a million classes add up in float32 without loss.
_LARGEST_BOUND = 60.0


# Paddle 2.6 cannot tell.
_autocast_is_enabled = getattr(paddle.amp, "is_autocast_enabled", None)
_UNCHANGED = contextlib.nullcontext()


def full_precision():
    """A context in which mixed precision is off.

    Where it is off already nothing is entered: that takes as long as ten small operations.
    """
    if _autocast_is_enabled is not None and not _autocast_is_enabled():
        return _UNCHANGED
    return paddle.amp.auto_cast(enable=False)


def cross_entropy(logits, label):
    """Softmax cross entropy ``-log p_y`` of each image.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): ``[N]``, int64.

    Returns:
        Tensor: ``[N]``. The gradient is exact. In float32 on the CPU, Paddle's
        kernel reports no value above 64; in float64 it is made whole here.
    """
    ce = F.cross_entropy(logits, label, reduction="none")
    if logits.dtype == paddle.float64:
        with paddle.no_grad():
            true_logit = paddle.index_sample(logits, label.unsqueeze(1)).squeeze(1)
            missing = paddle.logsumexp(logits, axis=1) - true_logit - ce
        ce = ce + missing
    return ce


def smoothed_cross_entropy(logits, label, smoothing):
    """Cross entropy with smoothed labels: ``(1 - e) * (-log p_y) + e / C * sum_c -log p_c`` of each image.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): ``[N]``, int64.
        smoothing (float): ``e``, in [0, 1).

    Returns:
        Tensor: ``[N]``. The gradient of a forward can be taken once.

    Source: Szegedy et al., CVPR 2016, section 7, and PyTorch: e is spread over all classes.
    """
    return _SmoothedCrossEntropy.apply(logits, label, smoothing)


def class_mean(losses, share=1.0):
    """``share`` times the mean over the classes: ``[N]`` from ``[N, C]``."""
    classes = losses.shape[1]
    return paddle.mv(losses, _constant(share / classes, classes, losses.dtype, str(losses.place)))


def class_cross_entropies(logits):
    """``-log p_c`` of every class: ``[N, C]`` from logits ``[N, C]``, for soft labels."""
    # From the largest down, or float32 would keep no more digits than the logits have.
    below = logits - logits.detach().max(axis=1, keepdim=True)
    return paddle.log(paddle.exp(below).sum(axis=1, keepdim=True)) - below


def focal(ce, gamma):
    """Focal loss ``(1 - p)^gamma * ce`` with ``p = exp(-ce)``.

    Args:
        ce (Tensor): cross entropies, any shape.
        gamma (float): focusing parameter, >= 0; 0 gives ``ce``.

    Source: Lin et al., ICCV 2017, equation 4.
    """
    if gamma == 0:
        return ce
    negative = -ce
    base = paddle.expm1(negative)  # p - 1
    if gamma == 1:
        return base * negative
    if gamma == 2:
        return base.square() * ce
    return paddle.clip(-base, min=_SMALLEST_BASE) ** gamma * ce


def influence_balanced(loss, ce, feature_norm, alpha, epsilon):
    """``loss`` times the IB factor ``alpha / (|softmax(z) - onehot(y)|_1 * |h|_1 + epsilon)``.

    For a hard label the first norm is ``2 (1 - p_y)``. Gradients flow through
    the factor into the logits and the features, as in the authors' code.

    Args:
        loss (Tensor): ``[N]`` or ``[N, C]``, ``ce`` itself for IB.
        ce (Tensor): cross entropies, as many.
        feature_norm (Tensor): L1 norms of the features, ``[N]`` or ``[N, 1]``.
        alpha (float), epsilon (float): scale and stabiliser.

    Source: Park et al., ICCV 2021, equation 10, and their code.
    """
    return loss / paddle.scale(paddle.expm1(-ce) * feature_norm, -2.0 / alpha, epsilon / alpha)


def l1_norm(features):
    """Sum of the absolute values of each row: ``[N]`` from ``[N, D]``, with gradient 0 at 0."""
    return _L1Norm.apply(features)


class _L1Norm(PyLayer):
    # By hand: on the CPU a third less time than the gradients of abs and mv.
    @staticmethod
    def forward(ctx, features):
        ctx.save_for_backward(features)
        return _row_sums(features.abs())

    @staticmethod
    def backward(ctx, upstream):
        (features,) = ctx.saved_tensor()
        with full_precision():
            # The sign: of any normal number the product is beyond 1. Paddle's own takes three times as long.
            signs = (features * _LARGE).clip_(-1.0, 1.0)
            # Spread over the columns by mm, several times as fast as by broadcasting
            row = _constant(1.0, features.shape[1], upstream.dtype, str(upstream.place)).unsqueeze(0)
            return signs.multiply_(paddle.mm(upstream.unsqueeze(1), row))


def ldam(logits, label, margin, scale=1.0, bound=None):
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

    Source: Cao et al., NeurIPS 2019, equation 13.
    """
    bounded = bound is not None and bound <= _LARGEST_BOUND
    return _LDAM.apply(logits, label, paddle.gather(margin, label), scale, bounded)


def _kept(make):
    """Keep tensors that depend on shapes alone: making one takes several times as long as an operation on it."""
    kept = functools.lru_cache(maxsize=16)(make)

    @functools.wraps(make)
    def get(*args):
        # What is made while a graph is traced belongs to that graph.
        return kept(*args) if paddle.in_dynamic_mode() else make(*args)

    return get


@_kept
def _row_starts(images, classes, place):
    """Where the rows of ``[N, C]`` start when it is flat: ``[N]``."""
    return paddle.arange(0, images * classes, classes, dtype="int64")


@_kept
def _constant(value, length, dtype, place):
    """A vector of one value, which nobody changes."""
    return paddle.full([length], value, dtype)


def _row_sums(matrix):
    """``matrix.sum(axis=1)``, which mv does three times as fast on the CPU."""
    return paddle.mv(matrix, _constant(1.0, matrix.shape[1], matrix.dtype, str(matrix.place)))


class _SmoothedCrossEntropy(PyLayer):
    # In place, as _LDAM: plain operations take several times as long on the CPU.
    @staticmethod
    def forward(ctx, logits, label, smoothing):
        images, classes = logits.shape
        place = label + _row_starts(images, classes, str(logits.place))
        mass = logits + (-_row_max(logits)).unsqueeze(1)
        true = paddle.gather(mass.reshape([-1]), place)
        target = (1.0 - smoothing) * true + smoothing / classes * _row_sums(mass)
        mass.exp_()
        total = _row_sums(mass)
        ctx.save_for_backward(mass, place, total)
        ctx.smoothing = smoothing
        return paddle.log(total) - target

    @staticmethod
    def backward(ctx, upstream):
        mass, place, total = ctx.saved_tensor()
        with full_precision():
            # p - e / C, and less 1 - e for y
            mass.multiply_((upstream / total).unsqueeze(1))
            mass.add_((upstream * (-ctx.smoothing / mass.shape[1])).unsqueeze(1))
            _set(mass, place, paddle.gather(mass.reshape([-1]), place) - (1.0 - ctx.smoothing) * upstream)
            return mass


class _LDAM(PyLayer):
    # Which operation does a pass over [N, C] is chosen by its time on the CPU: adding a column is faster than
    # subtracting one, and entries are reached fastest in the flat matrix.
    @staticmethod
    def forward(ctx, logits, label, shift, scale, bounded):
        images, classes = logits.shape
        device = str(logits.place)
        place = label + _row_starts(images, classes, device)
        true = paddle.gather(logits.reshape([-1]), place)
        shift = shift - (true if scale == 1.0 else true * scale)
        if bounded:
            others = paddle.exp(logits if scale == 1.0 else logits * scale)
            _set(others, place, _constant(0.0, images, others.dtype, device))
        else:
            # From the largest of the others down, so that their sum is at least 1 whatever leads. Not Paddle's
            # softmax: its CPU kernel lets no probability fall below e^-64 of the largest.
            others = logits.clone() if scale == 1.0 else logits * scale
            _set(others, place, _constant(_LOWEST[logits.dtype], images, others.dtype, device))
            top = _row_max(others)
            others.add_(-top.unsqueeze(1))
            others.exp_()
            shift = shift + top
        rest = _row_sums(others)
        excess = paddle.log(rest) + shift
        pull = F.sigmoid(excess)
        ctx.save_for_backward(others, place, pull / rest, pull)
        ctx.scale = scale
        # softplus(excess), which Paddle's own op replaces by a line above its threshold
        return F.relu(excess) + paddle.log1p(paddle.exp(-excess.abs()))

    @staticmethod
    def backward(ctx, upstream):
        others, place, share, pull = ctx.saved_tensor()
        with full_precision():
            upstream = upstream * ctx.scale
            # In place, as Paddle's own cross entropy: Paddle runs the backward of a PyLayer once at most.
            others.multiply_((share * upstream).unsqueeze(1))
            _set(others, place, -pull * upstream)
            return others


def _row_max(matrix):
    """Largest entry of each row, ``[N]``: first of windows, whose pooling is twice as fast on the CPU as ``max``."""
    images, classes = matrix.shape
    window = 1, max(math.isqrt(classes), 1)
    return F.max_pool2d(matrix.reshape([images, 1, 1, classes]), window, window, ceil_mode=True).max(axis=[1, 2, 3])


def _set(matrix, place, values):
    """Write values ``[N]`` into ``[N, C]`` at the places ``[N]`` of the flat matrix."""
    paddle.scatter_(matrix.reshape([-1]), place, values)


def class_ldam(logits, margin, scale=1.0):
    """LDAM of every class taken as the true one: ``[N, C]``, for soft labels.

    Arguments as for :func:`ldam`.
    """
    scaled = logits * scale
    scaled = scaled - scaled.max(axis=1, keepdim=True).detach()
    mass = paddle.exp(scaled)
    is_top = F.one_hot(scaled.argmax(axis=1), logits.shape[1]).astype(mass.dtype)
    # total - mass cancels only for the largest class, which gets the log of its sum directly
    lowest = paddle.full_like(scaled, _LOWEST[logits.dtype])
    below_top = paddle.logsumexp(paddle.where(is_top > 0, lowest, scaled), axis=1, keepdim=True)
    others = (mass.sum(axis=1, keepdim=True) - mass) * (1.0 - is_top) + is_top
    log_others = is_top * below_top + (1.0 - is_top) * paddle.log(others)
    excess = log_others + margin - scaled
    return F.relu(excess) + paddle.log1p(paddle.exp(-excess.abs()))
