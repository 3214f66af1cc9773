"""A finished run, opened for something that is done with its model: configuration, facts and weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import paddle.distributed as dist

from .. import host
from ..basis import checks
from ..basis.findings import raise_all
from ..configuration import finished_run, plain, structure
from ..configuration import reading as configuration
from ..engine import trainer
from ..runs import files as run_files
from ..runs.checkpoints import WEIGHTS


class Opened(NamedTuple):
    """What there is of a run."""

    config: dict  # plain, with its weights in Global.pretrained_model
    info: dict
    output_dir: Path

    @property
    def weights(self) -> str:
        """The path of the weights without its ending."""
        return str(self.config["Global"]["pretrained_model"]).removesuffix(WEIGHTS)


def opened(folder: str, overrides: Sequence[str], owner: str, purpose: str) -> Opened:
    """Return the run in a folder.

    Args:
        folder (str): a training's output folder.
        overrides (sequence of str): what goes on top of its configuration.
        owner (str): who asks, for messages.
        purpose (str): what for, in messages, such as "to adjust".

    Raises:
        ConfigError: there is no such run, or it does not classify images with one label each.
    """
    trainer.register()
    if dist.get_world_size() > 1:
        checks.fail(owner, "processes", "one, without a launcher", dist.get_world_size())
    source = finished_run.find(folder)
    info = run_files.read_info(source.config.with_name(run_files.FILES["train"].info))
    loaded = host.load_config(source.config, [*overrides, f"Global.run={folder!r}"])
    config = plain.plain({key: value for key, value in loaded.items() if key != "profiler_options"})
    config["profiler_options"] = None
    _check_kind(config, owner, purpose)
    return Opened(config, info, source.output_dir)


def _check_kind(config, owner, purpose):
    """Raise unless the run classifies images with one label each."""
    raise_all(structure.sections(config))
    section = config["Global"]
    if section.get("use_multilabel", False) or section.get("eval_mode", "classification") != "classification":
        got = "several labels an image" if section.get("use_multilabel", False) else section["eval_mode"]
        checks.fail(owner, "--run", "a training that classifies images with one label each", checks.described(got))
    for name in ("Global", "Arch", "DataLoader"):
        if not isinstance(config.get(name), dict):
            checks.fail("configuration", name, f"a section, {purpose}", config.get(name))
    evaluated = (config["DataLoader"].get("Eval") or {}).get("dataset")
    if not isinstance(evaluated, dict):
        expected = "a section with the operators of an evaluation"
        checks.fail(owner, "DataLoader.Eval.dataset", expected, evaluated)
    weights = section.get("pretrained_model")
    if not isinstance(weights, str) or not Path(weights.removesuffix(WEIGHTS) + WEIGHTS).is_file():
        checks.fail(
            "Global", "pretrained_model", f"the path of a {WEIGHTS} file without its ending, {purpose}", weights
        )


def class_count(config: dict, info: dict, owner: str) -> int:
    """Return the number of classes of a run, as it states it or counts it."""
    stated = configuration.class_number(config)
    found = stated if stated is not None else len(info.get("counts") or ())
    if not found:
        checks.fail(owner, "Arch.class_num", "stated by the run", found)
    return int(found)
