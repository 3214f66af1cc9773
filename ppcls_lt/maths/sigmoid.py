"""Losses that ask of each class alone whether it is there: sums over the classes of a binary loss of one logit.

The binary loss of a logit ``x`` of a class that is not there is ``f(x) = sigmoid(x)^gamma * softplus(x)``, and
``f(-x)`` of one that is: with ``gamma = 0`` the binary cross entropy, else the focal loss.
"""

from typing import Any

import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

from . import rows
from .functional import full_precision, once


def sigmoid_loss(logits: paddle.Tensor, label: paddle.Tensor, gamma: float = 0.0) -> paddle.Tensor:
    """Binary losses of all classes, of which one is there, added up: ``[N]``.

    Args:
        logits (Tensor): ``[N, C]``, float32 or float64.
        label (Tensor): the class of each image, ``[N]``, int64.
        gamma (float): focusing parameter, >= 0; 0 gives the binary cross entropy.

    Returns:
        Tensor: ``[N]``. The gradient of a forward can be taken once, here and below.

    Source: Lin et al., ICCV 2017, equation 4; Cui et al., CVPR 2019, section 5.
    """
    return _OfLabel.apply(logits, label, gamma)


def shared_sigmoid_loss(
    logits: paddle.Tensor, present: paddle.Tensor, absent: paddle.Tensor, gamma: float = 0.0
) -> paddle.Tensor:
    """Binary losses of all classes added up, each weighted as one that is there and as one that is not: ``[N]``.

    Args:
        logits (Tensor): ``[N, C]``.
        present (Tensor): weight of the loss of each class as one that is there, ``[N, C]``.
        absent (Tensor): weight of its loss as one that is not, ``[N, C]``.
        gamma (float): as of :func:`sigmoid_loss`.
    """
    return _OfShares.apply(logits, present, absent, gamma)


def _binary(logits, gamma):
    """``f`` and its derivative, elementwise: both keep their digits however large or small a logit is."""
    own = rows.log1p(logits.abs().scale_(-1.0).exp_()).add_(F.relu(logits))
    sigmoid = F.sigmoid(logits)
    if gamma == 0:
        return own, sigmoid
    # As a power of the sigmoid it would be 0, and its derivative not finite, where the sigmoid is: softplus(-x) is
    # softplus(x) - x, exact where it is not lost beside 1.
    modulator = (own - logits).scale_(-gamma).exp_()
    slope = (own - sigmoid * own).scale_(gamma).add_(sigmoid)
    return own.multiply_(modulator), slope.multiply_(modulator)


class _OfLabel(PyLayer):
    @staticmethod
    def forward(ctx: Any, logits: paddle.Tensor, label: paddle.Tensor, gamma: float) -> paddle.Tensor:
        images, classes = logits.shape
        place = label + rows.starts(images, classes, str(logits.place))
        turned = logits.clone()
        rows.set_(turned, place, -paddle.gather(logits.reshape([-1]), place))
        loss, slope = _binary(turned, gamma)
        rows.set_(slope, place, -paddle.gather(slope.reshape([-1]), place))
        ctx.save_for_backward(slope)
        return rows.sums(loss)

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> paddle.Tensor:
        (slope,) = ctx.saved_tensor()
        once(ctx)
        with full_precision():
            return slope.multiply_(upstream.unsqueeze(1))


class _OfShares(PyLayer):
    @staticmethod
    def forward(
        ctx: Any, logits: paddle.Tensor, present: paddle.Tensor, absent: paddle.Tensor, gamma: float
    ) -> paddle.Tensor:
        as_absent, rise = _binary(logits, gamma)
        as_present, fall = _binary(-logits, gamma)
        ctx.save_for_backward(absent * rise - present * fall)
        return rows.sums(absent * as_absent + present * as_present)

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> paddle.Tensor:
        (slope,) = ctx.saved_tensor()
        once(ctx)
        with full_precision():
            return slope.multiply_(upstream.unsqueeze(1))
