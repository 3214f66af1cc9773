"""Sections that are none, and values of the host's own settings that can only be mistakes.

Which keys there are is not looked at here; what this package's components take they check themselves.
"""

import math
import numbers

from ..basis import checks, patterns
from ..basis.checks import ConfigError
from ..data.counts import MAX_CLASSES
from .reading import class_number, components


def check_sections(config):
    """Raise where a section is no section: text, a number or a list where the host reads keys.

    Raises:
        ConfigError: the first such place.
    """
    if not isinstance(config, dict):
        checks.fail("configuration", "its content", "a map of sections", config)
    for name in ("Global", "Arch", "DataLoader", "Loss", "Metric", "Infer", "AMP", "EMA"):
        _map(config, name)
    for part in ("Backbone", "Neck", "Head"):
        _map(config.get("Arch"), part, "Arch.")
    _text(config.get("Arch"), "name", "Arch")
    _text(config.get("Global"), "output_dir", "Global")
    _map(config.get("Infer"), "PostProcess", "Infer.")
    for where, part in _parts(config):
        for name in ("dataset", "sampler", "loader"):
            _map(part, name, f"{where}.")
            _text(part.get(name), "name", f"{where}.{name}")
        for name in ("image_root", "cls_label_path"):
            _text(part.get("dataset"), name, f"{where}.dataset")
        for name in ("transform_ops", "batch_transform_ops"):
            _operators(part.get("dataset"), name, f"{where}.dataset")
    for where, optimizer in _optimizers(config):
        for name in ("lr", "regularizer"):
            _map(optimizer, name, f"{where}.")
            _text(optimizer.get(name), "name", f"{where}.{name}")


def check(config, parts):
    """Raise where a number of the host's own sections can only be a mistake.

    Args:
        config (dict): the configuration of one stage, whose sections are sections.
        parts (list of str): those of ``DataLoader`` that are read here, ``Train`` to train.

    Raises:
        ConfigError: the first such value.
    """
    _check_finite(config, "")
    section = config.get("Global") or {}
    if "Train" in parts:
        for name in _NEEDED:
            if section.get(name) is None:
                checks.fail("Global", name, "given, to train", section.get(name))
    for name, minimum in _COUNTS.items():
        _integer("Global", name, section, minimum)
    if section.get("save_interval") != -1:  # the host's way to say never
        _integer("Global", "save_interval", section, 1)
    for name in _FLAGS:
        _flag("Global", name, section)
    _check_shape(section)
    classes = class_number(config)
    if classes is not None and checks.integer("Arch", "class_num", classes, minimum=1) > MAX_CLASSES:
        checks.fail("Arch", "class_num", f"at most {MAX_CLASSES}", classes)
    for where, optimizer in _optimizers(config):
        _numbers(where, optimizer, _OPTIMIZER)
        if optimizer.get("scope") is not None:  # held against the names of layers
            patterns.check(where, "scope", optimizer["scope"])
        decay = optimizer.get("regularizer") or {}
        _numbers(f"{where}.regularizer", decay, {"coeff": {"minimum": 0}})
        if "name" in decay:
            checks.choice(f"{where}.regularizer", "name", decay["name"], ("L1", "L2"))
        _check_schedule(f"{where}.lr", optimizer.get("lr") or {})
    for where, part in _parts(config):
        for name in ("dataset", "sampler", "loader"):
            if where.removeprefix("DataLoader.") in parts and part.get(name) is None:
                checks.fail(where, name, "a map", part.get(name))
        for name, minimum in _SAMPLER.items():
            _integer(f"{where}.sampler", name, part.get("sampler") or {}, minimum)
        for name in ("drop_last", "shuffle"):
            _flag(f"{where}.sampler", name, part.get("sampler") or {})
        _integer(f"{where}.loader", "num_workers", part.get("loader") or {}, 0, _MOST_WORKERS)
        _flag(f"{where}.loader", "use_shared_memory", part.get("loader") or {})
    if (config.get("AMP") or {}).get("level") is not None:
        checks.choice("AMP", "level", config["AMP"]["level"], ("O0", "O1", "O2"))
    _numbers("AMP", config.get("AMP"), {"scale_loss": {"above": 0}})
    for name in ("use_amp", "use_dynamic_loss_scaling", "use_fp16_test", "use_promote"):
        _flag("AMP", name, config.get("AMP") or {})
    _numbers("EMA", config.get("EMA"), {"decay": {"minimum": 0, "below": 1}})
    for part in ("Train", "Eval"):
        _check_topk(config, part)
        _check_smoothing(config, part)


_MOST = 10**9  # of whatever is counted
MOST_SEED = 2**32 - 1  # as NumPy takes
_MOST_WORKERS = 4096
_LONGEST_SIDE = 10**5  # pixels
# What the host reads of `Global` without looking whether it is there.
_NEEDED = ("print_batch_step", "save_interval")
# Whole numbers of `Global` and their least values; None stands for what the host takes by itself.
_COUNTS = {
    "print_batch_step": 1,
    "eval_interval": 1,
    "start_eval_epoch": 0,
    "update_freq": 1,
    "iter_per_epoch": 1,
    "image_channel": 1,
}
_FLAGS = ("eval_during_train", "use_visualdl", "use_dali", "to_static", "use_multilabel", "use_sync_bn")
_SHARE = {"minimum": 0, "below": 1}
_OPTIMIZER = {
    "momentum": _SHARE,
    "beta1": _SHARE,
    "beta2": _SHARE,
    "rho": _SHARE,
    "epsilon": {"above": 0},
    "weight_decay": {"minimum": 0},
    "layerwise_decay": {"above": 0, "maximum": 1},
    "clip_norm": {"above": 0},
    "clip_grad": {"above": 0},
}
_SCHEDULE = {
    **{
        name: {"minimum": 0}
        for name in (
            *("learning_rate", "max_learning_rate", "base_learning_rate", "end_learning_rate", "warmup_start_lr"),
            *("warmup_epoch", "eta_min", "min_lr", "end_lr", "gamma", "factor", "power"),
        )
    },
    "step_size": {"above": 0},
}
_SAMPLER = {"batch_size": 1, "first_bs": 1, "num_instances": 1, "sample_per_id": 1}


def _check_finite(value, place):
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_finite(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            _check_finite(inner, f"{place}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        owner, _, name = place.rpartition(".")
        checks.fail(owner or "configuration", name, "a finite number", value)


def _check_shape(section):
    shape = section.get("image_shape")
    if shape is None:
        return
    if not isinstance(shape, (list, tuple)) or len(shape) != 3:
        checks.fail("Global", "image_shape", "a list of channels, height and width", shape)
    for number, each in enumerate(shape):
        checks.integer("Global", f"image_shape[{number}]", each, minimum=1, maximum=_LONGEST_SIDE)


def _check_schedule(where, lr):
    _numbers(where, lr, _SCHEDULE)
    for name in ("decay_epochs", "milestones", "values"):
        entries = lr.get(name)
        if entries is None:
            continue
        if not isinstance(entries, (list, tuple)):
            checks.fail(where, name, "a list of numbers", entries)
        for number, each in enumerate(entries):
            checks.number(where, f"{name}[{number}]", each, minimum=0)
        if name != "values" and any(after <= before for before, after in zip(entries, entries[1:])):
            checks.fail(where, name, "a list of numbers that grow", entries)
    steps, values = lr.get("decay_epochs"), lr.get("values")
    # Without the last of them the host goes on with the one before.
    if steps is not None and values is not None and not 0 <= len(values) - len(steps) <= 1:
        got = checks.described(f"{len(values)} of them for {len(steps)}")
        checks.fail(where, "values", "one more than `decay_epochs`: before, between and after them", got)


def _check_smoothing(config, part):
    """The host's ``CELoss`` leaves the smoothing out, without a word, where its share is out of bounds."""
    for where, name, params in components(config, "Loss", part):
        if name == "CELoss" and params.get("epsilon") is not None:
            checks.number(f"{where} CELoss", "epsilon", params["epsilon"], minimum=0, below=1)


def _check_topk(config, part):
    entries = (config.get("Metric") or {}).get(part)
    for entry in entries if isinstance(entries, list) else ():
        params = entry.get("TopkAcc") if isinstance(entry, dict) else None
        if not isinstance(params, dict) or "topk" not in params:
            continue
        topk = params["topk"]
        asked = list(topk) if isinstance(topk, (list, tuple)) else [topk]
        for each in asked or [topk]:
            checks.integer(f"Metric.{part} TopkAcc", "topk", each, minimum=1)
        classes = class_number(config)
        # The host drops those above, with a warning, as long as one is left.
        if classes is not None and min(asked) > classes:
            checks.fail(f"Metric.{part} TopkAcc", "topk", f"at most {classes}, the number of classes", topk)


def _parts(config):
    """Yield where it is and the section of every data loader."""
    loaders = config.get("DataLoader") or {}
    for part in ("Train", "Eval", "UnLabelTrain", "Metalearning"):
        _map(loaders, part, "DataLoader.")
        section = loaders.get(part)
        if section is None:
            continue
        inner = [name for name in ("Query", "Gallery", "Train") if name in section]
        for name in inner:
            _map(section, name, f"DataLoader.{part}.")
            if section[name] is not None:
                yield f"DataLoader.{part}.{name}", section[name]
        if not inner:
            yield f"DataLoader.{part}", section


def _optimizers(config):
    """Yield where it is and the section of every optimizer."""
    section = config.get("Optimizer")
    if section is None:
        return
    if not isinstance(section, list):
        _map(config, "Optimizer")
        _text(section, "name", "Optimizer")
        yield "Optimizer", section
        return
    for number, entry in enumerate(section):
        where = f"Optimizer[{number}]"
        if not isinstance(entry, dict) or len(entry) != 1 or not isinstance(next(iter(entry.values())), dict):
            checks.fail("configuration", where, "a map with one key, the name, and its parameters", entry)
        ((name, inner),) = entry.items()
        yield f"{where}.{name}", inner


def _operators(dataset, name, where):
    entries = (dataset or {}).get(name)
    if entries is None:
        return
    if not isinstance(entries, list):
        checks.fail(where, name, "a list of operators", entries)
    for number, entry in enumerate(entries):
        whole = isinstance(entry, dict) and len(entry) == 1
        if not whole or not isinstance(next(iter(entry.values())), (dict, type(None))):
            checks.fail(where, f"{name}[{number}]", "a map with one key, the operator, and its parameters", entry)


def _map(section, name, prefix=""):
    value = None if section is None else section.get(name)
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"{prefix}{name}: must be a map, got {checks.shown(value)}")


def _text(section, name, owner):
    value = None if section is None else section.get(name)
    if value is not None and not isinstance(value, str):
        checks.fail(owner, name, "a text", value)


def _integer(owner, name, section, minimum, maximum=_MOST):
    if section.get(name) is not None:
        checks.integer(owner, name, section[name], minimum=minimum, maximum=maximum)


def _numbers(owner, section, bounds):
    for name, limits in bounds.items():
        value = (section or {}).get(name)
        if value is not None:
            checks.number(owner, name, value, **limits)


def _flag(owner, name, section):
    # 0 and 1 are what some write for them; a text counts as true whatever it says.
    value = section.get(name)
    if value is not None and not (isinstance(value, numbers.Integral) and value in (0, 1)):
        checks.fail(owner, name, "true or false", value)
