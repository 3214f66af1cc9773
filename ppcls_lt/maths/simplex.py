"""Class vectors as far apart as they can be: the vertices of a simplex around the origin."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn

from ..basis import checks

# What 16 bits leave of the angles: a training at AMP level O2 rounds the class vectors that it keeps.
_TOLERANCE = 1e-3


def simplex(classes: int, directions: np.ndarray) -> np.ndarray:
    r"""Return the simplex that lies along given directions.

    .. math:: W = \sqrt{C / (C - 1)} \; Q \, B^T, \quad B B^T = I - 1 1^T / C

    Each class vector has norm 1 and the cosine -1 / (C - 1) with every other, and they sum to 0.

    Args:
        classes (int): C, at least 2.
        directions (array): ``[D, C - 1]``, D at least C - 1, of full rank; its columns are made orthonormal.

    Returns:
        float64 array ``[D, C]``.
    """
    # The eigenvectors of the centring matrix, but for that of ones.
    basis = np.linalg.eigh(np.eye(classes) - 1 / classes)[1][:, 1:]
    spanned = np.linalg.qr(np.asarray(directions, np.float64))[0]
    return np.sqrt(classes / (classes - 1)) * spanned @ basis.T


def is_simplex(weight: np.ndarray) -> bool:
    """Whether class vectors ``[D, C]`` are such vertices, of norm 1."""
    classes = weight.shape[1]
    weight = weight.astype(np.float64)
    wanted = (np.eye(classes) - 1 / classes) * classes / (classes - 1)
    return bool(np.abs(weight.T @ weight - wanted).max() < _TOLERANCE)


@paddle.no_grad()
def fix_classifier(layer: nn.Linear) -> None:
    """Make the class vectors of a ``Linear`` a simplex, unless they are one, its bias 0, and freeze both.

    The directions are drawn from Paddle's global generator.

    Args:
        layer (nn.Linear): the classifier, weight ``[D, C]``.

    Raises:
        ConfigError: it has too few features, or one class.
    """
    features, classes = layer.weight.shape
    if not 2 <= classes <= features + 1:
        got = checks.described(f"etf with {features} features and {classes} classes")
        expected = "an ordinary or normalized one unless there are 2 classes or more, and at most 1 more than features"
        checks.fail("Arch", "classifier", expected, got)
    if not is_simplex(layer.weight.astype("float32").numpy()):
        drawn = simplex(classes, paddle.randn([features, classes - 1], dtype="float32").numpy())
        layer.weight.set_value(paddle.to_tensor(drawn.astype("float32")).astype(layer.weight.dtype))
    layer.weight.stop_gradient = True
    if layer.bias is not None:
        layer.bias.set_value(paddle.zeros_like(layer.bias))
        layer.bias.stop_gradient = True
