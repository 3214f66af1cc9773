"""Class-balanced re-sampling: what an image weighs by the size of its class, a table of modes.

Standard library and NumPy only. Notation: N images, C classes, ``n`` the images
per class ``[C]``, K the number of classes that have images.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Callable, NamedTuple

import numpy as np

from ..basis import checks, registry
from .counts import CountsLike, as_counts
from .weighting import effective_number

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
        optional (bool): the parameter may be left out without a default; ``weights`` is then given None.
        repeats (bool): the weights are how often an image is shown in an epoch, >= 1, and no shares of random draws:
            every image is shown, and an epoch is as long as that makes it.
    """

    weights: Callable
    formula: str
    source: str
    parameter: str | None = None
    bounds: Mapping = MappingProxyType({})
    default: float | None = None
    over_run: bool = False
    optional: bool = False
    repeats: bool = False


def _lifted(n, times):
    """Class sizes lifted to one level, in images of today's: ``level`` with ``sum max(n_c, level) = times N``."""
    small = np.sort(n)
    above = n.sum() - np.cumsum(small)  # images of the classes that are larger
    levels = (times * n.sum() - above) / np.arange(1, n.size + 1)
    # The smallest classes are lifted, as many as lie below what that comes to.
    level = levels[np.flatnonzero(levels >= small)[-1]]
    return np.maximum(1.0, level / n)


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
    "repeat_factor": Mode(
        lambda n, oversample_thr: np.maximum(1.0, np.sqrt((oversample_thr or 1 / n.size) * n.sum() / n)),
        "max(1, (oversample_thr N / n_c)^(1/2)) times an epoch",
        "Gupta et al., CVPR 2019",
        parameter="oversample_thr",
        bounds={"above": 0, "maximum": 1},
        optional=True,
        repeats=True,
    ),
    "every_image": Mode(
        _lifted,
        "max(1, level / n_c) times an epoch of `times` N images",
        "this project",
        parameter="times",
        bounds={"minimum": 1},
        default=2.0,
        repeats=True,
    ),
}


def add_mode(name: str, entry: Mode) -> None:
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


def modes() -> dict[str, Mode]:
    """Return the table: name -> :class:`Mode`."""
    return registry.registered(registry.MODE)


def mode_parameters() -> list[str]:
    """Return the parameters that may be given with some mode, each once."""
    return list(dict.fromkeys(m.parameter for m in modes().values() if m.parameter is not None and not m.over_run))


def image_weights(mode: str, counts: CountsLike, **given: float | None) -> np.ndarray:
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
    found = np.asarray(entry.weights(n) if entry.parameter is None else entry.weights(n, parameter))
    least = 1 if entry.repeats else 0
    if found.shape != n.shape or not np.isfinite(found).all() or found.min() < least or not found.any():
        got = checks.described(f"{mode!r}, which gives {found} for classes of {n} images")
        checks.fail("image_weights", "mode", f"one that gives a weight >= {least} for each class, not all 0", got)
    weights = np.zeros(counts.size)
    weights[present] = found
    return weights


def mode_parameter(mode: str, given: Mapping[str, float | None], *, owner: str) -> float | None:
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
    if value is None and entry.optional:
        return None
    return checks.number(owner, entry.parameter, value, **entry.bounds)
