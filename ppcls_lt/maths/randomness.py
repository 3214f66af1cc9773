"""Random states derived from where a run is, so that none needs to be stored."""

import random
from typing import Union

import numpy as np
import paddle

_LARGEST_SEED = 2**31 - 1
# By which the state of SplitMix64 grows.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
# The steps of its output: shift, and then factor.
_MIXING = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))


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


def uniforms(key: np.ndarray, step: int, places: Union[range, np.ndarray], width: int) -> np.ndarray:
    """Numbers in [0, 1) for the images of one batch, a function of each one's place in it, whoever draws them.

    Every image of every step has a SplitMix64 generator of its own, whose start is another's number.

    Args:
        key (array): ``[2]``, uint64.
        step (int): which batch; every one has numbers of its own.
        places (range or array): of the images in the batch that all processes have together, N.
        width (int): numbers for each image, W.

    Returns:
        array: ``[N, W]``, float32.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):  # modulo 2^64
        of_image = _mixed(_of_step(key, step) + _GAMMA * (np.asarray(places, np.uint64) + np.uint64(1)))
        wide = _mixed(of_image[:, None] + _GAMMA * np.arange(1, (width + 1) // 2 + 1, dtype=np.uint64))
    # Two of 32 bits each, of which float32 holds 24.
    halves = wide.view(np.uint32)[:, :width]
    return (halves >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def device_uniforms(key: np.ndarray, step: int, places: range, width: int) -> paddle.Tensor:
    """The numbers of :func:`uniforms`, to the last bit, as a tensor that Paddle's device computes.

    Nothing is sent there, so that nothing waits. On a CPU :func:`uniforms` is the faster by far.

    Args:
        key (array): as in :func:`uniforms`, as are ``step`` and ``width``.
        places (range): of the images, N, each below ``2**31``.

    Returns:
        Tensor: ``[N, W]``, float32.
    """
    gamma = _constant(_GAMMA)
    with np.errstate(over="ignore"):
        of_step = _constant(_of_step(key, step)[0])
    of_image = _mixed_tensor(of_step + gamma * paddle.arange(places.start + 1, places.stop + 1, places.step, "int64"))
    wide = _mixed_tensor(of_image.unsqueeze(1) + gamma * paddle.arange(1, (width + 1) // 2 + 1, dtype="int64"))
    # 24 of the lower 32 bits, and 24 of the upper.
    halves = paddle.stack([_shifted(wide, 8, 24), _shifted(wide, 40, 24)], axis=2)
    return halves.reshape([len(places), -1])[:, :width].astype("float32") * 2.0**-24


def _of_step(key, step):
    """The start ``[1]`` of the generators of a step's images, uint64; modulo 2^64."""
    return _mixed(key[:1] + _GAMMA * np.uint64(step)) + key[1]


def _constant(value):
    """A tensor ``[1]``, int64, with the bits of a uint64; made on the device."""
    # Paddle 2.6 hands a number over as a float64, which holds each half and not the whole.
    upper, lower = divmod(int(np.uint64(value).astype(np.int64)), 2**32)
    return paddle.full([1], upper, "int64") * paddle.full([1], 2**32, "int64") + paddle.full([1], lower, "int64")


def _mixed_tensor(state):
    """As :func:`_mixed`, of an int64 tensor with the bits of uint64; its products are modulo 2^64 as well."""
    for shift, factor in _MIXING:
        state = paddle.bitwise_xor(state, _shifted(state, shift, 64 - shift))
        if factor != 1:
            state = state * _constant(factor)
    return state


def _shifted(state, shift, bits):
    """So many ``bits`` of an int64 tensor's from ``shift`` on; Paddle 2.6 has no shift of its own."""
    return paddle.bitwise_and(paddle.floor_divide(state, paddle.full([1], 2**shift, "int64")), _constant(2**bits - 1))


def _mixed(state):
    """What SplitMix64 makes of a state, elementwise and in place; uint64."""
    rest = np.empty_like(state)
    for shift, factor in _MIXING:
        np.right_shift(state, np.uint64(shift), out=rest)
        np.bitwise_xor(state, rest, out=state)
        if factor != 1:
            np.multiply(state, np.uint64(factor), out=state)
    return state


def fresh_seed() -> int:
    """A seed for a run whose configuration states none."""
    return int(np.random.SeedSequence().generate_state(1)[0]) % _LARGEST_SEED
