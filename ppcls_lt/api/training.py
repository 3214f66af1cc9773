"""Training from Python."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..basis import checks
from ..commands import modes
from ..commands.describing import say
from . import keywords, session, source
from .judged import Judged
from .keywords import checked


class Training(Judged):
    """A training that has ended: its folder, what its last evaluation found, its weights.

    Args:
        folder (str or Path): the ``Global.output_dir``, also of a training by the command line.

    Attributes:
        folder (Path): see above.
        config (Path): the YAML that trains the same again, as ``ppcls-lt train -c`` takes it.
        lists (dict): ``train``, ``val``, ``test`` -> path of a label list, of those that are known.

    Raises:
        ConfigError: the folder holds no training.
    """

    _mode, _owner = "train", "train"

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        config: str | os.PathLike[str] | None = None,
        lists: Mapping[str, Path] | None = None,
    ) -> None:
        from ..configuration import finished_run

        with keywords.in_python():
            self._last = finished_run.find(folder)
            super().__init__(folder)
        self.config = self._last.config if config is None else Path(config)
        self.lists = dict(lists or {})

    @property
    def best_checkpoint(self) -> Path | None:
        """The best weights of the last stage, ``best_model.pdparams``, or the last; None where none is whole."""
        from ..basis import yaml_files
        from ..configuration import finished_run
        from ..runs import checkpoints

        arch = yaml_files.read_map(self._last.config, "train", "config")["Arch"]["name"]
        found = finished_run.whole_weights(self._last, str(arch))
        return None if found is None else found[1].with_name(found[1].name + checkpoints.WEIGHTS)

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the best evaluation of the last stage, None where nothing chose one."""
        from ..runs import history

        best = history.best(self.history)
        return None if best is None else best["epoch"]

    def _parts(self) -> Sequence[Any]:
        config = shlex.quote(str(self.config))
        return [*super()._parts(), f"best weights: {self.best_checkpoint}\nthe same again: ppcls-lt train -c {config}"]


@checked
def train(
    data: source.Data,
    out: str | os.PathLike[str],
    *,
    arch: str | None = None,
    image_size: int | None = None,
    recipe: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    pretrained: bool | str | os.PathLike[str] | None = None,
    seed: int | None = None,
    classes: Any = None,
    lists: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
) -> Training:
    """Train a model; what ``ppcls-lt lists`` and ``ppcls-lt train`` do, in this process.

    ``out`` gets ``train.yaml``, with which the command line trains the same to the digit, the lists that were made of
    images, and ``output/``, the training. Ctrl-C ends it with a ``KeyboardInterrupt``; the same call with
    ``resume=True`` goes on after the last whole epoch.

    Args:
        data (str, Path or dict): images, as ``ppcls-lt lists`` reads them: a folder of class folders, a folder of
            lists, a CSV file with a header. Or a configuration: a YAML file, one of the packaged configs, a map.
        out (str or Path): the folder to write into.
        arch (str, optional): the architecture; for images PPLCNet_x1_0.
        image_size (int, optional): pixels of a side; for images 224.
        recipe (str, Path or list of them, optional): what ``ppcls-lt recipes`` lists, or a YAML file; several are
            joined by ``+`` or are a list.
        epochs (int, optional): for images 30.
        batch_size (int, optional): images of a training step.
        learning_rate (float, optional): the highest; another batch size does not change it.
        pretrained (bool, str or Path, optional): weights to begin with; true: PaddleClas downloads them.
        seed (int, optional): of the training, for images 0. That by which images are drawn for lists is
            ``lists={"seed": 1}``.
        classes (list of str, dict, str or Path, optional): names of the classes 0, 1, ... of lists and CSV files that
            have numbers, or a file of lines ``class name``.
        lists (dict, optional): further flags of ``ppcls-lt lists``, such as
            ``{"val_fraction": 0.2, "group_column": "patient"}``.
        options (dict, optional): place in the YAML -> value, as ``-o`` has them, such as
            ``{"Optimizer.regularizer.coeff": 0.0002}``; they go on top of everything.
        resume (bool): go on with the training in ``out``, if there is one.
        overwrite (bool): replace the training in ``out``.
        quiet (bool): show nothing but warnings; the log is in ``train.log`` of the training.

    Returns:
        Training

    Raises:
        ConfigError: what is wrong.
        KeyboardInterrupt: see above.
    """
    owner = "train"
    for name, value in (("resume", resume), ("overwrite", overwrite), ("quiet", quiet)):
        checks.flag(owner, name, value)
    with session.working(quiet):
        found = source.read(
            owner,
            data,
            out,
            arch=arch,
            image_size=image_size,
            recipe=recipe,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            pretrained=pretrained,
            seed=seed,
            classes=classes,
            lists=lists,
            options=options,
        )
        _check_free(found, resume or overwrite)
        flags = keywords.flags({"config": found.path, "resume": resume, "overwrite": overwrite}, owner)
        with found.written(owner, resume, overwrite):
            if not quiet:
                say(found.told)
            _run(flags)
    return Training(found.output, config=found.path, lists=found.lists)


def _check_free(found, is_told):
    from ..reports.run.collect import stages_of_runs

    if not is_told and found.output.is_dir() and stages_of_runs(found.output, "train"):
        got = checks.described(f"{found.output}, which holds a training")
        checks.fail("train", "out", "a new folder, or given with resume=True or overwrite=True", got)


def _run(flags):
    """What ``ppcls-lt train`` does with these flags."""
    from ..engine import trainer

    path, overrides = modes.asked(keywords.parsed("train", flags))
    try:
        trainer.run_engine("train", path, overrides)
    except KeyboardInterrupt:
        command = shlex.join(["ppcls-lt", "train", "-c", str(path), "--resume"])
        print(f"interrupted; the same call with resume=True goes on, or: {command}", flush=True)
        raise
