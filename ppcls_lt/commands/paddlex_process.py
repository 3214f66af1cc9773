"""What PaddleX does otherwise in this process: its folder stays as it is.

PaddleX fills a configuration of PaddleClas and starts a script of its own copy of PaddleClas. The script is started
through ``ppcls-lt run`` instead, which publishes everything, with what follows ``-o`` here. Paddle must not be
imported before PaddleX, which sets its flags.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ..basis import checks

# Of PaddleX's runner, one for each of its modes that starts something.
SCRIPTS = ("tools/train.py", "tools/eval.py", "tools/export_model.py")
# PaddleClas's own sampler without a batch size: it has one for each size of the images.
_OF_SEVERAL_SIZES = ("MultiScaleSampler",)
_START = Path(__file__).with_name("paddleclas_script.py")
_ERROR = "ppcls-lt: error: "


class Job(NamedTuple):
    """What PaddleX was asked for."""

    mode: str  # Global.mode
    output: str  # Global.output
    overrides: Sequence[str]  # key=value, for PaddleClas's configuration


def prepare(job: Job) -> None:
    """Put this package's functions in the place of PaddleX's; it must be imported.

    Args:
        job (Job): what it is to do.
    """
    from paddlex.modules.base import BaseExportor
    from paddlex.repo_apis.PaddleClas_api.cls import ClsConfig, ClsRunner

    _wrap(ClsRunner, "run_cmd", functools.partial(_start, job))
    _wrap(ClsConfig, "load", functools.partial(_load, job))
    _wrap(ClsConfig, "update_batch_size", _batch_size)
    _wrap(BaseExportor, "get_config_path", _trained_config)


def is_ready() -> bool:
    """Whether PaddleX, once imported, has found its copy of PaddleClas, with which it trains, evaluates and exports."""
    return "paddlex.repo_apis.PaddleClas_api" in sys.modules


def _wrap(owner: Any, name: str, wrapper: Callable) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def call(self, *args, **kwargs):
        return wrapper(original, self, *args, **kwargs)

    setattr(owner, name, call)


def _start(job, original, runner, command, *args, **kwargs):
    """``run_cmd`` of the runner: the script is started by this package; a mistake of the user's ends with status 2."""
    place = next((place for place, part in enumerate(command) if part in SCRIPTS), None)
    if place is None:
        return original(runner, command, *args, **kwargs)
    given = [part for override in job.overrides for part in ("-o", override)]
    from paddlex.utils.errors import CalledProcessError

    try:
        return original(runner, [*command[:place], str(_START), *command[place:], *given], *args, **kwargs)
    except CalledProcessError as error:
        if error.returncode != 2:
            raise
        said = [line.partition(_ERROR)[2] for line in (error.stderr or "").splitlines() if _ERROR in line]
        _end(job, "\n".join(said) or str(error))


def _end(job, said):
    """End with status 2; PaddleX keeps what was said for who reads its files."""
    from paddlex.utils.result_saver import save_result

    save_result(False, job.mode, job.output, err_type="ConfigError", err_msg=said)
    raise SystemExit(2)


def _load(job, original, config, path):
    """``load`` of a configuration: PaddleX's wheel lacks its own, and that of the copy of PaddleClas is taken."""
    if not os.path.isfile(path):
        copy = Path(os.environ["PADDLE_PDX_PADDLECLAS_PATH"]) / "ppcls" / "configs" / "ImageNet"
        wanted = _plain(Path(path).stem)
        found = [file for file in sorted(copy.rglob("*.yaml")) if _plain(file.stem) == wanted]
        if len(found) != 1:
            remedy = "name one of PaddleClas's configurations in Train.basic_config_path"
            got = checks.described(f"{path}, which is not there, and none of its name in {copy}")
            text = checks.finding("ppcls-lt paddlex", "Global.model", "have a configuration", got, remedy).text
            print(f"{_ERROR}{text}", file=sys.stderr)
            _end(job, text)
        from paddlex.utils import logging

        logging.warning(f"{path} is not there, as in every wheel of PaddleX; taken instead: {found[0]}")
        path = str(found[0])
    original(config, path)


def _plain(name):
    """A model's name as PaddleX and PaddleClas both have it: PP-LCNet_x1_0, PPLCNet_x1_0."""
    return name.replace("-", "").replace("_", "").lower()


def _batch_size(original, config, batch_size, mode="train"):
    """``update_batch_size``: a sampler without one is given it, and the data set stays what it is."""
    sampler = config.DataLoader["Train"]["sampler"]
    if mode == "train" and not sampler.get("batch_size") and sampler.get("name") not in _OF_SEVERAL_SIZES:
        config.update([f"DataLoader.Train.sampler.batch_size={batch_size}"])
        return
    original(config, batch_size, mode)


def _trained_config(original, exporter, weights):
    """``get_config_path`` of the exporter: the training's, which the evaluator finds and the exporter does not."""
    path = Path(weights).parent.parent / "config.yaml"
    return path if not str(weights).startswith("http") and path.is_file() else original(exporter, weights)
