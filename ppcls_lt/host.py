"""The host, PaddleClas: finding it, repairing it, publishing names in it.

The only module that imports ``ppcls``. Every repair is narrow, is made only
where its fault shows, and is listed in docs/versions.md.
"""

import contextlib
import copy
import functools
import importlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import paddle

from ._checks import ConfigError

INSTALL_HELP = (
    "install one that can train: `pip install --no-deps paddleclas==2.4.2` together with the packages of "
    "scripts/requirements-host.txt (see docs/versions.md), or put a source checkout of PaddleClas on PYTHONPATH"
)

# Where the host looks names up, by kind.
_MODULE_OF_KIND = {
    "loss": "ppcls.loss",
    "arch": "ppcls.arch",
    "metric": "ppcls.metric",
    "data": "ppcls.data",
    "sampler": "ppcls.data",
    "optimizer": "ppcls.optimizer.optimizer",
}


def load(root=None):
    """Import the training engine of PaddleClas and repair it; later calls change nothing.

    Args:
        root (str or Path, optional): a source checkout that comes before any
            installed PaddleClas.

    Raises:
        ConfigError: no PaddleClas, only an inference-only one, or one whose own
            requirements are missing.
    """
    if "ppcls.engine.engine" not in sys.modules:
        _put_on_path(root)
        try:
            importlib.import_module("ppcls.engine.engine")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"PaddleClas: its training engine needs the module {error.name!r}, which is not installed; "
                f"install the packages of scripts/requirements-host.txt (see docs/versions.md)"
            ) from error
    logger = module("utils.logger")
    if logger._logger is None:
        # The host's own build_loss fails without it when there is no Engine.
        logger.init_logger()
    for repair in _REPAIRS:
        repair()


def module(name):
    """Return ``ppcls.<name>``."""
    return importlib.import_module(f"ppcls.{name}")


def checkout():
    """Return the folder that holds the ``ppcls`` package in use."""
    return Path(module("engine").__file__).resolve().parents[2]


def version():
    """Return the version of the installed package in use and its folder, or the folder of a checkout alone."""
    folder = checkout()
    try:
        package = importlib.metadata.distribution("paddleclas")
    except importlib.metadata.PackageNotFoundError:
        return str(folder)
    installed = Path(package.locate_file("paddleclas")).resolve() == folder
    return f"{package.version} ({folder})" if installed else str(folder)


def names(kind):
    """Return what the host's factory of one kind can look up, by name."""
    return vars(importlib.import_module(_MODULE_OF_KIND[kind]))


def publish(kind, components, replace=()):
    """Make the host's factory of one kind find ``components`` (name -> class).

    Raises:
        ConfigError: the host has something else of that name, which is not in
            ``replace``.
    """
    namespace = names(kind)
    for name, component in components.items():
        taken = namespace.get(name, component)
        if taken is not component and name not in replace:
            raise ConfigError(
                f"PaddleClas: {_MODULE_OF_KIND[kind]} already has {name!r} ({taken!r}); to use the one of "
                f"ppcls_lt instead, call ppcls_lt.register(replace=[{name!r}])"
            )
        namespace[name] = component


def extend(module_name, path, wrapper):
    """Wrap ``path``, a function or ``Class.method``, of ``ppcls.<module_name>``.

    The wrapper is called with the original and the original's arguments.
    """
    owner = module(module_name)
    *classes, name = path.split(".")
    for part in classes:
        owner = getattr(owner, part)
    setattr(owner, name, _wrapped(getattr(owner, name), wrapper))


@contextlib.contextmanager
def functions(module_name, **wrappers):
    """Within the context, ``ppcls.<module_name>`` has these wrappers in place of its functions."""
    owner = module(module_name)
    originals = {name: getattr(owner, name) for name in wrappers}
    for name, wrapper in wrappers.items():
        setattr(owner, name, _wrapped(originals[name], wrapper))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(owner, name, original)


def attributed(config):
    """Return a deep copy of a configuration, or plain dicts, as the host's ``AttrDict`` at every level."""
    attr_dict = module("utils.config").AttrDict
    return attr_dict(
        {key: attributed(value) if isinstance(value, dict) else copy.deepcopy(value) for key, value in config.items()}
    )


def load_config(path, overrides):
    """Read a YAML with the host's own reader: ``-c`` and ``-o``.

    Raises:
        ConfigError: an override names no entry.
    """
    try:
        return module("utils.config").get_config(str(path), overrides=overrides, show=False)
    except (IndexError, KeyError, TypeError, AssertionError) as error:
        raise ConfigError(f"ppcls-lt: `-o` must name entries of {path}, got {list(overrides)}: {error}") from error


def build_dataset(config):
    """Build the data set of a ``dataset`` section as the host does, without a loader."""
    params = {key: value for key, value in config.items() if key not in ("name", "batch_transform_ops")}
    return vars(module("data"))[config["name"]](**params)


def keeps_loader_iterator(train_epoch_func):
    """Whether a host's epoch function keeps one loader iterator over all epochs.

    develop does; it also answers any exception of ``next()`` by starting over.
    """
    return "train_dataloader_iter" in train_epoch_func.__code__.co_names


def _wrapped(original, wrapper):
    @functools.wraps(original)
    def call(*args, **kwargs):
        return wrapper(original, *args, **kwargs)

    return call


def _put_on_path(root):
    """Let ``import ppcls`` find a PaddleClas that can train."""
    found = []
    for folder in _candidates(root):
        if _can_train(folder):
            if root is not None:
                sys.path.insert(0, str(folder))
            elif str(folder) not in sys.path:
                sys.path.append(str(folder))
            return
        found.append(str(folder / "ppcls"))
    if found:
        raise ConfigError(
            f"PaddleClas: {', '.join(found)} has no training engine (the wheels from 2.4.3 on are for "
            f"inference only); {INSTALL_HELP}"
        )
    raise ConfigError(f"PaddleClas: not found; {INSTALL_HELP}")


def _candidates(root):
    """Folders that may hold a ``ppcls`` package, first choice first."""
    if root is not None:
        yield Path(root).resolve()
        return
    spec = importlib.util.find_spec("ppcls")
    if spec is not None and spec.submodule_search_locations:
        yield Path(list(spec.submodule_search_locations)[0]).parent
    # The wheel keeps ppcls inside its own folder. Importing it would import its
    # whole command line, so its folder is looked up only.
    spec = importlib.util.find_spec("paddleclas")
    if spec is not None and spec.submodule_search_locations:
        yield Path(list(spec.submodule_search_locations)[0])


def _can_train(folder):
    parts = ("engine/engine.py", "loss/__init__.py", "data/__init__.py", "optimizer/__init__.py")
    return all((folder / "ppcls" / part).is_file() for part in parts)


def _repair_scalar_losses():
    """``x.numpy()[0]`` on losses fails where Paddle's scalars have no axis (2.4)."""

    class Trainer:
        output_info = {}

    try:
        module("engine.train.utils").update_loss(Trainer, {"loss": paddle.zeros([])}, 1)
    except IndexError:
        extend("loss", "CombinedLoss.__call__", _with_axis)


def _repair_scalar_metrics():
    """The same for metrics, and for the meters that average them (2.4)."""
    meter = module("utils.misc").AverageMeter("probe")
    meter.update(paddle.zeros([]))
    try:
        str(meter.avg_info)
    except IndexError:
        extend("metric", "CombinedMetrics.forward", _with_axis)
        extend("utils.misc", "AverageMeter.update", _update_with_axis)


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


def _repair_loader_thread():
    """An error in the loader's thread (no workers) leaves the training waiting for ever."""
    iterator = paddle.io.dataloader.dataloader_iter._DataLoaderIterSingleProcess
    if not getattr(iterator._thread_loop, "_ends_the_queue", False):
        iterator._thread_loop = _wrapped(iterator._thread_loop, _thread_loop)
        iterator._thread_loop._ends_the_queue = True


def _thread_loop(original, self, *args):
    """Read batches; whatever happens, leave no reader waiting."""
    finished = False
    try:
        original(self, *args)
        finished = True
    finally:
        if not finished:
            self._blocking_queue.kill()


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


_REPAIRS = (
    _repair_scalar_losses,
    _repair_scalar_metrics,
    _repair_device_id,
    _repair_loader_thread,
    _repair_profiler,
)
