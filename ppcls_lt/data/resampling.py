"""Class-balanced re-sampling: what an image weighs, and drawing images by it.

Standard library and NumPy only. Notation: N images, C classes, ``n`` the images
per class ``[C]``, K the number of classes that have images.
"""

import numpy as np

from ..basis import checks
from .counts import as_counts
from .weighting import effective_number

# Images that are sorted or drawn at a time: the temporaries fit the processor's cache.
_CHUNK = 2**16
# Name of a mode -> the one parameter that it takes.
_PARAMETER = {
    "effective_number": "beta",
    "class_balanced": None,
    "square_root": None,
    "power": "exponent",
    "progressive": "progress",
}
_DEFAULTS = {"beta": 0.9999}
_BOUNDS = {
    "beta": {"minimum": 0, "below": 1},
    "exponent": {"minimum": 0, "maximum": 1},
    "progress": {"minimum": 0, "maximum": 1},
}


def image_weights(mode, counts, *, beta=None, exponent=None, progress=None):
    """Weigh one image of each class, by the size of its class.

    ========================  ====================================
    ``effective_number``      ``(1 - beta) / (1 - beta^n_c)``
    ``class_balanced``        ``1 / n_c``
    ``square_root``           ``n_c^(-1/2)``
    ``power``                 ``n_c^(exponent - 1)``
    ``progressive``           ``(1 - t) / N + t / (K n_c)``, with t = ``progress``
    ========================  ====================================

    The weights are relative: an image is drawn with its weight over the sum of
    the weights of all images. An empty class gets 0.

    Args:
        mode (str): see above.
        counts (sequence of int): images per class ``[C]``.
        beta (float): of ``effective_number``, in [0, 1); None means 0.9999.
        exponent (float): of ``power``, in [0, 1]: 1 draws as the data are
            (instance-balanced), 0 every class equally often.
        progress (float): of ``progressive``, in [0, 1]: 0 draws as the data
            are, 1 every class equally often.

    Returns:
        float64 array ``[C]``.

    Raises:
        ConfigError: an unknown mode, a parameter that is out of range, missing
            or of another mode, or ``counts`` that are no counts or all zero.

    Source: Cui et al., CVPR 2019 (effective number); Kang et al., ICLR 2020
    (the others).
    """
    given = {"beta": beta, "exponent": exponent, "progress": progress}
    parameter = mode_parameter(mode, given, owner="image_weights")
    counts = as_counts(counts, owner="image_weights", name="counts", allow_empty=True)
    if mode == "effective_number":
        return effective_number(counts, parameter, normalize=False)
    present = counts > 0
    n = counts[present].astype(np.float64)
    weights = np.zeros(counts.size)
    if mode == "progressive":
        weights[present] = (1 - parameter) / n.sum() + parameter / (n.size * n)
    else:
        exponent = {"class_balanced": 0.0, "square_root": 0.5, "power": parameter}[mode]
        weights[present] = n ** (exponent - 1)
    return weights


def class_probabilities(weights, counts):
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


def mode_parameter(mode, given, *, owner):
    """Return the checked parameter of ``mode``, None if it has none.

    Args:
        mode (str): see :func:`image_weights`.
        given (dict): name -> value or None; those of other modes must be None.
        owner (str): who asks, for messages.

    Raises:
        ConfigError: an unknown mode, a parameter that is out of range, missing
            or of another mode.
    """
    checks.choice(owner, "mode", mode, tuple(_PARAMETER))
    own = _PARAMETER[mode]
    for name, value in given.items():
        if value is not None and name != own:
            checks.fail(owner, name, f"left out with mode {mode!r}", value)
    if own is None:
        return None
    value = _DEFAULTS.get(own) if given[own] is None else given[own]
    return checks.number(owner, own, value, **_BOUNDS[own])


def class_counts(labels):
    """Return the images per class, int64 ``[C]`` with C the highest label + 1.

    Args:
        labels (array): ``[N]``, unsigned integers of at most 32 bits.
    """
    classes = int(labels.max()) + 1
    counts = np.zeros(classes, np.int64)
    for part in _parts(labels, classes):
        counts += np.bincount(part, minlength=classes)
    return counts


def sorted_by_class(labels, counts, indices=None):
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
    parts = _parts(labels, counts.size)
    steps = np.arange(parts[0].size)
    free = np.cumsum(counts) - counts  # the next place of each class
    start = 0
    for part in parts:
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


def _parts(labels, classes):
    """Cut labels into parts, none shorter than C but the last: what is done per class stays in proportion."""
    size = max(_CHUNK, classes)
    return [labels[start : start + size] for start in range(0, labels.size, size)]


def draws(generator, size, images, counts, probabilities, more=0):
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


def _spans(start, end):
    """Cut a range into spans ``(start, end)`` of at most a chunk."""
    return [(first, min(first + _CHUNK, end)) for first in range(start, end, _CHUNK)]


def alias_table(probabilities):
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


def shuffles(generator, size, images):
    """Return ``size`` images: shuffles of all, one after the other, the last one cut."""
    result = np.empty(size, images.dtype)
    for start in range(0, size, images.size):
        part = result[start : start + images.size]
        part[:] = generator.permutation(images)[: part.size]
    return result
