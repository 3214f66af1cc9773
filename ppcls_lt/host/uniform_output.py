"""What develop's Engine does with ``Global.uniform_output_enabled``, by which PaddleX asks for its layout.

Each checkpoint lies in a folder of its name, and beside it the exported model and its metric.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from ..runs import marks
from . import patched
from .components import WRONG

KEY = "uniform_output_enabled"


def fault(config: dict) -> Exception | None:
    """What the host raises when it writes ``inference.yml`` beside an exported model, or None.

    Args:
        config (AttrDict): the host's configuration.
    """
    try:
        with patched.functions("utils.logger", info=lambda *_: None, error=lambda *_: None):
            importlib.import_module("ppcls.utils.config").dump_infer_config(config, os.devnull)
    except (*WRONG, NameError, OSError) as error:
        return error
    return None


def asked(engine: Any) -> bool:
    """Whether the configuration of an Engine asks for it."""
    return bool(engine.config["Global"].get(KEY, False))


def folder(engine: Any, prefix: str) -> str:
    """The folder into which the host saves a checkpoint."""
    return os.path.join(engine.output_dir, prefix) if asked(engine) else engine.output_dir


def save(engine: Any, prefix: str, metric_info: dict, done: bool, **more: Any) -> None:
    """Save a checkpoint as the host does after an epoch, with what belongs beside it; see ``EngineView.save``."""
    importlib.import_module("ppcls.utils.save_load").save_model(
        engine.model,
        engine.optimizer,
        metric_info,
        folder(engine, prefix),
        model_name=engine.config["Arch"]["name"],
        prefix=prefix,
        loss=engine.train_loss_func,
        **({} if getattr(engine, "model_ema", None) is None else {"ema": engine.model_ema.module}),
        **more,
    )
    accompany(engine, prefix, metric_info, done)


def accompany(engine: Any, prefix: str, metric_info: dict, done: bool) -> None:
    """Export the model beside its checkpoint and write down its metric, as the host does after saving; or nothing.

    Args:
        engine: the host's Engine.
        prefix (str): the checkpoint's name, ``latest`` and the like.
        metric_info (dict): ``metric`` and ``epoch``.
        done (bool): whether nothing is left to train.
    """
    if not asked(engine):
        return
    home = folder(engine, prefix)
    for name in ("inference", "inference_ema") if engine.ema else ("inference",):
        engine.export(os.path.join(home, name), True)
    if prefix != "latest":
        results = importlib.import_module("ppcls.utils.save_result")
        results.update_train_results(engine.config, prefix, metric_info, done_flag=done, ema=engine.ema)
    importlib.import_module("ppcls.utils.save_load").save_model_info(metric_info, engine.output_dir, prefix)
    engine.model.train()


def is_accompanied(engine: Any, prefix: str, epoch: int) -> bool:
    """Whether nothing is missing beside a checkpoint; its metric is written last."""
    if not asked(engine):
        return True
    told = marks.read_map(Path(engine.output_dir) / prefix / f"{prefix}.info.json")
    return told is not None and told.get("epoch") == epoch
