"""Every mistake in a configuration that shows without building anything."""

import os
from inspect import signature

from ..basis import checks
from ..basis.checks import ConfigError
from ..basis.registry import registered
from ..data.counts import count_label_list
from ..runs import checkpoints
from . import data_checks, label_kinds, places, relabelling, values
from .reading import (
    AUTO,
    build_callbacks,
    class_number,
    components,
    counts_given,
    is_path,
    losses,
    normalized_scale,
    reads_list,
)


def check(config, mode):
    """Raise on every mistake in values that shows without building anything; :mod:`.schema` has checked the names.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.

    Raises:
        ConfigError: what is wrong and where.
    """
    needed = {"train": ("Global", "Arch", "DataLoader", "Loss", "Optimizer"), "eval": ("Global", "Arch", "DataLoader")}
    for section in needed.get(mode, ("Global", "Arch")):
        # The host also takes a list of optimizers, each for a part of the model.
        kinds = (dict, list) if section == "Optimizer" else dict
        if not isinstance(config.get(section), kinds):
            checks.fail("configuration", section, f"a section, to {mode}", config.get(section))
    if class_number(config) is not None:
        checks.integer("Arch", "class_num", class_number(config), minimum=1)
    _check_paths(config, mode)
    if mode == "train":
        _check_training(config)
    if mode == "train" and isinstance(config["Optimizer"], dict):
        _check_optimizer(config["Optimizer"])
    _check_lists_end("DataLoader", config.get("DataLoader"))
    for part in parts(config, mode):
        if not isinstance(config["DataLoader"].get(part), dict):
            checks.fail("DataLoader", part, f"a section, to {mode}", config["DataLoader"].get(part))
        if part == "Train" and not (config["Loss"] or {}).get("Train"):
            checks.fail("Loss", "Train", "a list of losses, to train", config["Loss"].get("Train"))
        _check_list(config, "Loss", part)
        _check_list(config, "Metric", part)
    retrieval = config["Global"].get("eval_mode", "classification") != "classification"
    if "Eval" in parts(config, mode) and not retrieval and not (config.get("Metric") or {}).get("Eval"):
        got = checks.described("nothing")
        checks.fail("Metric", "Eval", "a list of metrics to evaluate with, such as TopkAcc", got)
    label_kinds.check(config, parts(config, mode))
    scale = normalized_scale(config)
    for part in parts(config, mode):
        for where, cls, params in losses(config, part):
            _check_loss(where, cls, params, config, ordinary=scale is None)
        _check_batch_size(config, part)
        if part == "Eval":
            data_checks.check_eval_sampler(config)
        _check_label_list(config, part)
    relabelling.check(config, parts(config, mode))


def check_callbacks(stages):
    """Build the callbacks of every stage and let them check it; those named by a path are imported last of all.

    Args:
        stages (list of dict): the configurations, checked by :func:`check`.

    Raises:
        ConfigError: as ``config.build_callbacks`` and the callbacks' own checks.
    """
    for wanted in (lambda name: not is_path(name), is_path):
        for stage in stages:
            for callback in build_callbacks(stage, wanted):
                callback.check(stage)


def parts(config, mode):
    """Which parts of ``Loss``, ``Metric`` and ``DataLoader`` this mode builds."""
    if mode == "train":
        return ["Train", "Eval"] if (config.get("Global") or {}).get("eval_during_train", True) else ["Train"]
    return ["Eval"] if mode == "eval" else []


def _check_list(config, section, part):
    """Weights of losses, and no lost results."""
    kind = section.lower()
    ours = registered(kind)
    keys = {}
    for where, name, params in components(config, section, part):
        if section == "Loss" and "weight" not in params:
            checks.fail(where, "weight", f"given: the share of {name} in the sum", checks.described("nothing"))
        if section == "Loss":
            checks.number(where, "weight", params["weight"])
        if name not in ours:
            continue
        key = getattr(ours[name], "result_key", None)
        key = (where.rpartition("[")[0], key) if key is not None else None
        if key is not None and keys.setdefault(key, where) != where:
            raise ConfigError(f"{where}: {name} is listed twice ({keys[key]}); PaddleClas would keep the last only")


def _check_loss(where, cls, params, config, ordinary):
    """Build the loss once, so that a wrong value shows before the data are read."""
    class_num = class_number(config)
    params = {key: value for key, value in params.items() if key != "weight"}
    if params.get("num_class_list") == AUTO:
        params["num_class_list"] = [1] * (class_num or 2)
    elif params.get("num_class_list") is not None:
        params["num_class_list"] = counts_given(
            params["num_class_list"], cls.__name__, config, params.get("allow_empty_classes", False)
        )
    weights = params.get("class_weight")
    if isinstance(weights, list) and class_num is not None and len(weights) != class_num:
        checks.fail(
            cls.__name__,
            "class_weight",
            f"as long as Arch.class_num ({class_num})",
            checks.described(f"{len(weights)} weights"),
        )
    loss = cls(**params)
    scale = loss.cosine_scale
    if ordinary and scale is not None and scale > 1 and not loss.allow_unnormalized:
        way_out = ", or `allow_unnormalized: true`" if "allow_unnormalized" in signature(cls).parameters else ""
        raise ConfigError(
            f"{where} {cls.__name__}: `s` > 1 is made for cosines, got s = {scale:g} on an ordinary classifier, whose "
            f"logits it would blow up; set `Arch.classifier: normalized`{way_out}"
        )
    if cls.uses_features and config["Global"].get("to_static", False):
        raise ConfigError(
            f"Global: `to_static` must be false with {cls.__name__}, got true: in a static graph the features that "
            f"enter the classifier cannot be caught"
        )


def _check_training(config):
    """Epochs, the seed, and sections that are nearly the name of one of ours."""
    for section in config:
        for ours in ("Callbacks", "Stages"):
            if section != ours and str(section).lower().rstrip("s") == ours.lower().rstrip("s"):
                raise ConfigError(f"configuration: unknown section {section!r} (did you mean {ours!r}?)")
    # 0: the weights are loaded, changed by callbacks, evaluated and saved.
    checks.integer("Global", "epochs", config["Global"].get("epochs"), minimum=0)
    seed = config["Global"].get("seed")
    if seed is not None and seed is not False and checks.integer("Global", "seed", seed, minimum=0) > values.MOST_SEED:
        checks.fail("Global", "seed", "an integer >= 0 and < 2^32", seed)


def _check_optimizer(optimizer):
    """The names and sections that the host reads without looking."""
    for key in ("name", "lr"):
        if optimizer.get(key) is None:
            checks.fail("Optimizer", key, "given", checks.described("nothing"))
    if optimizer["name"].startswith("AdamW") and optimizer.get("regularizer") is not None:
        expected = f"left out with {optimizer['name']}, which takes `weight_decay`"
        checks.fail("Optimizer", "regularizer", expected, optimizer["regularizer"])


def _check_paths(config, mode):
    """A checkpoint to go on from and images to predict: there."""
    if not isinstance(config["Global"].get("checkpoints") or "", str):
        expected = "the path of a checkpoint without its ending"
        checks.fail("Global", "checkpoints", expected, config["Global"]["checkpoints"])
    if config["Global"].get("resume", False) and config["Global"].get("uniform_output_enabled", False):
        checks.fail("Global", "uniform_output_enabled", "left out with `resume`, which does not look there", True)
    if config["Global"].get("resume", False) and config["Global"].get("checkpoints"):
        raise ConfigError("Global: `resume` finds the checkpoint by itself; `checkpoints` must not be given with it")
    if mode == "train" and config["Global"].get("checkpoints"):
        checkpoints.check(config["Global"]["checkpoints"])
    if mode == "infer":
        places.check_images(config)
    after = (config.get("Infer") or {}).get("PostProcess")
    names = after.get("class_id_map_file") if isinstance(after, dict) else None
    if mode == "infer" and isinstance(names, str) and os.path.exists(names):
        checks.regular_file("Infer.PostProcess", "class_id_map_file", names)


def _check_batch_size(config, part):
    """A batch of at least one image, where the sampler has one size."""
    sampler = config["DataLoader"][part].get("sampler")
    if isinstance(sampler, dict) and "batch_size" in sampler:
        checks.integer(f"DataLoader.{part}.sampler", "batch_size", sampler["batch_size"], minimum=1)


def _check_lists_end(where, section):
    """No list, of a gallery or query neither, is a device or pipe that may have no end."""
    for key, value in section.items() if isinstance(section, dict) else ():
        _check_lists_end(f"{where}.{key}", value)
        if key == "cls_label_path" and isinstance(value, str) and os.path.exists(value):
            checks.regular_file(where, key, value)


def _check_label_list(config, part):
    """The host's image list: there, well formed, with labels in range."""
    dataset = ((config.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}
    owner = f"DataLoader.{part}.dataset"
    for key in ("cls_label_path", "image_root"):
        path = dataset.get(key)
        if isinstance(path, str) and not os.path.exists(path):
            checks.fail(owner, key, "an existing path", checks.sought(path))
    if reads_list(dataset) and "cls_label_path" in dataset:
        retrieval = config["Global"].get("eval_mode", "classification") != "classification"
        in_range = not dataset.get("relabel", False) and (part == "Train" or not retrieval)
        counts = count_label_list(
            dataset["cls_label_path"],
            owner=owner,
            delimiter=dataset.get("delimiter"),
            class_num=class_number(config) if in_range else None,
            check_labels=in_range,
        )
        if in_range:
            data_checks.check_classes(config, part, counts)
        data_checks.check_batches(config, part, int(counts.sum()))
