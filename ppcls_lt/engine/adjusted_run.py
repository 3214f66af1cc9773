"""Writing an adjusted model as the folder of a run, which ``eval``, ``infer`` and ``export`` take as any other."""

from __future__ import annotations

import datetime
import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ..basis import atomic, checks, disk
from ..configuration import adapters, model_record, plain
from ..configuration import reading as configuration
from ..maths.adjustment import OWNER, Classifier
from ..maths.cross_validation import Chosen
from ..runs import checkpoints
from ..runs import files as run_files
from ..runs import marks as run_marks
from .features import TrainedModel
from .recording import versions

RECORD = "adjustment.json"
PREFIX = "best_model"


def classifier_kind(model: TrainedModel, chosen: Chosen) -> str | None:
    """What ``Arch.classifier`` becomes, or None where it stays what it is.

    The features' length cannot be folded into a weight, so a normalised classifier becomes a Linear on features at
    unit length; one without a bias gains one where the adjustment needs it.
    """
    if chosen.strength == 0:
        return None
    if model.unit:
        return configuration.UNIT_FEATURES
    return configuration.WITH_BIAS if not model.has_bias and chosen.change.offset.any() else None


def folded(model: TrainedModel, classifier: Classifier, chosen: Chosen, weights: dict) -> dict:
    """Return a model's weights with the adjustment in its classifier; with strength 0, as they are.

    Args:
        model (TrainedModel): the model.
        classifier (Classifier): its classifier.
        chosen (Chosen): the adjustment.
        weights (dict): name -> tensor, as they were saved.

    Raises:
        ConfigError: the weights do not hold the classifier.
    """
    if chosen.strength == 0:
        return weights
    weight, bias = chosen.change.folded(classifier)
    keys = {"weight": f"{model.name}.weight", "bias": f"{model.name}.bias"}
    if keys["weight"] not in weights:
        got = checks.described(f"weights without {keys['weight']!r}")
        checks.fail(OWNER, "Global.pretrained_model", "weights of the whole model", got)
    dtype = _dtype(weights[keys["weight"]])
    found = {**weights, keys["weight"]: paddle.to_tensor(weight.astype(dtype))}
    if model.has_bias or classifier_kind(model, chosen) is not None:
        found[keys["bias"]] = paddle.to_tensor(bias.astype(dtype))
    return found


def _dtype(tensor):
    found = str(np.asarray(tensor.numpy() if isinstance(tensor, paddle.Tensor) else tensor).dtype)
    return found if found in ("float32", "float64", "float16") else "float32"


def check_free(out: Path, source: Path, overwrite: bool) -> None:
    """Raise where an adjusted model would replace something, or be taken for a part of the run that it is made of.

    Args:
        out (Path): where it is to be written.
        source (Path): the ``Global.output_dir`` of the run.
        overwrite (bool): replace an adjusted model that is there.
    """
    place = out.resolve()
    parts = {source.resolve(), *(path.resolve() for path in source.glob("*") if path.is_dir())}
    if place in parts or place.parent == source.resolve() or (place.parent / run_files.FILES["train"].info).is_file():
        expected = f"another folder than those of the run, such as {source / 'adjusted' / 'NAME'}"
        checks.fail(OWNER, "--out", expected, str(out))
    if not out.exists():
        return
    held = [path.name for path in sorted(out.iterdir()) if not path.name.startswith(".")] if out.is_dir() else [out]
    if not held:
        return
    if overwrite and (out / RECORD).is_file():
        return
    if overwrite:
        got = checks.described(f"{out}, which holds something else: {', '.join(map(str, held[:4]))}")
        checks.fail(OWNER, "--out", "a new folder, or one of an adjusted model to replace", got)
    got = checks.described(f"{out}, which holds {', '.join(map(str, held[:4]))}")
    checks.fail(OWNER, "--out", "a new folder, or with --overwrite one of an adjusted model", got)


def write(
    out: Path, config: dict, info: dict, model: TrainedModel, classifier: Classifier, chosen: Chosen, record: dict
) -> None:
    """Write the run: configuration, facts, weights with their manifest, and what was done.

    Args:
        out (Path): the folder.
        config (dict): that the model was evaluated with, the run's weights in ``Global.pretrained_model``.
        info (dict): the facts of the run that was adjusted.
        model (TrainedModel): the model.
        classifier (Classifier): its classifier.
        chosen (Chosen): the adjustment.
        record (dict): plain values, what was done and how it was chosen.
    """
    source = str(config["Global"]["pretrained_model"]).removesuffix(checkpoints.WEIGHTS)
    arch = str(config["Arch"]["name"])
    written = plain.reusable(config)
    written["Global"].update(output_dir=str(out), pretrained_model=None)
    written["Global"].pop("untrained", None)
    kind = classifier_kind(model, chosen)
    if kind is not None:
        written["Arch"]["classifier"] = kind
        written["Arch"].pop(configuration.SCALE, None)  # the weights have it
    manifest: dict[str, Any] = checkpoints.manifest_of(source) or {}
    name = uuid.uuid4().hex[:8]
    facts = {
        **{key: manifest.get(key, default) for key, default in (("epoch", 0), ("epochs", None), ("recipe", None))},
        "run": name,
        "stage": 1,
        model_record.KEY: {**model_record.of(written), "recipe": None},
        "adjusted": record,
        **{key: manifest[key] for key in (adapters.RECORD,) if key in manifest},
    }
    weights = folded(model, classifier, chosen, paddle.load(f"{source}{checkpoints.WEIGHTS}"))
    with disk.writing(out, OWNER, "--out"):
        for file in (*run_files.FILES["train"], RECORD):
            atomic.sweep(out / file)
        run_marks.mark(out, arch, name)
        with checkpoints.saving(out, PREFIX, facts) as folder:
            paddle.save(weights, str(folder / f"{PREFIX}{checkpoints.WEIGHTS}"))
        files = run_files.FILES["train"]
        run_files.write_config(out / files.config, written)
        run_files.write_info(out / files.info, {**info, **_facts(name)})
        run_marks.write_map(out / RECORD, record)
        for path in (files.history, files.predictions):  # of nothing that was trained here
            (out / path).unlink(missing_ok=True)


def _facts(name):
    started = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return {
        "mode": "train",
        "folder": os.getcwd(),  # from where the relative paths of the configuration are meant now
        "run": name,
        "stage": 1,
        "stages": 1,
        "started": started,
        "versions": versions(),
    }
