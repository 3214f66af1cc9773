"""What the trainings of a comparison left, as one file a form, which needs no images to be judged."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ppcls_lt.basis import atomic

from . import forms


class Held(NamedTuple):
    """Predictions of held-out images by all recipes, which predict the same ones, and the test of the same weights."""

    logits: np.ndarray  # float32 [R, J, C]
    image: np.ndarray  # number in the training list [J]
    seed: np.ndarray  # [J]
    recall: np.ndarray  # on the test images [R, S, C]

    def parts(self, values: np.ndarray) -> list[np.ndarray]:
        """Values ``[J, ...]`` of each seed."""
        return [values[self.seed == seed] for seed in np.unique(self.seed)]


class Comparison(NamedTuple):
    """One form, its truth, and what a choice may be made from."""

    form: forms.Form
    labels: np.ndarray  # of the training list [N]
    truth: np.ndarray  # accuracy of trainings on the whole list, on the test images [R, T, C]
    best_epoch: np.ndarray | None  # balanced accuracy of the best epoch on one tenth [R, S]
    held: dict[int, Held]  # folds -> predictions

    @property
    def recipes(self) -> tuple[str, ...]:
        return self.form.recipes

    @property
    def accuracy(self) -> np.ndarray:
        """The true balanced accuracy of each recipe ``[R]``, the mean over trainings that no choice has seen."""
        return self.truth.mean(axis=(1, 2))


def pack(form: forms.Form, work: Path, target: Path) -> bool:
    """Write what is complete of a form beside what is packed of it; return whether that is enough for a comparison.

    Raises:
        ValueError: what is packed is of another training list.
    """
    complete = {
        kind: [np.load(work / training.file) for training in forms.wanted(form, (kind,))]
        for kind in forms.KINDS
        if all((work / training.file).is_file() for training in forms.wanted(form, (kind,)))
    }
    path = target / f"{form.name}.npz"
    arrays = dict(np.load(path)) if path.is_file() else {}
    kinds = {*complete, *(name.removesuffix("_logits") for name in arrays)}
    if not complete or "truth" not in kinds or not any(kind.startswith(forms.FOLDS_OF) for kind in kinds):
        return False
    lines = (work / form.name / "data" / "train.txt").read_text().splitlines()
    labels = np.array([int(line.split()[-1]) for line in lines], np.int32)
    if not np.array_equal(arrays.setdefault("labels", labels), labels):
        raise ValueError(f"{path} is of another training list than {work / form.name}")
    number = len(form.recipes)
    for kind, found in complete.items():
        rows = [found[start : start + number] for start in range(0, len(found), number)]  # of each seed
        if kind == forms.BEST_EPOCH:
            arrays[kind] = np.array([[each["validation"] for each in row] for row in rows]).T
            continue
        recall = np.array([[each["recall"] for each in row] for row in rows]).swapaxes(0, 1)
        arrays["truth" if kind == "truth" else f"{kind}_recall"] = recall.astype(np.float32)
        if kind != "truth":
            arrays[f"{kind}_logits"] = np.concatenate([np.stack([each["logits"] for each in row]) for row in rows], 1)
            arrays[f"{kind}_image"] = np.concatenate([row[0]["image"] for row in rows])
            arrays[f"{kind}_seed"] = np.repeat(np.arange(len(rows)), [len(row[0]["image"]) for row in rows])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    target.mkdir(parents=True, exist_ok=True)
    atomic.write(path, buffer.getvalue())
    return True


def read(form: forms.Form, source: Path) -> Comparison | None:
    """Return the comparison of a form that was packed, or None."""
    path = source / f"{form.name}.npz"
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        held = {}
        for number in forms.FOLDS:
            kind = f"{forms.FOLDS_OF}{number}"
            if f"{kind}_logits" in arrays:
                parts = [arrays[f"{kind}_{part}"] for part in ("logits", "image", "seed", "recall")]
                held[number] = Held(parts[0].astype(np.float32), *parts[1:])
        best_epoch = arrays.get(forms.BEST_EPOCH)
        return Comparison(form, arrays["labels"], arrays["truth"], best_epoch, held)
