"""What a callback must hold to."""

from __future__ import annotations

import inspect
import numbers
import os
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ..basis import yaml_files
from ..basis.registry import registered
from ..callbacks import Callback
from ..configuration import reading, stages
from ..data import demo
from ..engine import saving, trainer
from ..runs import checkpoints
from ..runs import files as run_files

POINTS = [name for name, value in vars(Callback).items() if inspect.isfunction(value)]
_PLAIN = (str, bytes, bool, type(None), numbers.Number, np.ndarray)


def check_callback(callback: type[Callback], **params: Any) -> None:
    """Hold a callback to what the configuration and a run need of it, without a training.

    - It is a ``Callback``, and its parameters are keywords.
    - A point that it overrides takes what the base's takes.
    - ``state_dict`` gives a dict of numbers, text and NumPy arrays, also before anything has happened.

    Args:
        callback (class): the callback.
        **params: its parameters.

    Raises:
        AssertionError: what does not hold.
    """
    name = callback.__name__
    assert issubclass(callback, Callback), f"{name} must be a subclass of ppcls_lt.callbacks.Callback"
    kinds = {each.kind for each in inspect.signature(callback).parameters.values()}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, f"{name}: parameters must be keyword-only"
    for point in POINTS:
        wanted, found = (list(inspect.signature(getattr(each, point)).parameters) for each in (Callback, callback))
        assert found == wanted, f"{name}: {point} must take ({', '.join(wanted)}), got ({', '.join(found)})"
    state = callback(**params).state_dict()
    assert isinstance(state, dict) and _is_plain(state), (
        f"{name}: state_dict() must give a dict of numbers, text and NumPy arrays, got {state!r}"
    )


def check_resumes(
    callback: type[Callback], folder: str | os.PathLike, *, config: dict | None = None, epochs: int = 2, **params: Any
) -> None:
    """Train with a callback by PaddleClas's Engine: a run that goes on after its first epoch ends with equal weights.

    Args:
        callback (class): the callback.
        folder (str or Path): an empty folder for the data and the runs.
        config (dict, optional): what to change in the packaged configuration ``digits/ce.yaml``, as a recipe does.
        epochs (int): of the run, at least 2.
        **params: the callback's parameters.

    Raises:
        AssertionError: a weight differs, or what the callback keeps in the last checkpoint.
        ConfigError: the training cannot begin.
    """
    folder = Path(folder)
    demo.write_digits(folder / "digits", ratio=15)
    trainer.register()
    path = folder / "config.yaml"
    run_files.write_config(path, stages.merged(_base(folder, callback, params, epochs), config or {}))
    whole = _train(path, folder / "whole", [])
    first = checkpoints.find(folder / "whole", _arch(whole), "epoch_1")
    resumed = _train(path, folder / "resumed", [f"Global.checkpoints={first}"])
    name = callback.__name__
    wanted, found = (engine.model.state_dict() for engine in (whole, resumed))
    for key, value in wanted.items():
        assert (found[key].numpy() == value.numpy()).all(), f"{name}: {key} is another one in the run that was resumed"
    kept, again = (_kept(folder / which, _arch(whole)) for which in ("whole", "resumed"))
    assert _same(kept, again), f"{name}: it keeps {kept} at the end of the run, {again} at the end of the resumed one"


def _base(folder, callback, params, epochs):
    """The packaged configuration on the digits of the folder, with one callback."""
    config = yaml_files.read_map(reading.find("digits/ce.yaml"), "ppcls_lt.testing", "config")
    config["Global"].update(epochs=epochs, save_interval=1, eval_during_train=False, device="cpu")
    for part in ("Train", "Eval"):
        dataset = config["DataLoader"][part]["dataset"]
        dataset["image_root"] = str(folder / "digits")
        dataset["cls_label_path"] = str(folder / "digits" / Path(dataset["cls_label_path"]).name)
    known = registered("callback").get(callback.__name__) is callback
    name = callback.__name__ if known else f"{callback.__module__}.{callback.__qualname__}"
    config["Callbacks"] = [{name: params or None}]
    return config


def _train(path, output, overrides):
    with paddle.utils.unique_name.guard():
        return trainer.run_engine("train", path, [f"Global.output_dir={output}", *overrides])


def _arch(engine):
    return engine.config["Arch"]["name"]


def _kept(output, arch):
    """What the callback has in the last checkpoint of a run."""
    return saving.read_state(checkpoints.find(output, arch, checkpoints.LATEST))["callbacks"][0][1]


def _is_plain(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(each) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)


def _same(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return np.array_equal(np.asarray(one), np.asarray(other))
