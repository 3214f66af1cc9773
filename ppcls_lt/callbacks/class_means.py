"""A cosine classifier that begins at the class means of the features."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import paddle

from ..basis import checks
from ..basis.registry import register
from .base import Callback

if TYPE_CHECKING:
    from ..engine.run import Run

_log = logging.getLogger("ppcls.lt")


@register("callback")
class ClassMeanClassifier(Callback):
    r"""Begin the normalised classifier at the mean features of the classes.

    .. math:: w_c = m_c / \|m_c\|_2, \quad m_c = \frac{1}{n_c} \sum_{i: y_i = c} h_i

    with the features ``h`` of all training images, each once, by the model as the stage begins: pretrained, in
    evaluation mode. The images go through the operators of ``DataLoader.Eval``, without augmentation. Every process
    passes its share. A run that goes on has its classifier from the checkpoint. A class without images keeps the vector
    that was drawn.

    Raises:
        ConfigError: the classifier is not ``normalized``, images have several labels or sizes, there are no operators
            of an evaluation, or with ``Global.to_static`` or ``Global.use_dali``.

    Source: Shi et al., "Long-Tail Learning with Foundation Model: Heavy Fine-Tuning Hurts", ICML 2024 (LIFT);
    ``init_head: class_mean`` of their code. Deviation: they resize and crop as CLIP does, here as the evaluation.
    """

    only_once = True
    needs_classifier = True

    def check(self, config: dict) -> None:
        owner, section = type(self).__name__, config["Global"]
        kind = config["Arch"].get("classifier")
        if kind != "normalized":
            got = checks.described("an ordinary one") if kind is None else kind
            remedy = "write `classifier: normalized` and `classifier_scale: 25.0` below `Arch`"
            checks.fail(
                owner, "Arch.classifier", "normalized, since a mean says a direction and no length", got, remedy
            )
        for key, why in (
            ("to_static", "in a static graph the features cannot be caught"),
            ("use_dali", "the training images are read once more, which DALI's loader does not do"),
            ("use_multilabel", "an image of several classes is in no single mean"),
        ):
            if section.get(key, False):
                checks.fail(owner, f"Global.{key}", "false", checks.described(f"true: {why}"))
        train = config["DataLoader"]["Train"]
        name = (train.get("dataset") or {}).get("name")
        if name == "MultiScaleDataset":
            must = "one that shows an image at one size, to take its mean"
            checks.fail(owner, "DataLoader.Train.dataset.name", must, name, "as ImageNetDataset, of the same list")
        if not isinstance((train.get("sampler") or {}).get("batch_size"), int):
            got = (train.get("sampler") or {}).get("name")
            checks.fail(owner, "DataLoader.Train.sampler", "one with a `batch_size`", got)
        place = (config["DataLoader"].get("Eval") or {}).get("dataset") or {}
        if not isinstance(place, dict) or not place.get("transform_ops"):
            must = "given: by them the training images are shown to the pretrained model"
            checks.fail(owner, "DataLoader.Eval.dataset.transform_ops", must, checks.described("nothing"))

    def on_checkpoint_loaded(self, run: Run) -> None:
        if run.resumed:
            return
        means, counts = run.class_means()
        lengths = np.linalg.norm(means, axis=0)
        for model in run.models:
            _, layer = run.classifier(model)
            own = layer.weight.astype("float64").numpy()
            vectors = np.where(lengths > 0, means / np.where(lengths > 0, lengths, 1), own)
            for weight in filter(lambda each: each is not None, (layer.weight, run.master_weight(layer.weight))):
                weight.set_value(paddle.to_tensor(vectors).astype(weight.dtype))
        _log.info("the classifier begins at the class means of the features of %d training images", counts.sum())
