"""The host's Engine, taught the rest of the configuration: counts, callbacks, stages, resuming."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import weakref
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Callable

import paddle
import paddle.distributed as dist

from .. import callbacks, datasets, host, losses, metrics, operators
from ..archs import cifar_resnet as archs
from ..configuration import callback_entries, finished_run, model_record, places, processes, replaced, schema, stages
from ..configuration import plugins as own_modules
from ..runs import earlier as earlier_runs
from ..samplers import weight_balanced as samplers
from . import (
    announcements,
    base_weights,
    beginning,
    evaluation,
    exporting,
    listed,
    nonfinite,
    recording,
    resuming,
    saving,
    serving,
    unreadable,
    weights,
)
from .assembly import Assembly
from .checklist import checked_plan
from .model_building import build_model, check_later
from .run import Run

if TYPE_CHECKING:
    from ..host.engine import EngineView

_PUBLISHED = (archs, callbacks, datasets, losses, metrics, operators, samplers)  # importing them fills the registry
_registered = False
_log = logging.getLogger("ppcls.lt")


def register(
    *, replace: Iterable[str] = (), plugins: Iterable[str] = (), root: str | os.PathLike | None = None
) -> None:
    """See :func:`ppcls_lt.register`; ``root`` is a checkout that comes first."""
    global _registered
    if not _registered:
        host.load(root)
    own_modules.publish(replace)
    own_modules.load({own_modules.KEY: plugins})
    if _registered:
        return
    host.check_new_entries(schema.check_overrides)
    host.extend("utils.config", "get_config", finished_run.get_config)
    host.extend("utils.save_load", "get_weights_path_from_url", host.downloading)
    host.extend("arch", "build_model", build_model)
    host.extend("engine.engine", "build_model", build_model)
    host.extend("loss", "CombinedLoss.__init__", host.combine)
    host.extend_engine(_build)
    _registered = True


def run_engine(
    mode: str, path: str | os.PathLike, overrides: Sequence[str] = (), profiler_options: str | None = None
) -> EngineView:
    """Do what PaddleClas's script for ``mode`` does, also where the wheel ships none.

    Args:
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
        path (Path): the YAML file.
        overrides (sequence of str): ``key=value``.
        profiler_options (str, optional): as the host's ``-p``.

    Returns:
        EngineView: the host's Engine, after its work.
    """
    register()
    config = host.load_config(path, list(overrides))
    config.profiler_options = profiler_options  # type: ignore[attr-defined]  # an `AttrDict`
    return host.run(config, mode)


def _build(engine, construct, config, mode):
    """Build an Engine for what the configuration asks; return what trains it, or None. See ``host.extend_engine``."""
    plan = checked_plan(config, mode)
    if mode == "train":
        processes.check_launched(plan[0])
        replaced.log(config)
        training = _Training(engine, construct, plan)
        training.start()
        return training
    config = host.attributed(plan[-1])
    if mode == "export" and config["Global"].get(serving.KEY, False):
        config["Global"]["device"] = "cpu"  # where what is served is tried; a GPU may round more coarsely
    assembly = Assembly(config)
    loading = weights.Loading()
    with assembly.building(), loading.watched():
        construct(config)
    loading.check(engine.model, config, mode)
    if mode == "export":
        base_weights.fold_for_export(engine)
    assembly.connect(engine, mode)
    evaluation.attach(engine)
    unreadable.attach(engine, assembly.watches)
    if mode == "eval" and engine.eval_mode == "classification":
        record = recording.Record(plan[-1], assembly)
        if config["Global"].get("run") is not None:
            listed.tell_other(plan[-1], config["Global"].get("pretrained_model"))
        places.write_alone(engine, mode, engine.output_dir, "output_dir", lambda: record.begin(engine))
    elif mode == "export" and config["Global"].get("save_inference_dir") is not None:
        exporting.attach(engine, config["Global"]["save_inference_dir"])
        serving.attach(engine, plan[-1])
        places.write_alone(engine, mode, config["Global"]["save_inference_dir"], "save_inference_dir")
    return None


class _Training:
    """All stages of one training, in one Engine, which each stage builds anew."""

    def __init__(self, engine: EngineView, construct: Callable, plan: list[dict]) -> None:
        self._engine = engine
        self._construct = construct
        self._plan = plan
        self._index = 0
        self._names = self._identity = None
        self._run = self._assembly = self._record = None
        self._locks = contextlib.ExitStack()
        self._extension, self._extends, self._is_complete = None, False, False
        self._watch = self._unreadable = None

    def start(self):
        """Build the Engine of the stage that the configuration starts or goes on with."""
        settings = self._plan[0]["Global"]
        if dist.get_rank() == 0:
            self._locks = places.take(self._plan)
            weakref.finalize(self, self._locks.close)  # where nobody calls `train`
        try:
            self._begin(settings)
        except BaseException:
            self._locks.close()
            raise

    def _begin(self, settings):
        start = beginning.start_of(self._plan)
        self._index, self._identity = start.index, start.identity
        self._extension, self._extends = start.extension, start.extends
        self._is_complete = start.is_complete
        if start.checkpoint is None and settings.get("resume", False):
            stage = self._plan[self._index]["Global"]
            _log.info("no whole checkpoint of this run in %s: training from the start", stage["output_dir"])
        self._build(start.checkpoint)
        beginning.check_alike(start)

    def train(self, train_stage):
        try:
            with host.loaders.ended_with_an_error():
                self._train_stages(train_stage)
        finally:
            self._locks.close()

    def _train_stages(self, train_stage):
        while True:
            with self._own_names():
                self._run_stage(train_stage)
            if self._index + 1 == len(self._plan):
                if self._is_complete:
                    announcements.nothing_left(self._run, self._plan)
                recording.write_report(self._plan)
                return
            self._index += 1
            self._identity = self._run.identity
            if dist.get_rank() == 0:
                earlier_runs.check(self._plan[: self._index + 1], self._identity, self._index)
            if dist.is_initialized() and dist.get_world_size() > 1:
                dist.barrier()  # the first process writes the weights that all of them start from
            self._build(checkpoint=None)

    def _build(self, checkpoint):
        stage = self._plan[self._index]
        config = host.attributed(resuming.extended(stage, self._extension))
        config["Global"]["checkpoints"] = checkpoint
        if self._index > 0 and checkpoint is None and config["Global"]["pretrained_model"] is None:
            config["Global"]["pretrained_model"] = stages.start_weights(self._plan[self._index - 1], config)
        assembly = self._assembly = Assembly(config)
        began_from = stages.began_from(self._plan, self._index, checkpoint, config["Global"]["pretrained_model"])
        kept = resuming.kept(stage, self._extension)
        self._run = Run(config, callback_entries.build(config), self._index + 1, assembly, self._identity, kept)
        self._run.extension, self._run.extends = self._extension, self._extends
        self._run.facts = {model_record.KEY: model_record.of(stage), stages.BEGAN_FROM: began_from}
        recorded = {**config, "Global": {**config["Global"], "pretrained_model": began_from}}
        self._record = recording.Record(recorded, assembly, len(self._plan))
        # The host cannot build for no epochs.
        config["Global"]["epochs"] = max(config["Global"]["epochs"], 1)
        self._names = None
        loading = weights.Loading()
        epochs = None if self._extension is None else self._extension.scheduled
        with self._own_names(), assembly.building(self._run.model_built, epochs):
            with loading.watched():
                self._construct(config)
            check_later(self._plan, self._index, self._engine.model)
            left = loading.check(self._engine.model, config, "train", hidden=self._run.hidden_keys)
            base_weights.settle(self._run, left)
            assembly.connect(self._engine, "train")
            evaluation.attach(self._engine, self._run)
            self._run.attach(self._engine)
            self._watch = nonfinite.Watch(self._engine, self._run)
            self._unreadable = unreadable.Tally(assembly.watches)
            self._unreadable.follow(self._engine)

    def _run_stage(self, train_stage):
        engine, run = self._engine, self._run
        loads = host.functions("engine.engine", init_model=self._load)
        saves = host.functions("utils.save_load", save_model=partial(saving.save, run))
        with loads, saves, self._watch.listening():
            if not engine.config["Global"]["checkpoints"]:
                beginning.anew(run)
                self._tell(anew=True)
            if run.epochs > 0:
                train_stage()
            elif not engine.config["Global"]["checkpoints"]:
                saving.save_untrained(engine, run)
            if engine.config["Global"]["checkpoints"]:
                saving.complete(engine, run)
        self._unreadable.tell(engine)
        self._unreadable.end(engine)

    def _load(self, original, config, *args, **kwargs):
        """The host's ``init_model``: the stage goes on from its checkpoint."""
        run = self._run
        schedules = copy.deepcopy(run.schedules)
        loading = weights.Loading()
        with loading.watched():
            loaded = saving.load(run, partial(original, config, *args, **kwargs), config["checkpoints"])
        loading.check_resumed(run)
        beginning.from_checkpoint(run, loaded, schedules)
        self._tell(anew=False)
        return loaded.metric_info

    def _tell(self, anew):
        """Write down and log what begins."""
        self._record.begin(self._engine, self._run, anew=anew)
        announcements.begin(self._engine, self._run, self._assembly, self._plan)

    @contextlib.contextmanager
    def _own_names(self):
        """Parameter names counted from the beginning, by this Engine alone."""
        unique_name = paddle.utils.unique_name
        before = unique_name.switch(*(self._names or ()))
        try:
            yield
        finally:
            self._names = unique_name.switch(*before)
