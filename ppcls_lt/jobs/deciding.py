"""``ppcls-lt decide``: how a run's probabilities become classes, solved on held-out images and kept in the run."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

from ..basis import checks, disk, lock
from ..configuration import held_out, listed_images
from ..data import cost_matrix
from ..engine import predicting
from ..maths import deciding
from ..maths.deciding import OWNER, Judged
from ..reports import deciding as report
from ..runs import decisions, history
from ..serving.served import NOT_SURE, decided
from . import opened as runs

_BATCH, _WORKERS = 64, 4


class Asked(NamedTuple):
    """What the command is told."""

    folder: str
    overrides: Sequence[str]
    recalls: Sequence[str]  # CLASS=SHARE
    costs: str | None
    not_sure_below: float | None
    is_validation: bool
    exact: bool
    command: str


def run(asked: Asked, say: Callable[[str], Any]) -> None:
    """Solve, tell what it comes to, and keep it in the run.

    Args:
        asked (Asked): what the command is told.
        say (callable): takes a line of text for the user.

    Raises:
        ConfigError: what is wrong, or what cannot be had.
    """
    check(asked)
    run = runs.opened(asked.folder, asked.overrides, OWNER, "to decide with")
    class_num = runs.class_count(run.config, run.info, OWNER)
    names = predicting.called(run.config, class_num)
    targets = _targets(asked, names)
    costs = None if asked.costs is None else cost_matrix.read(asked.costs, names, OWNER, NOT_SURE)
    held = held_out.find(run.config, OWNER, is_validation=asked.is_validation, class_num=class_num, allow_missing=True)
    deciding.check_counts(held.counts, targets, exact=asked.exact, below=None, names=names)
    probabilities, label = _predicted(run, held, class_num)
    factors = after = None
    below = asked.not_sure_below
    if targets:
        how: dict[str, Any] = {"exact": asked.exact, "below": below}
        factors = deciding.solve(probabilities, label, targets, names=names, **how)
        after = deciding.cross_validated(probabilities, label, targets, **how)
    cross_validated = None if factors is None else after is not None
    rule = {
        "factors": None if factors is None else factors.tolist(),
        "costs": None if costs is None else costs.tolist(),
        "not_sure_below": below,
    }
    if after is None:
        after = decided(probabilities, rule)
    judged = [deciding.judged(label, each, class_num, costs) for each in (decided(probabilities, None), after)]
    counts = np.bincount(label, minlength=class_num)
    for line in report.lines(run.weights, held.path, names, counts, judged, targets, factors, cross_validated):
        say(line)
    content = history.finite(
        {
            "format": 1,
            **rule,
            "classes": names,
            "recalls": {names[one]: target for one, target in targets.items()},
            "exact": asked.exact,
            "weights": run.weights,
            "weights_sha256": decisions.weights_sum(run.weights),
            "held_out": {
                "list": held.path,
                "images": int(label.size),
                "per_class": counts.tolist(),
                "sha256": hashlib.sha256(Path(held.path).read_bytes()).hexdigest(),
            },
            "before": _values(judged[0]),
            "after": _values(judged[1]),
            "command": asked.command,
        }
    )
    with lock.held(run.output_dir, OWNER, "--run"), disk.writing(run.output_dir, OWNER, "--run"):
        before = decisions.command(run.output_dir)
        decisions.write(run.output_dir, content)
    say("")
    if before is not None and before != asked.command:
        say(f"the decision that was kept until now is replaced: `{before}`")
    say(f"{run.output_dir / decisions.FILE}: kept; `ppcls-lt predict --run {asked.folder}` decides by it")


def check(asked: Asked) -> None:
    """Raise where the flags contradict one another, before anything heavy is loaded."""
    if not asked.recalls and asked.costs is None and asked.not_sure_below is None:
        expected = "given, or `--costs FILE` or `--not-sure-below P`"
        checks.fail(OWNER, "--recall", expected, checks.described("nothing to decide by"))
    if asked.recalls and asked.costs is not None:
        checks.fail(OWNER, "--recall", "left out with --costs", checks.described("both"))
    if asked.not_sure_below is not None:
        checks.number(OWNER, "--not-sure-below", asked.not_sure_below, above=0, maximum=1)


def _targets(asked, names):
    """Class -> recall."""
    found = {}
    for given in asked.recalls:
        name, equals, share = given.rpartition("=")
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not equals or not 0 < value <= 1:
            checks.fail(OWNER, "--recall", "CLASS=SHARE with a share above 0 and at most 1", given)
        one = cost_matrix.class_of(name, names, OWNER, "--recall")
        if one in found:
            checks.fail(OWNER, "--recall", f"given once for the class {names[one]}", given)
        if value == 1 and not asked.exact:
            expected = "below 1, which no number of images can promise, or given with --on-held-out"
            checks.fail(OWNER, "--recall", expected, given)
        found[one] = value
    return found


def _predicted(run, held, class_num):
    """The probabilities ``[N, C]`` and the classes ``[N]`` of the held-out images."""
    listed = listed_images.read(OWNER, "--val-list", held.dataset, class_num)
    root = str(held.dataset.get("image_root", ""))
    paths = [str(Path(root, name)) for name in listed.images]
    with tempfile.TemporaryDirectory() as scratch:
        predictor = predicting.Predictor(run.config, scratch, OWNER)
        found = list(predictor.over(paths, batch_size=_BATCH, workers=_WORKERS))
    predicting.failed(found, OWNER, "--val-list")
    probabilities = np.stack([each.probabilities for each in found])
    if probabilities.shape[1] != class_num:
        got = checks.described(f"{class_num} classes and {probabilities.shape[1]} logits")
        checks.fail(OWNER, "--run", "a training of as many classes as the model has logits", got)
    return probabilities, listed.labels


def _values(judged: Judged) -> dict:
    return {
        "recall": judged.recall.tolist(),
        "precision": judged.precision.tolist(),
        "not_sure": judged.not_sure.tolist(),
        "overall": judged.overall,
        "cost": judged.cost,
    }
