"""Images per class: reading them, weighting by them, grouping classes by them.

Standard library and NumPy only. Notation: C classes, ``n`` the images per
class ``[C]``, ``w`` the class weights ``[C]``.
"""

import os
from collections import Counter

import numpy as np

from ..basis import checks
from . import label_lists

# One stray label such as a time stamp must not allocate gigabytes of zeros.
MAX_CLASSES = 10**7

_BETA = {"minimum": 0, "below": 1}
_GAMMA = {"minimum": 0}


def count_label_list(path, *, owner, name="cls_label_path", delimiter=None, class_num=None, check_labels=True):
    """Count the images per class in a PaddleClas label list.

    Every line is ``image<delimiter>label``. A line is read as PaddleClas reads
    it: stripped, split at the delimiter, the second field is the label. What
    PaddleClas could not read is an error: see ``label_lists``.

    Args:
        path (str): the label list.
        owner (str): who asks, for messages, e.g. ``DataLoader.Train.dataset``.
        name (str): the parameter that holds the path, for messages.
        delimiter (str): what separates the fields; None means one space.
        class_num (int): the number of classes C; None means the highest label + 1.
        check_labels (bool): False ignores ``class_num``, for lists whose labels
            PaddleClas renumbers (its option ``relabel``).

    Returns:
        int64 array ``[C]``: the images per class.

    Raises:
        ConfigError: the file cannot be read, is empty, is not in UTF-8 or begins
            with a byte order mark, holds a line without an integer label or of
            10^6 characters, or a label below 0 or not below C.
    """
    if not isinstance(path, (str, os.PathLike)):
        checks.fail(owner, name, "the path of a label list", path)
    delimiter = " " if delimiter is None else delimiter
    if not isinstance(delimiter, str) or not delimiter:
        checks.fail(owner, "delimiter", "a string that is not empty", delimiter)
    if class_num is not None:
        class_num = checks.integer(owner, "class_num", class_num, minimum=1)
        if class_num > MAX_CLASSES:
            checks.fail(owner, "class_num", f"at most {MAX_CLASSES}", class_num)
    limit = class_num if check_labels else None
    bound = MAX_CLASSES if limit is None else limit
    tally = Counter()
    if os.path.exists(path):
        checks.regular_file(owner, name, path)
    try:
        # One pass that only counts strings; each distinct one becomes an integer once.
        with label_lists.open_list(path) as file:
            tokens = Counter(line.strip().split(delimiter, 2)[1] for line in label_lists.lines(file))
        for token, images in tokens.items():
            tally[int(token)] += images
    except OSError as error:
        checks.unreadable(owner, name, path, error)
    except (IndexError, ValueError):
        label_lists.fail_at_line(path, owner, name, delimiter, bound)
    if not tally:
        checks.fail(owner, name, f"a list of images ({path})", checks.described("an empty file"))
    if min(tally) < 0 or max(tally) >= bound:
        from_one = (min(tally), max(tally)) == (1, limit)
        label_lists.fail_at_line(path, owner, name, delimiter, bound, from_one)
    counts = np.zeros(max(tally) + 1 if limit is None else limit, dtype=np.int64)
    counts[list(tally)] = list(tally.values())
    return counts


def as_counts(value, *, owner, name="num_class_list", class_num=None, delimiter=None, allow_empty=False):
    """Return the images per class, given as numbers or as the path of a label list.

    Args:
        value (sequence of int, array or str): C integers >= 0, or a path.
        owner (str): who asks, for messages, e.g. ``LDAMLoss``.
        name (str): the parameter, for messages.
        class_num (int): the number of classes C, if known.
        delimiter (str): see ``count_label_list``.
        allow_empty (bool): accept classes without any image.

    Returns:
        int64 array ``[C]``.

    Raises:
        ConfigError: no such numbers, not C of them, no class, a class without
            an image (unless ``allow_empty``), or no image at all.
    """
    if isinstance(value, str) and value == "auto":
        checks.fail(
            owner,
            name,
            "a list of integers or the path of a label list here (`auto` is resolved only when "
            "PaddleClas's Engine builds the training data set)",
            value,
        )
    if class_num is not None:
        class_num = checks.integer(owner, "class_num", class_num, minimum=1)
    if isinstance(value, (str, os.PathLike)):
        counts = count_label_list(value, owner=owner, name=name, delimiter=delimiter, class_num=class_num)
    else:
        counts = _integers(value, owner, name)
    if counts.size == 0:
        checks.fail(owner, name, "a list with at least one class", value)
    if class_num is not None and counts.size != class_num:
        got = checks.described(f"{counts.size} numbers")
        checks.fail(owner, name, f"as long as `class_num`, which is {class_num}", got)
    empty = np.flatnonzero(counts == 0)
    if empty.size == counts.size:
        checks.fail(owner, name, "a list with at least one image", checks.described("only zeros"))
    if empty.size and not allow_empty:
        listed = ", ".join(map(str, empty[:10])) + (", ..." if empty.size > 10 else "")
        checks.fail(
            owner,
            name,
            "at least 1 for every class (or set `allow_empty_classes: true`)",
            checks.described(f"no image for {empty.size} of {counts.size} classes: {listed}"),
        )
    return counts


def inverse_frequency(counts):
    """Weigh a class by the inverse of its images.

    ``w_c = a / n_c``, with ``a`` such that the weights sum to C. An empty class
    gets 0, and the others then sum to their number.

    Args:
        counts (sequence of int): images per class ``[C]``.

    Returns:
        float64 array ``[C]``.

    Raises:
        ConfigError: ``counts`` are no counts, or all zero.
    """
    counts, present = _present(counts, "inverse_frequency")
    return _spread(_sum_to_size(1.0 / counts[present]), present)


def effective_number(counts, beta=0.9999, normalize=True):
    """Weigh a class by the inverse of its effective number of images.

    ``w_c = (1 - beta) / (1 - beta^n_c)``, scaled to sum to C. An empty class
    gets 0, and the others then sum to their number. ``beta = 0`` gives ones.

    Args:
        counts (sequence of int): images per class ``[C]``.
        beta (float): in [0, 1).
        normalize (bool): False leaves the weights as the formula gives them.

    Returns:
        float64 array ``[C]``.

    Raises:
        ConfigError: ``counts`` are no counts or all zero, or ``beta`` is out of range.

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of
    Samples", CVPR 2019. Unlike the authors' code, ``1 - beta^n`` is computed
    without cancellation, so the weights are also right for ``beta`` next to 1.
    """
    beta = checks.number("effective_number", "beta", beta, **_BETA)
    counts, present = _present(counts, "effective_number")
    if beta == 0:
        return present.astype(np.float64)
    weights = (1.0 - beta) / -np.expm1(counts[present] * np.log(beta))
    return _spread(_sum_to_size(weights) if normalize else weights, present)


def cost_sensitive(counts, gamma=1.0):
    """Weigh a class by its size relative to the smallest class.

    ``w_c = (n_min / n_c)^gamma``, not rescaled: the smallest class has weight 1.
    An empty class gets 0 and does not count as the smallest.

    Args:
        counts (sequence of int): images per class ``[C]``.
        gamma (float): >= 0; 0 gives ones.

    Returns:
        float64 array ``[C]``.

    Raises:
        ConfigError: ``counts`` are no counts or all zero, or ``gamma`` is out of range.

    Source: the CS_CE loss of Zhang et al., "Bag of Tricks for Long-Tailed
    Visual Recognition with Deep Convolutional Neural Networks", AAAI 2021.
    """
    gamma = checks.number("cost_sensitive", "gamma", gamma, **_GAMMA)
    counts, present = _present(counts, "cost_sensitive")
    filled = counts[present]
    return _spread((filled.min() / filled) ** gamma, present)


# Name in a configuration -> the function, and the bounds of each parameter it takes from there.
_SCHEMES = {
    "none": (None, {}),
    "inverse": (inverse_frequency, {}),
    "effective_number": (effective_number, {"beta": _BETA}),
    "cs_ce": (cost_sensitive, {"gamma": _GAMMA}),
}


def class_weights(scheme, counts, *, owner, name="class_weight", class_num=None):
    """Return the class weights that a configuration asks for.

    Args:
        scheme: None or ``"none"``; ``"inverse"``, ``"effective_number"`` or
            ``"cs_ce"``; one of them with its parameter, as in
            ``{"effective_number": {"beta": 0.999}}``; or C numbers >= 0.
        counts (sequence of int): images per class ``[C]``; None if unknown.
        owner (str): who asks, for messages, e.g. ``LDAMLoss``.
        name (str): the parameter that holds the scheme, for messages.
        class_num (int): the number of classes C, if known.

    Returns:
        float64 array ``[C]``, or None for no weights.

    Raises:
        ConfigError: an unknown scheme or parameter, a parameter out of range,
            numbers that are no weights of C classes, or a scheme that needs
            ``counts`` without them.
    """
    if class_num is not None:
        class_num = checks.integer(owner, "class_num", class_num, minimum=1)
    if counts is not None:
        counts = as_counts(counts, owner=owner, class_num=class_num, allow_empty=True)
        class_num = counts.size
    if isinstance(scheme, (list, tuple, np.ndarray)):
        return _explicit_weights(scheme, owner, name, class_num)
    if scheme is None:
        scheme = "none"
    params = None
    if isinstance(scheme, dict) and len(scheme) == 1:
        [(scheme, params)] = scheme.items()
    params = {} if params is None else params
    if not isinstance(scheme, str):
        expected = "one of {}, a map from one of them to its parameters, or a list of numbers"
        checks.fail(owner, name, expected.format(", ".join(_SCHEMES)), scheme)
    checks.known_name(owner, f"`{name}` scheme", scheme, _SCHEMES)
    function, known = _SCHEMES[scheme]
    place = f"{name}.{scheme}"
    if not isinstance(params, dict):
        checks.fail(owner, place, "a map of parameters", params)
    for key, value in params.items():
        checks.known_name(owner, f"parameter of `{place}`", key, known)
        checks.number(owner, f"{place}.{key}", value, **known[key])
    if function is None:
        return None
    if counts is None:
        got = checks.described("no `num_class_list`")
        checks.fail(owner, name, f"used with `num_class_list`, from which {scheme!r} is computed", got)
    return function(counts, **params)


def long_tail_profile(n_max, ratio, class_num):
    """Return the images per class of an exponential long tail.

    ``n_c = int(n_max * (1 / ratio)^(c / (C - 1)))``, but never below 1.

    Args:
        n_max (int): images of class 0, the largest.
        ratio (float): largest class over smallest, >= 1.
        class_num (int): the number of classes C.

    Returns:
        list of int: C numbers, from most to fewest.

    Raises:
        ConfigError: an argument is out of range.

    Source: Cao et al., "Learning Imbalanced Datasets with
    Label-Distribution-Aware Margin Loss", NeurIPS 2019. Their code has no lower
    limit and so loses the last classes when ``ratio > n_max``.
    """
    owner = "long_tail_profile"
    n_max = checks.integer(owner, "n_max", n_max, minimum=1)
    ratio = checks.number(owner, "ratio", ratio, minimum=1)
    class_num = checks.integer(owner, "class_num", class_num, minimum=1)
    steps = max(class_num - 1, 1)
    return [max(int(n_max * (1 / ratio) ** (c / steps)), 1) for c in range(class_num)]


def shot_groups(counts, thresholds=(100, 20), *, owner="shot_groups"):
    """Split the classes into those with many, medium and few training images.

    With two thresholds: many have more than the first, few have less than the
    second. With ``"tertiles"``: the third (rounded down) of the classes with the
    most images, the third with the fewest; of equal classes the lower index
    counts as larger.

    Args:
        counts (sequence of int): training images per class ``[C]``.
        thresholds (pair of numbers or str): as above.

    Returns:
        dict: ``many``, ``medium`` and ``few``, each an ascending array of class
        indices, which may be empty.

    Raises:
        ConfigError: ``counts`` are no counts, or ``thresholds`` are neither.

    Source: the default is that of Liu et al., "Large-Scale Long-Tailed
    Recognition in an Open World", CVPR 2019 (ImageNet-LT).
    """
    counts = as_counts(counts, owner=owner, name="counts", allow_empty=True)
    if isinstance(thresholds, str) and thresholds == "tertiles":
        order = np.argsort(-counts, kind="stable")
        third = counts.size // 3
        parts = np.split(order, [third, counts.size - third])
        return {group: np.sort(part) for group, part in zip(("many", "medium", "few"), parts)}
    if not isinstance(thresholds, (list, tuple)) or len(thresholds) != 2:
        checks.fail(owner, "thresholds", "two numbers or 'tertiles'", thresholds)
    upper = checks.number(owner, "thresholds[0]", thresholds[0], minimum=0)
    lower = checks.number(owner, "thresholds[1]", thresholds[1], minimum=0, maximum=upper)
    many, few = counts > upper, counts < lower
    masks = {"many": many, "medium": ~many & ~few, "few": few}
    return {group: np.flatnonzero(mask) for group, mask in masks.items()}


def _integers(value, owner, name):
    """Return ``value`` as an int64 array ``[C]`` if it is a sequence of integers >= 0."""
    expected = "a list of integers >= 0 or the path of a label list"
    if isinstance(value, np.ndarray):
        if value.ndim != 1 or (value.size and value.dtype.kind not in "iu"):
            got = checks.described(f"an array of shape {list(value.shape)} and type {value.dtype}")
            checks.fail(owner, name, expected, got)
        if value.size and value.min() >= 0 and value.max() <= np.iinfo(np.int64).max:
            return value.astype(np.int64)
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        checks.fail(owner, name, expected, value)
    numbers = [checks.integer(owner, f"{name}[{c}]", n, minimum=0) for c, n in enumerate(value)]
    if max(numbers, default=0) > np.iinfo(np.int64).max:
        checks.fail(owner, name, "a list of integers below 2^63", max(numbers))
    return np.array(numbers, dtype=np.int64)


def _explicit_weights(weights, owner, name, class_num):
    if isinstance(weights, np.ndarray):
        weights = weights.tolist()
    if not isinstance(weights, (list, tuple)) or not weights:
        checks.fail(owner, name, "a list with one number per class", weights)
    if class_num is not None and len(weights) != class_num:
        got = checks.described(f"{len(weights)} numbers")
        checks.fail(owner, name, f"a list with one number for each of the {class_num} classes", got)
    array = np.array([checks.number(owner, f"{name}[{c}]", w, minimum=0) for c, w in enumerate(weights)])
    if not array.any():
        checks.fail(owner, name, "a list with at least one number > 0", checks.described("only zeros"))
    return array


def _present(counts, owner):
    counts = as_counts(counts, owner=owner, name="counts", allow_empty=True)
    return counts, counts > 0


def _sum_to_size(weights):
    return weights * (weights.size / weights.sum())


def _spread(weights, present):
    """Return ``weights`` of the non-empty classes at their places, 0 elsewhere."""
    full = np.zeros(present.size)
    full[present] = weights
    return full
