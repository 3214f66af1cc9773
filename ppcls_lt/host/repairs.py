"""Repairs of the host, each narrow, made only where its fault shows, and listed in docs/versions.md."""

import importlib

import paddle

from . import loaders
from ._wrapping import extend_in


def _host(name):
    return importlib.import_module(f"ppcls.{name}")


def _repair_scalar_losses():
    """``x.numpy()[0]`` on losses fails where Paddle's scalars have no axis (2.4)."""

    class Trainer:
        output_info = {}

    try:
        _host("engine.train.utils").update_loss(Trainer, {"loss": paddle.zeros([])}, 1)
    except IndexError:
        extend_in(_host("loss"), "CombinedLoss.__call__", _with_axis)


def _repair_scalar_metrics():
    """The same for metrics, and for the meters that average them (2.4)."""
    meter = _host("utils.misc").AverageMeter("probe")
    meter.update(paddle.zeros([]))
    try:
        str(meter.avg_info)
    except IndexError:
        extend_in(_host("metric"), "CombinedMetrics.forward", _with_axis)
        extend_in(_host("utils.misc"), "AverageMeter.update", _update_with_axis)


def _with_axis(original, self, *args, **kwargs):
    """Call ``original`` and give every scalar tensor of the dict it returns one axis."""
    result = original(self, *args, **kwargs)
    return {
        key: value.reshape([1]) if isinstance(value, paddle.Tensor) and value.ndim == 0 else value
        for key, value in result.items()
    }


def _update_with_axis(original, self, val, n=1):
    """Give an ``AverageMeter`` no tensor without an axis; to read one here would wait for the device at every batch."""
    original(self, val.astype("float64").reshape([1]) if isinstance(val, paddle.Tensor) else val, n)


def _repair_device_id():
    """``ParallelEnv().device_id`` is missing in a Paddle for CPU (2.5, develop evaluate with it)."""
    environment = paddle.distributed.ParallelEnv
    if not hasattr(environment(), "device_id"):
        environment.device_id = property(lambda self: getattr(self, "_device_id", 0))


def _repair_profiler():
    """``-p`` calls ``paddle.utils.profiler``, which Paddle has no longer (2.4, 2.5)."""
    if not hasattr(paddle.utils, "profiler"):
        paddle.utils.profiler = _Profiler()


class _Profiler:
    """The two calls that the host makes, by today's ``paddle.profiler``."""

    def start_profiler(self, state, tracer_option):
        self._profiler = paddle.profiler.Profiler()
        self._profiler.start()

    def stop_profiler(self, sorted_key, profile_path):
        self._profiler.stop()
        self._profiler.export(profile_path, format="json")
        self._profiler.summary()


ALL = (
    _repair_scalar_losses,
    _repair_scalar_metrics,
    _repair_device_id,
    loaders.repair,
    _repair_profiler,
)
