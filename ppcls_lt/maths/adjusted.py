"""Logits that are scaled and shifted class by class."""

from __future__ import annotations

from typing import Any

import paddle

from . import rows


def adjusted(
    logits: paddle.Tensor, shift: paddle.Tensor | None = None, scale: paddle.Tensor | None = None
) -> paddle.Tensor:
    """``scale * logits + shift``, of each class its own.

    Args:
        logits (Tensor): ``[N, C]``.
        shift (Tensor or None): ``[C]``, or spread over the rows ``[N, C]``; None for 0.
        scale (Tensor or None): the same; None for 1.

    Returns:
        Tensor: ``[N, C]``.
    """
    if scale is not None:
        logits = logits * scale
    return logits if shift is None else logits + shift


class Spread:
    """A vector ``[C]``, constant, as an operand beside ``[N, C]``: on the CPU spread over the rows and kept.

    There Paddle combines matrices of one shape in two thirds of the time that it takes to broadcast a vector. Of a copy
    or a pickle the matrix is no part.
    """

    def __init__(self) -> None:
        self._matrix: paddle.Tensor | None = None

    def beside(self, matrix: paddle.Tensor, vector: paddle.Tensor) -> paddle.Tensor:
        """The vector for ``matrix``: itself, or ``[N, C]`` on the CPU; always the same vector."""
        if not rows.is_on_cpu(matrix):
            return vector
        kept = self._matrix
        if kept is None or kept.shape[0] != matrix.shape[0] or kept.dtype != matrix.dtype:
            kept = self._matrix = vector.expand(matrix.shape).clone()
        return kept

    def __getstate__(self) -> dict[str, Any]:
        return {"_matrix": None}
