"""Label lists in, label lists out: long-tailed subsets and validation splits.

Standard library and NumPy only. Notation: N lines, C classes, ``n`` the images
per class ``[C]``.

An image's place in a draw is a hash of the seed and its name. So a draw depends
neither on the order of the lines nor on the version of NumPy, and it hardly
changes when images are added.
"""

import contextlib
import hashlib
import os
from typing import NamedTuple

import numpy as np

from ..basis import atomic, checks, lock
from . import label_lists
from .counts import as_counts, count_label_list, long_tail_profile

KINDS = ("exp", "step")
ORDERS = ("given", "random", "size")


class LabelList(NamedTuple):
    """A label list in memory: ``lines``, with their ends, and ``images`` are lists of N
    strings, ``labels`` is int64 ``[N]``, ``counts`` int64 ``[C]``.
    """

    lines: list
    images: list
    labels: np.ndarray
    counts: np.ndarray


def read_label_list(path, *, owner, name="LIST", delimiter=None):
    """Read a PaddleClas label list and keep its lines as they are.

    Args:
        path (str): the label list.
        owner (str): who asks, for messages, e.g. ``ppcls-lt split``.
        name (str): the parameter that holds the path, for messages.
        delimiter (str): what separates the fields; None means one space.

    Returns:
        LabelList

    Raises:
        ConfigError: as in ``counts.count_label_list``, or the file cannot be
            read twice.
    """
    # The pass that names every mistake; what follows may rely on well-formed lines.
    counts = count_label_list(path, owner=owner, name=name, delimiter=delimiter)
    # As `count_label_list` reads it, but with the ends of the lines left alone.
    with label_lists.open_list(path, newline="") as file:
        lines = list(file)
    try:
        fields = [line.strip().split(delimiter or " ", 2) for line in lines]
        numbers = {token: int(token) for token in {field[1] for field in fields}}
        labels = np.array([numbers[field[1]] for field in fields], dtype=np.int64)
        same = np.array_equal(np.bincount(labels, minlength=counts.size), counts)
    except (IndexError, ValueError):
        same = False
    if not same:
        got = checks.described("other lines at the second reading")
        checks.fail(owner, name, f"a file that can be read twice, not a pipe ({path})", got)
    return LabelList(lines, [field[0] for field in fields], labels, counts)


def joined(lines, chosen):
    """Return the chosen lines of a ``LabelList`` as a file, bytes.

    Args:
        lines (list of str): ``LabelList.lines``.
        chosen (array of int): their positions.
    """
    return "".join([lines[position] for position in chosen.tolist()]).encode("utf-8")


def step_profile(n_max, ratio, class_num, fraction=0.5):
    """Return the images per class of a step: classes of two sizes.

    ``n_c = n_max`` for the first classes, ``int(n_max / ratio)`` but never below
    1 for the last ``floor(fraction * C)``; of two classes or more, each size has
    at least one.

    Args:
        n_max (int): images of a large class.
        ratio (float): large class over small class, >= 1.
        class_num (int): the number of classes C.
        fraction (float): the share of small classes, between 0 and 1.

    Returns:
        list of int: C numbers, from most to fewest.

    Raises:
        ConfigError: an argument is out of range.

    Source: Buda et al., "A systematic study of the class imbalance problem in
    convolutional neural networks", Neural Networks 2018; ``fraction = 0.5`` is
    the step of Cao et al., NeurIPS 2019, whose code loses a class when C is odd.
    """
    # The long tail of two classes: the same checks, and the same rounding.
    fraction = checks.number("step_profile", "fraction", fraction, above=0, below=1)
    class_num = checks.integer("step_profile", "class_num", class_num, minimum=1)
    large, small = long_tail_profile(n_max, ratio, 2)
    if class_num == 1:
        return [large]
    smalls = min(max(int(fraction * class_num), 1), class_num - 1)
    return [large] * (class_num - smalls) + [small] * smalls


def class_order(order, counts, *, seed=0, owner="class_order", called=str):
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
            return np.argsort(_draw(map(str, range(counts.size)), seed), kind="stable")
        return np.arange(counts.size)
    if not isinstance(order, (list, tuple, np.ndarray)):
        checks.fail(owner, called("order"), "one of " + ", ".join(ORDERS) + " or a list of the classes", order)
    classes = [checks.integer(owner, f"{called('order')}[{rank}]", label) for rank, label in enumerate(order)]
    if sorted(classes) != list(range(counts.size)):
        got = checks.described(f"{len(classes)} classes, {len(set(classes))} of them different")
        checks.fail(owner, called("order"), f"every class from 0 to {counts.size - 1} once", got)
    return np.array(classes, dtype=np.int64)


def tail_counts(
    available,
    *,
    ratio,
    kind="exp",
    step_fraction=0.5,
    order="given",
    max_per_class=None,
    seed=0,
    owner="tail_counts",
    name="available",
    called=str,
):
    """Return how many images a long-tailed subset takes of each class.

    Args:
        available (sequence of int): images per class ``[C]``, none of them 0.
        ratio (float): largest class over smallest, >= 1.
        kind (str): ``exp`` (``counts.long_tail_profile``) or ``step`` (``step_profile``).
        step_fraction (float): the share of small classes of ``step``.
        order (str or sequence of int): see ``class_order``.
        max_per_class (int): images of the largest class; None means all of the
            first class of ``order``.
        seed (int): for ``order="random"``.
        owner, name (str): who asks, and what it calls ``available``, for messages.
        called (callable): what it calls another argument, from its name here.

    Returns:
        int64 array ``[C]``, by class.

    Raises:
        ConfigError: an argument is out of range, or a class has fewer images
            than it needs; the message says which ``max_per_class`` would do.
    """
    available = as_counts(available, owner=owner, name=name, allow_empty=True)
    empty = np.flatnonzero(available == 0)
    if empty.size:
        got = f"no image of {listed_classes(empty)}"
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
        got = f"{max_per_class}: class {first} has {available[first]} images and needs {counts[first]}{more}"
        expected = f"at most {fits} for this list, ratio and order (--max-per-class {fits})"
        checks.fail(owner, called("max_per_class"), expected, checks.described(got))
    return counts


def long_tail_subset(labels, counts, *, images=None, seed=0):
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
    labels, images = _labels_and_images(labels, images, owner, "labels")
    counts = as_counts(counts, owner=owner, name="counts", allow_empty=True)
    if counts.size <= labels.max():
        got = checks.described(f"{counts.size} numbers")
        checks.fail(owner, "counts", f"a number for each class up to {labels.max()}", got)
    rank = _rank_in_class(labels, _draw(images, seed))
    return np.flatnonzero(rank < counts[labels])


def stratified_split(
    labels, *, fraction, images=None, seed=0, allow_missing=False, owner="stratified_split", name="labels", called=str
):
    """Split images into a training and a validation part, class by class.

    Of ``n_c`` images of class c, ``max(1, round(fraction * n_c))`` but never all
    go to validation; halves are rounded to the even number. Lines with the same
    image stay together and count once.

    Args:
        labels (array of int): class of each line ``[N]``.
        fraction (float): share of the validation part, between 0 and 1.
        images (sequence of str): image of each line, compared as they are
            written; None means that every line has its own.
        seed (int): >= 0.
        allow_missing (bool): accept classes with a single image, which then
            stays in training.
        owner, name (str): who asks, and what it calls ``labels``, for messages.
        called (callable): what it calls another argument, from its name here.

    Returns:
        tuple: the positions of the training lines and those of the validation
        lines, int64 arrays, each ascending.

    Raises:
        ConfigError: an argument is out of range, a class has a single image
            (unless ``allow_missing``), all have, or an image has two labels.
    """
    fraction = checks.number(owner, called("fraction"), fraction, above=0, below=1)
    seed = checks.integer(owner, called("seed"), seed, minimum=0)
    labels, images = _labels_and_images(labels, images, owner, name)
    places = {}
    group = np.array([places.setdefault(image, len(places)) for image in images], dtype=np.int64)
    # Groups are numbered as they appear, so this is each group's first line.
    first = np.unique(group, return_index=True)[1]
    own = labels[first]
    other = np.flatnonzero(labels != own[group])
    if other.size:
        lines = (first[group[other[0]]], other[0])
        got = " and ".join(f"{labels[line]} (line {line + 1})" for line in lines)
        got = checks.described(f"the labels {got} of {images[lines[0]]!r}")
        checks.fail(owner, name, "a list with one label for every image", got)
    images_per_class = np.bincount(own)
    single = np.flatnonzero(images_per_class == 1)
    if single.size and not allow_missing:
        expected = "a list with at least 2 images of every class (or pass --allow-missing)"
        checks.fail(owner, name, expected, checks.described(f"a single image of {listed_classes(single)}"))
    wanted = np.minimum(np.maximum(np.rint(fraction * images_per_class), 1), images_per_class - 1)
    held_out = _rank_in_class(own, _draw(places, seed)) < wanted[own]
    if not held_out.any():
        got = checks.described("a single image of every class")
        checks.fail(owner, name, "a list with an image for validation", got)
    return np.flatnonzero(~held_out[group]), np.flatnonzero(held_out[group])


def write_files(contents, *, owner, inputs=(), force=False):
    """Write files, each of which is complete or not there.

    Args:
        contents (dict): parameter, for messages -> (path, bytes).
        owner (str): who asks, for messages.
        inputs (sequence of str): files that must not be written onto.
        force (bool): replace existing files.

    Raises:
        ConfigError: a path is one of ``inputs``, is written twice, exists
            without ``force``, is no ordinary file, or cannot be written.
    """
    check_outputs({name: path for name, (path, _) in contents.items()}, owner=owner, inputs=inputs, force=force)
    try:
        with contextlib.ExitStack() as locks:
            for folder in sorted({os.path.dirname(os.path.abspath(path)) for path, _ in contents.values()}):
                locks.enter_context(lock.held(folder, owner, next(iter(contents))))
            for path, _ in contents.values():
                atomic.sweep(path)
            atomic.write_all(dict(contents.values()))
    except OSError as error:
        named = {str(path): name for name, (path, _) in contents.items()}
        failed = named.get(error.filename, next(iter(contents)))
        expected = f"a file that can be written ({contents[failed][0]})"
        checks.fail(owner, failed, expected, checks.described(error.strerror))


def listed_classes(classes):
    """Return "class 3" or "12 classes: 0, 1, ..." for messages."""
    numbers = ", ".join(map(str, classes[:10])) + (", ..." if len(classes) > 10 else "")
    return f"class {numbers}" if len(classes) == 1 else f"{len(classes)} classes: {numbers}"


def check_outputs(paths, *, owner, inputs=(), force=False):
    """Raise what ``write_files`` would, before any work is done.

    Args:
        paths (dict): parameter, for messages -> path.
        owner, inputs, force: see ``write_files``.
    """
    seen = {}
    for name, path in paths.items():
        real = os.path.realpath(path)
        if real in seen:
            checks.fail(owner, name, f"another file than `{seen[real]}`", path)
        seen[real] = name
        if not os.path.isdir(os.path.dirname(real)):
            checks.fail(owner, name, "a file in an existing folder", checks.sought(path))
        if not os.path.lexists(path):
            continue
        for source in inputs:
            if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
                checks.fail(owner, name, "another file than the list that is read", path)
        # A device or a folder must not be replaced, whatever the user says.
        if os.path.exists(path) and not os.path.isfile(path):
            checks.fail(owner, name, "an ordinary file", path)
        if not force:
            checks.fail(owner, name, "a new file (or pass --force to replace it)", path)


def _labels_and_images(labels, images, owner, name):
    """Return the labels as an array ``[N]`` and N names."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu" or labels.min() < 0:
        checks.fail(owner, name, "integers >= 0, one for each image", labels)
    if images is None:
        images = [str(position) for position in range(labels.size)]
    if len(images) != labels.size:
        got = checks.described(f"{len(images)} names")
        checks.fail(owner, "images", f"a name for each of the {labels.size} labels", got)
    return labels, images


def _draw(names, seed):
    """Return for every name a number that the seed and the name decide, uint64 ``[N]``."""
    prefix = f"{seed}\n".encode()
    hashes = (hashlib.blake2b(prefix + name.encode("utf-8"), digest_size=8).digest() for name in names)
    return np.frombuffer(b"".join(hashes), dtype=">u8").astype(np.uint64)


def _rank_in_class(labels, draw):
    """Return the place of each image among those of its class, in the order of ``draw``, ``[N]``."""
    order = np.lexsort((draw, labels))
    starts = np.concatenate([[0], np.cumsum(np.bincount(labels))])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size) - starts[labels[order]]
    return rank
