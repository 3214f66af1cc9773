"""``Global.serving``: an exported model with all that a service needs beside it, tried before it is called done."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
import paddle
import paddle.distributed as dist
import paddle.nn.functional as F

from .. import host
from ..basis import atomic, checks, disk
from ..basis.checks import ConfigError
from ..basis.findings import Finding, of
from ..configuration import finished_run, plain
from ..runs import checkpoints, decisions
from ..runs.marks import write_map
from ..serving import served
from . import predicting, recording

if TYPE_CHECKING:
    from ..host.engine import EngineView

KEY = "serving"
OWNER = "Global.serving"
_SEED, _IMAGES = 0, 6  # of the check
_PROGRAMS = ("inference.json", "inference.pdmodel")  # of Paddle 3, of Paddle 2
_WEIGHTS = "inference.pdiparams"
_SERVED = ("classes", "preprocessing", "image_shape", "decision", "adjustment", "model")  # what a service sees of it
_ADJUSTED = ("method", "parameter", "strength", "temperature", "prior")  # of an adjustment's record
_log = logging.getLogger("ppcls.lt")


def findings(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what is wrong with ``Global.serving``, and with what it needs of an export."""
    section = config["Global"]
    wrong = list(of(checks.flag, "Global", KEY, section.get(KEY, False)))
    yield from wrong
    if wrong or mode != "export":
        return
    if not section.get(KEY, False):
        folder = section.get("save_inference_dir")
        if isinstance(folder, str) and (Path(folder) / served.DESCRIPTION).is_file():
            # Its names, preprocessing and decision would stand beside another model.
            must = f"be another folder, or used with `--serving`, which writes {served.DESCRIPTION} anew"
            yield checks.finding("Global", "save_inference_dir", must, f"{folder}, which is served")
        return
    if section.get("use_multilabel", False) or section.get("eval_mode", "classification") != "classification":
        got = checks.described("a model of another kind")
        yield checks.finding("Global", KEY, "be used with one class an image", got)
    arch = config["Arch"]
    for key, wanted in (("infer_add_softmax", True), ("infer_output_key", None), ("infer_model_name", None)):
        if arch.get(key, wanted) != wanted:
            got = checks.described(f"{key}: {arch[key]}")
            yield checks.finding("Arch", key, "be left out with Global.serving: probabilities are exported", got)
    yield from of(_steps, config)


def _steps(config):
    """Raise unless every operator is one that a service has."""
    try:
        served.steps(preprocessing(config))
    except ValueError as error:
        remedy = "`ppcls-lt predict` predicts with any operator"
        raise ConfigError(
            checks.finding("Infer", "transforms", "be operators that a service has", checks.described(error), remedy)
        ) from error


def preprocessing(config: dict) -> list[dict]:
    """Return the operators of ``Infer.transforms`` with their parameters as plain values."""
    found = []
    for entry in predicting.transforms(config, OWNER):
        (name,) = entry
        params = plain.plain(dict(entry[name] or {}))
        if name == "NormalizeImage" and isinstance(params.get("scale"), str):
            # Text such as 1.0/255.0, which the host turns into a number.
            (operator,) = host.operators.build([entry])
            params["scale"] = float(operator.scale)
        found.append({name: params})
    return found


def attach(engine: EngineView, config: dict) -> None:
    """Let an Engine's export leave a folder that can be served, where ``Global.serving`` asks for it.

    Args:
        engine (EngineView): built to export.
        config (dict): as it was before the host changed it.
    """
    section = config["Global"]
    if not section.get(KEY, False):
        if section.get("run") is not None and (_of_run(section) / decisions.FILE).is_file():
            _log.warning("the run has a decision, which this export is without; `--serving` takes it along")
        return

    def export(original: Callable, *args: Any, **kwargs: Any) -> Any:
        if dist.get_rank() != 0:
            return original(*args, **kwargs)
        description = describe(engine, config)
        folder = Path(str(section["save_inference_dir"]))
        before = _served_before(folder)
        result = original(*args, **kwargs)
        with disk.writing(folder, parameter="save_inference_dir", remedy="; what was written there is not whole"):
            write(folder, description)
        if before is not None:
            now = _served_before(folder) or {}
            changed = [key for key in _SERVED if before.get(key) != now.get(key)]
            _log.warning(
                "%s: what was served there is replaced; other than before: %s", folder, ", ".join(changed) or "nothing"
            )
        return result

    engine.around("export", export)


def _served_before(folder):
    """The description in a folder, None where there is none that can be read."""
    try:
        found = json.loads((folder / served.DESCRIPTION).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def describe(engine: EngineView, config: dict) -> dict:
    """Return the description of a model: everything but the files, with what it gives for the images of the check.

    Args:
        engine (EngineView): built to export, with the trained weights.
        config (dict): its configuration.

    Raises:
        ConfigError: the images are prepared in another way than a service would, or a decision is of other weights.
    """
    section = config["Global"]
    weights = section.get("pretrained_model")
    steps = preprocessing(config)
    probabilities = _checked(engine, config, steps)
    class_num = probabilities.shape[1]
    manifest: dict[str, Any] = {}
    decision = None
    if isinstance(weights, str):
        weights = weights.removesuffix(checkpoints.WEIGHTS)
        manifest = checkpoints.manifest_of(weights) or {}
        if section.get("run") is not None:
            decision = decisions.read(str(_of_run(section)), weights, class_num, OWNER)
    adjusted = manifest.get("adjusted") or {}
    return {
        "format": served.FORMAT,
        "classes": predicting.called(config, class_num),
        "preprocessing": steps,
        "image_shape": list(section["image_shape"]),
        "decision": decisions.rule(decision),
        "solved": None if decision is None else {key: decision[key] for key in ("recalls", "held_out", "after")},
        "adjustment": {key: adjusted[key] for key in _ADJUSTED if key in adjusted} or None,
        "model": {
            "architecture": config["Arch"].get("name"),
            **{key: manifest.get(key) for key in ("run", "epoch", "recipe")},
            "weights_sha256": decisions.weights_sum(weights) if weights and os.path.isfile(_file(weights)) else None,
        },
        "versions": recording.versions(),
        "check": {"seed": _SEED, "images": _IMAGES, "probabilities": probabilities.tolist()},
    }


def _of_run(section):
    """The folder of the training that ``Global.run`` names; ``Global.output_dir`` may be another."""
    return finished_run.find(str(section["run"])).output_dir


def _file(weights):
    return f"{weights}{checkpoints.WEIGHTS}"


def _checked(engine, config, steps):
    """The trained model's probabilities of the images of the check ``[N, C]``, prepared by the host."""
    operators = host.operators.build(predicting.transforms(config, OWNER))
    functions = served.steps(steps)
    images = []
    for data in served.probes(_SEED, _IMAGES):
        here, there = data, data
        for operator in operators:
            here = operator(here)
        for function in functions:
            there = function(there)
        if np.shape(here) != np.shape(there) or float(np.abs(np.asarray(here) - there).max()) > 0:
            got = checks.described("images that a service prepares in another way than PaddleClas")
            checks.fail("Infer", "transforms", "operators that a service has", got)
        images.append(np.asarray(here))
    shape = tuple(config["Global"]["image_shape"])
    if {image.shape for image in images} != {shape}:
        got = checks.described(f"{images[0].shape} for {shape}")
        remedy = "`ResizeImage` with `size`, after DecodeImage, gives images of any size one shape"
        checks.fail("Global", "image_shape", "the shape that Infer.transforms give every image", got, remedy)
    model = engine.model
    training = model.training
    model.eval()
    with paddle.no_grad():
        logits = predicting.logits(model(paddle.to_tensor(np.stack(images).astype(np.float32))))
        found = F.softmax(logits.astype("float32"), axis=-1).numpy()
    if training:
        model.train()
    return found


def write(folder: Path, description: dict) -> None:
    """Write the description and what reads it beside an exported model, and try them as a service would.

    Raises:
        ConfigError: the exported model gives other probabilities than the trained one.
    """
    program = next((name for name in _PROGRAMS if (folder / name).is_file()), None)
    if program is None:
        got = checks.described(f"{folder} without {' or '.join(_PROGRAMS)}")
        checks.fail("Global", KEY, "used where the export writes an ordinary model", got)
    module = Path(served.__file__)
    atomic.write(folder / module.name, module.read_bytes())
    write_map(folder / served.DESCRIPTION, {**description, "files": {"program": program, "weights": _WEIGHTS}})
    found = served.Served(folder)
    worst = found.difference(served.by_paddle(found.config()))
    if not worst <= served.TOLERANCE:
        (folder / served.DESCRIPTION).unlink()
        raise ConfigError(
            f"{OWNER}: the exported model gives other probabilities than the trained one, by up to {worst:.1e}; "
            f"{served.DESCRIPTION} is not written"
        )
    _log.info(
        "%s: ready to be served; probabilities by Paddle Inference differ from the trained model's by at most %.1e",
        *(folder, worst),
    )
