"""What the page of an audit shows, gathered from what was found; small copies of the images that stand in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from ..data import class_names
from ..reports.audit.page import Content, Gallery, Picture, Table
from ..reports.parts.numbers import percent, whole
from ..reports.parts.thumbnails import small_copy
from . import duplicates, measures, suspects

if TYPE_CHECKING:
    from .writing import Found, Wanted

MOST = 60  # entries of a gallery
_TOGETHER = 6  # images of an entry
_PIXELS = 112  # the longer side of a small copy
_ROWS = 50  # of a table of classes


def content(wanted: Wanted, found: Found, out: Path) -> Content:
    """Return the ``Content`` of the page.

    Args:
        wanted (Wanted): what was asked for.
        found (Found): what was found.
        out (Path): the folder of the page, from which it links to the images.
    """
    lines = found.lines
    leaks, labels = found.repeated.leaks, found.labels
    galleries = [_gallery(kind, found, _Pictures(found, out)) for kind in suspects.KINDS]
    return Content(
        sources=", ".join(lines.sources.values()),
        sizes=[(part, len(listed.lines)) for part, listed in lines.lists.items()],
        kinds=_kinds(found, found.suspects),
        galleries=[each for each in galleries if each.number],
        leaks=_leaks(leaks) if leaks else None,
        leaks_of_classes=_leaks_of_classes(found) if any(leak.lines.size for leak in leaks) else None,
        folds=found.classes.folds,
        small=_small(found) if found.classes.small.size else None,
        labels=None if labels is None else _labels(found),
        judged=None if labels is None else _judged(labels),
        overlap=None if labels is None or not labels.overlap else _overlap(found),
        left_out=_kinds(found, found.gone.values()) if wanted.leave_out else None,
    )


def called(found: Found, label: int) -> str:
    """What a class is called."""
    return class_names.called(found.names)(label)


def _kinds(found, entries):
    """Each kind that was found: its lines in each list."""
    counts = {kind: [0] * len(found.lines.parts) for kind in suspects.KINDS}
    for each in entries:
        counts[each.kind][int(found.lines.part[each.line])] += 1
    judged = found.labels is not None
    rows = [[kind, *numbers] for kind, numbers in counts.items() if kind != suspects.LABEL or judged]
    return Table(["kind", *found.lines.parts], rows, keys=1)


def _leaks(leaks):
    rows = [[*leak.parts, int(leak.lines.size), percent(leak.share), leak.exact, leak.other_label] for leak in leaks]
    return Table(["learns", "judges", "shared", "share", "exactly", "other_class"], rows, 2, keys=2)


def _leaks_of_classes(found):
    rows = []
    for leak in found.repeated.leaks:
        listed = found.classes.listed[leak.parts[1]]
        for label in np.argsort(-leak.per_class, kind="stable")[:_ROWS].tolist():
            if leak.per_class[label]:
                share = percent(leak.per_class[label] / listed[label])
                rows.append([*leak.parts, called(found, label), int(leak.per_class[label]), share])
    return Table(["learns", "judges", "class", "shared", "share"], rows, 3, keys=2)


def _small(found):
    classes = found.classes
    others = [part for part in found.lines.parts if part != "train"]
    rows = []
    for label in classes.small[:_ROWS].tolist():
        counts = [classes.listed["train"], *(classes.usable[part] for part in ("train", *others))]
        rows.append([called(found, label), *(int(each[label]) for each in counts)])
    return Table(["class", "train_lines", "train_usable", *(f"{part}_usable" for part in others)], rows)


def _labels(found):
    labels = found.labels
    order = np.argsort(-labels.wrong_share, kind="stable")[:_ROWS]
    rows = [
        [
            called(found, label),
            int(labels.judged[label]),
            f"{labels.own[label]:.2f}",
            int(labels.wrong[label]),
            percent(labels.wrong_share[label]),
            int(labels.seem_of[label]),
        ]
        for label in order.tolist()
        if labels.judged[label]
    ]
    return Table(["class", "judged", "own", "wrong", "wrong_share", "seem_of"], rows)


def _overlap(found):
    rows = [
        [called(found, each.one), called(found, each.other), each.images, percent(each.share)]
        for each in found.labels.overlap[:_ROWS]
    ]
    return Table(["one_class", "another_class", "both_ways", "share"], rows, 2)


class _Pictures:
    """Makes the ``Picture`` of a line."""

    def __init__(self, found: Found, out: Path) -> None:
        self._found, self._out = found, os.path.abspath(out)

    def of(self, line: int) -> Picture:
        lines = self._found.lines
        path = lines.files[lines.file[line]]
        part, number = lines.position(line)
        readable = self._found.rows[lines.file[line]]["status"] == measures.READ
        label = called(self._found, int(lines.label[line]))
        return Picture(
            small_copy(path, _PIXELS) if readable else None,
            self._link(path),
            lines.names[line],
            f"{part}:{number}",
            label,
        )

    def _link(self, path):
        try:
            path = os.path.relpath(path, self._out)
        except ValueError:  # on another drive of Windows
            return Path(path).as_uri()
        return quote(path.replace(os.sep, "/"), errors="surrogateescape")


def _gallery(kind, found, pictures):
    if kind == suspects.EXACT:
        groups = found.repeated.groups
        entries = [
            ([pictures.of(line) for line in group[:_TOGETHER].tolist()], _copies(found, group))
            for group in groups[:MOST]
        ]
        return Gallery(kind, len(groups), entries, {"groups": len(groups)})
    of_kind = [each for each in found.suspects if each.kind == kind]
    entries = []
    for each in of_kind[:MOST]:
        together = [each.other, each.line] if kind == suspects.NEAR else [each.line]
        entries.append(([pictures.of(line) for line in together], _said(kind, found, each)))
    gaps = {
        suspects.TINY: {"side": found.limits.side},
        suspects.BLURRED: {"sharpness": f"{found.limits.sharpness:.3f}"},
        suspects.NEAR: {"limit": duplicates.DIFFERENCE},
    }
    return Gallery(kind, len(of_kind), entries, gaps.get(kind, {}))


def _copies(found, group):
    several = len(set(found.lines.label[group].tolist())) > 1
    return f"× {group.size}" + (" ≠" if several else "")


def _said(kind, found, suspect):
    if kind == suspects.LABEL:
        return f"→ {called(found, suspect.other)} ({suspect.value:.3f})"
    if suspect.detail:
        return suspect.detail
    return "" if np.isnan(suspect.value) else f"{suspect.value:.3g}"


def _judged(labels):
    """What the text above the table of labels says."""
    filled = {"images": whole(int(labels.judged.sum())), "source": labels.source}
    return {**filled, "agreed": f"{100 * labels.agreed:.1f}", "weak": labels.weak}
