"""Random states derived from where a run is, so that none needs to be stored."""

import random

import numpy as np
import paddle

_LARGEST_SEED = 2**31 - 1


def seed_epoch(seed: int, stage: int, epoch: int, rank: int) -> None:
    """Seed Python, NumPy and Paddle as a function of ``(seed, stage, epoch, rank)``.

    The loader's workers are seeded by Paddle from NumPy's state at the start of
    an epoch, and so by the same four numbers.
    """
    derived = np.random.SeedSequence([seed, stage, epoch, rank]).generate_state(3)
    random.seed(int(derived[0]))
    np.random.seed(int(derived[1]))
    paddle.seed(int(derived[2]))


def fresh_seed() -> int:
    """A seed for a run whose configuration states none."""
    return int(np.random.SeedSequence().generate_state(1)[0]) % _LARGEST_SEED
