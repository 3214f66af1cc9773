"""Images per class of a long tail and of a step."""

from ..basis import checks


def long_tail_profile(n_max: int, ratio: float, class_num: int) -> list[int]:
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


def step_profile(n_max: int, ratio: float, class_num: int, fraction: float = 0.5) -> list[int]:
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
