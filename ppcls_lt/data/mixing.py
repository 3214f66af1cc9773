"""Mixing two images: the shares of their labels, and the box of one that is put into the other."""

from __future__ import annotations

import numpy as np


def shares(own: np.ndarray, other: np.ndarray, share: np.ndarray | float, class_num: int) -> np.ndarray:
    """Return soft labels: ``share`` of each image's own class, the rest of the other image's, float32 ``[N, C]``.

    Args:
        own (array): classes ``[N]``.
        other (array): classes of the images that are mixed in, ``[N]``.
        share (array or float): of the own class, in [0, 1], ``[N]`` or one for all.
        class_num (int): C.
    """
    share = np.broadcast_to(np.asarray(share, np.float64), np.shape(own))
    result = np.zeros((len(own), class_num))
    rows = np.arange(len(own))
    np.add.at(result, (rows, own), share)
    np.add.at(result, (rows, other), 1 - share)
    return result.astype(np.float32)


def remix_share(
    own: np.ndarray, other: np.ndarray, counts: np.ndarray, lam: float, kappa: float, tau: float
) -> np.ndarray:
    r"""Return the share of the own label by Remix, ``[N]``: the rarer of two very different classes takes all.

    .. math:: \lambda_y = \begin{cases} 0 & n_i / n_j \ge \kappa \text{ and } \lambda < \tau \\
        1 & n_i / n_j \le 1 / \kappa \text{ and } 1 - \lambda < \tau \\ \lambda & \text{otherwise} \end{cases}

    Args:
        own (array): classes ``[N]``, of n_i images.
        other (array): classes of the images that are mixed in, ``[N]``, of n_j images.
        counts (array): training images per class ``[C]``.
        lam (float): the share of the own image's pixels.
        kappa (float): how many times as many images make a class much larger.
        tau (float): up to which share of the pixels.

    Source: Chou et al., "Remix: Rebalanced Mixup", ECCV Workshops 2020.
    """
    ratio = counts[own] / counts[other]
    result = np.full(len(own), float(lam))
    if lam < tau:
        result[ratio >= kappa] = 0.0
    if 1 - lam < tau:
        result[ratio <= 1 / kappa] = 1.0
    return result


def box(first: int, second: int, lam: float, centre: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return ``(begin, begin, end, end)`` of a box along two axes whose area is ``1 - lam`` before it is cut.

    Args:
        first (int): length of the first axis in pixels.
        second (int): of the second.
        lam (float): the share that is to stay.
        centre (tuple of int): of the box; what lies outside the image is cut off.

    Source: ``rand_bbox`` of Yun et al., "CutMix", ICCV 2019.
    """
    ratio = np.sqrt(1.0 - lam)
    ends = []
    for length, at in zip((first, second), centre):
        half = int(length * ratio) // 2
        ends.append((max(at - half, 0), min(at + half, length)))
    (top, bottom), (left, right) = ends
    return top, left, bottom, right


def class_probabilities(counts: np.ndarray, weighted_alpha: float) -> np.ndarray:
    r"""Return how probable each class is where an image's weight is :math:`n_c^{-r}`: ``[C]``, 0 of an empty class.

    Args:
        counts (array): training images per class ``[C]``.
        weighted_alpha (float): r; 0 draws images alike, 1 classes.
    """
    filled = counts > 0
    result = np.zeros(len(counts))
    result[filled] = counts[filled] ** (1.0 - weighted_alpha)
    return result / result.sum()
