"""An export is whole, or an error says that it is not: Paddle's own writers say nothing of a disk that is full."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paddle
import paddle.distributed as dist

from ..basis import disk
from ..host.engine import EngineView

_OF_DISK = {"owner": "Global", "parameter": "save_inference_dir"}


def attach(engine: EngineView, folder: str) -> None:
    """Let an Engine's export end with an error where its folder has no room for the model.

    Args:
        engine (EngineView): built to export.
        folder (str): where it writes.
    """

    def export(original: Callable, *args: Any, **kwargs: Any) -> Any:
        if dist.get_rank() != 0:
            return original(*args, **kwargs)
        # What is quantised has another name, and fewer bits.
        quantised = getattr(engine.model, "quanter", None) is not None
        name = "inference_int8" if quantised else "inference"
        disk.check_room(folder, _bytes(engine.model), replaced=_written(folder, name), **_OF_DISK)
        result = original(*args, **kwargs)
        disk.check_written(folder, _is_whole(folder, name), **_OF_DISK)
        return result

    engine.around("export", export)


def _bytes(layer):
    return sum(tensor.size * tensor.element_size() for tensor in layer.state_dict().values())


def _is_whole(folder, name):
    """Whether the model can be read and its weights fill their file: Paddle reads a shorter one too."""
    files = _written(folder, name)
    if not files or not all(map(os.path.getsize, files)):
        return False  # Paddle 2 may crash on it
    prefix = os.path.join(folder, name)
    try:
        with paddle.utils.unique_name.guard():
            model = paddle.jit.load(prefix)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError):
        return False
    return os.path.getsize(f"{prefix}.pdiparams") >= _bytes(model)


def _written(folder, name):
    return sorted(Path(folder).glob(f"{name}.*"))
