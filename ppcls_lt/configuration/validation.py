"""Every mistake in a configuration that shows without building anything but the components of this package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from inspect import signature

from ..basis import checks
from ..basis.checks import regular_file
from ..basis.findings import ConfigError, Finding, of, place
from ..basis.registry import extension, found
from ..data.counts import count_label_list
from ..losses import LongTailLoss
from ..runs import checkpoints
from . import data_checks, places, trying, values
from .reading import (
    ADJUSTED,
    AUTO,
    ETF,
    NORMALIZED,
    SCALE,
    class_number,
    counts_given,
    malformed,
    normalized_scale,
    reads_list,
    sound,
)


def sections(config: dict, mode: str) -> Iterator[Finding]:
    """Yield the ``Finding`` of every section that a mode needs and that is not there."""
    needed = {"train": ("Global", "Arch", "DataLoader", "Loss", "Optimizer"), "eval": ("Global", "Arch", "DataLoader")}
    for section in needed.get(mode, ("Global", "Arch")):
        # The host also takes a list of optimizers, each for a part of the model.
        kinds = (dict, list) if section == "Optimizer" else dict
        if not isinstance(config.get(section), kinds):
            yield checks.finding("configuration", section, f"be a section, to {mode}", config.get(section))
    for part in parts(config, mode):
        section = (config.get("DataLoader") or {}).get(part)
        if not isinstance(section, dict):
            yield checks.finding("DataLoader", part, f"be a section, to {mode}", section)
        if part == "Train" and not (config.get("Loss") or {}).get("Train"):
            got = (config.get("Loss") or {}).get("Train")
            yield checks.finding("Loss", "Train", "be a list of losses, to train", got)


def entries(config: dict, mode: str) -> Iterator[Finding]:
    """Yield the ``Finding`` of every entry of a list of losses, metrics or callbacks that is no one-key map."""
    for part in parts(config, mode):
        yield from malformed(config, "Loss", part)
        yield from malformed(config, "Metric", part)
    if mode == "train":
        yield from malformed(config, "Callbacks", None)


def paths(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what is wrong with a checkpoint to go on from and with images to predict: they are to be there."""
    section = config["Global"]
    if not isinstance(section.get("checkpoints") or "", str):
        must = "be the path of a checkpoint without its ending"
        yield checks.finding("Global", "checkpoints", must, section["checkpoints"])
    elif section.get("resume", False) and section.get("checkpoints"):
        text = "Global: `resume` finds the checkpoint by itself; `checkpoints` must not be given with it"
        must = "be left out with `resume`, which finds the checkpoint by itself"
        yield checks.worded(text, "Global", "checkpoints", must, section["checkpoints"])
    elif mode == "train" and section.get("checkpoints"):
        yield from of(checkpoints.check, section["checkpoints"])
    if mode == "infer":
        yield from places.images(config)
    after = (config.get("Infer") or {}).get("PostProcess")
    names = after.get("class_id_map_file") if isinstance(after, dict) else None
    if mode == "infer" and isinstance(names, str) and os.path.exists(names):
        yield from of(regular_file, "Infer.PostProcess", "class_id_map_file", names)


def training(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what is wrong with the epochs, the seed, the optimizer, and sections nearly called as one of ours."""
    if mode != "train":
        return
    for section in config:
        for ours in ("Callbacks", "Stages"):
            if section != ours and str(section).lower().rstrip("s") == ours.lower().rstrip("s"):
                near = f" (did you mean {ours!r}?)"
                yield checks.unknown("configuration", "section", section, near)._replace(meant=ours)
    if config["Global"].get("train_mode") == "progressive":
        # It builds its loader without the sampler that is asked for, and needs a name that its second epoch lacks.
        got = checks.described("progressive, whose epochs in PaddleClas end with an UnboundLocalError")
        yield checks.finding("Global", "train_mode", "be left out", got)
    # 0: the weights are loaded, changed by callbacks, evaluated and saved.
    yield from of(checks.integer, "Global", "epochs", config["Global"].get("epochs"), minimum=0)
    yield from of(_check_seed, config["Global"].get("seed"))
    optimizer = config["Optimizer"]
    if not isinstance(optimizer, dict):
        return
    for key in ("name", "lr"):
        if optimizer.get(key) is None:
            yield checks.finding("Optimizer", key, "be given", checks.described("nothing"))
    if (optimizer.get("name") or "").startswith("AdamW") and optimizer.get("regularizer") is not None:
        must = f"be left out with {optimizer['name']}, which takes `weight_decay`"
        yield checks.finding("Optimizer", "regularizer", must, optimizer["regularizer"])


def lists(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what is wrong with lists of losses and metrics: weights, lost results, nothing to evaluate with."""
    yield from _lists_end("DataLoader", config.get("DataLoader"))
    for part in parts(config, mode):
        for section in ("Loss", "Metric"):
            yield from _entries(config, section, part)
    retrieval = config["Global"].get("eval_mode", "classification") != "classification"
    if "Eval" in parts(config, mode) and not retrieval and not (config.get("Metric") or {}).get("Eval"):
        got = checks.described("nothing")
        yield checks.finding("Metric", "Eval", "be a list of metrics to evaluate with, such as TopkAcc", got)


def scale(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what is wrong with the kind of classifier and the scale of a normalised one."""
    if parts(config, mode):
        yield from of(normalized_scale, config)
    kind = config["Arch"].get("classifier")
    if mode == "train" and kind in ADJUSTED:
        must = "be normalized or left out to train; the others are what `ppcls-lt adjust` makes of a trained one"
        yield checks.finding("Arch", "classifier", must, kind)
    if config["Arch"].get(SCALE) is not None and kind != NORMALIZED:
        got = checks.described("nothing" if kind is None else kind)
        yield checks.finding(
            "Arch", "classifier", f"be normalized beside `{SCALE}`, which is the scale of its cosines", got
        )


def losses(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what this package's losses refuse of their parameters, before the data are read."""
    for part in parts(config, mode):
        listed = list(sound(config, "Loss", part))
        lists = [where.rpartition("[")[0] for where, _, _ in listed]
        for where, name, params in listed:
            known = found("loss", name, params) or object
            if issubclass(known, LongTailLoss):
                loss = yield from _loss(where, name, known, params, config)
                yield from _in_part(where, name, loss, part, lists.count(where.rpartition("[")[0]) == 1)


def label_lists(config: dict, mode: str) -> Iterator[Finding]:
    """Yield what the label lists show: lines, labels, classes, batches, an evaluation of every image once."""
    for part in parts(config, mode):
        sampler = config["DataLoader"][part].get("sampler")
        if isinstance(sampler, dict) and "batch_size" in sampler:
            owner = f"DataLoader.{part}.sampler"
            yield from of(checks.integer, owner, "batch_size", sampler["batch_size"], minimum=1)
        if part == "Eval":
            yield from of(data_checks.check_eval_sampler, config)
        yield from _label_list(config, part)


def parts(config: dict, mode: str) -> list[str]:
    """Which parts of ``Loss``, ``Metric`` and ``DataLoader`` this mode builds."""
    if mode == "train":
        return ["Train", "Eval"] if (config.get("Global") or {}).get("eval_during_train", True) else ["Train"]
    return ["Eval"] if mode == "eval" else []


def _check_seed(seed):
    if seed is not None and seed is not False and checks.integer("Global", "seed", seed, minimum=0) > values.MOST_SEED:
        checks.fail("Global", "seed", "an integer >= 0 and < 2^32", seed)


def _entries(config, section, part):
    """Weights of losses, and no lost results."""
    keys: dict = {}
    for where, name, params in sound(config, section, part):
        if section == "Loss" and "weight" not in params:
            must = f"be given: the share of {name} in the sum"
            at = place(f"{where} {name}", "weight")
            yield checks.finding(where, "weight", must, checks.described("nothing"))._replace(path=at)
        elif section == "Loss":
            for finding in of(checks.number, where, "weight", params["weight"]):
                yield finding._replace(path=place(f"{where} {name}", "weight"))
        ours = found(section.lower(), name, params)
        # PaddleClas's own that this package extends give their values under their names.
        own = name if ours is None and extension(section.lower(), name) is not None else None
        key = getattr(ours, "result_key", own)
        if key is None:
            continue
        first, is_ours = keys.setdefault((where.rpartition("[")[0], key), (where, ours is not None))
        if first != where and (is_ours or ours is not None):
            text = f"{where}: {name} is listed twice ({first}); PaddleClas would keep the last only"
            yield checks.worded(text, where, name, f"be the only {name}", checks.described(f"one in {first} too"))


def _in_part(where, name, loss, part, alone):
    """What a loss, built, or None, needs where it stands, ``alone`` in its list or not."""
    if loss is None:
        return
    owner, at = type(loss).__name__, place(f"{where} {name}")
    if part == "Eval" and loss.gathers_counts:
        must = "be given to an evaluation loss, which counts no images; `auto` takes those of the training data"
        yield checks.finding(owner, "num_class_list", must, None).below(at)
    if part == "Train" and not loss.stands_alone and alone:
        must = "be given where it is the only loss: without it there is no cross entropy"
        remedy = "or put a loss such as BalancedSoftmaxLoss beside it"
        yield checks.finding(owner, "alpha", must, None, remedy).below(at)


def _loss(where, name, cls, params, config):
    """What a loss says of its parameters, and the rest of the configuration of the loss; the loss, or None."""
    class_num = class_number(config)
    at = place(f"{where} {name}")
    params = {key: value for key, value in params.items() if key != "weight"}
    if params.get("num_class_list") == AUTO:
        params["num_class_list"] = [1] * (class_num or 2)
    elif params.get("num_class_list") is not None:
        empty = params.get("allow_empty_classes", False)
        try:
            params["num_class_list"] = counts_given(params["num_class_list"], cls.__name__, config, empty)
        except ConfigError as error:
            yield from (finding.below(at) for finding in error.findings)
            params["num_class_list"] = [1] * (class_num or 2)
    if "num_images" in signature(cls).parameters and params.get("num_images", AUTO) == AUTO:
        params["num_images"] = max(sum(params.get("num_class_list") or [2]), 1)
    weights = params.get("class_weight")
    if isinstance(weights, list) and class_num is not None and len(weights) != class_num:
        got = checks.described(f"{len(weights)} weights")
        must = f"be as long as Arch.class_num ({class_num})"
        yield checks.finding(cls.__name__, "class_weight", must, got).below(at)
        del params["class_weight"]
    loss = yield from trying.mistakes(cls, params, at)
    scale = None if loss is None or config["Arch"].get("classifier") not in (None, ETF) else loss.cosine_scale
    if scale is not None and scale > 1 and not loss.allow_unnormalized:
        way_out = ", or `allow_unnormalized: true`" if "allow_unnormalized" in signature(cls).parameters else ""
        kind, remedy = "an ordinary classifier", f"set `Arch.classifier: normalized`{way_out}"
        if config["Arch"].get("classifier") == ETF:
            kind = "`Arch.classifier: etf`"
            remedy = f"leave out `etf` and {remedy}, or take a loss that is not made for cosines, such as CELoss"
        text = (
            f"{where} {cls.__name__}: `s` > 1 is made for cosines, got s = {scale:g} on {kind}, whose "
            f"logits it would blow up; {remedy}"
        )
        must = f"be at most 1 on {kind}, whose logits it would blow up"
        yield checks.worded(text, f"{where} {name}", "s", must, scale)._replace(remedy=remedy)
    if cls.uses_features and config["Global"].get("to_static", False):
        got = "true: in a static graph the features that enter the classifier cannot be caught"
        yield checks.finding("Global", "to_static", f"be false with {cls.__name__}", checks.described(got))
    return loss


def _lists_end(where, section):
    """No list, of a gallery or query neither, is a device or pipe that may have no end."""
    for key, value in section.items() if isinstance(section, dict) else ():
        yield from _lists_end(f"{where}.{key}", value)
        if key == "cls_label_path" and isinstance(value, str) and os.path.exists(value) and not _in_folders(section):
            yield from of(regular_file, where, key, value)


def _in_folders(dataset):
    """Whether a data set of the host takes `cls_label_path` for a folder below `image_root`."""
    return dataset.get("name") in ("Market1501", "MSMT17", "DukeMTMC")


def _label_list(config, part):
    """The host's image list: there, well formed, with labels in range."""
    dataset = ((config.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}
    owner = f"DataLoader.{part}.dataset"
    for key in ("cls_label_path", "image_root"):
        path = dataset.get(key)
        if key == "cls_label_path" and _in_folders(dataset) and isinstance(path, str):
            path = os.path.join(str(dataset.get("image_root", "")), path)
        if isinstance(path, str) and not os.path.exists(path):
            yield checks.finding(owner, key, "be an existing path", checks.sought(path))
    classes = class_number(config)
    if any(of(values.check_classes, config)):
        classes = None  # which is said there
    listing = dataset.get("cls_label_path", "")
    if not reads_list(dataset) or isinstance(listing, str) and not os.path.exists(listing):
        return
    retrieval = config["Global"].get("eval_mode", "classification") != "classification"
    in_range = not dataset.get("relabel", False) and (part == "Train" or not retrieval)
    try:
        counts = count_label_list(
            listing,
            owner=owner,
            delimiter=dataset.get("delimiter"),
            class_num=classes if in_range else None,
            check_labels=in_range,
        )
    except ConfigError as error:
        yield from error.findings
        return
    if in_range:
        yield from of(data_checks.check_classes, config, part, counts)
    yield from of(data_checks.check_batches, config, part, int(counts.sum()))
