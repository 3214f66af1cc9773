"""Losses as pure functions of tensors, one value per image or per image and class.

With hard labels every loss here except LDAM is a function of the image's cross
entropy ``ce = -log p_y`` alone, since ``p_y = exp(-ce)``; so the only work on
``[N, C]`` is one softmax cross entropy. With soft labels ``y`` the loss of an
image is ``sum_c y_c * loss(z, c)``, for which the functions take the matrix of
``-log p_c`` instead.
"""

import contextlib
from typing import Any, Union

import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

from . import rows

# Keeps (1 - p) ** gamma differentiable at p = 1 for gamma < 1.
_SMALLEST_BASE = 1e-30


# Paddle 2.6 cannot tell.
_autocast_is_enabled = getattr(paddle.amp, "is_autocast_enabled", None)
_UNCHANGED = contextlib.nullcontext()


def full_precision() -> contextlib.AbstractContextManager:
    """A context in which mixed precision is off.

    Where it is off already nothing is entered: that takes as long as ten small operations.
    """
    if _autocast_is_enabled is not None and not _autocast_is_enabled():
        return _UNCHANGED
    return paddle.amp.auto_cast(enable=False)


def once(ctx: Any) -> None:
    """Raise where the gradient of one forward is asked for again, of a function that computes it in place.

    Args:
        ctx (PyLayerContext): of the function.
    """
    if getattr(ctx, "is_used", False):
        raise RuntimeError(
            "ppcls_lt: the gradient of this loss was computed in the place of what it is made of; for a second one, as "
            "of paddle.grad(..., retain_graph=True) and then backward(), call the loss again"
        )
    ctx.is_used = True


def cross_entropy(logits: paddle.Tensor, label: paddle.Tensor) -> paddle.Tensor:
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


def smoothed_cross_entropy(
    logits: paddle.Tensor, label: paddle.Tensor, smoothing: Union[float, paddle.Tensor]
) -> paddle.Tensor:
    """Cross entropy with smoothed labels: ``(1 - e) * (-log p_y) + e / C * sum_c -log p_c`` of each image.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): ``[N]``, int64.
        smoothing (float or Tensor): ``e``, in [0, 1), or that of each image, ``[N]``.

    Returns:
        Tensor: ``[N]``. The gradient of a forward can be taken once.

    Source: Szegedy et al., CVPR 2016, section 7, and PyTorch: e is spread over all classes.
    """
    return _SmoothedCrossEntropy.apply(logits, label, smoothing)


def class_cross_entropies(logits: paddle.Tensor) -> paddle.Tensor:
    """``-log p_c`` of every class: ``[N, C]`` from logits ``[N, C]``, for soft labels."""
    # From the largest down, or float32 would keep no more digits than the logits have.
    below = logits - rows.largest(logits.detach()).unsqueeze(1)
    return paddle.log(rows.exp(below).sum(axis=1, keepdim=True)) - below


def focal(ce: paddle.Tensor, gamma: float) -> paddle.Tensor:
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


def influence_balanced(
    loss: paddle.Tensor, ce: paddle.Tensor, feature_norm: paddle.Tensor, alpha: float, epsilon: float
) -> paddle.Tensor:
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


def l1_norm(features: paddle.Tensor) -> paddle.Tensor:
    """Sum of the absolute values of each row: ``[N]`` from ``[N, D]``, with gradient 0 at 0."""
    return _L1Norm.apply(features)


class _L1Norm(PyLayer):
    # By hand: on the CPU a third less time than the gradients of abs and mv.
    @staticmethod
    def forward(ctx: Any, features: paddle.Tensor) -> paddle.Tensor:
        ctx.save_for_backward(features)
        return rows.sums(features.abs())

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> paddle.Tensor:
        (features,) = ctx.saved_tensor()
        with full_precision():
            return rows.signs(features, upstream)


class _SmoothedCrossEntropy(PyLayer):
    # In place, as _LDAM: plain operations take several times as long on the CPU.
    @staticmethod
    def forward(
        ctx: Any, logits: paddle.Tensor, label: paddle.Tensor, smoothing: Union[float, paddle.Tensor]
    ) -> paddle.Tensor:
        images, classes = logits.shape
        place = label + rows.starts(images, classes, str(logits.place))
        mass = logits + (-rows.largest(logits)).unsqueeze(1)
        true = paddle.gather(mass.reshape([-1]), place)
        whole = not isinstance(smoothing, paddle.Tensor)
        target = (1.0 - smoothing) * true + (rows.means(mass, smoothing) if whole else smoothing * rows.means(mass))
        mass = rows.exp_(mass)
        total = rows.sums(mass)
        ctx.save_for_backward(mass, place, total)
        ctx.smoothing = smoothing
        return paddle.log(total) - target

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> paddle.Tensor:
        mass, place, total = ctx.saved_tensor()
        once(ctx)
        with full_precision():
            # p - e / C, and less 1 - e for y
            mass.multiply_((upstream / total).unsqueeze(1))
            mass.add_((upstream * (-ctx.smoothing / mass.shape[1])).unsqueeze(1))
            rows.set_(mass, place, paddle.gather(mass.reshape([-1]), place) - (1.0 - ctx.smoothing) * upstream)
            return mass
