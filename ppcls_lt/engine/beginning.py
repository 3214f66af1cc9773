"""Where a run begins, anew or from a checkpoint; its folder is marked, and what was loaded is given to it."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import paddle
import paddle.distributed as dist

from ..basis import checks, disk
from ..basis.checks import ConfigError
from ..configuration import stages
from ..runs import marks as run_marks
from ..runs import state_files
from . import resuming, saving

if TYPE_CHECKING:
    from .run import Run

_log = logging.getLogger("ppcls.lt")


class Start(NamedTuple):
    """Where a training begins or goes on."""

    index: int  # type: ignore[assignment]  # the stage, counted from 0; a tuple has a method of this name
    checkpoint: str | None  # without its ending
    identity: str | None  # the name of the run, where it is known without the checkpoint
    extension: resuming.Extension | None  # the epochs that are added or were
    extends: bool  # whether they are added now
    is_complete: bool  # whether nothing is left to train


def start_of(plan: Sequence[dict]) -> Start:
    """Return the ``Start`` of a training; nothing is built or written.

    Args:
        plan (list of dict): the configuration of every stage, checked.

    Raises:
        ConfigError: the checkpoint is of another run or stage than can go on, or one of another run would be replaced.
    """
    settings, index, identity = plan[0]["Global"], 0, None
    checkpoint = settings.get("checkpoints") or None
    if checkpoint:
        state = saving.read_state(checkpoint)
        index = 0 if state is None else state["stage"] - 1
        if index >= len(plan):
            got = checks.described(f"{checkpoint}, one of stage {index + 1}")
            checks.fail("Global", "checkpoints", f"of one of the {len(plan)} stages there are", got)
        if plan[index]["Global"]["epochs"] == 0:
            got = checks.described(f"{checkpoint}; name it in `pretrained_model`")
            checks.fail("Global", "checkpoints", "left out for a stage of no epochs", got)
    elif settings.get("resume", False) or settings.get("extend_to") is not None:
        index, checkpoint, identity = stages.resume_point(plan)
    state = None if checkpoint is None else saving.read_state(checkpoint)
    extension, extends = resuming.decide(plan, index, checkpoint=checkpoint, state=state, run=identity)
    is_complete = resuming.is_complete(plan, index, state, extension)
    return Start(index, checkpoint, identity, extension, extends, is_complete)


def check_alike(start: Start) -> None:
    """Raise in every process unless all of them begin at the same place.

    Args:
        start (Start): of this process; the processes are connected.

    Raises:
        ConfigError: they do not, as where machines do not share the folder.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return
    state = None if start.checkpoint is None else saving.read_state(start.checkpoint)
    epoch = -1 if start.checkpoint is None else -2 if state is None else state["epoch"]
    name = str(start.identity if state is None else state["run"])
    mine = paddle.to_tensor([start.index, epoch, zlib.crc32(name.encode())], dtype="int64")
    found: list = []
    dist.all_gather(found, mine)
    places = [tuple(each.tolist()) for each in found]
    if len(set(places)) > 1:
        rank = next(rank for rank, place in enumerate(places) if place != places[0])
        got = checks.described(f"{_said(places[0])} in process 0, {_said(places[rank])} in process {rank}")
        remedy = "let Global.output_dir be one folder that all machines share, or all begin anew in another"
        checks.fail("Global", "resume", "used where every process finds the same checkpoint", got, remedy)


def _said(place):
    index, epoch, name = place
    if epoch == -1:
        return "none"
    return f"one of stage {index + 1}{f', epoch {epoch}' if epoch >= 0 else ''}, run {name:08x}"


def anew(run: Run) -> None:
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


def from_checkpoint(run: Run, loaded: saving.Loaded, schedules: list) -> None:
    """Begin a run that goes on.

    Args:
        run (Run): its model and optimizers have the checkpoint's weights.
        loaded (saving.Loaded): the checkpoint.
        schedules (list): copies of the learning rates' schedules from before it was loaded.

    Raises:
        ConfigError: a callback cannot go on from its state.
    """
    state = loaded.state
    if state is None:
        _log.warning("%s was saved without ppcls_lt: its callbacks and best metric are unknown", loaded.path)
        anew(run)
        return
    if run.extends:
        resuming.begin_schedules(run.schedules, schedules, run.extension)
        done = "stretched over all of them" if run.extension.schedule == "stretch" else "begun anew"
        _log.info("the run goes on to epoch %d, its learning rate's schedule %s", run.epochs, done)
    run.begin(state)
    _mark(run, replaces=_was_told_to_replace(run))
    _log.info("resuming %s after epoch %d", loaded.path, state["epoch"])


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
