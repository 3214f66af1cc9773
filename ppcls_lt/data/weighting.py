"""Class weights from the images per class. Notation: C classes, ``n`` the images per class ``[C]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

import numpy as np

from ..basis import checks
from .counts import CountsLike, as_counts

# A scheme, a map from one to its parameter, one number for each class, or none.
WeightsLike = Union[str, dict, Sequence[float], np.ndarray, None]

_BETA = {"minimum": 0, "below": 1}


_GAMMA = {"minimum": 0}


def inverse_frequency(counts: CountsLike) -> np.ndarray:
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


def effective_number(counts: CountsLike, beta: float = 0.9999, normalize: bool = True) -> np.ndarray:
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


def cost_sensitive(counts: CountsLike, gamma: float = 1.0) -> np.ndarray:
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


def class_weights(
    scheme: WeightsLike,
    counts: CountsLike | None,
    *,
    owner: str,
    name: str = "class_weight",
    class_num: int | None = None,
) -> np.ndarray | None:
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
    checks.known_name(owner, f"`{name}` scheme", scheme, _SCHEMES, key=name)
    function, known = _SCHEMES[scheme]
    place = f"{name}.{scheme}"
    if not isinstance(params, dict):
        checks.fail(owner, place, "a map of parameters", params)
    for key, value in params.items():
        checks.known_name(owner, f"parameter of `{place}`", key, known, key=f"{place}.{key}")
        checks.number(owner, f"{place}.{key}", value, **known[key])
    if function is None:
        return None
    if counts is None:
        got = checks.described("no `num_class_list`")
        checks.fail(owner, name, f"used with `num_class_list`, from which {scheme!r} is computed", got)
    return function(counts, **params)


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
