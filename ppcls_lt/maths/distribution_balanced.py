"""Distribution-balanced loss as pure functions of tensors.

Source: Wu et al., ECCV 2020, and their code.
"""

from __future__ import annotations

import paddle
import paddle.nn.functional as F

from . import rows
from .sigmoid import shared_sigmoid_loss


def rebalanced_weights(
    label: paddle.Tensor, inverse: paddle.Tensor, alpha: float, beta: float, gamma: float
) -> paddle.Tensor:
    """``alpha + sigmoid(beta (r_ic - gamma))``, ``r_ic = (1 / n_c) / (1 / n summed over its labels)``: ``[N, C]``.

    ``r_ic`` is how often label c alone would have the image drawn by class, as a share of how often its labels do.

    Args:
        label (Tensor): ``[N, C]``, 0 or 1. A row without labels gives ``alpha + 1``.
        inverse (Tensor): ``1 / n_c``, ``[C]``.
        alpha (float), beta (float), gamma (float): of the smoothing map.
    """
    # Paddle 2.6 rounds a number beside a float64 tensor to float32.
    low, steep, border = (rows.constant(n, 1, label.dtype, str(label.place)) for n in (alpha, beta, gamma))
    repeated = (label * inverse).sum(axis=1, keepdim=True)
    share = inverse / repeated.clip(min=1e-30)
    return F.sigmoid(steep * (share - border)) + low


def negative_tolerant(
    logits: paddle.Tensor, label: paddle.Tensor, weights: paddle.Tensor, bias: paddle.Tensor, scale: float, gamma: float
) -> paddle.Tensor:
    """Binary losses whose logits are shifted, and scaled where the label is not there: sums over classes ``[N]``.

    Args:
        logits (Tensor), label (Tensor), weights (Tensor): ``[N, C]``.
        bias (Tensor): added to the logits, ``[C]``.
        scale (float): what multiplies a logit whose label is not there, and divides its loss.
        gamma (float): focusing parameter, >= 0.
    """
    absent, factor = 1.0 - label, rows.constant(scale, 1, label.dtype, str(label.place))
    shifted = (logits + bias) * (label + factor * absent)
    return shared_sigmoid_loss(shifted, weights * label, weights * absent / factor, gamma)
