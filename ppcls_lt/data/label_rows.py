"""Labels with a row of numbers for each image: mixed ones are taken, several classes an image are not. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..basis import checks
from ..basis.checks import ConfigError

# float16 and bfloat16 round each share.
_TOLERANCE = 0.02
_ROWS = 4096  # are looked at together
WAY_OUT = (
    "for several classes an image use DistributionBalancedLoss, ClassBalancedMultiLabelLoss or PaddleClas's "
    "MultiLabelLoss, ManyMediumFewMAP and no recipe; all else of ppcls_lt takes one class an image, or a mixture that "
    "sums to 1"
)


def check_sums(owner: str, sums: Sequence[float] | np.ndarray) -> None:
    """Raise unless every row of soft labels sums to 1.

    Args:
        owner (str): who is given the labels.
        sums (array): the sum of each row ``[N]``.

    Raises:
        ConfigError: the first row that does not.
    """
    wrong = np.flatnonzero(~(np.abs(np.asarray(sums, np.float64) - 1) <= _TOLERANCE))
    if wrong.size:
        raise ConfigError(
            f"{owner}: `label` must be one class for each image, or soft labels whose rows sum to 1, got a row that "
            f"sums to {float(sums[wrong[0]]):g} (row {wrong[0]}); {WAY_OUT}"
        )


def check_zeros_and_ones(owner: str, labels: np.ndarray) -> None:
    """Raise unless rows of labels hold 0 and 1 alone.

    Args:
        owner (str): who is given the labels.
        labels (array): ``[N, C]``.

    Raises:
        ConfigError: the first number that is neither.
    """
    wrong = labels[(labels != 0) & (labels != 1)]
    if wrong.size:
        checks.fail(owner, "label", "1 for each label that an image has, else 0", float(wrong[0]))


def check_listed(owner: str, labels: Sequence, images: Sequence | None) -> None:
    """Raise unless all rows of a data set hold 0 and 1 alone; PaddleClas knows -1 too, for what nobody has looked at.

    Args:
        owner (str): who is given the labels.
        labels (sequence): the row of each image ``[C]``.
        images (sequence, optional): what each image is called.

    Raises:
        ConfigError: the first row with another number.
    """
    for start in range(0, len(labels), _ROWS):
        rows = np.asarray(labels[start : start + _ROWS])
        wrong = np.argwhere((rows != 0) & (rows != 1))
        if wrong.size:
            row, column = wrong[0]
            number = start + int(row)
            place = images[number] if images is not None else f"row {number}"
            got = checks.described(f"{rows[row, column]:g} for label {column} of {place}")
            remedy = "leave out images of which a label is not known, or write 0"
            checks.fail(owner, "label", "1 for each label that an image has, else 0", got, remedy)


def are_smoothed(labels: np.ndarray) -> bool:
    """Whether soft labels ``[N, C]`` give a share to every class, as smoothing does and mixing two images does not."""
    labels = np.asarray(labels)
    return labels.shape[1] > 2 and bool((labels > 0).all(axis=1).any())
