"""What a metric must hold to."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any, Callable

import numpy as np
import paddle

from ..basis.checks import ConfigError
from ..metrics import LongTailMetric, share

CLASSES = 8
# Images of a pass, the classes that it has, and the batches that it comes in.
_PASSES = ((203, range(CLASSES), 1), (203, range(CLASSES), 7), (60, (0, 2, 6), 2), (31, (7,), 4), (1, (3,), 1))


def predictions(images: int, seed: int = 0, classes: Iterable[int] = range(CLASSES)) -> tuple[np.ndarray, np.ndarray]:
    """Random logits ``[N, 8]``, float32, and classes ``[N]``; about half of the predictions are right."""
    generator = np.random.default_rng(seed)
    label = generator.choice(list(classes), images)
    logits = generator.normal(size=(images, CLASSES))
    logits[np.arange(images), label] += 1.5
    return logits.astype(np.float32), label


def feed(metric: LongTailMetric, logits: np.ndarray, label: np.ndarray, parts: int = 1) -> None:
    """Give a metric a pass over the evaluation set in so many batches, as PaddleClas does."""
    for some, true in zip(np.array_split(logits, parts), np.array_split(label, parts)):
        metric(paddle.to_tensor(some), paddle.to_tensor(true))


def check_metric(
    metric: type[LongTailMetric], reference: Callable[..., dict[str, float]] | None = None, **params: Any
) -> None:
    """Hold a metric to what an evaluation needs of it.

    - It is a ``LongTailMetric`` with ``keys``, and its parameters are keywords.
    - Its values are a function of the whole pass: neither the order of the images nor the batches matter, values
      may be read between batches, and ``reset`` forgets all.
    - Without images, and where a logit is not finite, every value is NaN.
    - ``avg`` is the first value such that more is better, ``avg_info`` has those that are defined.
    - Logits of 16, 32 and 64 bits, a dict with them, labels ``[N]`` and ``[N, 1]``, 32 and 64 bits, give the same.
    - It shares what it counts with other metrics of a list.
    - What is no batch, and a label out of range, is a ``ConfigError``.

    Args:
        metric (class): the metric.
        reference (callable, optional): ``reference(logits, label)`` gives the values by name from arrays
            ``[N, 8]``, float32, and ``[N]``: a slow computation of your own, image by image.
        **params: arguments of the metric; counts are of 8 classes.

    Raises:
        AssertionError: what does not hold.
    """
    name = metric.__name__
    assert issubclass(metric, LongTailMetric), f"{name} must be a subclass of ppcls_lt.metrics.LongTailMetric"
    kinds = [each.kind for each in inspect.signature(metric).parameters.values()]
    assert set(kinds) <= {inspect.Parameter.KEYWORD_ONLY}, f"{name}: parameters must be keyword-only"

    def build():
        return metric(**params)

    _check_empty(build, name)
    _check_passes(build, name, reference)
    _check_inputs(build, name)
    _check_undefined(build, name)
    _check_sharing(build, name)
    _check_refused(build, name)


def _values(metric, logits, label, parts=1):
    feed(metric, logits, label, parts)
    return metric.values()


def _assert_same(name, found, wanted, what, precision=1e-9):
    """Two values are the same, NaN included."""
    assert set(found) == set(wanted), f"{name}: {what}: expected the values {sorted(wanted)}, got {sorted(found)}"
    for key, value in wanted.items():
        same = math.isclose(found[key], value, rel_tol=precision, abs_tol=1e-12)
        assert same or (math.isnan(found[key]) and math.isnan(value)), (
            f"{name}: {what}: {key} must be {value!r}, got {found[key]!r}"
        )


def _assert_undefined(name, metric, what):
    values = metric.values()
    defined = {key: value for key, value in values.items() if not math.isnan(value)}
    assert set(values) == set(metric.keys) and not defined, f"{name}: {what} every value must be NaN, got {values}"


def _check_empty(build, name):
    metric = build()
    assert metric.keys and all(isinstance(key, str) for key in metric.keys), f"{name}: `keys` must name its values"
    _assert_undefined(name, metric, "without images")
    assert metric.avg == 0.0, f"{name}: `avg` must be 0 without images, got {metric.avg}"


def _check_passes(build, name, reference):
    for seed, (images, classes, parts) in enumerate(_PASSES):
        logits, label = predictions(images, seed, classes)
        whole = build()
        values = _values(whole, logits, label)
        assert set(values) == set(whole.keys), f"{name}: values() must give {whole.keys}, got {sorted(values)}"
        if reference is not None:
            wanted = {key: reference(logits, label)[key] for key in whole.keys}
            _assert_same(name, values, wanted, f"{images} images of {len(classes)} classes")
        order = np.random.default_rng(seed).permutation(images)
        metric = build()
        feed(metric, *predictions(17, 99))
        metric.values()
        metric.reset()
        _assert_undefined(name, metric, "after reset()")
        found = _values(metric, logits[order], label[order], parts)
        _assert_same(name, found, values, f"{images} images in another order and {parts} batches")
        first = whole.keys[0]
        sign = -1 if whole.smaller_is_better else 1
        _assert_same(name, {first: whole.avg}, {first: sign * values[first]}, "`avg`, of which more is better")
        shown = ", ".join(f"{key}: {value:.5f}" for key, value in values.items() if not math.isnan(value))
        assert whole.avg_info == (shown or f"{first}: undefined"), f"{name}: `avg_info` must show {shown!r}"


def _check_inputs(build, name):
    logits, label = predictions(40)
    wanted = _values(build(), logits, label)
    for shape in ([40], [40, 1]):
        for dtype in ("int32", "int64"):
            metric = build()
            outputs = {"logits": paddle.to_tensor(logits), "features": paddle.to_tensor(logits)}
            metric(outputs, paddle.to_tensor(label.reshape(shape), dtype=dtype))
            _assert_same(name, metric.values(), wanted, f"labels {shape}, {dtype}, and a dict of outputs")
    exact = logits.astype("float16")
    for dtype in ("float16", "float64"):
        found = _values(build(), exact.astype(dtype), label)
        _assert_same(name, found, _values(build(), exact.astype("float32"), label), f"logits of {dtype}")


def _check_undefined(build, name):
    for broken in (np.nan, np.inf, -np.inf):
        logits, label = predictions(40)
        logits[7, 3] = broken
        metric = build()
        feed(metric, logits, label, 3)
        _assert_undefined(name, metric, f"with a logit of {broken}")
        metric.reset()
        _assert_same(name, _values(metric, *predictions(40)), _values(build(), *predictions(40)), "after that, reset")


def _check_sharing(build, name):
    logits, label = predictions(50)
    wanted = _values(build(), logits, label)
    several = [build(), build()]
    share(several)
    for some, true in zip(np.array_split(logits, 3), np.array_split(label, 3)):
        for metric in several:
            result = metric(paddle.to_tensor(some), paddle.to_tensor(true))
            assert result == {}, f"{name}: a call must return {{}}, got {result}"
    for metric in several:
        _assert_same(name, metric.values(), wanted, "in a list with others")
    for metric in several:
        metric.reset()
    _assert_undefined(name, several[-1], "after every metric of the list was reset")


def _check_refused(build, name):
    logits, label = paddle.zeros([4, CLASSES]), paddle.to_tensor([0, 1, 2, 3])
    for x, y in ((logits[0], label), ([logits], label), ({"features": logits}, label), (logits, logits)):
        try:
            build()(x, y)
        except ConfigError as error:
            assert str(error).startswith(f"{name}: "), f"{name}: a message must begin with its name, got {error}"
        else:
            raise AssertionError(f"{name}: what is no batch must be a ConfigError")
    for wrong in (-1, CLASSES):
        metric = build()
        try:
            feed(metric, logits.numpy(), np.array([0, wrong, 1, 2]))
            metric.values()
        except ConfigError:
            continue
        raise AssertionError(f"{name}: the label {wrong} of {CLASSES} classes must be a ConfigError")
