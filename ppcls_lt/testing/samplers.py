"""What a batch sampler, and a way to weigh images, must hold to."""

from __future__ import annotations

import inspect
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Callable

import numpy as np
import paddle

from ..basis import checks
from ..data.counts import images_per_class
from ..data.resampling import class_probabilities
from ..data.sampling_modes import image_weights

# Images per class of the data set that a sampler is tried on, in a mixed order; class 2 has none.
COUNTS = (60, 25, 0, 9, 3)
# A share of draws that lies further from the expected one than so many standard deviations is wrong.
_DEVIATIONS = 5


class Labels(paddle.io.Dataset):
    """A data set of which only the labels matter."""

    def __init__(self, labels: Iterable[int]) -> None:
        super().__init__()
        self.labels = list(labels)

    def __getitem__(self, index: int) -> tuple[int, int]:
        return index, self.labels[index]

    def __len__(self) -> int:
        return len(self.labels)


def mixed(counts: Sequence[int]) -> list[int]:
    """Labels with ``counts`` images per class, in a mixed order that is always the same."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts)).tolist()


def check_sampler(
    sampler: Callable,
    *,
    counts: Sequence[int] = COUNTS,
    shares: Sequence[float] | np.ndarray | None = None,
    batch_size: int = 4,
    **params: Any,
) -> None:
    """Hold a batch sampler to what a training needs of it.

    - ``sampler(dataset, batch_size=..., **params)`` gives batches of at most ``batch_size`` images, as
      many as ``len`` says, each a list of Python's integers.
    - ``set_epoch(epoch)``, counted from 0, decides what an epoch draws, so that a resumed run draws what
      the uninterrupted one did; an epoch that has begun stays as it is; global random states neither
      matter nor change.
    - With ``num_replicas`` processes, each with its ``rank``, every process makes the same number of steps
      and has equally many images in each; together they see what one process with the joined batch sees, but
      for less than ``num_replicas`` images that make the last step equal. A sampler without these two
      parameters is for one process and is told so.

    Args:
        sampler (class): the batch sampler.
        counts (sequence of int): images per class of the data set that it is tried on.
        shares (array, optional): how likely a draw must be of each class ``[C]``.
        batch_size (int): images of a batch.
        **params: further arguments of the sampler.

    Raises:
        AssertionError: what does not hold.
    """
    labels = mixed(counts)
    kinds = inspect.signature(sampler).parameters

    def build(**more):
        return sampler(Labels(labels), **{"batch_size": batch_size, **params, **more})

    _check_batches(build, len(labels), batch_size)
    _check_epochs(build)
    _check_random_states(build)
    assert {"rank", "num_replicas"} <= set(kinds), (
        f"{sampler.__name__} must take `rank` and `num_replicas`, by default this process and the number of them, "
        f"so that several processes can share an epoch"
    )
    for processes in (2, 3):
        _check_processes(build, processes, batch_size)
    if shares is not None:
        _check_shares(build, labels, np.asarray(shares, dtype=float))


def check_mode(mode: str, **parameter: float) -> None:
    """Hold a mode of ``WeightBalancedSampler`` to what a draw needs: a weight >= 0 for each class with images.

    Args:
        mode (str): its name; it has been added.
        **parameter (float): its parameter.

    Raises:
        AssertionError: what does not hold.
    """
    generator = np.random.default_rng(0)
    for classes in (1, 2, 50):
        for highest in (2, 100, 10**6):
            counts = generator.integers(0, highest, classes)
            counts[0] += 1
            weights = image_weights(mode, counts, **parameter)
            wrong = f"{mode}: for {checks.shown(counts.tolist())} images it gives {checks.shown(weights.tolist())}"
            assert weights.shape == (classes,) and np.isfinite(weights).all() and (weights >= 0).all(), wrong
            assert not weights[counts == 0].any(), wrong
            assert abs(class_probabilities(weights, counts).sum() - 1) < 1e-9, wrong
            shuffled = generator.permutation(classes)
            again = image_weights(mode, counts[shuffled], **parameter)
            assert np.allclose(again, weights[shuffled], rtol=1e-9), f"{mode}: the order of the classes matters"


def _of_epoch(sampler, epoch):
    """All batches of an epoch."""
    assert hasattr(sampler, "set_epoch"), (
        f"{type(sampler).__name__} must have `set_epoch(epoch)`, counted from 0; without it a resumed run draws anew"
    )
    sampler.set_epoch(epoch)
    return list(sampler)


def _check_batches(build, images, batch_size):
    name = type(build()).__name__
    for size in (batch_size, 1, 3):
        sampler = build(batch_size=size)
        for epoch in (0, 1):
            batches = _of_epoch(sampler, epoch)
            sampler.set_epoch(epoch)
            assert len(sampler) == len(batches) > 0, (
                f"{name}: len() must be the number of batches, {len(batches)}, got {len(sampler)}"
            )
            for batch in batches:
                assert type(batch) is list and {type(image) for image in batch} == {int}, (
                    f"{name}: a batch must be a list of integers of Python, got {batch!r}"
                )
                assert 0 < len(batch) <= size, f"{name}: a batch must have 1 to {size} images, got {len(batch)}"
                assert 0 <= min(batch) and max(batch) < images, f"{name}: images must lie in 0 to {images - 1}"


def _check_epochs(build):
    sampler, other = build(), build()
    name = type(sampler).__name__
    first = {epoch: _of_epoch(sampler, epoch) for epoch in (0, 1, 5)}
    for epoch in (5, 0, 1):
        assert _of_epoch(other, epoch) == first[epoch], f"{name}: epoch {epoch} must be the same whenever it is drawn"
    sampler.set_epoch(0)
    begun = iter(sampler)
    sampler.set_epoch(5)
    assert list(begun) == first[0], f"{name}: an epoch that has begun must stay as it is when the next one is set"


def _check_random_states(build):
    expected = _of_epoch(build(), 1)
    kept = random.getstate(), np.random.get_state(), paddle.get_rng_state()
    try:
        sampler = build()
        name = type(sampler).__name__
        sampler.set_epoch(1)
        found = []
        _seed_all(0)
        before = _global_states()
        for number, batch in enumerate(sampler):
            assert _global_states() == before, f"{name}: global random states must stay as they are"
            found.append(batch)
            _seed_all(number)
            before = _global_states()
        assert found == expected, f"{name}: global random states must not matter"
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        paddle.set_rng_state(kept[2])


def _seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    paddle.seed(seed)


def _global_states():
    return random.getstate(), np.random.get_state()[1].tolist()


def _check_processes(build, processes, batch_size):
    together = build(batch_size=batch_size * processes, num_replicas=1, rank=0)
    name = type(together).__name__
    ranks = [build(num_replicas=processes, rank=rank) for rank in range(processes)]
    for epoch in (0, 3):
        whole = _of_epoch(together, epoch)
        parts = [_of_epoch(sampler, epoch) for sampler in ranks]
        steps = {len(part) for part in parts}
        assert steps == {len(whole)}, f"{name}: {processes} processes must make {len(whole)} steps, got {sorted(steps)}"
        for step, joint in enumerate(whole):
            sizes = {len(part[step]) for part in parts}
            assert len(sizes) == 1, f"{name}: in step {step} the {processes} processes have {sorted(sizes)} images"
            seen = Counter(image for part in parts for image in part[step])
            missing = Counter(joint) - seen
            assert not missing, f"{name}: in step {step} no process of {processes} has the images {sorted(missing)}"
            added = sum(seen.values()) - len(joint)
            assert added < processes, f"{name}: in step {step} {added} images are seen twice by {processes} processes"


def _check_shares(build, labels, shares, epochs=100):
    sampler = build()
    name = type(sampler).__name__
    images = [image for epoch in range(epochs) for batch in _of_epoch(sampler, epoch) for image in batch]
    drawn = images_per_class(np.asarray(labels)[images], shares.size)
    expected = len(images) * shares / shares.sum()
    allowed = _DEVIATIONS * np.sqrt(expected * (1 - shares / shares.sum())) + 1e-9
    for c in range(shares.size):
        assert abs(drawn[c] - expected[c]) <= allowed[c], (
            f"{name}: of {len(images)} draws {drawn[c]} are of class {c}, expected {expected[c]:.0f}"
        )
