"""Class-balanced re-sampling: what an image weighs, and drawing images by it.

Standard library and NumPy only. Notation: N images, C classes, ``n`` the images
per class ``[C]``, K the number of classes that have images.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Callable, NamedTuple, Optional

import numpy as np

from ..basis import checks, registry
from .counts import as_counts, parts
from .weighting import effective_number

# Images that are drawn at a time: the temporaries fit the processor's cache.
_CHUNK = 2**16
# Arguments of a sampler that no mode may call its parameter.
RESERVED = (
    *("dataset", "batch_size", "drop_last", "shuffle", "indices", "num_samples", "mode", "total_epochs"),
    *("class_weight", "scales", "num_replicas", "rank", "seed"),
)


class Mode(NamedTuple):
    """A way to weigh images by the size of their class: one entry of the table below.

    Attributes:
        weights (callable): ``weights(n, value)`` gives the weight of one image of each class, float64
            ``[K]``, of the classes that have images, by their sizes ``n``, float64 ``[K]``, all above 0, and
            the value of the parameter; ``weights(n)`` where there is no parameter.
        formula (str): the same for a reader, with ``n_c`` the images of class c.
        source (str): the paper.
        parameter (str or None): the name of the one number that it takes.
        bounds (dict): of the parameter: ``minimum``, ``above``, ``maximum``, ``below``, of ``checks.number``.
        default (float or None): of the parameter; None means that it must be given.
        over_run (bool): the parameter is no setting but goes from 0 in the first epoch of a run to 1 in its last.
    """

    weights: Callable
    formula: str
    source: str
    parameter: Optional[str] = None
    bounds: Mapping = MappingProxyType({})
    default: Optional[float] = None
    over_run: bool = False


_KANG = "Kang et al., ICLR 2020"
_PACKAGED = {
    "effective_number": Mode(
        lambda n, beta: effective_number(n.astype(np.int64), beta, normalize=False),
        "(1 - beta) / (1 - beta^n_c)",
        "Cui et al., CVPR 2019",
        parameter="beta",
        bounds={"minimum": 0, "below": 1},
        default=0.9999,
    ),
    "class_balanced": Mode(lambda n: n**-1.0, "1 / n_c", _KANG),
    "square_root": Mode(lambda n: n**-0.5, "n_c^(-1/2)", _KANG),
    "power": Mode(
        lambda n, exponent: n ** (exponent - 1),
        "n_c^(exponent - 1)",
        _KANG,
        parameter="exponent",
        bounds={"minimum": 0, "maximum": 1},
    ),
    "progressive": Mode(
        lambda n, progress: (1 - progress) / n.sum() + progress / (n.size * n),
        "(1 - progress) / N + progress / (K n_c)",
        _KANG,
        parameter="progress",
        bounds={"minimum": 0, "maximum": 1},
        over_run=True,
    ),
}


def add_mode(name, entry):
    """Let ``mode: NAME`` weigh images by an entry of your own.

    Args:
        name (str): of the mode.
        entry (Mode): what it does.

    Raises:
        ValueError: the name is taken, or the parameter has the name of another argument of a sampler.
    """
    if entry.parameter in RESERVED:
        raise ValueError(f"mode {name!r}: a sampler has an argument {entry.parameter!r} already")
    registry.add(registry.MODE, name, entry)


for _name, _entry in _PACKAGED.items():
    add_mode(_name, _entry)


def modes():
    """Return the table: name -> :class:`Mode`."""
    return registry.registered(registry.MODE)


def mode_parameters():
    """Return the parameters that may be given with some mode, each once."""
    return list(dict.fromkeys(m.parameter for m in modes().values() if m.parameter is not None and not m.over_run))


def image_weights(mode, counts, **given):
    """Weigh one image of each class, by the size of its class.

    The weights are relative: an image is drawn with its weight over the sum of
    the weights of all images. An empty class gets 0.

    Args:
        mode (str): a name of :func:`modes`, which has each with its formula: ``effective_number``,
            ``class_balanced``, ``square_root``, ``power``, ``progressive`` and those that were added.
        counts (sequence of int): images per class ``[C]``.
        **given (float): the parameter of the mode; None means its default.

    Returns:
        float64 array ``[C]``.

    Raises:
        ConfigError: an unknown mode, a parameter that is out of range, missing
            or of another mode, or ``counts`` that are no counts or all zero.
    """
    parameter = mode_parameter(mode, given, owner="image_weights")
    counts = as_counts(counts, owner="image_weights", name="counts", allow_empty=True)
    present = counts > 0
    n = counts[present].astype(np.float64)
    entry = modes()[mode]
    weights = np.zeros(counts.size)
    weights[present] = entry.weights(n) if entry.parameter is None else entry.weights(n, parameter)
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
    known = modes()
    checks.choice(owner, "mode", mode, tuple(known))
    entry = known[mode]
    for name, value in given.items():
        if value is not None and name != entry.parameter:
            checks.fail(owner, name, f"left out with mode {mode!r}", value)
    if entry.parameter is None:
        return None
    value = given.get(entry.parameter)
    value = entry.default if value is None else value
    return checks.number(owner, entry.parameter, value, **entry.bounds)


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
