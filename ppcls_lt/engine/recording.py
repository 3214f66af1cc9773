"""What a run leaves in its folder so that its report need not guess."""

from __future__ import annotations

import datetime
import logging
import os
import platform
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
import paddle.distributed as dist

from .. import __version__, host
from ..basis import atomic, checks, disk
from ..basis.findings import ConfigError, Finding, of
from ..configuration import named_classes, plain, plugins, stages
from ..maths.classifier import find_classifier
from ..metrics import Batches
from ..reports.parts import packages
from ..reports.parts.names import LANGUAGES
from ..reports.run import writing
from ..runs import files as run_files

if TYPE_CHECKING:
    from paddle import nn

    from ..host.engine import EngineView
    from .assembly import Assembly
    from .run import Run

_log = logging.getLogger("ppcls.lt")


def findings(plan: Sequence[dict]) -> Iterator[Finding]:
    """Yield why a report that ``Global.report`` asks for could not be written after the training.

    The option is no language, Jinja2 or Matplotlib is missing, or no stage is ever evaluated.

    Args:
        plan (list of dict): the configuration of every stage.
    """
    section = plan[0]["Global"]
    wanted = section.get("report", False)
    if not wanted:
        return
    if wanted is not True:
        yield from of(checks.choice, "Global", "report", wanted, LANGUAGES)
    yield from of(packages.check)
    if section.get("eval_mode", "classification") != "classification" or section.get("use_multilabel", False):
        must = "be left out unless images are classified with one label each"
        yield checks.finding("Global", "report", must, wanted)
    elif not any(_evaluates(stage["Global"]) for stage in plan):
        got = checks.described(f"{wanted!r} without an evaluation during the training")
        yield checks.finding("Global", "report", "be used with `eval_during_train: true`", got)


def _evaluates(section):
    """Whether a stage with this ``Global`` is evaluated at least once."""
    if not section.get("eval_during_train", True):
        return False
    first = checks.integer("Global", "start_eval_epoch", section.get("start_eval_epoch", 0))
    interval = checks.integer("Global", "eval_interval", section.get("eval_interval", 1), minimum=1)
    return section["epochs"] == 0 or section["epochs"] // interval * interval >= max(first, interval)


class Record:
    """The configuration and the facts of one training, stage or evaluation.

    Args:
        config (dict): its configuration, before the host changes it.
        assembly (Assembly): what builds it.
        stages (int): how many stages the training has.
    """

    def __init__(self, config: dict, assembly: Assembly, stages: int = 1) -> None:
        self._config = plain.reusable(config)
        self._names = class_names(config)  # of a finished run those that its training had
        self._assembly = assembly
        self._stages = stages

    def begin(self, engine: EngineView, run: Run | None = None, anew: bool = False) -> None:
        """Write them beside the log; the first process does.

        Args:
            engine (EngineView): built.
            run (Run, optional): the training.
            anew (bool): it goes on from nothing, and what an earlier one found in this folder is removed.
        """
        if dist.get_rank() != 0:
            return
        folder, files = engine.log_folder, run_files.FILES[engine.mode]
        for handler in host.log_handlers():
            disk.tell_once(handler)
        facts = self._facts(engine, run)
        with disk.writing(folder):
            for name in files:
                atomic.sweep(folder / name)
            if anew:
                for name in (files.history, files.predictions):
                    (folder / name).unlink(missing_ok=True)
            run_files.write_config(folder / files.config, self._config)
            run_files.write_info(folder / files.info, facts)

    def _facts(self, engine, run):
        section = self._config["Global"]
        counts = self._counts(engine)
        return {
            "mode": engine.mode,
            "folder": os.getcwd(),  # from where the relative paths of the configuration are meant
            "run": None if run is None else run.identity,
            "stage": 1 if run is None else run.stage,
            "stages": self._stages,
            "started": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "seed": section.get("seed") if run is None else run.seed,
            "processes": dist.get_world_size(),
            "device": section.get("device"),
            "counts": None if counts is None else np.asarray(counts).tolist(),
            "class_names": self._names,
            "labels": self._assembly.labels,
            "plugins": plugins.files(section),
            "eval_list_sha256": run_files.sum_of(_evaluated_list(self._config)),
            "versions": versions(),
        }

    def _counts(self, engine):
        """Training images per class, of the data or of a loss or metric that was told them, or None."""
        counts = self._assembly.known_counts()
        if counts is None:
            counts = next((metric.counts for metric in engine.metrics or () if hasattr(metric, "counts")), None)
        return counts


def _evaluated_list(config):
    part = (config.get("DataLoader") or {}).get("Eval") or {}
    return (part.get("dataset") or {}).get("cls_label_path")


def versions() -> dict[str, str]:
    """Return name -> version of everything that a training's numbers depend on."""
    return {
        "ppcls_lt": __version__,
        "paddle": paddle.__version__,
        "paddleclas": host.version(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def class_names(config: dict) -> dict | None:
    """Return the names of the classes where the configuration tells them, class as text -> name, or None."""
    names = named_classes.of(config)
    return None if names is None else {str(label): name for label, name in names.items()}


def write_report(plan: Sequence[dict]) -> None:
    """Write the report of a training that has ended, if it asks for one; the first process does."""
    wanted = plan[0]["Global"].get("report", False)
    if wanted and dist.get_rank() == 0:
        language = "en" if wanted is True else wanted
        _log.info("%s", writing.write(stages.output_dir(plan), language=language, mode="train"))


class PredictionRecorder:
    """Keeps what one pass over the evaluation set predicts, on the device; a forward pre-hook of the metrics.

    Memory: 12 bytes an image, and for the time of a batch the softmax of its
    logits. What is no classification with one label an image is left alone.

    Args:
        batches (Batches, optional): of the pass, which others read as well.
    """

    def __init__(self, batches: Any = None) -> None:
        self._batches = Batches() if batches is None else batches
        self._kept: list[tuple] = []
        self.class_num = None

    @paddle.no_grad()
    def __call__(self, metrics: Any, inputs: Any) -> None:
        """Take a batch: logits ``[N, C]`` (or a dict with them), classes ``[N]`` or ``[N, 1]``."""
        batch = self._batches(*inputs)
        if batch is None:
            return
        self.class_num = batch.class_num
        kept = (batch.label.astype("int32"), batch.highest.astype("int32"), batch.confidence().astype("float32"))
        self._kept.append(kept)

    def forget(self) -> None:
        """Keep nothing: what was predicted is undefined."""
        self._kept.clear()

    def result(self, epoch: int) -> run_files.Predictions | None:
        """Return the ``Predictions`` so far, or None; the device is waited for here alone."""
        if not self._kept:
            return None
        arrays = [paddle.concat(list(part)).numpy() for part in zip(*self._kept)]
        return run_files.Predictions(*arrays, self.class_num, epoch)  # type: ignore[call-arg]  # three arrays


def classifier_norms(model: nn.Layer, class_num: int | None, arch: str) -> dict | None:
    """Name, kind and L2 norms ``[C]`` of the last Linear with a column for each class, or None."""
    try:
        name, layer = find_classifier(model, class_num, arch)
    except ConfigError:
        return None
    with paddle.no_grad():
        norms = paddle.linalg.norm(layer.weight.astype("float32"), axis=0)
        if isinstance(getattr(layer, "scale", None), paddle.Tensor):  # a factor for each class
            norms = norms * layer.scale.astype("float32").abs()
    return {"name": name, "kind": type(layer).__name__, "norm": norms.numpy().astype(float).round(6).tolist()}
