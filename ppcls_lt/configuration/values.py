"""Values of the host's own settings that can only be mistakes.

Which keys there are is not looked at here; what this package's components take they check themselves.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence

from ..basis import checks, patterns
from ..basis.findings import Finding, of
from ..data.counts import MAX_CLASSES
from .class_numbers import class_number, model_classes
from .reading import sound
from .structure import loaders, optimizers


def findings(config: dict, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield the ``Finding`` of every value of the host's own sections that can only be a mistake.

    Args:
        config (dict): the configuration of one stage, whose sections are sections.
        parts (list of str): those of ``DataLoader`` that are read here, ``Train`` to train.
    """
    yield from _finite(config, "")
    section = config.get("Global") or {}
    if "Train" in parts:
        for name in _NEEDED:
            if section.get(name) is None:
                yield checks.finding("Global", name, "be given, to train", section.get(name))
    for name, minimum in _COUNTS.items():
        yield from of(_integer, "Global", name, section, minimum)
    if section.get("save_interval") != -1:  # the host's way to say never
        yield from of(_integer, "Global", "save_interval", section, 1)
    for name in _FLAGS:
        yield from of(_flag, "Global", name, section)
    yield from _shape(section)
    yield from of(check_classes, config)
    yield from _not_empty("Arch", config.get("Arch"), ("name", "pretrained"))
    if "Train" in parts and section.get("eval_during_train", True):
        yield from _not_empty("Global", section, ("eval_interval",))
    for where, optimizer in optimizers(config):
        yield from _not_empty(where, optimizer, _OPTIMIZER_NEEDS)
        yield from _not_empty(f"{where}.regularizer", optimizer.get("regularizer"), ("name", "coeff"))
        yield from _not_empty(f"{where}.lr", optimizer.get("lr"), ("name", *_SCHEDULE))
        yield from _numbers(where, optimizer, _OPTIMIZER)
        if optimizer.get("scope") is not None:  # held against the names of layers
            yield from of(patterns.check, where, "scope", optimizer["scope"])
        decay = optimizer.get("regularizer") or {}
        yield from _numbers(f"{where}.regularizer", decay, {"coeff": {"minimum": 0}})
        if "name" in decay:
            yield from of(checks.choice, f"{where}.regularizer", "name", decay["name"], ("L1", "L2"))
        yield from _schedule(f"{where}.lr", optimizer.get("lr") or {})
    for where, part in loaders(config):
        for name in ("dataset", "sampler", "loader"):
            if where.removeprefix("DataLoader.") in parts and part.get(name) is None:
                yield checks.finding(where, name, "be a map", part.get(name))
        yield from _not_empty(f"{where}.dataset", part.get("dataset"), ("image_root",))
        yield from _not_empty(f"{where}.sampler", part.get("sampler"), ("drop_last", "shuffle"))
        yield from _not_empty(f"{where}.loader", part.get("loader"), ("num_workers",))
        yield from _normalized(f"{where}.dataset", (part.get("dataset") or {}).get("transform_ops"))
        for name, minimum in _SAMPLER.items():
            yield from of(_integer, f"{where}.sampler", name, part.get("sampler") or {}, minimum)
        for name in ("drop_last", "shuffle"):
            yield from of(_flag, f"{where}.sampler", name, part.get("sampler") or {})
        yield from of(_integer, f"{where}.loader", "num_workers", part.get("loader") or {}, 0, _MOST_WORKERS)
        yield from of(_flag, f"{where}.loader", "use_shared_memory", part.get("loader") or {})
    operators = (config.get("Infer") or {}).get("transforms")
    for number, entry in enumerate(operators if isinstance(operators, list) else ()):
        if not isinstance(entry, dict):
            yield checks.finding("Infer", f"transforms[{number}]", "be a map of an operator and its parameters", entry)
    if (config.get("AMP") or {}).get("level") is not None:
        yield from of(checks.choice, "AMP", "level", config["AMP"]["level"], ("O0", "O1", "O2"))
    yield from _numbers("AMP", config.get("AMP"), {"scale_loss": {"above": 0}})
    for name in ("use_amp", "use_dynamic_loss_scaling", "use_fp16_test", "use_promote"):
        yield from of(_flag, "AMP", name, config.get("AMP") or {})
    yield from _numbers("EMA", config.get("EMA"), {"decay": {"minimum": 0, "below": 1}})
    for part in ("Train", "Eval"):
        yield from _topk(config, part)
        yield from _smoothing(config, part)


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
# Those of which the host or Paddle takes no null.
_OPTIMIZER_NEEDS = ("momentum", "beta1", "beta2", "rho", "epsilon", "regularizer")
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


def _finite(value, place):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _finite(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _finite(inner, f"{place}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        owner, _, name = place.rpartition(".")
        yield checks.finding(owner or "configuration", name, "be a finite number", value)


def _shape(section):
    shape = section.get("image_shape")
    if shape is None:
        return
    if not isinstance(shape, (list, tuple)) or len(shape) != 3:
        yield checks.finding("Global", "image_shape", "be a list of channels, height and width", shape)
        return
    for number, each in enumerate(shape):
        yield from of(checks.integer, "Global", f"image_shape[{number}]", each, minimum=1, maximum=_LONGEST_SIDE)


def check_classes(config: dict) -> None:
    """Raise unless the number of classes, where it is stated, can be one."""
    arch = config.get("Arch") or {}
    stated, models = arch.get("class_num"), model_classes(arch)
    others = [path for path, number in models.items() if number != stated]
    if stated is not None and others:
        got = checks.described(f"{stated}, and {models[others[0]] or 'none, which is 1000,'} in {others[0]}")
        set_by = " ".join(f"-o {path}.class_num={stated}" for path in models)
        checks.fail("Arch", "class_num", "that of its models, which PaddleClas builds by their own", got, set_by)
    classes = class_number(config)
    if classes is not None and checks.integer("Arch", "class_num", classes, minimum=1) > MAX_CLASSES:
        checks.fail("Arch", "class_num", f"at most {MAX_CLASSES}", classes)


def _schedule(where, lr):
    yield from _numbers(where, lr, _SCHEDULE)
    for name in ("decay_epochs", "milestones", "values"):
        yield from of(_check_entries, where, name, lr.get(name))
    steps, values = lr.get("decay_epochs"), lr.get("values")
    if not isinstance(steps, (list, tuple)) or not isinstance(values, (list, tuple)):
        return
    # Without the last of them the host goes on with the one before.
    if not 0 <= len(values) - len(steps) <= 1:
        got = checks.described(f"{len(values)} of them for {len(steps)}")
        yield checks.finding(where, "values", "be one more than `decay_epochs`: before, between and after them", got)


def _check_entries(where, name, entries):
    if entries is None:
        return
    if not isinstance(entries, (list, tuple)):
        checks.fail(where, name, "a list of numbers", entries)
    for number, each in enumerate(entries):
        checks.number(where, f"{name}[{number}]", each, minimum=0)
    if name != "values" and any(after <= before for before, after in zip(entries, entries[1:])):
        checks.fail(where, name, "a list of numbers that grow", entries)


def _smoothing(config, part):
    """The host's ``CELoss`` leaves the smoothing out, without a word, where its share is out of bounds."""
    for where, name, params in sound(config, "Loss", part):
        if name == "CELoss" and params.get("epsilon") is not None:
            yield from of(checks.number, f"{where} CELoss", "epsilon", params["epsilon"], minimum=0, below=1)


def _topk(config, part):
    entries = (config.get("Metric") or {}).get(part)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        params = entry.get("TopkAcc") if isinstance(entry, dict) else None
        if isinstance(params, dict) and "topk" in params:
            place = f"Metric.{part}.{index}.TopkAcc.topk"
            for finding in of(_check_topk, config, f"Metric.{part} TopkAcc", params["topk"]):
                yield finding._replace(path=place)


def _check_topk(config, owner, topk):
    asked = list(topk) if isinstance(topk, (list, tuple)) else [topk]
    for each in asked or [topk]:
        checks.integer(owner, "topk", each, minimum=1)
    classes = class_number(config)
    # The host drops those above, with a warning, as long as one is left.
    if classes is not None and not any(of(check_classes, config)) and min(asked) > classes:
        checks.fail(owner, "topk", f"at most {classes}, the number of classes", topk)


def _not_empty(owner, section, names):
    """Keys that are written with nothing behind them, which is no number and not what the key's default is."""
    if isinstance(section, dict):
        for name in names:
            if name in section and section[name] is None:
                yield checks.finding(owner, name, "have a value, or be left out", None)


def _normalized(where, entries):
    """The host makes NaN of what is no number, and all that is computed with it is NaN."""
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        params = entry.get("NormalizeImage") if isinstance(entry, dict) else None
        for name in ("mean", "std"):
            values = params.get(name) if isinstance(params, dict) else None
            for place, value in enumerate(values if isinstance(values, (list, tuple)) else ()):
                owner = f"{where}.transform_ops[{number}] NormalizeImage"
                limits = {"above": 0} if name == "std" else {}
                yield from of(checks.number, owner, f"{name}[{place}]", value, **limits)


def _integer(owner, name, section, minimum, maximum=_MOST):
    if section.get(name) is not None:
        checks.integer(owner, name, section[name], minimum=minimum, maximum=maximum)


def _numbers(owner, section, bounds):
    for name, limits in bounds.items():
        value = (section or {}).get(name)
        if value is not None:
            yield from of(checks.number, owner, name, value, **limits)


def _flag(owner, name, section):
    # 0 and 1 are what some write for them; a text counts as true whatever it says.
    value = section.get(name)
    if value is not None and not (isinstance(value, numbers.Integral) and value in (0, 1)):
        checks.fail(owner, name, "true or false", value)
