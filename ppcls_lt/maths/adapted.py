"""What of a model with adapters is fixed, and so need not be saved."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from paddle import nn

_NAME = "adapted"


class Adapted:
    """Which keys of a model's state are those of the pretrained weights.

    Attributes:
        fixed (list of str): keys that no training changes.
        learned (list of str): keys of the adapters.
        record (dict or None): which weights these lie beside, as a checkpoint keeps it: ``base``, a path or None where
            ``Arch.pretrained`` brings them, ``crc32`` of them, and ``own``, fixed keys that they do not hold.
        verified (bool): whether the fixed keys are known to be those of ``record``.
    """

    def __init__(self, fixed: Iterable[str], learned: Iterable[str]) -> None:
        self.fixed = list(fixed)
        self.learned = list(learned)
        self.record: dict | None = None
        self.verified = False

    @property
    def held(self) -> list[str]:
        """The keys that no checkpoint holds; none before the pretrained weights are known."""
        own = set(self.record["own"]) if self.record is not None else set(self.fixed)
        return [key for key in self.fixed if key not in own]


def mark(model: nn.Layer, adapted: Adapted) -> None:
    """Write down what is fixed in a model."""
    setattr(model, _NAME, adapted)


def of(model: nn.Layer) -> Adapted | None:
    """What is fixed in a model, or None of one without adapters."""
    return getattr(model, _NAME, None)


def held(model: nn.Layer) -> list[str]:
    """The keys of a model's state that its checkpoints leave out; none without adapters."""
    found = of(model)
    return [] if found is None else found.held


def absent(model: nn.Layer, trains: bool, resumes: bool) -> list[str]:
    """The keys of a model's state that a file of weights need not hold; none without adapters.

    Args:
        model (nn.Layer): the model.
        trains (bool): whether a training begins from the file, of which the adapters may be no part.
        resumes (bool): whether a checkpoint follows in a training.
    """
    found = of(model)
    if found is None:
        return []
    learned = found.learned if trains and (resumes or not found.verified) else []
    return (found.held if found.verified else []) + learned


def checksum(model: nn.Layer, keys: Iterable[str]) -> int:
    """CRC-32 of the names and values of entries of a model's state. Waits for the device."""
    state, value = model.state_dict(), 0
    for key in sorted(keys):
        value = zlib.crc32(state[key].numpy().tobytes(), zlib.crc32(key.encode(), value))
    return value
