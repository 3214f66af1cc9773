"""Random states derived from where a run is, so that none needs to be stored."""

import random

import numpy as np
import paddle

_LARGEST_SEED = 2**31 - 1
# By which the state of SplitMix64 grows.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def seed_epoch(seed: int, stage: int, epoch: int, rank: int) -> None:
    """Seed Python, NumPy and Paddle as a function of ``(seed, stage, epoch, rank)``.

    The loader's workers are seeded by Paddle from NumPy's state at the start of
    an epoch, and so by the same four numbers.
    """
    derived = np.random.SeedSequence([seed, stage, epoch, rank]).generate_state(3)
    random.seed(int(derived[0]))
    np.random.seed(int(derived[1]))
    paddle.seed(int(derived[2]))


def epoch_key(seed: int, stage: int, epoch: int) -> np.ndarray:
    """A key ``[2]`` for :func:`uniforms`, the same in every process."""
    return np.random.SeedSequence([seed, stage, epoch]).generate_state(2, np.uint64)


def uniforms(key: np.ndarray, step: int, places: np.ndarray, width: int) -> np.ndarray:
    """Numbers in [0, 1) for the images of one batch, a function of each one's place in it, whoever draws them.

    Every image of every step has a SplitMix64 generator of its own, whose start is another's number.

    Args:
        key (array): ``[2]``, uint64.
        step (int): which batch; every one has numbers of its own.
        places (array): of the images in the batch that all processes have together, ``[N]``.
        width (int): numbers for each image, W.

    Returns:
        array: ``[N, W]``, float32.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):  # modulo 2^64
        of_step = _mixed(key[:1] + _GAMMA * np.uint64(step))
        of_image = _mixed(of_step + key[1] + _GAMMA * (np.asarray(places, np.uint64) + np.uint64(1)))
        wide = _mixed(of_image[:, None] + _GAMMA * np.arange(1, (width + 1) // 2 + 1, dtype=np.uint64))
    # Two of 32 bits each, of which float32 holds 24.
    halves = wide.view(np.uint32)[:, :width]
    return (halves >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def _mixed(state):
    """What SplitMix64 makes of a state, elementwise and in place; uint64."""
    rest = np.empty_like(state)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        np.right_shift(state, np.uint64(shift), out=rest)
        np.bitwise_xor(state, rest, out=state)
        if factor != 1:
            np.multiply(state, np.uint64(factor), out=state)
    return state


def fresh_seed() -> int:
    """A seed for a run whose configuration states none."""
    return int(np.random.SeedSequence().generate_state(1)[0]) % _LARGEST_SEED
