"""Average of the weights of the last epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..basis import checks
from ..basis.registry import register
from ..maths import averaging
from ..maths.batch_norm import Statistics
from ._average import WeightAverage
from ._start import check_start, first_epoch

if TYPE_CHECKING:
    from ..engine.run import Run


@register("callback")
class SWA(WeightAverage):
    r"""Evaluate and save the average of the weights that the last epochs end with (SWA).

    .. math:: a \leftarrow a + (w - a) / (n + 1)

    after the n + 1-th epoch that counts. The running statistics of BatchNorm are then measured anew for the average, by
    one pass over the training images as the loader gives them: the means over its batches.

    From ``start`` on evaluation, the choice of the best model and every checkpoint are of the average; before it
    they are of the weights. Training goes on with the weights themselves, which a checkpoint keeps in the state of the
    run.

    Args:
        start (int or float): the first epoch that counts, counted from 1, or the fraction of the run before it.
        c_epochs (int): of so many epochs the first counts, >= 1.

    Raises:
        ConfigError: a parameter is not what it must be, or with a section ``EMA``, ``AMP.level: O2``, the callback EMA
            or DALI.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018. Deviation:
    the learning rate is that of the configuration; theirs is constant, or cyclic, from the start of the average on.
    """

    def __init__(self, *, start: float = 0.75, c_epochs: int = 1) -> None:
        super().__init__()
        self.start = check_start("SWA", start)
        self.c_epochs = checks.integer("SWA", "c_epochs", c_epochs, minimum=1)
        self._number = 0

    def check(self, config: dict) -> None:
        super().check(config)
        if config["Global"]["epochs"]:
            first_epoch("SWA", self.start, config["Global"]["epochs"])
        if config["Global"].get("use_dali", False):
            got = checks.described("true: the training images are read once more, which DALI's loader does not do")
            checks.fail("SWA", "Global.use_dali", "false", got)

    def on_checkpoint_loaded(self, run: Run) -> None:
        super().on_checkpoint_loaded(run)
        # A stage of no epochs has nothing to average.
        self._first = first_epoch("SWA", self.start, run.epochs) if run.epochs else 1
        self._statistics = Statistics(run.model)

    def announcement(self, run: Run) -> str:
        every = "" if self.c_epochs == 1 else f", of every {self.c_epochs} epochs"
        return f"evaluated and saved from epoch {self._first} on: the average of the weights since then{every}"

    def on_epoch_start(self, run: Run) -> None:
        super().on_epoch_start(run)
        if run.epoch < self._first:  # an extension may have moved the start
            self.other, self._number = None, 0

    def before_evaluation(self, run: Run) -> None:
        counts = run.epoch >= self._first and (run.epoch - self._first) % self.c_epochs == 0
        if counts:
            if self.other is None:
                self.other = averaging.copies(self.model)
            self._number += 1
            averaging.move(self.other, self.model, 1 / self._number)
        super().before_evaluation(run)
        if counts:
            self._statistics.measure(run.training_passes())

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "number": self._number}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._number = state["number"]
