"""Held-out predictions that judge labels: those that a comparison kept, or those of a run for lists it did not see."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..basis import atomic, checks
from ..configuration import finished_run, listed_images, plain
from ..data.list_files import joined
from ..jobs.job import LOGITS
from ..jobs.lists import SUMS
from ..runs import files as run_files
from ..runs import logits
from . import OWNER
from .labels import Predicted
from .lists import Lines

_FLAG = "--predictions"
_LISTED, _CONFIG = "to_predict.txt", "predict.yaml"
_TAB = "\t"  # an image's name may hold a space


def check(folder: str, recipe: str | None) -> None:
    """Raise unless a folder holds predictions or a training that can make some; before anything is measured.

    Raises:
        ConfigError: as said.
    """
    if is_comparison(folder):
        _runs(folder, recipe)
    elif recipe is not None:
        checks.fail(OWNER, "--recipe", f"left out where {_FLAG} is no folder of `ppcls-lt compare`", recipe)
    else:
        finished_run.find(folder)


def is_comparison(folder: str) -> bool:
    """Whether a folder is one of `ppcls-lt compare`."""
    return (Path(folder) / SUMS).is_file()


def _runs(folder, recipe):
    """The finished runs of a comparison, of one recipe or of all."""
    found = sorted(Path(folder).glob(f"runs/*/*/{LOGITS}"))
    if not found:
        got = checks.described(f"{folder}, which has no finished run")
        checks.fail(OWNER, _FLAG, "a folder of `ppcls-lt compare` with finished runs", got)
    names = sorted({path.parent.parent.name for path in found})
    if recipe is not None:
        checks.known_name(OWNER, "recipe", recipe, names, key="--recipe")
    return [path for path in found if recipe in (None, path.parent.parent.name)]


def of_comparison(folder: str, recipe: str | None, lines: Lines) -> Predicted:
    """Return what the runs of a comparison predicted for what they held out: the mean over those that did.

    Args:
        folder (str): the comparison's ``--out``.
        recipe (str, optional): whose runs are taken; by default those of all.
        lines (Lines): the lists; the training or the validation list is the comparison's.

    Raises:
        ConfigError: the comparison was made with other lists; predictions are damaged, or of other numbers of classes.
    """
    held_out = _list_of(folder, lines)
    of_part = lines.of(held_out)
    runs = _runs(folder, recipe)
    total: np.ndarray | None = None
    number = np.zeros(of_part.size, dtype=np.int64)
    for path in runs:
        found = logits.read(path)
        if total is None:
            total = np.zeros((of_part.size, found.logits.shape[1]))
        inside = found.image.size == 0 or 0 <= found.image.min() <= found.image.max() < of_part.size
        if found.logits.shape[1] != total.shape[1] or not inside:
            checks.fail(
                OWNER, _FLAG, "one comparison of one list", checks.described(f"{path}, of other images or classes")
            )
        if not np.array_equal(lines.label[of_part[found.image]], found.label):
            checks.fail(OWNER, _FLAG, "a comparison of these labels", checks.described(f"{path}, of others"))
        np.add.at(total, found.image, _softmax(found.logits))
        np.add.at(number, found.image, 1)
    there = np.flatnonzero(number)
    names = ", ".join(sorted({path.parent.parent.name for path in runs}))
    source = f"{folder}: {len(runs)} runs, {names}"
    return Predicted(of_part[there], total[there] / number[there, None], source)  # type: ignore[index]  # there is a run


def _list_of(folder, lines):
    """The part of which a comparison held images out; in its list they have their numbers."""
    sums = dict(line.split("  ")[::-1] for line in (Path(folder) / SUMS).read_text(encoding="utf-8").splitlines())
    part, which = ("val", "validation") if "validation" in sums else ("train", "training")
    own = hashlib.sha256(Path(lines.sources[part]).read_bytes()).hexdigest() if part in lines.sources else None
    if own != sums.get(which):
        what = "LIST" if part == "train" else "--val-list"
        got = checks.described(f"{folder}, of another" if own else f"{folder}, and no {what}")
        checks.fail(OWNER, _FLAG, f"a comparison whose {which} list is {what}, to the byte", got)
    return part


def of_run(folder: str, lines: Lines, readable: np.ndarray, same: np.ndarray, root: str, work: Path) -> Predicted:
    """Return what a trained model predicts for the audited images that it was not trained on.

    Nor are those judged that have the pixels of another audited image on which it was.

    Args:
        folder (str): the training's, as for ``Global.run``.
        lines (Lines): the lists.
        readable (array): of each file, bool ``[U]``; the others are left out.
        same (array): of each file the number of its pixels, int64 ``[U]``, as ``Duplicates`` has it.
        root (str): the folder from which the lists name images.
        work (Path): a folder for what is evaluated: a list and a configuration.

    Raises:
        ConfigError: it was trained on every image; it has fewer classes; as ``engine.logits.predicted``.
    """
    from .. import host
    from ..engine import logits as engine_logits
    from ..engine import trainer

    trainer.register()
    run = finished_run.find(folder)
    config = plain.reusable(host.load_config(run.config, [f"Global.run={folder}"]))
    training = (config["DataLoader"].get("Train") or {}).get("dataset")
    seen = training and listed_images.images(OWNER, "the training list", training)
    if not seen:
        got = checks.described(f"{folder}, whose training list is not here")
        checks.fail(OWNER, _FLAG, "a training whose own images are known", got)
    _, first = np.unique(lines.file, return_index=True)
    chosen = [line for line in sorted(first.tolist()) if readable[lines.file[line]]]
    learnt = {int(same[place]) for place, path in enumerate(lines.files) if path in seen}
    chosen = [line for line in chosen if int(same[lines.file[line]]) not in learnt]
    if not chosen:
        got = checks.described(
            f"{folder}, which was trained on all of them; give a --val-list, or a comparison's folder"
        )
        checks.fail(OWNER, _FLAG, "a training that has not seen all audited images", got)
    _write_config(config, lines, chosen, root, work)
    found, label = engine_logits.predicted(work / _CONFIG)
    if not np.array_equal(label, lines.label[chosen]):
        got = checks.described("others than those of the lists, in their order")
        checks.fail("DataLoader.Eval", "dataset", "one that gives the images of its list, each once", got)
    return Predicted(np.array(chosen), _softmax(found), f"{folder}: one model")


def _write_config(config, lines, chosen, root, work):
    listed = [f"{lines.names[line]}{_TAB}{lines.label[line]}\n" for line in chosen]
    atomic.write(work / _LISTED, joined(listed, np.arange(len(listed))))
    section = config["DataLoader"]["Eval"]["dataset"]
    place = {"image_root": root, "cls_label_path": str(work / _LISTED), "delimiter": _TAB}
    config["DataLoader"]["Eval"]["dataset"] = {**listed_images.without_images(section), **place}
    run_files.write_config(work / _CONFIG, config)


def _softmax(found: np.ndarray | Sequence) -> np.ndarray:
    """Probabilities, float64 ``[N, C]``."""
    found = np.asarray(found, dtype=np.float64)
    powers = np.exp(found - found.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
