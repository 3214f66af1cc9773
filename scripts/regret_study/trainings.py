"""The trainings of a comparison, each with a small file of what it predicted; what is there is not trained again."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import paddle

from ppcls_lt import host
from ppcls_lt.basis import atomic
from ppcls_lt.configuration import plain, reading, recipes
from ppcls_lt.data.folds import fold_of, stratified_folds
from ppcls_lt.data.list_files import read_label_list
from ppcls_lt.engine import trainer
from ppcls_lt.jobs.job import history_path
from ppcls_lt.metrics.batch import Batch
from ppcls_lt.runs import files, history

from .forms import BASES, BEST_EPOCH, FOLDS_OF, SHORT_RATE, TENTH, Training


def train(training: Training, folder: Path) -> None:
    """Train and write the file.

    Of the last epoch: the accuracy on each class of the test images, ``recall [10]``, and where a fold was held out
    ``logits`` float16 ``[n, 10]`` of its images with their numbers ``image`` in the training list. Of the best epoch:
    its balanced accuracy on the tenth that is held out, ``validation``.
    """
    with tempfile.TemporaryDirectory() as scratch:
        arrays = _arrays(training, folder / training.form.name / "data", Path(scratch))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    target = folder / training.file
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(target, buffer.getvalue())


def _arrays(training, data, scratch):
    whole = read_label_list(str(data / "train.txt"), owner="regret", name="train.txt", delimiter=None)
    held = _held_out(training, whole)
    lists = {"train": data / "train.txt", "eval": data / "test.txt"}
    if held is not None:
        for name, chosen in (("train", ~held), ("eval", held)):
            lists[name] = scratch / f"{name}.txt"
            lines = zip(whole.images, whole.labels)
            lists[name].write_text("".join(f"{i} {c}\n" for (i, c), mine in zip(lines, chosen) if mine))
        if training.kind != BEST_EPOCH:  # the held-out images first, then those of the test
            with lists["eval"].open("a") as file:
                file.write((data / "test.txt").read_text())
    path = scratch / "train.yaml"
    config = _config(training, data, lists, scratch)
    files.write_config(path, config)
    with contextlib.redirect_stdout(io.StringIO()):
        engine = trainer.run_engine("train", path)
    if training.kind == BEST_EPOCH:
        best = history.best(history.read(history_path(engine.output_dir, engine.config["Arch"]["name"])))
        return {"validation": np.array(best["score"])}
    logits, label = _predicted(engine)
    is_test = np.arange(len(label)) >= (0 if held is None else held.sum())
    right = logits.argmax(axis=1) == label
    arrays = {"recall": np.array([right[is_test & (label == c)].mean() for c in range(10)])}
    if held is not None:
        arrays.update(logits=logits[~is_test].astype(np.float16), image=np.flatnonzero(held).astype(np.int32))
    return arrays


def _held_out(training, whole):
    """Which lines are held out, bool ``[N]``; None where the whole list trains."""
    if training.kind == "truth":
        return None
    number = TENTH if training.kind == BEST_EPOCH else int(training.kind.removeprefix(FOLDS_OF))
    partition, fold = (0, 0) if training.kind == BEST_EPOCH else fold_of(training.seed, number)
    return stratified_folds(whole.labels, number=number, partition=partition, images=whole.images) == fold


def _config(training, data, lists, scratch):
    form = training.form
    trainer.register()
    path, overrides = BASES[form.data]
    base = plain.plain(host.load_config(reading.find(path), list(overrides)))
    if form.data != "digits":
        base["Optimizer"]["lr"] = dict(SHORT_RATE)
    base["Global"]["epochs"] = form.epochs
    for part, name in (("Train", "train"), ("Eval", "eval")):
        place = {"name": "ImageNetDataset", "image_root": str(data), "cls_label_path": str(lists[name])}
        operators = base["DataLoader"][part]["dataset"]["transform_ops"]
        base["DataLoader"][part]["dataset"] = {**place, "transform_ops": operators}
    if training.recipe != "base":
        base = recipes.laid(base, recipes.read(training.recipe))
    by_epoch = training.kind == BEST_EPOCH
    base["Global"].update(
        output_dir=str(scratch / "training"),
        seed=training.seed,
        save_interval=form.epochs,
        eval_during_train=True,  # which builds the loader of the images that are predicted in the end
        eval_interval=1 if by_epoch else form.epochs + 1,
        use_visualdl=False,
        print_batch_step=10**6,
    )
    if by_epoch:
        base["Global"]["best_metric"] = "balanced"
        base["Metric"] = {"Eval": [{"ManyMediumFewAcc": {"num_class_list": "auto", "allow_empty_classes": True}}]}
    return plain.reusable(base)


@paddle.no_grad()
def _predicted(engine):
    """Logits ``[N, C]`` and classes ``[N]`` of the evaluation's list."""
    engine.model.eval()
    found = []
    for images, label, *_ in engine.eval_loader:
        batch = Batch.of(engine.model(images), label)
        found.append((batch.logits.numpy(), batch.label.numpy()))
    logits, label = (np.concatenate(each) for each in zip(*found))
    return logits, label
