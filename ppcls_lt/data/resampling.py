"""Class-balanced re-sampling: sorting images by class, and drawing them by weight.

Standard library and NumPy only. Notation: N images, C classes, ``n`` the images
per class ``[C]``, K the number of classes that have images.
"""

from __future__ import annotations

import numpy as np

from .counts import parts

# Images that are drawn at a time: the temporaries fit the processor's cache.
_CHUNK = 2**16


def class_probabilities(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return how likely a draw is of each class: ``p_c = n_c w_c / sum_k n_k w_k``.

    Args:
        weights (array): weight of one image of each class ``[C]``, >= 0, not
            all 0 where there are images.
        counts (array): images per class ``[C]``.

    Returns:
        float64 array ``[C]`` that sums to 1.
    """
    mass = np.asarray(counts) * (weights / np.max(weights))
    return mass / mass.sum()


def sorted_by_class(labels: np.ndarray, counts: np.ndarray, indices: np.ndarray | None = None) -> np.ndarray:
    """Sort images by class, keeping their order within a class: a counting sort.

    Args:
        labels (array): ``[N]``, the images' classes, unsigned integers. On at
            most 16 bits NumPy's stable sort is a radix sort.
        counts (array): images per class ``[C]``.
        indices (array): ``[N]``, the images' numbers; None means 0 to N - 1.

    Returns:
        int32 array ``[N]`` of the images' numbers, int64 if one is above 2^31 - 1.
    """
    highest = labels.size - 1 if indices is None else int(indices.max())
    images = np.empty(labels.size, np.int32 if highest < 2**31 else np.int64)
    pieces = parts(labels, counts.size)
    steps = np.arange(pieces[0].size)
    free = np.cumsum(counts) - counts  # the next place of each class
    start = 0
    for part in pieces:
        # Of the type of `images`: writing without a conversion is twice as fast.
        order = np.argsort(part, kind="stable").astype(images.dtype)
        order += start
        here = np.bincount(part, minlength=counts.size)
        places = np.repeat(free - (np.cumsum(here) - here), here)
        places += steps[: part.size]
        images[places] = order if indices is None else indices[order]
        free += here
        start += part.size
    return images


def draws(
    generator: np.random.Generator,
    size: int,
    images: np.ndarray,
    counts: np.ndarray,
    probabilities: np.ndarray,
    more: int = 0,
) -> np.ndarray:
    """Draw images with replacement: the class by ``probabilities``, then any of its images.

    The class is drawn by Walker's alias method, in time independent of C.

    Args:
        generator (numpy.random.Generator): the source of randomness.
        size (int): how many.
        images (array): ``[N]``, sorted by class.
        counts (array): ``[C]``.
        probabilities (array): ``[C]``.
        more (int): further draws, which leave the first ``size`` what they are without them.

    Returns:
        array ``[size + more]`` of the type of ``images``.
    """
    threshold, alias = alias_table(probabilities)
    first = np.cumsum(counts) - counts
    n = counts.astype(np.float64)
    result = np.empty(size + more, images.dtype)
    for start, end in [*_spans(0, size), *_spans(size, size + more)]:
        part = result[start:end]
        point = generator.random(part.size)
        point *= counts.size
        cell = point.astype(np.intp)
        point -= cell
        drawn = np.where(point < threshold[cell], cell, alias[cell])
        within = generator.random(part.size)
        within *= n[drawn]
        part[:] = images[first[drawn] + within.astype(np.intp)]
    return result


def repeats(
    generator: np.random.Generator, images: np.ndarray, counts: np.ndarray, factors: np.ndarray, more: int = 0
) -> np.ndarray:
    """Show every image at least once: each as often as the factor of its class says, in a random order.

    An image is there ``floor(f)`` or ``floor(f) + 1`` times, on average ``f``; which ones are there once more is drawn
    without replacement. The number of all is :func:`repeated`, whatever is drawn.

    Args:
        generator (numpy.random.Generator): the source of randomness.
        images (array): ``[N]``, sorted by class.
        counts (array): ``[C]``.
        factors (array): ``[C]``, >= 1 for a class that has images.
        more (int): further images, drawn from all of them evenly.

    Returns:
        array ``[repeated + more]`` of the type of ``images``.
    """
    excess = counts * (factors - 1.0) * (counts > 0)
    upper = np.cumsum(excess)
    total = repeated(counts, factors) - images.size
    if total:
        # Systematic rounding: the sum is what it must be, and each class has its share on average.
        upper *= total / upper[-1]
        upper[-1] = total
    upper = np.floor(upper + generator.random()).astype(np.int64)
    upper[-1] = total
    here = counts + np.diff(upper, prepend=0)
    full, rest = np.divmod(here, np.maximum(counts, 1))
    classes = np.repeat(np.arange(counts.size), counts)
    order = np.lexsort((generator.random(images.size), classes))
    rank = np.arange(images.size) - (np.cumsum(counts) - counts)[classes]
    times = full[classes] + (rank < rest[classes])
    shown = generator.permutation(np.repeat(images[order], times))
    return np.concatenate([shown, images[generator.integers(images.size, size=more)]]) if more else shown


def repeated(counts: np.ndarray, factors: np.ndarray) -> int:
    """How many images an epoch has in which each is repeated by the factor of its class.

    Args:
        counts (array): images per class ``[C]``.
        factors (array): ``[C]``.
    """
    return int(np.sum(counts)) + round(float(np.sum(counts * (factors - 1.0) * (counts > 0))))


def _spans(start, end):
    """Cut a range into spans ``(start, end)`` of at most a chunk."""
    return [(first, min(first + _CHUNK, end)) for first in range(start, end, _CHUNK)]


def alias_table(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut the unit interval into C equal cells of at most two classes each.

    Returns:
        float64 array ``[C]``, the part of cell c that belongs to class c, and
        int64 array ``[C]``, the class that has the rest.
    """
    part = (probabilities * probabilities.size).tolist()
    alias = list(range(len(part)))
    poor = [c for c, own in enumerate(part) if own < 1]
    rich = [c for c, own in enumerate(part) if own >= 1]
    while poor and rich:
        taker, giver = poor.pop(), rich[-1]
        alias[taker] = giver
        part[giver] += part[taker] - 1
        if part[giver] < 1:
            poor.append(rich.pop())
    for c in poor + rich:  # 1 but for rounding
        part[c] = 1.0
    return np.array(part), np.array(alias)


def shuffles(generator: np.random.Generator, size: int, images: np.ndarray) -> np.ndarray:
    """Return ``size`` images: shuffles of all, one after the other, the last one cut."""
    result = np.empty(size, images.dtype)
    for start in range(0, size, images.size):
        part = result[start : start + images.size]
        part[:] = generator.permutation(images)[: part.size]
    return result
