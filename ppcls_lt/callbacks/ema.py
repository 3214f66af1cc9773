"""Exponential moving average of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..basis import checks
from ..basis.registry import register
from ..maths import averaging
from ._average import WeightAverage

if TYPE_CHECKING:
    from ..engine.run import Run


@register("callback")
class EMA(WeightAverage):
    r"""Evaluate and save an exponential moving average of the weights (EMA).

    .. math:: a \leftarrow d_t \, a + (1 - d_t) \, w, \quad d_t = \min(decay, (1 + t) / (10 + t))

    after each update, t updates into the stage; :math:`d_t = decay` without ``warmup``. The average begins as the
    weights that the stage begins with. The running statistics of BatchNorm are averaged along.

    Evaluation, the choice of the best model and every checkpoint are of the average; training goes on with the
    weights themselves, which a checkpoint keeps in the state of the run.

    Args:
        decay (float): in [0, 1); about ``1 / (1 - decay)`` updates have a say.
        warmup (bool): forget the beginning sooner; without it a run shorter than a few times
            ``1 / (1 - decay)`` updates ends with an average of its first weights.

    Raises:
        ConfigError: a parameter is not what it must be, or with a section ``EMA``, ``AMP.level: O2`` or SWA.

    Source: the average of PaddleClas's section ``EMA`` and of timm; the warm-up is that of TensorFlow's
    ``ExponentialMovingAverage`` with ``num_updates``.
    """

    def __init__(self, *, decay: float = 0.9999, warmup: bool = True) -> None:
        super().__init__()
        self.decay = checks.number("EMA", "decay", decay, minimum=0, below=1)
        self.warmup = checks.flag("EMA", "warmup", warmup)
        self._updates = 0

    def announcement(self, run: Run) -> str:
        return f"evaluated and saved is an average of the weights, decay {self.decay:g}"

    def on_epoch_start(self, run: Run) -> None:
        super().on_epoch_start(run)
        if self.other is None:
            self.other = averaging.copies(self.model)

    def on_step_end(self, run: Run) -> None:
        decay = self.decay
        if self.warmup:
            decay = min(decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        averaging.move(self.other, self.model, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._updates = state["updates"]
