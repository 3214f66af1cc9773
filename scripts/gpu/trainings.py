"""A real training of every component, small: digits, one step an epoch, some epochs, each with an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Callable, NamedTuple

import paddle

from ppcls_lt.archs.cifar_resnet import CIFARResNet8
from ppcls_lt.basis.registry import KINDS, registered
from ppcls_lt.configuration import recipes
from ppcls_lt.engine import trainer
from tests import adapter_runs, engines, several_labels

MIXUP = {"batch_transform_ops": [{"MixupOperator": {"alpha": 0.5}}]}
# What a recipe of one part needs another for.
PARTNERS = {"deferred_resampling": "resample", "normalized": "ldam", "drw": "weighted_ce", "weighted_ce": "drw"}
# Callbacks, and settings of them, that no recipe has.
CALLBACKS = {
    "MaxNormPGD, each step": {"MaxNormPGD": {"every": "step"}},
    "MaxNormPGD, L3": {"MaxNormPGD": {"lp_norm": 3, "every": "step"}},
    "L2NormPGD": {"L2NormPGD": {"every": "step"}},
    "SAM, adaptive": {"SAM": {"adaptive": True}},
    "ImbSAM": {"ImbSAM": {"eta": "tertiles"}},
    "SWA": {"SWA": {"start": 1}},
}
# Data sets are read by NumPy, and one architecture of a family runs the operations of all.
_KINDS = [kind for kind in KINDS if kind not in ("dataset", "arch")]


class Training(NamedTuple):
    """One training: its name, and what makes the settings, anew each time."""

    name: str
    settings: Callable[[], dict]


def all_of(folder: Path) -> Iterator[Training]:
    """Every training that :func:`not_tried` wants, with its data below a folder."""
    prepare(folder)
    for name in engines.PARAMS:
        yield Training(name, lambda name=name: _loss(folder, name))
        yield Training(f"{name}, soft labels", lambda name=name: _loss(folder, name, MIXUP))
    for name in several_labels.LISTED:
        yield Training(name, lambda name=name: _several_labels(folder, name))
    for name in recipes.known():
        yield Training(f"recipe {name}", lambda name=name: of_recipe(folder, name))
    for name in CALLBACKS:
        yield Training(name, lambda name=name: of_recipe(folder, name))
    yield Training("metrics", lambda: _metrics(folder))


def run(training: Training) -> None:
    """Train, over what the training before has left."""
    settings = training.settings()
    settings["Global"]["overwrite"] = True
    engines.build_engine(settings).train()


def not_tried(settings: list[dict]) -> list[str]:
    """The registered components that none of the settings has."""
    text = str([trainer.checked_plan(each, "train") for each in settings])
    components = [component for kind in _KINDS for component in registered(kind).values()]
    return sorted({each.__name__ for each in components if f"'{each.__name__}'" not in text})


def prepare(folder: Path) -> None:
    """Write digits, five images of a class or some more, lists of several labels too, and weights to begin from."""
    trainer.register()
    data = engines.write_digits(folder / "digits")
    lines = (data / "train.txt").read_text().splitlines()
    # The first two have more: some components want classes that differ.
    sizes = {0: 8, 1: 7}
    chosen = [[line for line in lines if line.endswith(f" {c}")][: sizes.get(c, 5)] for c in range(10)]
    (data / "train.txt").write_text("\n".join(sum(chosen, [])) + "\n")
    for part in ("test", "val"):
        lines = (data / f"{part}.txt").read_text().splitlines()
        (data / f"{part}.txt").write_text("\n".join(lines[:: max(1, len(lines) // 50)]) + "\n")
    several_labels.write_rows(data)
    adapter_runs.write_base(folder / "base")
    with paddle.utils.unique_name.guard():
        paddle.save(CIFARResNet8(class_num=7).state_dict(), f"{folder / 'start'}.pdparams")


def of_recipe(folder: Path, name: str) -> dict:
    """The settings of a recipe, or of one of :data:`CALLBACKS`; an adapter lies in a small transformer."""
    if name in CALLBACKS:
        return _settings(folder, Callbacks=[CALLBACKS[name]])
    if any("adapter" in part.kinds for part in recipes.read(name).parts):
        result = _transformer(folder)
    else:
        result = _settings(folder)
        result["Global"]["pretrained_model"] = str(folder / "start")
    result["Global"]["recipe"] = [name, PARTNERS[name]] if name in PARTNERS else name
    result["Global"]["epochs"] = 9 if name == "cmo" else 3  # which leaves out the first and the last few
    return result


def _settings(folder, losses=({"CELoss": {"weight": 1.0}},), dataset=(), **sections):
    result = engines.digits_config(
        folder / "digits", folder / "out", losses=list(losses), batch_size=64, eval_during_train=True
    )
    result["DataLoader"]["Train"]["dataset"].update(dataset)
    result.update(sections)
    return result


def _loss(folder, name, dataset=()):
    return _settings(folder, [engines.listed(name)], dataset)


def _several_labels(folder, name):
    return several_labels.settings(folder / "digits", folder / "out", {name: several_labels.LISTED[name]})


def _transformer(folder):
    from ppcls_lt import host

    result = host.attributed(adapter_runs.settings(folder / "digits", folder / "out", folder / "base", "none"))
    result.profiler_options = None
    result["Global"].update(device="cpu", eval_during_train=True)
    return result


def _metrics(folder):
    result = _settings(folder)
    groups = {"num_class_list": "auto", "thresholds": "tertiles"}
    single = [name for name, metric in registered("metric").items() if not metric.several_labels]
    listed = [{name: groups if name == "ManyMediumFewAcc" else {}} for name in single]
    result["Metric"]["Eval"] = [{"TopkAcc": {"topk": [1]}}, *listed]
    return result
