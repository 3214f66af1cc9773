"""The host's saving and loading, made whole: renamed when complete, with the run's own state beside."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import paddle
import paddle.distributed as dist

from ..basis import disk
from ..basis.checks import ConfigError
from ..runs import checkpoints, state_files

if TYPE_CHECKING:
    from ..host.engine import EngineView
    from .run import Run

_STATE = ".pdlt"
_ROOM = (
    "; the last whole checkpoint is kept; when there is room, `--resume` (of a comparison the same command) "
    "goes on from it"
)
_log = logging.getLogger("ppcls.lt")


def save(
    run: Run, original: Callable, *args: Any, optimizer_file: str | os.PathLike | None = None, **kwargs: Any
) -> None:
    """The host's ``save_model``: every process calls it, the first one writes.

    Args:
        run (Run): the training.
        original (callable): the host's, with its arguments.
        optimizer_file (str, optional): what is saved as the optimizers' state instead of theirs.
    """
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
    if dist.get_rank() != 0:
        return
    state = run.state()  # which may read the device
    section = run.config["Global"]
    facts = {
        **{key: state[key] for key in ("run", "stage", "epoch")},
        "epochs": run.epochs,
        "recipe": section.get("recipe"),
        **run.facts,
    }
    staged = checkpoints.saving(root, prefix, facts)
    room = _ROOM if any(root.rglob("*.manifest.json")) else ""
    with disk.writing(root, remedy=room), staged as folder, _host_says(str(root), instead_of=str(folder)):
        values["model_path"] = str(folder)
        original(*given.args, **given.kwargs)
        written = next(folder.rglob(f"{prefix}.pdparams"))
        if optimizer_file is not None:
            shutil.copyfile(optimizer_file, written.with_name(f"{prefix}.pdopt"))
        state_files.write(written.with_name(prefix + _STATE), state)


class Loaded(NamedTuple):
    """A checkpoint that has been loaded."""

    path: str  # without its ending
    state: dict | None  # of the run; None where it was saved without this package
    metric_info: dict  # what the host is to know: the best `metric`, and the `epoch`


def load(run: Run, read: Callable, path: str) -> Loaded:
    """Give a checkpoint to a model and its optimizers; return it as :class:`Loaded`. The run does not begin yet.

    Args:
        run (Run): that is to go on.
        read (callable): the host's ``init_model`` for this checkpoint.
        path (str): the checkpoint, without its ending.

    Raises:
        ConfigError: it is not whole, or of a run with other callbacks.
    """
    checkpoints.check(path)
    state = read_state(path)
    if state is not None:
        _check_same(run, state, path)
    with warnings.catch_warnings():
        for key in run.hidden_keys:
            warnings.filterwarnings("ignore", message=f"Skip loading for {key}")
        metric_info = read()
    if state is not None:
        metric_info = {"metric": state["best"].get("best_model", -1.0), "epoch": state["epoch"]}
    return Loaded(path, state, metric_info)


def save_untrained(engine: EngineView, run: Run) -> None:
    """A stage of no epochs: evaluate what the callbacks made of the weights, and save it."""
    evaluates = engine.config["Global"]["eval_during_train"]
    metric = engine.evaluate() if evaluates else 0.0
    for prefix in ("best_model", checkpoints.LATEST) if evaluates else (checkpoints.LATEST,):
        engine.save(prefix, metric, run.epoch, done=True)


def complete(engine: EngineView, run: Run) -> None:
    """Make whole what a kill in or between the saves of the last epoch left, from which this run went on."""
    section = engine.config["Global"]
    folder, arch = section["output_dir"], str(engine.config["Arch"].get("name"))
    if dist.is_initialized() and dist.get_world_size() > 1:
        dist.barrier()  # all of them have read the checkpoint, wherever it was
    if dist.get_rank() == 0:
        checkpoints.finish_all(folder)
    if run.epochs == 0 or run.epoch < run.epochs:
        return
    every = section["save_interval"]
    due = [f"epoch_{run.epoch}"] if every > 0 and run.epoch % every == 0 else []
    missing = [name for name in [*due, checkpoints.LATEST] if checkpoints.find(folder, arch, name) is None]
    if checkpoints.LATEST in missing:
        # Nothing was trained since it was read, and Paddle 2.6 gives an optimizer's state only after a step.
        read = checkpoints.newest(folder, arch, run.identity)
        instead: dict[str, Any] = {} if read is None else {"optimizer_file": f"{read[0]}.pdopt"}
        for prefix in missing:
            engine.save(prefix, run.best.get("best_model", 0.0), run.epoch, **instead)
    else:
        engine.accompany(checkpoints.LATEST, run.best.get("best_model", 0.0), run.epoch)


def read_state(path: str | os.PathLike) -> dict | None:
    """What :func:`save` kept of the run beside the checkpoint ``path`` (without ending), or None."""
    file = Path(str(path) + _STATE)
    if not file.is_file():
        return None
    return state_files.read(file) if state_files.is_one(file) else paddle.load(str(file), return_numpy=True)


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
    for what in run.order.not_resumed(run.config):
        _log.warning("%s goes on otherwise than an unbroken run: %s", path, what)


class _AsSaved:
    """Stands for a layer whose ``state_dict`` is to be written."""

    def __init__(self, weights: dict) -> None:
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
