"""Long-tailed subsets of a label list. Notation: N lines, C classes, ``n`` the images per class ``[C]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

import numpy as np

from ..basis import checks
from .counts import CountsLike, as_counts
from .drawing import draw, labels_and_images, rank_in_class
from .list_files import listed_classes
from .profiles import long_tail_profile, step_profile

KINDS = ("exp", "step")


ORDERS = ("given", "random", "size")


def class_order(
    order: str | Sequence[int] | np.ndarray,
    counts: CountsLike,
    *,
    seed: int = 0,
    owner: str = "class_order",
    called: Callable[[str], str] = str,
) -> np.ndarray:
    """Return the classes from the one that shall have most images to the one with fewest.

    Args:
        order (str or sequence of int): ``given`` (0, 1, ...), ``random`` (drawn
            by ``seed``), ``size`` (most images first, of equals the lower class)
            or every class once.
        counts (sequence of int): images per class ``[C]``.
        seed (int): >= 0.
        owner (str): who asks, for messages.
        called (callable): what it calls an argument, from its name here.

    Returns:
        int64 array ``[C]``.

    Raises:
        ConfigError: ``order`` is none of these.
    """
    counts = as_counts(counts, owner=owner, name="counts", allow_empty=True)
    seed = checks.integer(owner, called("seed"), seed, minimum=0)
    if isinstance(order, str):
        checks.choice(owner, called("order"), order, ORDERS)
        if order == "size":
            return np.argsort(-counts, kind="stable")
        if order == "random":
            return np.argsort(draw(map(str, range(counts.size)), seed), kind="stable")
        return np.arange(counts.size)
    if not isinstance(order, (list, tuple, np.ndarray)):
        checks.fail(owner, called("order"), "one of " + ", ".join(ORDERS) + " or a list of the classes", order)
    classes = [checks.integer(owner, f"{called('order')}[{rank}]", label) for rank, label in enumerate(order)]
    if sorted(classes) != list(range(counts.size)):
        got = checks.described(f"{len(classes)} classes, {len(set(classes))} of them different")
        checks.fail(owner, called("order"), f"every class from 0 to {counts.size - 1} once", got)
    return np.array(classes, dtype=np.int64)


def tail_counts(
    available: CountsLike,
    *,
    ratio: float,
    kind: str = "exp",
    step_fraction: float = 0.5,
    order: str | Sequence[int] | np.ndarray = "given",
    max_per_class: int | None = None,
    seed: int = 0,
    owner: str = "tail_counts",
    name: str = "available",
    called: Callable[[str], str] = str,
    class_called: Callable[[int], str] = str,
) -> np.ndarray:
    """Return how many images a long-tailed subset takes of each class.

    Args:
        available (sequence of int): images per class ``[C]``, none of them 0.
        ratio (float): largest class over smallest, >= 1.
        kind (str): ``exp`` (``profiles.long_tail_profile``) or ``step`` (``step_profile``).
        step_fraction (float): the share of small classes of ``step``.
        order (str or sequence of int): see ``class_order``.
        max_per_class (int): images of the largest class; None means all of the
            first class of ``order``.
        seed (int): for ``order="random"``.
        owner, name (str): who asks, and what it calls ``available``, for messages.
        called (callable): what it calls another argument, from its name here.
        class_called (callable): what it calls a class.

    Returns:
        int64 array ``[C]``, by class.

    Raises:
        ConfigError: an argument is out of range, or a class has fewer images
            than it needs; the message says which ``max_per_class`` would do.
    """
    available = as_counts(available, owner=owner, name=name, allow_empty=True)
    empty = np.flatnonzero(available == 0)
    if empty.size:
        got = f"no image of {listed_classes(empty, class_called)}"
        checks.fail(owner, name, "a list with images of every class", checks.described(got))
    ratio = checks.number(owner, called("ratio"), ratio, minimum=1)
    checks.choice(owner, called("kind"), kind, KINDS)
    step_fraction = checks.number(owner, called("step_fraction"), step_fraction, above=0, below=1)
    ranked = class_order(order, available, seed=seed, owner=owner, called=called)
    if max_per_class is None:
        max_per_class = int(available[ranked[0]])
    max_per_class = checks.integer(owner, called("max_per_class"), max_per_class, minimum=1)

    def counts_for(n_max):
        if kind == "exp":
            profile = long_tail_profile(n_max, ratio, available.size)
        else:
            profile = step_profile(n_max, ratio, available.size, step_fraction)
        counts = np.empty_like(available)
        counts[ranked] = profile
        return counts

    counts = counts_for(max_per_class)
    short = ranked[counts[ranked] > available[ranked]]
    if short.size:
        # One image a class always fits, and a larger maximum never needs fewer images.
        fits, too_many = 1, max_per_class
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if (counts_for(middle) <= available).all():
                fits = middle
            else:
                too_many = middle
        first = short[0]
        more = "" if short.size == 1 else f" ({short.size} classes have too few)"
        has = f"class {class_called(first)} has {available[first]} images"
        got = f"{max_per_class}: {has} and needs {counts[first]}{more}"
        expected = f"at most {fits} for this list, ratio and order (--max-per-class {fits})"
        checks.fail(owner, called("max_per_class"), expected, checks.described(got))
    return counts


def long_tail_subset(
    labels: Sequence[int] | np.ndarray, counts: CountsLike, *, images: Sequence[str] | None = None, seed: int = 0
) -> np.ndarray:
    """Draw a number of images of every class.

    With one seed a smaller number draws a part of what a larger one draws.

    Args:
        labels (array of int): class of each image ``[N]``.
        counts (array of int): images to draw per class ``[C]``, for example
            ``tail_counts(...)``; of a class with fewer, all are taken.
        images (sequence of str): names of the images, which the draw depends on;
            None takes their positions.
        seed (int): >= 0.

    Returns:
        int64 array: positions in ``labels``, ascending.

    Raises:
        ConfigError: an argument is not what it must be.
    """
    owner = "long_tail_subset"
    seed = checks.integer(owner, "seed", seed, minimum=0)
    labels, images = labels_and_images(labels, images, owner, "labels")
    counts = as_counts(counts, owner=owner, name="counts", allow_empty=True)
    if counts.size <= labels.max():
        got = checks.described(f"{counts.size} numbers")
        checks.fail(owner, "counts", f"a number for each class up to {labels.max()}", got)
    rank = rank_in_class(labels, draw(images, seed))
    return np.flatnonzero(rank < counts[labels])


def ldam_subset(labels: Sequence[int] | np.ndarray, counts: CountsLike, *, seed: int = 0) -> np.ndarray:
    """Draw a number of images of every class as the LDAM authors' code does, image for image.

    One generator, NumPy's older one, shuffles the images of class 0, then those of
    class 1, and so on; each time the first ``counts[c]`` are taken.

    Args:
        labels (array of int): class of each image ``[N]``, in the order of the data set's files.
        counts (array of int): images to draw per class ``[C]``, none more than there are.
        seed (int): their ``rand_number``, >= 0 and < 2^32.

    Returns:
        int64 array: positions in ``labels``, class after class.

    Raises:
        ConfigError: an argument is not what it must be.

    Source: ``imbalance_cifar.py`` of Cao et al., NeurIPS 2019. It seeds NumPy's
    global generator, which is left alone here.
    """
    owner = "ldam_subset"
    seed = checks.integer(owner, "seed", seed, minimum=0, maximum=2**32 - 1)
    labels, _ = labels_and_images(labels, None, owner, "labels")
    counts = as_counts(counts, owner=owner, name="counts", allow_empty=True)
    generator = np.random.RandomState(seed)
    chosen = []
    for label, count in enumerate(counts):
        positions = np.flatnonzero(labels == label)
        generator.shuffle(positions)
        chosen.append(positions[:count])
    return np.concatenate(chosen)
