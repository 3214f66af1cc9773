"""The host's saving and loading, made whole: renamed when complete, with the run's own state beside."""

import contextlib
import inspect
import logging
import warnings
from pathlib import Path

import paddle
import paddle.distributed as dist

from . import checkpoints
from ._checks import ConfigError

_STATE = ".pdlt"
_log = logging.getLogger("ppcls.lt")


def save(run, original, *args, **kwargs):
    """The host's ``save_model``: every process calls it, the first one writes."""
    given = inspect.signature(original).bind(*args, **kwargs)
    given.apply_defaults()
    values = given.arguments
    for name in ("net", "ema"):
        if values.get(name) is not None:
            values[name] = _AsSaved(run.weights_to_save(values[name]))
    prefix, root = values["prefix"], Path(values["model_path"])
    metric = float(values["metric_info"]["metric"])
    if prefix == "best_model_ema" and metric <= run.best.get(prefix, metric - 1):
        # The host forgets its best average when it goes on from a checkpoint (2.5).
        return
    if prefix.startswith("best_model"):
        run.best[prefix] = metric
    state = run.state()
    if dist.get_rank() != 0:
        return
    facts = {"run": state["run"], "stage": state["stage"], "epoch": state["epoch"], **run.facts}
    with checkpoints.saving(root, prefix, facts) as folder, _host_says(str(root), instead_of=str(folder)):
        values["model_path"] = str(folder)
        original(*given.args, **given.kwargs)
        written = next(folder.rglob(f"{prefix}.pdparams"))
        paddle.save(state, str(written.with_name(prefix + _STATE)))


def begin_anew(run):
    """Begin a run from its start weights."""
    _mark(run)
    run.begin()


def load(run, original, config, *args, **kwargs):
    """The host's ``init_model`` for a checkpoint, and the run's own state with it."""
    path = config["checkpoints"]
    checkpoints.check(path)
    state = read_state(path)
    if state is not None:
        _check_same(run, state, path)
    with warnings.catch_warnings():
        for key in run.hidden_keys:
            warnings.filterwarnings("ignore", message=f"Skip loading for {key}")
        metric_info = original(config, *args, **kwargs)
    if state is None:
        _log.warning("%s was saved without ppcls_lt: its callbacks and best metric are unknown", path)
        begin_anew(run)
        return metric_info
    run.begin(state)
    _mark(run)
    _log.info("resuming %s after epoch %d", path, state["epoch"])
    return {"metric": state["best"].get("best_model", -1.0), "epoch": state["epoch"]}


def read_state(path):
    """What :func:`save` kept of the run beside the checkpoint ``path`` (without ending), or None."""
    file = Path(str(path) + _STATE)
    return paddle.load(str(file), return_numpy=True) if file.is_file() else None


def _mark(run):
    """From now on the folder is this run's, whatever an earlier one left in it."""
    if dist.get_rank() == 0:
        checkpoints.mark_run(run.config["Global"]["output_dir"], run.identity)


def _check_same(run, state, path):
    """A run can only go on as what it was."""
    names = [name for name, _ in state["callbacks"]]
    if names != run.names:
        raise ConfigError(
            f"Callbacks: must be those that {path} was trained with to go on from it, {names}, got {run.names}; to "
            f"start anew from its weights, name it in Global.pretrained_model"
        )
    if state["processes"] != dist.get_world_size():
        _log.warning(
            "%s was saved by a run of %d process(es), this one has %d: random numbers differ from an unbroken run's",
            path,
            state["processes"],
            dist.get_world_size(),
        )


class _AsSaved:
    """Stands for a layer whose ``state_dict`` is to be written."""

    def __init__(self, weights):
        self._weights = weights

    def state_dict(self):
        return self._weights


@contextlib.contextmanager
def _host_says(path, instead_of):
    """Let the host's log name the place where its files will be."""

    def rename(record):
        record.msg = str(record.msg).replace(instead_of, path)
        return True

    logger = logging.getLogger("ppcls")
    logger.addFilter(rename)
    try:
        yield
    finally:
        logger.removeFilter(rename)
