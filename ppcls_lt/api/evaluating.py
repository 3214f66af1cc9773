"""Evaluation from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..basis import checks
from ..commands import modes
from . import keywords, session
from .judged import Judged
from .keywords import checked
from .training import Training


class Evaluation(Judged):
    """What an evaluation found.

    Args:
        folder (str or Path): the ``Global.output_dir`` that it wrote into.

    Attributes:
        folder (Path): see above.
    """

    _mode, _owner = "eval", "evaluate"


@checked
def evaluate(
    run: Training | str | os.PathLike[str],
    label_list: str | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    options: Mapping[str, object] | None = None,
    quiet: bool = False,
) -> Evaluation:
    """Evaluate the best weights of a training; what ``ppcls-lt eval --run`` does, in this process.

    Args:
        run (Training, str or Path): what :func:`train` returned, or the folder of a training.
        label_list (str or Path, optional): the images, such as ``training.lists["test"]``; by default those that the
            training was evaluated on.
        out (str or Path, optional): where to write; by default into the folder of the training, where the next
            evaluation replaces this one.
        options (dict, optional): place in the YAML -> value, as ``-o`` has them; they go on top.
        quiet (bool): show no more of the log than its warnings.

    Returns:
        Evaluation

    Raises:
        ConfigError: what is wrong.
    """
    owner = "evaluate"
    checks.flag(owner, "quiet", quiet)
    folder = run.folder if isinstance(run, Training) else run
    changes = {"DataLoader.Eval.dataset.cls_label_path": label_list, "Global.output_dir": out}
    given = [
        *keywords.overrides({place: value for place, value in changes.items() if value is not None}, owner),
        *keywords.overrides(options, owner),
    ]
    flags = keywords.flags({"run": folder}, owner)
    with session.working(quiet):
        from ..engine import trainer

        path, overrides = modes.asked(keywords.parsed("eval", [*flags, *(f"--override={each}" for each in given)]))
        engine = trainer.run_engine("eval", path, overrides)
    return Evaluation(engine.output_dir)
