"""What enters the classifier of a trained model: the features of a list's images, by the host's own evaluation."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import paddle

from .. import host
from ..basis import checks
from ..basis.checks import ConfigError
from ..configuration import listed_images
from ..configuration import reading as configuration
from ..maths.adjustment import OWNER
from ..maths.classifier import SMALLEST_NORM, NormalizedLinear, UnitFeaturesLinear, find_classifier
from . import unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

# How far logits may lie from those of the features, as a share of the largest; mixed precision rounds to 2^-8.
_ROUNDING = 2e-2


class Unsuitable(ConfigError):
    """The model, or its images, are none that can be adjusted."""


class TrainedModel:
    """A trained model, evaluated on one list after another.

    Args:
        config (dict): of its evaluation, resolved, with its weights in ``Global.pretrained_model``.
        scratch (str or Path): a folder for what an evaluation writes.

    Attributes:
        name (str): of the classifier within the model.
        weight (array): as it counts, float64 ``[D, C]``: of a normalised classifier at unit length times the scale.
        bias (array): float64 ``[C]``, zeros where it has none.
        has_bias (bool): whether the layer has one that counts.
        unit (bool): whether the features count at unit length.
        normalized (bool): whether the trained class vectors did.
    """

    def __init__(self, config: dict, scratch: str | os.PathLike) -> None:
        self._config = copy.deepcopy(config)
        section = self._config["Global"]
        section["output_dir"] = str(scratch)
        for key in ("best_metric", "run"):
            section.pop(key, None)
        # Those of the run may need counts of images that are not here.
        self._config["Metric"] = {**(self._config.get("Metric") or {}), "Eval": [{"TopkAcc": {"topk": [1]}}]}
        self.name: str = ""
        self.weight = self.bias = np.zeros(0)
        self.has_bias = self.unit = self.normalized = False

    def features(self, dataset: Mapping) -> tuple[np.ndarray, np.ndarray]:
        """Return the features ``[N, D]``, float32, and the classes ``[N]`` of a list's images.

        Args:
            dataset (dict): a section ``dataset`` with the operators of an evaluation.
        """
        found: list[tuple] = []
        self._evaluate(dataset, lambda features, label: found.append((features.astype(np.float32), label)))
        features, label = (np.concatenate(each) for each in zip(*found))
        return features, label

    def class_means(self, dataset: Mapping, class_num: int) -> np.ndarray:
        """Return the mean features of each class at unit length, float64 ``[D, C]``; zeros of a class without images.

        Args:
            dataset (dict): as in :meth:`features`, of the training images.
            class_num (int): number of classes C.
        """
        sums: dict[int, Any] = {}

        def take(features, label):
            for one in np.unique(label):
                sums[int(one)] = sums.get(int(one), 0.0) + features[label == one].sum(axis=0)

        self._evaluate(dataset, take, training=True)
        means = np.zeros((self.weight.shape[0], class_num))
        for one, total in sums.items():
            means[:, one] = total
        # At unit length the number of images does not matter.
        return at_unit_length(means, axis=0)

    def _evaluate(self, dataset, take, training=False):
        config = copy.deepcopy(self._config)
        if training:  # whose images that cannot be read have others in their place
            unreadable.replace_as_in_training(config)
        config["DataLoader"]["Eval"]["dataset"] = dict(dataset)
        with paddle.utils.unique_name.guard():
            engine = host.built(host.attributed(config), "eval")
        layer = self._classifier(engine)
        caught: list[paddle.Tensor] = []
        hook = layer.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].detach()))

        def read(_, inputs):
            features = [each.flatten(0, -2) if each.ndim > 2 else each for each in caught]
            caught.clear()
            batch = inputs[0].get("logits") if isinstance(inputs[0], dict) else inputs[0]
            features = [each.astype("float64").numpy() for each in features]
            if self.unit:
                features = [at_unit_length(each, axis=1) for each in features]
            self._check(engine, features, batch)
            take(features[0], inputs[1].numpy().reshape(-1).astype(np.int64))

        with engine.evaluating(loss=engine.evaluation_loss, before=read, after=lambda *_: None):
            engine.evaluate()
        hook.remove()

    def _classifier(self, engine):
        """The classifier's layer, whose facts are kept."""
        arch = str(engine.config["Arch"].get("name"))
        class_num = configuration.class_number(engine.config)
        try:
            self.name, layer = find_classifier(engine.model, class_num, arch)
        except ConfigError:
            self._refuse(arch, f"has no Linear layer with {class_num} outputs")
        self.normalized = isinstance(layer, NormalizedLinear)
        self.unit = self.normalized or isinstance(layer, UnitFeaturesLinear)
        weight = layer.weight.astype("float64").numpy()
        self.weight = layer.scale * at_unit_length(weight, axis=0) if self.normalized else weight
        self.has_bias = layer.bias is not None and not self.normalized
        self.bias = layer.bias.astype("float64").numpy() if self.has_bias else np.zeros(weight.shape[1])
        if self.bias.size < 2:
            self._refuse(arch, "has one output, for two classes; `class_num: 2` has a logit for each")
        return layer

    def _check(self, engine, features, logits):
        """Raise unless the logits are those of the features: something may lie behind the layer, or a second one."""
        arch = str(engine.config["Arch"].get("name"))
        if len(features) == 1 and isinstance(logits, paddle.Tensor) and logits.ndim == 2:
            expected = features[0] @ self.weight + self.bias
            found = logits.astype("float64").numpy()
            if found.shape == expected.shape:
                largest = max(float(np.abs(expected).max()), 1e-6)
                if float(np.abs(found - expected).max()) <= _ROUNDING * largest:
                    return
        self._refuse(arch, f"gives logits that are not those of its last Linear layer, {self.name}, alone")

    @staticmethod
    def _refuse(arch: str, what: str) -> NoReturn:
        expected = "a training of a model whose logits come from one Linear layer"
        raise Unsuitable(checks.finding(OWNER, "--run", f"be {expected}", checks.described(f"{arch}, which {what}")))


def at_unit_length(vectors: np.ndarray, axis: int) -> np.ndarray:
    """Return vectors along an axis at L2 norm 1; one without direction becomes zeros, as in ``NormalizedLinear``."""
    norms = np.linalg.norm(vectors, axis=axis, keepdims=True)
    return np.where(norms > SMALLEST_NORM, vectors / np.maximum(norms, SMALLEST_NORM), 0.0)


def held_to_list(config: dict, path: str | os.PathLike) -> dict:
    """Return the section of an evaluation on another list of the training's images."""
    loaders = config["DataLoader"]
    training = (loaders.get("Train") or {}).get("dataset") or loaders["Eval"]["dataset"]
    return listed_images.another(loaders["Eval"]["dataset"], training, path)
