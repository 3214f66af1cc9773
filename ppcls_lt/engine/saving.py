"""The host's saving and loading, made whole: renamed when complete, with the run's own state beside."""

import contextlib
import copy
import inspect
import logging
import shutil
import warnings
from pathlib import Path

import paddle
import paddle.distributed as dist

from .. import host
from ..basis import disk
from ..basis.checks import ConfigError
from ..runs import checkpoints, state_files
from ..runs import marks as run_marks
from . import resuming

_STATE = ".pdlt"
_ROOM = "; the last whole checkpoint is kept, and `--resume` goes on from it when there is room"
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
    section = run.config["Global"]
    facts = {
        **{key: state[key] for key in ("run", "stage", "epoch")},
        "epochs": run.epochs,
        "recipe": section.get("recipe"),
        **run.facts,
    }
    staged = checkpoints.saving(root, prefix, facts)
    with disk.writing(root, remedy=_ROOM), staged as folder, _host_says(str(root), instead_of=str(folder)):
        values["model_path"] = str(folder)
        original(*given.args, **given.kwargs)
        written = next(folder.rglob(f"{prefix}.pdparams"))
        if run.optimizer_file is not None:
            shutil.copyfile(run.optimizer_file, written.with_name(f"{prefix}.pdopt"))
        state_files.write(written.with_name(prefix + _STATE), state)


def begin_anew(run):
    """Begin a run from its start weights.

    Raises:
        ConfigError: a callback's state could not be saved.
    """
    section = run.config["Global"]
    # The one that is to go on may have ended before its first checkpoint.
    told_before = run.stage == 1 and section.get("resume", False) and run_marks.replaces(section["output_dir"])
    _mark(run, replaces=section.get("overwrite", False) or told_before)
    run.begin()
    try:
        state_files.encoded(run.state())
    except TypeError as error:
        raise ConfigError(
            f"Callbacks: their `state_dict` must hold plain containers, numbers, text and arrays, got {error}"
        ) from error


def load(run, original, config, *args, **kwargs):
    """The host's ``init_model`` for a checkpoint, and the run's own state with it."""
    path = config["checkpoints"]
    checkpoints.check(path)
    state = read_state(path)
    if state is not None:
        _check_same(run, state, path)
    fresh = copy.deepcopy(run.schedules)
    with warnings.catch_warnings():
        for key in run.hidden_keys:
            warnings.filterwarnings("ignore", message=f"Skip loading for {key}")
        metric_info = original(config, *args, **kwargs)
    if state is None:
        _log.warning("%s was saved without ppcls_lt: its callbacks and best metric are unknown", path)
        begin_anew(run)
        return metric_info
    if run.extends:
        resuming.begin_schedules(run.schedules, fresh, run.extension)
        done = "stretched over all of them" if run.extension.schedule == "stretch" else "begun anew"
        _log.info("the run goes on to epoch %d, its learning rate's schedule %s", run.epochs, done)
    run.begin(state)
    _mark(run, replaces=_was_told_to_replace(run))
    _log.info("resuming %s after epoch %d", path, state["epoch"])
    return {"metric": state["best"].get("best_model", -1.0), "epoch": state["epoch"]}


def save_untrained(engine, run):
    """A stage of no epochs: evaluate what the callbacks made of the weights, and save it."""
    evaluates = engine.config["Global"]["eval_during_train"]
    metric = engine.eval(0) if evaluates else 0.0
    _save_as(("best_model", checkpoints.LATEST) if evaluates else (checkpoints.LATEST,), engine, run, metric)


def complete(engine, run):
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
        run.optimizer_file = None if read is None else f"{read[0]}.pdopt"
        _save_as(missing, engine, run, run.best.get("best_model", 0.0))


def _save_as(prefixes, engine, run, metric):
    """Save the weights as they are, as the host does after an epoch."""
    for prefix in prefixes:
        host.module("utils.save_load").save_model(
            engine.model,
            engine.optimizer,
            {"metric": metric, "epoch": run.epoch},
            engine.output_dir,
            model_name=engine.config["Arch"]["name"],
            prefix=prefix,
            loss=engine.train_loss_func,
            **({} if run.ema is None else {"ema": run.ema}),
        )


def read_state(path):
    """What :func:`save` kept of the run beside the checkpoint ``path`` (without ending), or None."""
    file = Path(str(path) + _STATE)
    if not file.is_file():
        return None
    return state_files.read(file) if state_files.is_one(file) else paddle.load(str(file), return_numpy=True)


def _was_told_to_replace(run):
    """Whether it was when it began, which holds for its later stages too."""
    root, arch = run.config["Global"]["output_dir"], str(run.config["Arch"].get("name"))
    return run_marks.marked(root, arch) == run.identity and run_marks.replaces(root)


def _mark(run, replaces):
    """From now on the folder is this run's, whatever an earlier one left in it."""
    if dist.get_rank() == 0:
        root, arch = run.config["Global"]["output_dir"], str(run.config["Arch"].get("name"))
        with disk.writing(root):
            run_marks.mark(root, arch, run.identity, replaces)


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
