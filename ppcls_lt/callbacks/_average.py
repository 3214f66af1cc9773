"""What EMA and SWA share: an average that takes the model's place in evaluation and in checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paddle

from ..basis import checks
from ..basis.registry import registered
from ..maths import averaging
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run


class WeightAverage(Callback):
    """Base of the averages of weights.

    Between ``before_evaluation`` and the start of the next epoch the model holds the average, so that
    evaluation, the choice of the best model, every checkpoint and what is exported from one are of the average. The
    weights as they are trained are kept beside it, in the state of the run where that is saved.
    """

    only_once = True

    def __init__(self) -> None:
        self.held = False  # whether the model holds the average
        self.other: dict[str, paddle.Tensor] | None = None  # what it does not hold: the average, or what is trained
        self._kept: dict[str, Any] = {}

    def check(self, config: dict) -> None:
        owner = type(self).__name__
        if config.get("EMA") is not None:
            got = checks.described("one: PaddleClas would keep a second average, evaluate and save it too")
            checks.fail(owner, "EMA", "no section of the configuration", got)
        precision = config.get("AMP") or {}
        if precision.get("use_amp", True) and str(precision.get("level", "O1")).upper() == "O2":
            got = checks.described("O2, whose weights of 16 bits cannot hold an average")
            checks.fail(owner, "AMP.level", "O1", got)
        for name in (name for entry in config["Callbacks"] if isinstance(entry, dict) for name in entry):
            other = registered("callback").get(name)
            if other is not None and issubclass(other, WeightAverage) and other is not type(self):
                got = checks.described(f"{other.__name__} too: one average is evaluated and saved")
                checks.fail(owner, "Callbacks", "a list with one of the kind", got)

    def on_checkpoint_loaded(self, run: Run) -> None:
        self.model = averaging.floating(run.model)
        if self._kept:
            # The checkpoint has the average under the names of the model.
            self.other = {name: paddle.to_tensor(array) for name, array in self._kept.items()}
            if self.other.keys() != self.model.keys():
                got = checks.described("one of another model")
                checks.fail(type(self).__name__, "Global.checkpoints", "a checkpoint of the same model", got)
            self.held, self._kept = True, {}

    def on_epoch_start(self, run: Run) -> None:
        if self.held:
            self._swap()

    def before_evaluation(self, run: Run) -> None:
        if self.other is not None:
            self._swap()

    def state_dict(self) -> dict[str, Any]:
        return {"trained": averaging.as_arrays(self.other) if self.held and self.other is not None else self._kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._kept = state["trained"]

    def _swap(self):
        averaging.swap(self.model, self.other)
        self.held = not self.held
