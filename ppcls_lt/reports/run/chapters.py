"""The chapters of a report: what the template of each, ``chapters/<name>.html.j2``, tells besides the part itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...data import charts
from ...maths import scores
from ...runs import files as run_files
from ...runs import history
from ..parts.numbers import NONE, percent, short, whole
from . import curves, mistakes
from .figures import BINS, MAX_MATRIX, MAX_NUMBERS, confusion_blocks
from .tables import history_columns

if TYPE_CHECKING:
    from .collect import Part

_LISTED = 20


def chapters(part: Part, words: Mapping[str, str]) -> dict[str, dict]:
    """Return name -> what it tells, by name, of every chapter for which the part has data, in their order.

    A table is a pair of heads and rows.

    Args:
        part (Part): one training, stage or evaluation.
        words (dict): the texts, key -> text.
    """
    makers = {
        "summary": _summary,
        "distribution": _nothing,
        "per_class": _per_class,
        "curves": _curves,
        "over_epochs": _over_epochs,
        "norms": _norms,
        "confusion": _confusion,
        "mistakes": mistakes.told,
        "calibration": _calibration,
        "configuration": _configuration,
        "versions": _versions,
    }
    if part.predictions is None:
        makers = {name: makers[name] for name in ("configuration", "versions")}
    elif part.counts is None:
        del makers["distribution"]
    return {name: make(part, words) for name, make in makers.items()}


def share(words: Mapping[str, str], key: str) -> str:
    """The head of a column of shares, in per cent."""
    return words["per_cent"].format(name=words[key])


def _nothing(part, words):
    return {}


def _curves(part, words):
    return {"fewer": curves.PANELS if np.count_nonzero(part.support) > curves.PANELS else None}


def interval(low: float, high: float) -> str:
    """The ends of an interval of a share, in per cent."""
    return NONE if np.isnan(low) else f"{100 * low:.1f}–{100 * high:.1f}"


def _summary(part, words):
    accuracies, intervals = part.accuracies(), part.intervals()
    found = {
        "tiles": [(words[name], percent(value) + " %") for name, value in accuracies.items()],
        "intervals": (
            [words["accuracy"], share(words, "accuracy"), words["interval"], words["eval_images"]],
            [
                [words[name], percent(accuracies[name]), interval(*intervals[name]), whole(part.predictions.label.size)]
                for name in ("overall", "balanced")
            ],
        ),
        "best": _best(part, words),
    }
    if part.counts is None:
        return found
    filled = part.counts[part.counts > 0]
    rows = [
        [
            words[group],
            whole(members.size),
            whole(part.counts[members].sum()),
            whole(part.support[members].sum()),
            percent(accuracies[group]),
            interval(*intervals[group]),
        ]
        for group, members in part.groups.items()
    ]
    heads = [*(words[head] for head in ("group", "classes", "train_images", "eval_images")), share(words, "accuracy")]
    heads.append(words["interval"])
    ratio = f"{filled.max() / filled.min():.1f}".removesuffix(".0")
    return {**found, "ratio": ratio, "empty": part.counts.size - filled.size, "groups": (heads, rows)}


def _best(part, words):
    """Name of the score and epoch of the best model, where that is not the evaluation shown; else None."""
    best = history.best(part.history)
    if best is None or best["epoch"] == part.predictions.epoch:
        return None
    return {"name": best["best_metric"] or words["first_value"], "epoch": best["epoch"]}


def _per_class(part, words):
    mistaken = _mistaken_for(part)
    worst = None
    if part.class_num > _LISTED:
        there = np.flatnonzero(part.support > 0)
        sizes = part.support if part.counts is None else part.counts
        worst = there[np.lexsort((sizes[there], part.recall[there]))][:_LISTED]
    return {
        "bins": BINS if part.class_num > charts.MAX_BARS else None,
        "worst": None if worst is None else _classes(part, worst, mistaken, words),
        "every": _classes(part, part.order, mistaken, words),
    }


def _classes(part, classes, mistaken, words):
    """Heads, rows and which columns are text: everything about some classes."""
    norm = None if part.classifier is None else part.classifier["norm"]
    heads = [words[head] for head in ("class", "train_images", "eval_images")]
    for score in ("recall", "precision"):
        heads += [share(words, score), words["interval"]]
    heads.insert(5, words["predicted_images"])
    heads += [share(words, "f1")]
    limits = [scores.wilson(part.recall, part.support), scores.wilson(part.precision, part.predicted)]
    heads += [words["norm"], words["mistaken_for"]]
    rows = []
    for label in classes.tolist():
        other = mistaken.get(label)
        rows.append(
            [
                part.called(label),
                NONE if part.counts is None else whole(part.counts[label]),
                whole(part.support[label]),
                percent(part.recall[label]),
                interval(*(ends[label] for ends in limits[0])),
                whole(part.predicted[label]),
                percent(part.precision[label]),
                interval(*(ends[label] for ends in limits[1])),
                percent(part.f1[label]),
                NONE if norm is None else short(norm[label]),
                "" if other is None else f"{part.called(other[0])} ({other[1]})",
            ]
        )
    return heads, rows, (0, len(heads) - 1)


def _over_epochs(part, words):
    curves = part.over_epochs()[1]
    values, losses = history_columns(part)
    rows = []
    for record in part.history:
        numbers = [*map(record["values"].get, values), *map(record["loss"].get, losses)]
        rows.append([record["epoch"], *map(short, numbers)])
    heads = [words["epoch"], *values, *(f"{words['loss']} {name}" for name in losses)]
    return {
        "ungrouped": bool(part.groups) and all(np.isnan(curves[group]).all() for group in part.groups),
        "evaluations": (heads, rows),
    }


def _norms(part, words):
    if part.classifier is None:
        return {}
    norm = part.classifier["norm"]
    return {"ratio": f"{norm.max() / norm.min():.2f}" if (norm > 0).all() else None}


def _confusion(part, words):
    label, predicted, images = part.confusions
    wrong = np.flatnonzero(label != predicted)
    top = wrong[np.argsort(-images[wrong], kind="stable")][:_LISTED]
    rows = [
        [
            part.called(label[i]),
            part.called(predicted[i]),
            whole(images[i]),
            percent(images[i] / part.support[label[i]]),
        ]
        for i in top
    ]
    heads = [*(words[head] for head in ("right_class", "predicted_class", "images")), share(words, "share")]
    joined = part.class_num > MAX_MATRIX
    return {
        "size": max(each.size for each in confusion_blocks(part)) if joined else None,
        "numbered": part.class_num <= MAX_NUMBERS,
        "between": _between_groups(part, words) if part.groups else None,
        "top": (heads, rows),
    }


def _between_groups(part, words):
    """Heads and rows: where the images of each group are predicted."""
    group_of = np.empty(part.class_num, dtype=int)
    for number, members in enumerate(part.groups.values()):
        group_of[members] = number
    label, predicted, images = part.confusions
    matrix = np.zeros((len(part.groups),) * 2)
    np.add.at(matrix, (group_of[label], group_of[predicted]), images)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    names = [words[group] for group in part.groups]
    heads = [
        words["group"],
        words["images"],
        *(words["per_cent"].format(name=words["to_group"].format(group=name)) for name in names),
    ]
    rows = [
        [name, whole(int(row.sum())), *(map(percent, each) if row.sum() else [NONE] * len(row))]
        for name, row, each in zip(names, matrix, shares)
    ]
    return heads, rows


def _calibration(part, words):
    rows = []
    for group, members in {"all": np.arange(part.class_num), **part.groups}.items():
        chosen = np.isin(part.predictions.label, members)
        if chosen.any():
            confidence, right = part.predictions.confidence[chosen].astype(float), part.right[chosen]
            error = scores.expected_calibration_error(*scores.confidence_bins(confidence, right, part.bins))
            gap = confidence.mean() - right.mean()
            numbers = map(percent, (right.mean(), confidence.mean(), gap, error))
            rows.append([words[group], whole(chosen.sum()), *numbers])
    heads = [words["group"], words["images"]]
    heads += [share(words, head) for head in ("accuracy", "confidence", "gap", "ece")]
    return {"errors": (heads, rows)}


def _configuration(part, words):
    return {"file": run_files.FILES[part.info["mode"]].config}


def _versions(part, words):
    rows = [[name, version] for name, version in part.info.get("versions", {}).items()]
    rows += [[words[key], part.info.get(key)] for key in ("device", "processes", "seed")]
    return {"facts": (["", ""], rows)}


def _mistaken_for(part):
    """Class -> (the class that its images are most often mistaken for, how many of them)."""
    label, predicted, images = part.confusions
    found = {}
    for i in np.flatnonzero(label != predicted):
        if images[i] > found.get(int(label[i]), (None, 0))[1]:
            found[int(label[i])] = int(predicted[i]), int(images[i])
    return found
