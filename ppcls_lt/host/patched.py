"""What this package puts another in the place of, in the host's functions and in its Engine: all of it, by name.

Repairs are not among them; docs/versions.md lists both.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any, Callable

from ._wrapping import extend_in, wrapped

# Functions below ``ppcls``, and why; none of them is given an Engine.
FUNCTIONS = {
    "utils.config.get_config": "a configuration may name a finished run",
    "arch.build_model": "takes `Arch.classifier`",
    "engine.engine.build_model": "the same, by its name in the Engine; a failure names the section",
    "engine.engine.build_dataloader": "classes, batches and labels are checked as soon as there are data",
    "data.create_operators": "operators on batches of this package are given the data",
    "engine.engine.build_loss": "`num_class_list` becomes counts",
    "engine.engine.build_metrics": "the same",
    "engine.engine.build_optimizer": "callbacks see the model before there is an optimizer; schedules of added epochs",
    "engine.engine.init_model": "a checkpoint that a run goes on from: its state beside its weights",
    "loss.CombinedLoss.__init__": "`CELoss` takes class weights",
    "utils.logger.info": "silent while it is tried whether `inference.yml` can be written (develop)",
    "utils.logger.error": "the same",
    "utils.save_load.get_weights_path_from_url": "a download that fails names the file and another way",
    "utils.save_load.save_model": "a checkpoint is whole or not there, with the run's state beside",
}
# Of an Engine and of what it has built, and why; `engine.EngineView` does it.
ENGINE = {
    "Engine.__init__": "one Engine is built for each stage",
    "Engine.train": "all stages are trained",
    "update_loss": "the losses of each step are looked at; in `ppcls.engine.train`, within a training",
    "train_epoch_func": "callbacks, random states, what was met in an epoch; develop's loader is repaired",
    "eval": "what an evaluation comes to is kept, and chosen from",
    "export": "nobody else writes there meanwhile; what a service needs is written beside",
    "Engine.infer": "an image that cannot be read is named (`images`)",
    "train_loss_func": "a callback may put another in its place",
    "eval_loss_func": "its mean is kept, within an evaluation",
    "train_dataloader.batch_sampler": "the batches that it deals are noted",
    "forward": "the batches of a step, to be passed again before its update; in `ppcls.engine.train.train`",
    "optimizer[i].step": "callbacks act before each update",
    "scaler.step": "the same in mixed precision (develop)",
    "scaler.minimize": "the same in mixed precision (2.4, 2.5)",
    "optimizer[-1].clear_grad": "callbacks act after each update",
    "train_dataloader_iter": "begun anew in each epoch (develop)",
    "long_tail": "what trains the stages; the host has nothing of that name",
}


def _listed(module_name, path):
    if f"{module_name}.{path}" not in FUNCTIONS:
        raise LookupError(f"ppcls.{module_name}.{path} is not among what ppcls_lt.host.patched lists")
    return importlib.import_module(f"ppcls.{module_name}")


def extend(module_name: str, name: str, wrapper: Callable) -> None:
    """Wrap ``name``, a function of ``ppcls.<module_name>`` that is listed here.

    The wrapper is called with the original and the original's arguments.
    """
    extend_in(_listed(module_name, name), name, wrapper)


@contextlib.contextmanager
def functions(module_name: str, **wrappers: Callable) -> Iterator[None]:
    """Within the context, ``ppcls.<module_name>`` has these wrappers in place of its functions, which are listed."""
    for name in wrappers:
        _listed(module_name, name)
    with replaced(importlib.import_module(f"ppcls.{module_name}"), **wrappers):
        yield


@contextlib.contextmanager
def replaced(module: Any, **wrappers: Callable) -> Iterator[None]:
    """Within the context, a module has these wrappers in place of its functions."""
    originals = {name: getattr(module, name) for name in wrappers}
    for name, wrapper in wrappers.items():
        setattr(module, name, wrapped(originals[name], wrapper))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(module, name, original)
