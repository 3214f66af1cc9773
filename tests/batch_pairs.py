"""Every batch operator of PaddleClas with every recipe: what a training of the two makes of it.

``python -m tests.batch_pairs FOLDER`` prints the table of docs/batch_operators.md, after
writing digits into FOLDER.
"""

import copy
import logging
import sys
from pathlib import Path

import numpy as np
import paddle

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import recipes, stages

from . import engines

# The parameters that PaddleClas's own configurations have, and those of this test.
OPERATORS = {
    "MixupOperator": {"alpha": 0.2},
    "CutmixOperator": {"alpha": 0.2},
    "FmixOperator": {"alpha": 1},
    "OpSampler": {"MixupOperator": {"alpha": 0.8, "prob": 0.4}, "CutmixOperator": {"alpha": 1.0, "prob": 0.4}},
    "MixupCutmixHybrid": {"mixup_alpha": 0.8, "cutmix_alpha": 1.0, "label_smoothing": 0.0, "num_classes": 10},
    "MixupCutmixHybrid, smoothing": {"mixup_alpha": 0.8, "cutmix_alpha": 1.0, "num_classes": 10},
}
# So many batches, since an operator draws what it does.
BATCHES = 3


def listed(title):
    """``batch_transform_ops`` with one operator."""
    return [{title.split(",")[0]: copy.deepcopy(OPERATORS[title])}]


def available():
    """The titles of what the PaddleClas in use has."""
    known = vars(host.module("data.preprocess"))
    return [title for title in OPERATORS if title.split(",")[0] in known]


def table(data, output):
    """Return recipe -> title -> what happens, in a word or the message."""
    host.load()
    return {recipe: _of_recipe(recipe, data, output) for recipe in recipes.names()}


def _of_recipe(recipe, data, output):
    settings = engines.digits_config(data, output, losses=[{"CELoss": {"weight": 1.0}}], batch_size=10, recipe=recipe)
    found = dict.fromkeys(available(), "trains")
    for stage in stages.plan(settings):
        stage["Global"].pop("recipe")
        stage.pop("start_from", None)
        if stage["Global"]["epochs"] == 0:
            continue
        stage["DataLoader"]["Train"]["sampler"]["drop_last"] = True  # MixupCutmixHybrid takes even batches only
        for title in available():
            stage["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = listed(title)
            result = _result(stage, title)
            # The stage that fails, or else the one that warns, is what the training is.
            found[title] = max(found[title], result, key=lambda text: (text != "trains", len(text)))
    return found


def _result(stage, title):
    warnings = _Warnings()
    try:
        with warnings:
            _steps(host.attributed(stage), title)
    except ConfigError as error:
        return str(error)
    return "trains, warned" if warnings.said else "trains"


def _steps(stage, title):
    """Forward and backward of some batches, in the first and in the last epoch."""
    engine = engines.build_engine(stage)
    run = engine.long_tail._run
    run.begin()
    for epoch in (1, run.epochs):
        run.epoch = epoch
        run._call("on_epoch_start")
        for (images, labels), _ in zip(engine.train_dataloader, range(BATCHES)):
            loss = engine.train_loss_func(engine.model(images), labels.reshape([images.shape[0], -1]))["loss"]
            loss.backward()
            gradients = [p.grad for p in engine.model.parameters() if p.grad is not None]
            assert gradients and np.isfinite(float(loss.reshape([]))), (title, float(loss.reshape([])))
            assert all(bool(paddle.isfinite(gradient).all()) for gradient in gradients), title
            engine.model.clear_gradients()


class _Warnings(logging.Handler):
    """Whether the package warned of smoothed labels while this was open."""

    said = False

    def emit(self, record):
        self.said |= record.levelno == logging.WARNING and "smooths the labels" in record.getMessage()

    def __enter__(self):
        logging.getLogger("ppcls.lt").addHandler(self)

    def __exit__(self, *_):
        logging.getLogger("ppcls.lt").removeHandler(self)


def as_markdown(found):
    """The table, its lines in a list."""
    titles = list(next(iter(found.values())))
    heads = [", ".join([f"`{name}`", *rest]) for name, *rest in (title.split(", ") for title in titles)]
    rows = [["Recipe", *heads], ["---"] * (len(titles) + 1)]
    rows += [[f"`{recipe}`", *(row[title] for title in titles)] for recipe, row in found.items()]
    return [f"| {' | '.join(row)} |" for row in rows]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    print("\n".join(as_markdown(table(engines.write_digits(folder / "digits"), folder / "output"))))
