"""Seesaw loss as pure functions of tensors.

The cross entropy of logits ``z_j + log S_cj`` of an image of class ``c``, with ``S_cj`` the product of the mitigation
factor ``min(1, n_j / n_c)^p`` and the compensation factor ``max(1, s_j / max(s_c, eps))^q``, ``s`` the softmax of ``z``
and ``n`` the images of each class so far. No gradient flows through the factors.

Source: Wang et al., CVPR 2021, equations 4 to 7.
"""

import math
from typing import Any, NamedTuple

import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

from . import rows
from .functional import cross_entropy, full_precision, once

# Entries that the losses of several classes of a batch may have at a time.
_MOST_ENTRIES = 2**24


class Factors(NamedTuple):
    """The exponents ``p`` and ``q`` and the least probability ``eps`` of a true class in the compensation factor."""

    p: float
    q: float
    eps: float


def seesaw(logits: paddle.Tensor, label: paddle.Tensor, log_counts: paddle.Tensor, factors: Factors) -> paddle.Tensor:
    """Seesaw loss of each image: ``[N]``.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): ``[N]``, int64.
        log_counts (Tensor): log of the images of each class so far, at least 0, ``[C]``.
        factors (Factors): ``p``, ``q`` and ``eps``.
    """
    with paddle.no_grad():
        below, log_share = _log_shares(logits)
        own = paddle.index_sample(log_share, label.unsqueeze(1))
        count = paddle.gather(log_counts, label).unsqueeze(1)
        shift = _log_factors(log_share, own, log_counts, count, factors)
    return cross_entropy(logits + shift, label)


def shared_seesaw(
    logits: paddle.Tensor, share: paddle.Tensor, log_counts: paddle.Tensor, factors: Factors
) -> paddle.Tensor:
    """Seesaw losses of each image were each class the true one, weighted and added up: ``[N]``.

    Args:
        logits (Tensor): ``[N, C]``.
        share (Tensor): weights ``[N, C]``.
        log_counts (Tensor), factors (Factors): as of :func:`seesaw`.

    Returns:
        Tensor: ``[N]``. It takes ``N C^2`` operations; the gradient of a forward can be taken once.
    """
    return _Shared.apply(logits, share, log_counts, factors)


def _log_shares(logits):
    """The logits less the largest of each row, and the log of their softmax, ``[N, C]`` each."""
    below = logits - rows.largest(logits).unsqueeze(1)
    return below, below - paddle.log(rows.sums(rows.exp(below))).unsqueeze(1)


def _log_factors(log_share, own, log_counts, count, factors):
    """The log of ``S``: of shares ``log_share``, those of the true class ``own``, and the log of their counts."""
    result = paddle.zeros([1], log_share.dtype)
    if factors.p:
        result = -factors.p * F.relu(count - log_counts)
    if factors.q:
        if factors.eps:
            own = own.clip(min=math.log(factors.eps))
        result = factors.q * F.relu(log_share - own) + result
    return result


class _Shared(PyLayer):
    # Losses and gradients of as many classes at a time as memory allows.
    @staticmethod
    def forward(
        ctx: Any, logits: paddle.Tensor, share: paddle.Tensor, log_counts: paddle.Tensor, factors: Factors
    ) -> paddle.Tensor:
        images, classes = logits.shape
        below, log_share = _log_shares(logits)
        total, slope = paddle.zeros([images], logits.dtype), -share
        step = max(_MOST_ENTRIES // (images * classes), 1)
        for first in range(0, classes, step):
            part = slice(first, min(first + step, classes))
            own, count = log_share[:, part].unsqueeze(2), log_counts[part].unsqueeze(1)
            shift = _log_factors(log_share.unsqueeze(1), own, log_counts, count, factors)
            adjusted = below.unsqueeze(1) + shift  # [N, part, C]
            normaliser = paddle.logsumexp(adjusted, axis=2)
            total = total + (share[:, part] * (normaliser - below[:, part])).sum(axis=1)
            masses = paddle.exp(adjusted - normaliser.unsqueeze(2))
            slope = slope + (share[:, part].unsqueeze(2) * masses).sum(axis=1)
        ctx.save_for_backward(slope)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> paddle.Tensor:
        (slope,) = ctx.saved_tensor()
        once(ctx)
        with full_precision():
            return slope.multiply_(upstream.unsqueeze(1))
