"""The final classifier of a model: finding it, normalising it, tapping its input.

None of this changes a checkpoint: parameter names and shapes stay those of the
architecture.
"""

from __future__ import annotations

from typing import Any

import paddle
from paddle import nn
from paddle.autograd import PyLayer

from ..basis.checks import ConfigError
from .rows import is_on_cpu

# Below this norm a vector has no direction: its cosine and gradient are 0.
SMALLEST_NORM = 1e-12
# Class vectors are gone through in blocks of this many entries: a block's intermediate results stay in the
# processor's cache, those of a large classifier as a whole cost as much time as half a matrix product.
_BLOCK = 2**20


def find_classifier(model: nn.Layer, class_num: int | None, arch: str) -> tuple[str, nn.Layer]:
    """Return ``(name, layer)`` of the last ``Linear`` with ``class_num`` outputs.

    Args:
        model (nn.Layer): the whole model.
        class_num (int or None): number of classes; None takes the last Linear.
        arch (str): the architecture's name, for messages.

    Raises:
        ConfigError: the model has no such layer.
    """
    found = None
    for name, layer in model.named_sublayers():
        if isinstance(layer, nn.Linear) and class_num in (None, layer.weight.shape[1]):
            found = (name, layer)
    if found is None:
        raise ConfigError(
            f"Arch: {arch} has no Linear layer with {class_num} outputs, so its logits do not come from one "
            f"Linear classifier; `classifier: normalized`, the IB losses and callbacks that change or spare the "
            f"classifier need an architecture whose logits do"
        )
    return found


class LogitsCheck:
    """On the model's first forward, make sure its logits are the classifier's output.

    An architecture with two heads, or with something behind its last Linear,
    would otherwise train with the wrong features without a word.

    Args:
        model (nn.Layer): the whole model.
        name (str): the classifier's name within it.
        classifier (nn.Linear): the classifier.
        arch (str): the architecture's name, for messages.
    """

    def __init__(self, model: nn.Layer, name: str, classifier: nn.Linear, arch: str) -> None:
        self._name = name
        self._arch = arch
        self._outputs: list[paddle.Tensor] = []
        # A flag, not the removal of the hooks: a copy of the model has a check of its own.
        self._done = False
        classifier.register_forward_post_hook(self._keep)
        model.register_forward_post_hook(self._compare)

    def _keep(self, layer, inputs, output):
        if not self._done:
            self._outputs.append(output)

    def _compare(self, model, inputs, output):
        if self._done or not paddle.in_dynamic_mode():
            return
        self._done = True
        logits = output.get("logits") if isinstance(output, dict) else output
        outputs, self._outputs = self._outputs, []
        same = (
            isinstance(logits, paddle.Tensor)
            and len(outputs) == 1
            and logits.size == outputs[0].size
            and (logits is outputs[0] or bool((logits.flatten() == outputs[0].flatten()).all()))
        )
        if not same:
            raise ConfigError(
                f"Arch: the logits of {self._arch} are not the output of one Linear layer alone (the last with that "
                f"many outputs is `{self._name}`), as `classifier: normalized` and the IB losses need"
            )


class FeatureTap:
    """Catches what enters the classifier in training, with gradients.

    Args:
        classifier (nn.Linear): the layer whose input ``[N, D]`` is caught.
        model (nn.Layer, optional): whose mode says whether it is training; a classifier that is frozen is always in
            that of evaluation.
        readers (int): how many losses take the features of one forward; after
            the last the features are let go.
    """

    def __init__(self, classifier: nn.Linear, readers: int = 1, model: nn.Layer | None = None) -> None:
        self.enabled = True  # False while its readers are not the losses in use
        self._readers = readers
        self._model = classifier if model is None else model
        self._features = None
        self._left = 0
        classifier.register_forward_pre_hook(self._catch)

    def _catch(self, layer, inputs):
        if self._model.training and self.enabled:
            self._features = inputs[0]
            self._left = self._readers

    def take(self) -> paddle.Tensor:
        """Return the features ``[N, D]`` of the last training forward.

        Raises:
            ConfigError: every reader has had them, or there was no forward.
        """
        if self._left == 0:
            raise ConfigError(
                "IB losses: no features were caught in this forward; the model must run eagerly (without "
                "`Global.to_static`) and its classifier once for each call of the loss"
            )
        features = self._features
        self._left -= 1
        if self._left == 0:
            self._features = None
        return features


class NormalizedLinear(nn.Linear):
    """``scale * cos(x, w_c)``: features and class vectors at unit length, no bias.

    Made from a ``Linear`` by :func:`normalize`. The bias keeps its place in the
    checkpoint and is ignored.

    Source: the classifier of the LDAM-DRW code (``NormedLinear``), with the
    scale that its loss applies moved here so that exported probabilities are
    those trained for.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return ``[N, class_num]`` cosines times ``scale`` from features ``[N, D]``.

        Computed in float32 (float64 for float64 features).
        """
        if x.ndim > 2:
            return self.forward(x.flatten(0, -2)).reshape([*x.shape[:-1], self.weight.shape[1]])
        with paddle.amp.auto_cast(enable=False):
            dtype = paddle.float64 if x.dtype == paddle.float64 else paddle.float32
            x, weight = (each if each.dtype == dtype else each.astype(dtype) for each in (x, self.weight))
            if paddle.in_dynamic_mode():
                return _Cosines.apply(x, weight, self.scale)
            return _cosines(x, weight, self.scale * _inverse_norm(x, axis=1), _inverse_norm(weight, axis=0))


def _cosines(x, weight, per_image, per_class):
    """``per_image * (x @ weight) * per_class``: ``[N, C]`` from ``[N, D]``, ``[D, C]``, ``[N, 1]``, ``[1, C]``."""
    # Scaling input and output is cheaper than scaling the weight: N < D as a rule. And a row multiplies a matrix
    # eight times as fast on the CPU once it is expanded.
    logits = paddle.matmul(x * per_image, weight)
    return logits * per_class.expand_as(logits)


class _Cosines(PyLayer):
    """:func:`_cosines` with its gradient, which goes over the class vectors once outside the matrix products.

    With ``G`` the gradient of the logits ``z``, ``a`` and ``b`` the inverse norms
    of image and class, the gradients are ``s a (G b) w^T - x a^2 rowsum(G z)``
    and ``s (a x)^T (G b) - w b^2 colsum(G z)``.
    """

    @staticmethod
    def forward(ctx: Any, x: paddle.Tensor, weight: paddle.Tensor, scale: float) -> paddle.Tensor:
        per_image = scale * _inverse_norm(x, axis=1)
        per_class = _inverse(sum(_sums(block * block, axis=0) for block in _blocks(weight)))
        logits = _cosines(x, weight, per_image, per_class)
        ctx.save_for_backward(x, weight, logits.detach(), per_image, per_class)
        ctx.scale = scale
        return logits

    @staticmethod
    def backward(ctx: Any, upstream: paddle.Tensor) -> tuple:
        x, weight, logits, per_image, per_class = ctx.saved_tensor()
        with paddle.amp.auto_cast(enable=False):
            along = upstream * logits
            upstream = upstream * per_class.expand_as(upstream)
            slopes = [None, None]
            if not x.stop_gradient:
                turn = _sums(along, axis=1) * (per_image / ctx.scale) ** 2
                slopes[0] = paddle.matmul(upstream, weight, transpose_y=True) * per_image - x * turn
            if not weight.stop_gradient:
                turn = _sums(along, axis=0) * per_class**2
                whole = paddle.matmul(x * per_image, upstream, transpose_x=True)
                parts = _blocks(whole)
                if parts[0].data_ptr() == whole.data_ptr():
                    for slope, block in zip(parts, _blocks(weight)):
                        slope.subtract_(block * turn.expand_as(block))
                else:  # no views, where FLAGS_use_stride_kernel is off
                    whole.subtract_(weight * turn.expand_as(weight))
                slopes[1] = whole
            return tuple(slopes)


def _blocks(weight):
    """Views of ``[D, C]``, some rows each on the CPU, whose caches they fit into."""
    if not is_on_cpu(weight):
        return [weight]
    rows = max(1, _BLOCK // weight.shape[1])
    return [weight[start : start + rows] for start in range(0, weight.shape[0], rows)]


def normalize(layer: nn.Linear, scale: float, redraw: bool = True) -> None:
    """Turn a ``Linear`` into a :class:`NormalizedLinear`, in place.

    The class vectors are drawn anew, uniform in [-1, 1] and then of unit
    length, as in the authors' code; a checkpoint loaded later replaces them.

    Args:
        layer (nn.Linear): the classifier, weight ``[D, class_num]``.
        scale (float): factor on the cosines, > 0.
        redraw (bool): False keeps the class vectors, which were loaded already.
    """
    layer.__class__ = NormalizedLinear
    layer.scale = scale
    if redraw:
        with paddle.no_grad():
            drawn = paddle.uniform(layer.weight.shape, dtype="float32", min=-1.0, max=1.0)
            drawn = drawn * _inverse_norm(drawn, axis=0)
            layer.weight.set_value(drawn.astype(layer.weight.dtype))
    if layer.bias is not None:
        # DataParallel would wait for the gradient of a parameter that is not used.
        layer.bias.stop_gradient = True


class UnitFeaturesLinear(nn.Linear):
    """``x / ||x|| W + b``: a Linear on features at unit length.

    What a :class:`NormalizedLinear` becomes where its logits are adjusted: with the weights at unit length times its
    scale and a bias of 0 it is that one.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return logits ``[N, class_num]`` from features ``[N, D]``, computed as in ``NormalizedLinear``."""
        if x.ndim > 2:
            return self.forward(x.flatten(0, -2)).reshape([*x.shape[:-1], self.weight.shape[1]])
        with paddle.amp.auto_cast(enable=False):
            dtype = paddle.float64 if x.dtype == paddle.float64 else paddle.float32
            x, weight, bias = (each.astype(dtype) for each in (x, self.weight, self.bias))
            return paddle.matmul(x * _inverse_norm(x, axis=1), weight) + bias


def give_bias(layer: nn.Linear) -> None:
    """Give a ``Linear`` without a bias one of zeros, in place."""
    if layer.bias is None:
        layer.bias = layer.create_parameter([layer.weight.shape[1]], dtype=layer.weight.dtype, is_bias=True)


def _inverse_norm(vectors, axis):
    """1 / L2 norm along ``axis`` (kept), 0 for a vector without direction."""
    return _inverse(_sums(vectors * vectors, axis))


def _sums(matrix, axis):
    """``matrix.sum(axis, keepdim=True)``, as a product with ones on the CPU, where that is several times as fast."""
    if not is_on_cpu(matrix):
        return matrix.sum(axis, keepdim=True)
    ones = paddle.ones([matrix.shape[axis]], matrix.dtype)
    return paddle.mv(matrix, ones).unsqueeze(1) if axis == 1 else paddle.matmul(ones.unsqueeze(0), matrix)


def _inverse(square):
    """1 / the norms whose squares are given."""
    directed = square > SMALLEST_NORM**2
    return paddle.rsqrt(paddle.clip(square, min=SMALLEST_NORM**2)) * directed.astype(square.dtype)
