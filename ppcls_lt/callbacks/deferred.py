"""What LDAM-DRW's authors defer: class weights and class-balanced sampling."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..basis import checks
from ..basis.registry import found, register, registered
from ..data.weighting import WeightsLike, class_weights
from ._start import check_start, first_epoch
from .base import Callback

if TYPE_CHECKING:
    import numpy as np

    from ..engine.run import Run

_log = logging.getLogger("ppcls.lt")


@register("callback", "DRW")
class DeferredReweighting(Callback):
    """Class weights from an epoch on, in every training loss that has class weights (DRW).

    Until then each loss keeps what its own ``class_weight`` says, by default
    none. The weights are a function of the epoch alone.

    Args:
        start (int or float): the first epoch with the new weights, counted from
            1, or the fraction of the run before it; 0.8 is the authors' 160 of
            200 epochs.
        class_weight (str, dict or list): the weights, as in
            :func:`ppcls_lt.data.weighting.class_weights`, of the training data's counts.

    Raises:
        ConfigError: a parameter is not what it must be, the start lies behind
            the last epoch, or no loss of the run takes class weights.

    Source: Cao et al., NeurIPS 2019; ``train_rule DRW`` of their code, which
    fixes the switch at epoch 160 and so never switches in a shorter run.
    """

    only_once = True

    def __init__(self, *, start: float = 0.8, class_weight: WeightsLike = "effective_number") -> None:
        self.start = check_start("DeferredReweighting", start)
        class_weights(class_weight, None if isinstance(class_weight, list) else [1, 1], owner="DeferredReweighting")
        self.class_weight = class_weight
        self._own: list | None = None

    def check(self, config: dict) -> None:
        first_epoch("DeferredReweighting", self.start, config["Global"]["epochs"])
        entries = [{entry: None} if isinstance(entry, str) else entry for entry in config["Loss"]["Train"]]
        names = [name for entry in entries for name in entry]
        if not any(found("loss", *item) for entry in entries for item in entry.items()):
            checks.fail("DeferredReweighting", "Loss.Train", "a list with a loss that takes class weights", names)

    def on_checkpoint_loaded(self, run: Run) -> None:
        self._first = first_epoch("DeferredReweighting", self.start, run.epochs)
        self._weights = class_weights(self.class_weight, run.class_counts(), owner="DeferredReweighting")

    def coming_class_weights(self, counts: np.ndarray, epochs: int) -> tuple[int, np.ndarray | None]:
        first = first_epoch("DeferredReweighting", self.start, epochs)
        return first, class_weights(self.class_weight, counts, owner="DeferredReweighting")

    def announcement(self, run: Run) -> str:
        rule = next(iter(self.class_weight)) if isinstance(self.class_weight, dict) else self.class_weight
        named = f" ({rule})" if isinstance(rule, str) else ""
        weights = self._weights
        what = f"from {weights.min():.6g} to {weights.max():.6g}" if weights is not None else "none"
        return f"class weights of epoch {self._first} and later{named}: {what}"

    def on_epoch_start(self, run: Run) -> None:
        if self._own is None:
            self._own = [(loss, loss.class_weight) for loss in run.weighted_losses()]
        if run.epoch == self._first:
            _log.info("epoch %d: the class weights change now", run.epoch)
        for loss, own in self._own:
            loss.set_class_weight(self._weights if run.epoch >= self._first else own)


@register("callback", "DRS")
class DeferredResampling(Callback):
    """Weighted sampling from an epoch on, an ordinary shuffle before (DRS).

    The rule is that of ``DataLoader.Train.sampler``, a ``WeightBalancedSampler`` or a registered
    one that can ``defer(start_epoch)`` too.

    Args:
        start (int or float): the first epoch with the sampler's rule, counted
            from 1, or the fraction of the run before it.

    Raises:
        ConfigError: the start lies behind the last epoch, or the sampler is
            another one.

    Source: Cao et al., NeurIPS 2019; ``train_rule Resample`` deferred.
    """

    only_once = True

    def __init__(self, *, start: float = 0.8) -> None:
        self.start = check_start("DeferredResampling", start)

    def check(self, config: dict) -> None:
        first_epoch("DeferredResampling", self.start, config["Global"]["epochs"])
        sampler: Any = ((config["DataLoader"].get("Train") or {}).get("sampler") or {}).get("name")
        if not hasattr(registered("sampler").get(sampler), "defer"):
            checks.fail("DeferredResampling", "DataLoader.Train.sampler.name", "WeightBalancedSampler", sampler)

    def first_epochs(self, epochs: int) -> dict[str, int]:
        return {"sampler": first_epoch("DeferredResampling", self.start, epochs)}

    def on_checkpoint_loaded(self, run: Run) -> None:
        run.sampler.defer(self.first_epochs(run.epochs)["sampler"] - 1)

    def announcement(self, run: Run) -> str:
        first = first_epoch("DeferredResampling", self.start, run.epochs)
        return f"images drawn by the sampler's rule: from epoch {first} on"
