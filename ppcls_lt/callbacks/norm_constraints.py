"""Constraints on the norms of class vectors, by projected gradient descent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import paddle
from paddle import nn

from ..basis import checks
from ..basis.registry import register
from ..maths.projections import max_norm_radius, project_to_ball_, project_to_sphere_
from ._layers import check_norms_matter, check_not_fixed, check_not_normalized, check_patterns, matches
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run

# Layer type -> the axis of its weight that counts the class vectors.
_CLASS_AXIS = {nn.Linear: 1, nn.Conv1D: 0, nn.Conv2D: 0, nn.Conv3D: 0}


class NormConstraint(Callback):
    """Base of the constraints: which weights they project, and when.

    The averaged copy of the model is projected too. Where an optimizer keeps a
    float32 copy of a 16-bit weight, that copy is projected and the weight
    becomes its rounding. Biases are left alone.

    Args:
        every (str): ``epoch`` or ``step``.
        layers (list of str): names or regular expressions; None is the final
            classifier.
    """

    def __init__(self, *, every: str, layers: Sequence[str] | None) -> None:
        owner = type(self).__name__
        self.every = checks.choice(owner, "every", every, ("epoch", "step"))
        self.layers = None if layers is None else check_patterns(owner, "layers", layers)
        self.needs_classifier = layers is None
        self._axes: dict[str, int] = {}
        self._weights: list[tuple[str, paddle.Tensor, int]] = []

    def check(self, config: dict) -> None:
        if self.layers is None:
            check_not_fixed(type(self).__name__, config)
            check_not_normalized(type(self).__name__, config)

    def on_model_built(self, run: Run) -> None:
        owner = type(self).__name__
        sublayers = dict(run.model.named_sublayers())
        if self.layers is None:
            names = [run.classifier()[0]]
        else:
            names = matches(owner, "layers", self.layers, sublayers, "Linear or convolution layers")
        self._axes = {name: _class_axis(owner, name, sublayers[name]) for name in names}

    def on_checkpoint_loaded(self, run: Run) -> None:
        self._weights = []
        for model in run.models:
            sublayers = dict(model.named_sublayers())
            self._weights += [(name, sublayers[name].weight, axis) for name, axis in self._axes.items()]
        for name, weight, _ in self._weights:
            if weight.stop_gradient:
                got = checks.described(f"{name!r}, which is frozen")
                checks.fail(type(self).__name__, "layers", "layers that are trained", got)

    def on_step_end(self, run: Run) -> None:
        if self.every == "step":
            self._project_all(run)

    def on_epoch_end(self, run: Run) -> None:
        if self.every == "epoch":
            self._project_all(run)

    def _project_all(self, run):
        for name, weight, axis in self._weights:
            master = run.master_weight(weight)
            if master is None:
                self.project(name, weight, axis)
            else:
                self.project(name, master, axis)
                with paddle.no_grad():
                    paddle.assign(master.astype(weight.dtype), weight)

    def project(self, name: str, weight: paddle.Tensor, axis: int) -> None:
        """Project one layer's weight in place.

        Args:
            name (str): the layer's name.
            weight (Tensor): its class vectors.
            axis (int): the axis that counts them.
        """
        raise NotImplementedError


@register("callback")
class MaxNormPGD(NormConstraint):
    r"""Keep class vectors within a ball: project those that have left it.

    .. math:: w_c \leftarrow w_c \min(1, r / \|w_c\|_p), \quad
        r = \min_c \|w_c\|_p + thresh \, (\max_c \|w_c\|_p - \min_c \|w_c\|_p)

    The radius comes from the weights the run starts with, one for each layer,
    and stays; a resumed run takes it from the checkpoint.

    Args:
        thresh (float): in [0, 1]; where r lies between the smallest and the
            largest norm.
        lp_norm (float): order p of the norm, >= 1.
        radius (float): r itself, > 0, instead of ``thresh``.
        every (str): ``epoch`` projects after every epoch, as the authors' code
            does, ``step`` after every update, as projected gradient descent has it.
        layers (list of str): names, or regular expressions for whole names, of
            Linear and convolution layers; None is the final classifier. A
            convolution has one vector for each of its output channels.

    Raises:
        ConfigError: a parameter is not what it must be, a name matches no layer
            or one of another type or a frozen one, the classifier is
            normalised, or the radius comes out as 0.

    Source: Alshammari et al., CVPR 2022, and their code. Deviations: its
    ``tau`` is not offered. The code raises the norm to tau twice, so a vector of
    norm n gets norm :math:`r \, n^{1 - \tau^2}`: with any tau but 1 that lies off
    the sphere of radius r, inside or outside, and the next projection may scale
    an unchanged vector once more. Layers of one class work.
    """

    def __init__(
        self,
        *,
        thresh: float = 0.1,
        lp_norm: float = 2,
        radius: float | None = None,
        every: str = "epoch",
        layers: Sequence[str] | None = None,
    ) -> None:
        super().__init__(every=every, layers=layers)
        self.thresh = checks.number("MaxNormPGD", "thresh", thresh, minimum=0, maximum=1)
        self.lp_norm = checks.number("MaxNormPGD", "lp_norm", lp_norm, minimum=1)
        self.radius = None if radius is None else checks.number("MaxNormPGD", "radius", radius, above=0)
        self._radii: dict[str, float] = {}

    def on_checkpoint_loaded(self, run: Run) -> None:
        super().on_checkpoint_loaded(run)
        if self.radius is not None:
            self._radii = dict.fromkeys(self._axes, self.radius)
        elif not run.resumed:
            sublayers = dict(run.model.named_sublayers())
            self._radii = {name: self._measured(name, sublayers[name].weight) for name in self._axes}
        elif set(self._radii) != set(self._axes):
            got = checks.described(f"{', '.join(self._axes)}")
            checks.fail("MaxNormPGD", "layers", f"those of the checkpoint ({', '.join(self._radii)})", got)

    def _measured(self, name, weight):
        radius = max_norm_radius(weight, self.thresh, self._axes[name], self.lp_norm).item()
        if not 0 < radius < math.inf:
            got = checks.described(f"a radius of {radius:g} for {name!r}, whose weights it is taken from")
            checks.fail("MaxNormPGD", "thresh", "such that the radius is a finite number > 0", got)
        return radius

    def project(self, name: str, weight: paddle.Tensor, axis: int) -> None:
        project_to_ball_(weight, self._radii[name], axis, self.lp_norm)

    def state_dict(self) -> dict[str, Any]:
        return dict(self._radii)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._radii = dict(state)


@register("callback")
class L2NormPGD(NormConstraint):
    r"""Keep class vectors at L2 norm 1.

    .. math:: w_c \leftarrow w_c / \|w_c\|_2

    A vector shorter than 1e-12 has no direction and is left alone.

    Args:
        every (str): ``epoch`` or ``step``, as in :class:`MaxNormPGD`.
        layers (list of str): as in :class:`MaxNormPGD`.

    Raises:
        ConfigError: as in :class:`MaxNormPGD`.

    Source: the L2 normalisation of Alshammari et al., CVPR 2022.
    """

    def __init__(self, *, every: str = "epoch", layers: Sequence[str] | None = None) -> None:
        super().__init__(every=every, layers=layers)

    def project(self, name: str, weight: paddle.Tensor, axis: int) -> None:
        project_to_sphere_(weight, axis)


def _class_axis(owner, name, layer):
    check_norms_matter(owner, layer)
    for layer_type, axis in _CLASS_AXIS.items():
        if isinstance(layer, layer_type):
            return axis
    got = checks.described(f"{name!r}, which is a {type(layer).__name__}")
    checks.fail(owner, "layers", "names of Linear or convolution layers", got)
