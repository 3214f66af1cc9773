"""Softmax equalisation: the denominator without rare classes that were drawn."""

import math

import numpy as np

from . import Reference


def _splitmix64(state):
    """The generator as its authors wrote it, in whole numbers of Python: yields 64 bits at a time."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        yield z ^ (z >> 31)


def _nth(state, n):
    """What the generator gives the n-th time, counted from 1."""
    return next(_splitmix64((state + (n - 1) * 0x9E3779B97F4A7C15) % 2**64))


def left_out(images, counts, gamma, threshold, step=1, key=(0, 0)):
    """Which class of which image is drawn: bool ``[N, C]``."""
    rare = np.asarray(counts) / np.sum(counts) < threshold
    drawn = np.zeros((images, len(counts)), bool)
    for image in range(images):
        numbers = _splitmix64(_nth(_nth(int(key[0]), step) + int(key[1]), image + 1))
        halves = [half for number, _ in zip(numbers, counts) for half in (number % 2**32, number >> 32)]
        drawn[image] = [(half >> 8) / 2**24 < gamma for half in halves[: len(counts)]]
    return drawn & rare


def equalized(logits, true, drawn):
    """The paper's loss ``[N]`` with the draws given."""
    logits = np.asarray(logits, np.float64)
    weight = 1.0 - drawn
    weight[:, true] = 1.0
    top = logits.max(axis=1, keepdims=True)
    return np.log((weight * np.exp(logits - top)).sum(axis=1)) + top[:, 0] - logits[:, true]


def equalization(logits, true, *, counts, features, gamma, **others):
    return equalized(logits, true, left_out(len(logits), counts, gamma, others["lambda"]))


def _as_drawn_by_the_authors(loss, entry):
    np.testing.assert_array_equal(loss.threshold > 0, (np.asarray(entry["tail"]) > 0) & (loss.gamma > 0))
    loss.uniforms = lambda images: np.asarray(entry["uniform"])


# Before a value of the authors' code is compared: name -> function of the loss and the entry.
BEFORE = {"EqualizationLoss": _as_drawn_by_the_authors}
REFERENCES = {
    "EqualizationLoss": Reference(
        equalization,
        params={"gamma": 0.6, "lambda": 0.3},
        # A probability of 1 draws the same in every step.
        trained={"num_class_list": "auto", "gamma": 1.0, "lambda": 0.05},
        rejected={"gamma": [-0.1, 1.1, "1", True], "lambda": [-0.1, "0.1", math.nan]},
    )
}
