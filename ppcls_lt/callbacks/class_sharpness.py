"""Sharpness-aware minimisation by class: a share of each image's loss goes up, the rest does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import found, register
from ..data.group_names import TERTILES
from ..data.groups import shot_groups
from ..maths.sharpness import clear, weighed
from .loss_schedule import LossSchedule, loss_entries
from .sharpness import SharpnessAware, trained

if TYPE_CHECKING:
    from ..engine.run import Run


class ClassSharpness(SharpnessAware):
    r"""Base: the loss is split by class, and the gradient of one part is taken a way up that part.

    .. math:: L = \sum_i (1 - c_{y_i}) \ell_i + \sum_i c_{y_i} \ell_i = L_r + L_c; \quad
        e = \rho \, \nabla L_c(w) / \|\nabla L_c(w)\|_2, \quad \text{gradient } \nabla L_r(w) + f \nabla L_c(w + e)

    The share of an image is applied to the gradient of its logits, so that any loss can be
    split whose gradient at an image's logits is that of the image's own loss. A mixed
    label has the mean of its classes' shares. Three passes a step: nothing is read from the device to choose images.

    A subclass gives :meth:`shares` and, where it is not 1, ``factor``.
    """

    factor = 1.0

    def shares(self, counts: np.ndarray) -> np.ndarray:
        """The part ``c`` of each class's loss that goes up, ``[C]``, from the training images per class ``[C]``."""
        raise NotImplementedError

    def check(self, config: dict) -> None:
        super().check(config)
        if config["Global"].get("use_multilabel", False):
            got = checks.described("true: an image of several classes has no class to be split by")
            checks.fail(type(self).__name__, "Global.use_multilabel", "false", got)
        for name, params in _losses(config):
            if getattr(found("loss", name, params), "uses_features", False):
                got = checks.described(f"{name}, whose gradient has a second way, through the features")
                remedy = f"take another loss than {name}, or SAM in the place of {type(self).__name__}"
                checks.fail(type(self).__name__, "Loss.Train", "a list of losses of the logits alone", got, remedy)

    def on_checkpoint_loaded(self, run: Run) -> None:
        super().on_checkpoint_loaded(run)
        self._shares = paddle.to_tensor(self.shares(run.class_counts()), dtype="float32")

    def on_gradients(self, run: Run, passes: list) -> None:
        weights = trained(run)
        with paddle.no_grad():
            rest = [weight.grad.clone() for weight in weights]
        clear(weights)
        with self._statistics.kept():
            self._again(passes)
            with paddle.no_grad():
                rest = [whole - weight.grad for whole, weight in zip(rest, weights)]
            with self._ascent.up(weights):
                self._again(passes)
        with paddle.no_grad():
            for weight, other in zip(weights, rest):
                paddle.assign(other + self.factor * weight.grad, weight.grad)

    def _again(self, passes):
        for each in passes:
            each.backward(lambda outputs, labels: weighed(outputs, self._of(labels)))

    def _of(self, labels):
        """The share of each image ``[N]``, whose labels are classes ``[N, 1]`` or soft ``[N, C]``."""
        if labels.dtype in (paddle.int64, paddle.int32):
            return paddle.gather(self._shares, labels.flatten())
        return paddle.matmul(labels.astype("float32"), self._shares)


def _losses(config: dict) -> Iterator[tuple[str, Any]]:
    """Yield ``(name, parameters)`` of each loss of the training, of one before another too."""
    listed = list(config["Loss"]["Train"])
    for entry in config["Callbacks"]:
        params = entry.get(LossSchedule.__name__) if isinstance(entry, dict) else None
        if isinstance(params, dict) and params.get("before"):
            listed += loss_entries(params["before"])
    for entry in listed:
        yield from entry.items() if isinstance(entry, dict) else [(entry, None)]


@register("callback")
class ImbSAM(ClassSharpness):
    r"""Take the gradient of rare classes' images where their loss is highest nearby (ImbSAM).

    .. math:: e = \rho \, \nabla L_t(w) / \|\nabla L_t(w)\|_2, \quad
        \text{gradient } \nabla L_h(w) + f \, \nabla L_t(w + e)

    with :math:`L_t` the part of the loss that belongs to images of tail classes, :math:`L_h` the rest, and f the
    ``tail_factor``. In a step without such images it is the plain gradient.

    Args:
        rho (float): the length of e, >= 0.
        adaptive (bool): as in :class:`~ppcls_lt.callbacks.sharpness.SAM`.
        eta (int or str): a class of fewer training images than this belongs to the tail; or ``tertiles``, the third of
            the classes with the fewest, see :func:`ppcls_lt.data.groups.shot_groups`.
        tail_factor (float): > 0; 2 as in the authors' code, 1 as in the paper.

    Raises:
        ConfigError: as :class:`~ppcls_lt.callbacks.sharpness.SAM`; no class or every class belongs to the tail; a loss
            that reads features.

    Source: Zhou et al., "ImbSAM: A Closer Look at Sharpness-Aware Minimization in Class-Imbalanced Recognition", ICCV
    2023, and their code, which multiplies the tail's loss by 2 where the paper does not.
    """

    def __init__(
        self, *, rho: float = 0.05, adaptive: bool = False, eta: int | str = 20, tail_factor: float = 2.0
    ) -> None:
        super().__init__(rho=rho, adaptive=adaptive)
        if not (isinstance(eta, int) and not isinstance(eta, bool) and eta >= 1) and eta != TERTILES:
            checks.fail("ImbSAM", "eta", f"an integer >= 1 or '{TERTILES}'", eta)
        self.eta = eta
        self.factor = checks.number("ImbSAM", "tail_factor", tail_factor, above=0)

    def shares(self, counts: np.ndarray) -> np.ndarray:
        tail = self._tail(counts)
        if not counts[tail].any() or not counts[~tail].any():
            got = checks.described(
                f"{self.eta!r}, {tail.sum()} of {tail.size} classes, which have {counts.min()} to {counts.max()} images"
            )
            expected = "such that some classes with training images belong to the tail, and some do not"
            checks.fail("ImbSAM", "eta", expected, got)
        return tail.astype(np.float32)

    def announcement(self, run: Run) -> str:
        counts = run.class_counts()
        tail = counts[self._tail(counts)]
        return f"each step is made of three passes; {tail.size} classes of at most {tail.max()} images are the tail"

    def _tail(self, counts):
        """Whether each class belongs to the tail, ``[C]``."""
        if isinstance(self.eta, int):
            return counts < self.eta
        return np.isin(np.arange(counts.size), shot_groups(counts, TERTILES, owner="ImbSAM")["few"])


@register("callback")
class FocalSAM(ClassSharpness):
    r"""Take a share of each image's gradient where that share of the loss is highest nearby (Focal-SAM).

    .. math:: c_y = \lambda (1 - \pi_y)^\gamma, \quad
        e = \rho \, \nabla L_c(w) / \|\nabla L_c(w)\|_2, \quad \text{gradient } \nabla L_{1-c}(w) + \nabla L_c(w + e)

    with :math:`\pi` the classes' shares of the training images and :math:`L_c` the loss with each image weighed by
    c of its class.

    Args:
        rho (float): the length of e, >= 0.
        adaptive (bool): as in :class:`~ppcls_lt.callbacks.sharpness.SAM`.
        flat_gamma (float): :math:`\gamma`, >= 0.
        sharpness (float): :math:`\lambda`, > 0.

    Raises:
        ConfigError: as :class:`~ppcls_lt.callbacks.sharpness.SAM`; a loss that reads features.

    Source: Li et al., "Focal-SAM: Focal Sharpness-Aware Minimization for Long-Tailed Classification", ICML 2025, and
    their code, scongl/Focal-SAM.
    """

    def __init__(
        self, *, rho: float = 0.05, adaptive: bool = False, flat_gamma: float = 1.0, sharpness: float = 0.5
    ) -> None:
        super().__init__(rho=rho, adaptive=adaptive)
        self.flat_gamma = checks.number("FocalSAM", "flat_gamma", flat_gamma, minimum=0)
        self.sharpness = checks.number("FocalSAM", "sharpness", sharpness, above=0)

    def shares(self, counts: np.ndarray) -> np.ndarray:
        return self.sharpness * (1 - counts / counts.sum()) ** self.flat_gamma

    def announcement(self, run: Run) -> str:
        found = self.shares(run.class_counts())
        return f"each step is made of three passes; shares of the loss from {found.min():.6g} to {found.max():.6g}"
