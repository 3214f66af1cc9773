"""``ppcls-lt predict``: the class of every image that is named, as a table, and which could not be predicted."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ..basis import atomic, checks, cores, disk
from ..data import image_files
from ..engine.predicting import Predictor, called, unlike_evaluation
from ..runs import decisions
from ..serving.served import NOT_SURE, decided
from . import opened as runs

OWNER = "ppcls-lt predict"
_SAID = 20  # images that could not be predicted are named on the terminal; the table names all


class Asked(NamedTuple):
    """What the command is told."""

    folder: str
    overrides: Sequence[str]
    images: Sequence[str]
    csv: str
    image_root: str | None
    batch_size: int | None
    workers: int | None
    not_sure_below: float | None
    by_decision: bool
    with_probabilities: bool
    overwrite: bool


def run(asked: Asked, say: Callable[[str], Any], warn: Callable[[str], Any]) -> int:
    """Predict and write the table; return the exit status, 1 where an image was not predicted.

    Args:
        asked (Asked): what the command is told.
        say, warn (callable): take a line of text for the user.

    Raises:
        ConfigError: what is wrong.
    """
    check(asked)
    run = runs.opened(asked.folder, asked.overrides, OWNER, "to predict with")
    found = image_files.named(asked.images, owner=OWNER, image_root=asked.image_root, delimiter=_delimiter(run.config))
    batch_size = (run.config.get("Infer") or {}).get("batch_size", 32) if asked.batch_size is None else asked.batch_size
    checks.integer(OWNER, "--batch-size", batch_size, minimum=1)
    class_num = runs.class_count(run.config, run.info, OWNER)
    kept = decisions.read(run.output_dir, run.weights, class_num, OWNER) if asked.by_decision else None
    rule = decisions.rule(kept)
    if asked.not_sure_below is not None:
        rule = {"factors": None, "costs": None, **(rule or {}), "not_sure_below": asked.not_sure_below}
    names = called(run.config, class_num)
    unlike = unlike_evaluation(run.config, OWNER)
    if unlike is not None:
        warn(f"images are prepared otherwise than in the evaluation: {unlike}")
    if found.others:
        warn(f"{found.others} files in the folders are left out: they end in none of {', '.join(image_files.ENDINGS)}")
    workers = min(4, cores.usable()) if asked.workers is None else asked.workers
    with tempfile.TemporaryDirectory() as scratch:
        predictor = Predictor(run.config, scratch, OWNER)
        table = _Table(names, rule, asked.with_probabilities, warn)
        with disk.writing(Path(asked.csv).parent, OWNER, "--csv", what="a file"):
            atomic.write_by(
                asked.csv,
                lambda file: table.write(file, predictor.over(found.paths, batch_size=batch_size, workers=workers)),
            )
    said = f", {table.not_sure} of them not sure" if rule and (rule["not_sure_below"] or _rejects(rule)) else ""
    how = " by the decision that the run keeps" if kept is not None else ""
    say(f"{asked.csv}: {table.predicted} of {len(found.paths)} images predicted{how}{said}")
    for shape, images in predictor.other_shapes.items():
        expected = run.config["Global"]["image_shape"]
        warn(
            f"{checks.some(images, 'image')} went to the model as {list(shape)}, and Global.image_shape is {expected}: "
            "`ResizeImage` in Infer.transforms gives all images one size"
        )
    if table.failed:
        warn(f"{checks.some(table.failed, 'image')} could not be predicted; the column error of the table says why")
    return 1 if table.failed else 0


def check(asked: Asked) -> None:
    """Raise for what is wrong in the flags alone."""
    if asked.workers is not None:
        checks.integer(OWNER, "--workers", asked.workers, minimum=1)
    if asked.batch_size is not None:
        checks.integer(OWNER, "--batch-size", asked.batch_size, minimum=1)
    if asked.not_sure_below is not None:
        checks.number(OWNER, "--not-sure-below", asked.not_sure_below, above=0, maximum=1)
    out = Path(asked.csv)
    if out.is_dir() or not out.absolute().parent.is_dir():
        checks.fail(OWNER, "--csv", "a file in a folder that is there", checks.sought(asked.csv))
    if out.exists() and not asked.overwrite:
        checks.fail(OWNER, "--csv", "a new file, or given with --overwrite", asked.csv)


def _rejects(rule):
    return rule["costs"] is not None and len(rule["costs"][0]) > len(rule["costs"])


def _delimiter(config):
    return ((config["DataLoader"].get("Train") or {}).get("dataset") or {}).get("delimiter")


class _Table:
    """The rows, and what they were counted to."""

    def __init__(self, names: list, rule: dict | None, with_probabilities: bool, warn: Callable) -> None:
        self._names = names
        self._rule = rule
        self._with_probabilities = with_probabilities
        self._warn = warn
        self.predicted = self.failed = self.not_sure = 0

    def write(self, file, results):
        text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="", write_through=True)
        rows = csv.writer(text, lineterminator="\n")
        more = [f"p {name}" for name in self._names] if self._with_probabilities else []
        rows.writerow(["image", "class", "name", "probability", "error", *more])
        for each in results:
            rows.writerow(self._row(each))
        text.detach()

    def _row(self, each):
        if each.error is not None:
            self.failed += 1
            if self.failed <= _SAID:
                self._warn(f"cannot predict {each.path}: {each.error}")
            return [each.path, "", "", "", each.error, *([""] * len(self._names) * self._with_probabilities)]
        self.predicted += 1
        label = int(decided(each.probabilities[None], self._rule)[0])
        self.not_sure += label < 0
        shown = [f"{value:.6g}" for value in each.probabilities] if self._with_probabilities else []
        if label < 0:
            return [each.path, "", NOT_SURE, f"{each.probabilities.max():.6g}", "", *shown]
        return [each.path, label, self._names[label], f"{each.probabilities[label]:.6g}", "", *shown]
