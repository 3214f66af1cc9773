"""Sharpness-aware minimisation: the gradient of a step is taken a little way up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..basis import checks
from ..basis.registry import register, registered
from ..maths.batch_norm import Statistics
from ..maths.sharpness import Ascent
from .base import Callback

if TYPE_CHECKING:
    import paddle

    from ..engine.run import Run


class SharpnessAware(Callback):
    """Base of the callbacks that pass the batches of a step again, with the weights moved.

    Args:
        rho (float): the length of the way, >= 0.
        adaptive (bool): whether each weight goes its way in proportion to its square.
    """

    only_once = True

    def __init__(self, *, rho: float, adaptive: bool) -> None:
        self.rho = checks.number(type(self).__name__, "rho", rho, minimum=0)
        self.adaptive = checks.flag(type(self).__name__, "adaptive", adaptive)

    def check(self, config: dict) -> None:
        owner = type(self).__name__
        section, precision = config["Global"], config.get("AMP") or {}
        if section.get("to_static", False):
            got = checks.described("true: a program that was made once moves the statistics of BatchNorm in every pass")
            checks.fail(owner, "Global.to_static", "false", got)
        if section.get("use_dali", False) and (section.get("update_freq") or 1) > 1:
            got = checks.described("true with `update_freq`: DALI puts each batch in the place of the one before")
            checks.fail(owner, "Global.use_dali", "false", got)
        if section.get("train_mode") is not None:
            checks.fail(owner, "Global.train_mode", "left out", section["train_mode"])
        if precision.get("use_amp", True) and str(precision.get("level", "O1")).upper() == "O2":
            got = checks.described("O2, whose weights of 16 bits cannot take so small a step")
            checks.fail(owner, "AMP.level", "O1", got)
        for name in (name for entry in config["Callbacks"] if isinstance(entry, dict) for name in entry):
            other = registered("callback").get(name)
            if other is not None and issubclass(other, SharpnessAware) and other is not type(self):
                got = checks.described(f"{other.__name__} too: each makes the gradient of the step")
                checks.fail(owner, "Callbacks", "a list with one of the kind", got)

    def on_checkpoint_loaded(self, run: Run) -> None:
        self._statistics = Statistics(run.model)
        self._ascent = Ascent(self.rho, self.adaptive, guarded=bool(run.config.get("AMP")))


@register("callback")
class SAM(SharpnessAware):
    r"""Take the gradient of each step where the loss is highest nearby (SAM).

    .. math:: e = \rho \, g(w) / \|g(w)\|_2, \quad w \leftarrow \text{step}(w, g(w + e))

    with g the gradient of the loss of the whole step: of all its batches with ``update_freq``, and of all processes.
    Its norm is over everything that is trained. Weight decay acts at ``w``, in the optimizer.

    Both passes see the same images, labels and random draws, and a loss that counts its
    batches counts each once. The running statistics of BatchNorm are those of the first
    pass. The loss and the metrics in the log are those of the first pass.

    Args:
        rho (float): the length of e, >= 0; 0 is the plain step.
        adaptive (bool): the form of ASAM in the authors' code, ``e = rho w^2 g / || |w| g ||``, biases included.

    Raises:
        ConfigError: a parameter is not what it must be, or with ``Global.to_static``, ``Global.train_mode``,
            ``AMP.level: O2`` or another callback of the kind.

    Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR 2021; the code
    is davda54/sam, which adds 1e-12 to the norm. Kwon et al., ICML 2021 (ASAM), add 0.01 to ``|w|``; it does not.
    """

    def __init__(self, *, rho: float = 0.05, adaptive: bool = False) -> None:
        super().__init__(rho=rho, adaptive=adaptive)

    def announcement(self, run: Run) -> str:
        return f"each step is made of two passes, the second with all weights {self.rho:g} up the gradient"

    def on_gradients(self, run: Run, passes: list) -> None:
        with self._ascent.up(trained(run)), self._statistics.kept():
            for each in passes:
                each.backward()


def trained(run: Run) -> list[paddle.Tensor]:
    """The parameters of the model and of the training loss that are trained: with a gradient and a learning rate."""
    return [
        parameter
        for layer in (run.model, run.training_loss)
        for parameter in layer.parameters()
        if not parameter.stop_gradient
        and parameter.grad is not None
        and parameter.optimize_attr["learning_rate"] != 0  # a half of a BatchNorm that is frozen has none
    ]
