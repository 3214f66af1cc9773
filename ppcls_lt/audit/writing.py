"""An audit from lists to its page: what is found, in which order, and which files tell of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..basis import atomic, checks, extras, lock
from ..data import class_names
from ..data.list_files import check_outputs, write_files
from ..reports.audit import page as audit_page
from ..reports.audit.messages import WORDS
from . import (
    EXTRA,
    OWNER,
    classes,
    cleaned,
    duplicates,
    faults,
    held_out,
    labels,
    lists,
    measures,
    repeated,
    scan,
    shown,
    suspects,
    tables,
)

PAGE, FOLDER, LISTS = "audit.html", "audit", "lists"
_SCAN = "scan"
_LOCK = ".audit.lock"


class Wanted(NamedTuple):
    """What is asked for; the flags of the command have the same names."""

    lists: Mapping[str, str | None]
    image_root: str
    delimiter: str | None
    out: str
    names: str | None = None
    predictions: str | None = None
    recipe: str | None = None
    folds: int = 5
    min_side: int | None = None
    min_sharpness: float | None = None
    leave_out: tuple = ()
    keep: str | None = None
    workers: int = 1
    language: str = "en"
    force: bool = False


class Found(NamedTuple):
    """All that an audit finds."""

    lines: lists.Lines
    rows: np.ndarray  # of `measures.ROW`, one a file
    limits: faults.Limits
    suspects: list[suspects.Suspect]
    repeated: repeated.Repeated
    classes: classes.Classes
    labels: Any  # a `Labels`, or None without predictions
    gone: dict[int, cleaned.Gone]
    names: dict[int, str]


def write(wanted: Wanted, progress: Callable[[int, int, int, float], None]) -> Iterator[str]:
    """Write an audit's page, tables and lists below ``wanted.out``; return lines that tell of it.

    Raises:
        ConfigError: a package of the extra is missing; a list, an option or the predictions are wrong; a file cannot
            be written.
    """
    _check(wanted)
    lines = lists.read(wanted.lists, wanted.image_root, wanted.delimiter)
    names = class_names.of_list(lines.sources["train"], wanted.names)
    out = Path(wanted.out)
    if wanted.leave_out and (out / LISTS).is_dir():
        files = [cleaned.REASONS, *(name for pair in cleaned.names(lines).values() for name in pair)]
        files += [class_names.FILE] if names else []
        paths = {f"--out ({name})": out / LISTS / name for name in files}
        check_outputs(paths, owner=OWNER, inputs=list(lines.sources.values()), force=wanted.force)
    try:
        folder = atomic.make_folder(out, f"{FOLDER}/{_SCAN}")
    except OSError as error:
        checks.fail(OWNER, "--out", "a folder that can be written", checks.described(f"{out}: {error.strerror}"))
    with lock.held(out, OWNER, "--out", _LOCK):
        rows, known = scan.scan(lines.files, folder, wanted.workers, progress)
        found = find(wanted, lines, rows, names, out / FOLDER)
        removed = _write(wanted, out, found)
    return _said(wanted, out, found, known, removed)


def _check(wanted):
    with extras.needed("Jinja2", "an audit", EXTRA):
        import jinja2  # noqa: F401
    with extras.needed("ImageHash", "an audit", EXTRA):
        import imagehash  # noqa: F401
    try:
        import cv2  # noqa: F401  # which images it reads of those a model learns
    except ModuleNotFoundError:
        remedy = "install PaddleClas, which brings it, or `pip install opencv-python`"
        checks.fail(OWNER, "OpenCV", "installed, since PaddleClas reads images by it", checks.described("none"), remedy)
    checks.integer(OWNER, "--folds", wanted.folds, minimum=2)
    checks.integer(OWNER, "--workers", wanted.workers, minimum=1)
    if wanted.min_side is not None:
        checks.integer(OWNER, "--min-side", wanted.min_side, minimum=1)
    if wanted.min_sharpness is not None:
        checks.number(OWNER, "--min-sharpness", wanted.min_sharpness, minimum=0)
    if wanted.keep is not None and not wanted.leave_out:
        checks.fail(OWNER, "--keep", "left out without --leave-out", wanted.keep)
    if wanted.predictions is not None:
        with extras.needed("cleanlab", "an audit of labels", EXTRA):
            import cleanlab.rank  # noqa: F401
        held_out.check(wanted.predictions, wanted.recipe)
        return
    if wanted.recipe is not None:
        checks.fail(OWNER, "--recipe", "left out without --predictions", wanted.recipe)
    if suspects.LABEL in wanted.leave_out:
        checks.fail(
            OWNER, "--leave-out", f"without {suspects.LABEL} where no --predictions judge labels", suspects.LABEL
        )


def find(wanted: Wanted, lines: lists.Lines, rows: np.ndarray, names: dict[int, str], work: Path) -> Found:
    """Return all that is ``Found``, from the rows of the files; ``work`` is a folder for what is evaluated."""
    limits = faults.limits(rows, wanted.min_side, wanted.min_sharpness)
    which = faults.kinds(rows, limits)
    blank = np.isin(which, [suspects.OF_IMAGES.index(kind) for kind in (suspects.BLACK, suspects.UNIFORM)])
    alike = duplicates.find(rows, blank)
    copies = repeated.find(lines, alike)
    of_classes = classes.find(lines, rows["status"] == measures.READ, alike.same, wanted.folds)
    of_labels = _labels(wanted, lines, rows, alike.same, work)
    every = [*faults.find(rows, which, lines.file), *copies.suspects, *(of_labels.suspects if of_labels else ())]
    gone = cleaned.leave_out(lines, every, copies, wanted.leave_out, wanted.keep or cleaned.KEEP[0])
    return Found(lines, rows, limits, every, copies, of_classes, of_labels, gone, names)


def _labels(wanted, lines, rows, same, work):
    """What held-out predictions say, or None without any."""
    if wanted.predictions is None:
        return None
    if held_out.is_comparison(wanted.predictions):
        predicted = held_out.of_comparison(wanted.predictions, wanted.recipe, lines)
    else:
        readable = rows["status"] == measures.READ
        predicted = held_out.of_run(wanted.predictions, lines, readable, same, wanted.image_root, work)
    if predicted.probabilities.shape[1] < lines.class_num:
        got = checks.described(f"a model of {predicted.probabilities.shape[1]}")
        checks.fail(OWNER, "--predictions", f"of at least the {lines.class_num} classes of the lists", got)
    return labels.judge(predicted, lines.label)


def _write(wanted, out, found):
    """Write all of it; return the files of an earlier call that were removed."""
    removed: list[str] = []
    tables_found = {
        "suspects.csv": tables.of_suspects(found.lines, found.suspects, found.names),
        "classes.csv": tables.of_classes(found.lines, found.classes, found.names),
    }
    for name, data in tables_found.items():
        _write_one(out / FOLDER / name, data)
    if wanted.leave_out:
        contents = cleaned.contents(found.lines, found.gone, class_names.called(found.names))
        contents[cleaned.REASONS] = tables.of_gone(found.lines, found.gone, found.names)
        if found.names:  # as beside the lists that these come from
            contents[class_names.FILE] = class_names.text(found.names)
        folder = atomic.make_folder(out, LISTS)
        write_files(
            {f"--out ({name})": (folder / name, data) for name, data in contents.items()},
            owner=OWNER,
            inputs=list(found.lines.sources.values()),
            force=wanted.force,
        )
        removed = cleaned.stale(folder, contents, class_names.FILE)  # beside these they would be taken for theirs
        for name in removed:
            (folder / name).unlink()
    # Last, since it says what was written.
    _write_one(out / PAGE, audit_page.page(shown.content(wanted, found, out), wanted.language).encode())
    return removed


def _write_one(path, data):
    try:
        atomic.sweep(path)
        atomic.write(path, data)
    except OSError as error:
        checks.fail(OWNER, "--out", "a folder that can be written", checks.described(f"{path}: {error.strerror}"))


def _said(wanted, out, found, known, removed):
    words, lines = WORDS[wanted.language], found.lines
    comma = words["said_comma"]
    sizes = comma.join(
        words["said_part"].format(part=words.get(part, part), n=len(listed.lines))
        for part, listed in lines.lists.items()
    )
    yield words["said_sizes"].format(n=len(lines.names), sizes=sizes, files=len(lines.files), known=known)
    counts = {kind: sum(suspect.kind == kind for suspect in found.suspects) for kind in suspects.KINDS}
    yield comma.join(
        words["said_kind"].format(kind=words.get(kind, kind), n=number)
        for kind, number in counts.items()
        if kind != suspects.LABEL
    )
    if found.labels is not None:
        facts = {"judged": found.labels.judged.sum(), "source": found.labels.source}
        yield words["said_labels"].format(n=counts[suspects.LABEL], **facts)
        if found.labels.weak:
            yield words["said_weak"].format(agreed=f"{found.labels.agreed:.1%}")
    for leak in found.repeated.leaks:
        one, other = (words.get(part, part) for part in leak.parts)
        facts = {"n": leak.lines.size, "share": f"{leak.share:.2%}", "exact": leak.exact}
        yield words["said_leak"].format(one=one, other=other, **facts)
    small = found.classes.small
    if small.size:
        yield words["said_small"].format(folds=found.classes.folds, classes=_classes(small, found.names, words))
    if removed:
        yield words["said_removed"].format(names=comma.join(removed), folder=out / LISTS)
    if wanted.leave_out:
        yield words["said_left_out"].format(n=len(found.gone), path=out / LISTS / cleaned.REASONS)
        for part, flags in _flags(cleaned.names(lines), out / LISTS).items():
            yield words[f"said_use_{part}"].format(flags=flags)
    yield words["said_page"].format(path=out / PAGE)


def _classes(numbers, names, words):
    called = map(class_names.called(names), numbers[:10].tolist())
    return words["said_comma"].join(called) + (words["said_more"] if numbers.size > 10 else "")


def _flags(names, folder):
    """What to give a training, and a test, so that they have the lists without what was left out."""
    evaluated = "DataLoader.Eval.dataset.cls_label_path"
    values = {"train": {"DataLoader.Train.dataset.cls_label_path": "train"}}
    if "val" in names:
        values["train"].update({evaluated: "val", "Global.eval_is_validation": "val"})
    if "test" in names:  # by which no training chooses its epoch
        values["test"] = {evaluated: "test"}
    return {
        use: " ".join(f"-o {key}={shlex.quote(str(folder / names[part][0]))}" for key, part in keys.items())
        for use, keys in values.items()
    }
