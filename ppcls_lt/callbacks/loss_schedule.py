"""One loss until an epoch, another after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..basis import checks
from ..basis.registry import register
from ._start import check_start, first_epoch
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run


@register("callback")
class LossSchedule(Callback):
    """Another loss until an epoch; from it on ``Loss.Train``, with the learning rate multiplied.

    Args:
        before (str, dict or list): the loss of the epochs before, as its name
            (with ``weight: 1.0``), as one entry of a loss list, or as a list.
        start (int or float): the first epoch of ``Loss.Train``, counted from 1,
            or the fraction of the run before it; 0.5 is the IB authors' 100 of
            200 epochs.
        lr_scale (float): factor on the learning rate from that epoch on, > 0;
            the IB authors use 0.01.

    Raises:
        ConfigError: a parameter is not what it must be, the start lies behind
            the last epoch, or ``before`` has trainable parameters.

    Source: Park et al., ICCV 2021 (their code trains with cross entropy until
    ``start_ib_epoch``).
    """

    only_once = True

    def __init__(self, *, before: str | dict | list, start: float = 0.5, lr_scale: float = 1.0) -> None:
        self.start = check_start("LossSchedule", start)
        self.lr_scale = checks.number("LossSchedule", "lr_scale", lr_scale, above=0)
        self.losses = loss_entries(before)
        if not isinstance(self.losses, list) or not self.losses:
            checks.fail("LossSchedule", "before", "the name of a loss, or a list like Loss.Train", before)

    def check(self, config: dict) -> None:
        if first_epoch("LossSchedule", self.start, config["Global"]["epochs"]) == 1:
            checks.fail("LossSchedule", "start", "an epoch after the first", self.start)

    def first_epochs(self, epochs: int) -> dict[str, int]:
        return {"loss": first_epoch("LossSchedule", self.start, epochs)}

    def on_checkpoint_loaded(self, run: Run) -> None:
        self._first = first_epoch("LossSchedule", self.start, run.epochs)
        self._after = run.training_loss
        self._before = run.build_loss(self.losses)
        if self._before.parameters():
            checks.fail("LossSchedule", "before", "without parameters, which no optimizer would train", self.losses)

    def announcement(self, run: Run) -> str:
        names = ", ".join(entry if isinstance(entry, str) else next(iter(entry)) for entry in self.losses)
        return f"{names} before epoch {self._first}; from it on `Loss.Train`, learning rate times {self.lr_scale:g}"

    def on_epoch_start(self, run: Run) -> None:
        started = run.epoch >= self._first
        run.training_loss = self._after if started else self._before
        run.learning_rate_factor = self.lr_scale if started else 1.0


def loss_entries(before: str | dict | list) -> list:
    """The loss list that ``before`` of :class:`LossSchedule` is, or is short for."""
    if isinstance(before, str):
        before = {before: {"weight": 1.0}}
    return [before] if isinstance(before, dict) else before
