"""Building one Engine: counts resolved, classifiers normalised, losses connected to the model."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, Callable

from .. import host, losses
from ..basis import checks, registry
from ..basis.checks import ConfigError
from ..configuration import count_checks, data_checks, label_kinds, named_classes, relabelling
from ..configuration import reading as configuration
from ..data.counts import class_labels, images_per_class
from ..host.decoding import pixel_limit
from ..maths import simplex
from ..maths.classifier import FeatureTap, find_classifier
from . import batch_operators, class_means, trial, unreadable
from .building import named
from .model_building import check_classifier

if TYPE_CHECKING:
    import numpy as np
    from paddle import nn

    from ..host.engine import EngineView
    from ..operators import BatchOperator

_log = logging.getLogger("ppcls.lt")


class Assembly:
    """What is known while the host builds one Engine.

    Attributes:
        operators (list of BatchOperator): of this package, on training batches.
        watches (list): of its data sets, what meets images that cannot be read.
        labels (list of int or None): the labels that the classes have in the lists, where they are renumbered.
    """

    def __init__(self, config: dict) -> None:
        self._config = config
        self.operators: list[BatchOperator] = []
        self.watches: list[unreadable.images.Watch] = []
        self.labels = None
        self._dataset = None
        self._counts = None
        self._model = None
        self._checked = None
        self._train_losses: list[losses.LongTailLoss] = []
        self._batch_labels = None
        self._taps: dict = {}

    def building(self, model_built: Callable | None = None, epochs: int | None = None) -> Any:
        """A context in which the host's Engine builds with this assembly's functions.

        Args:
            model_built (callable, optional): called with the model, its
                pretrained weights loaded, before there is an optimizer.
            epochs (int, optional): over which the learning rates' schedules go, if not those of the training.
        """

        def build_optimizer(original, config, whole, steps, models):
            if configuration.classifier_kind(self._config) == configuration.ETF:
                # With the start weights loaded, which may hold an ordinary classifier.
                simplex.fix_classifier(self.classifier(models[0])[1])
            if model_built is not None:
                model_built(models[0])
            return original(config, whole if epochs is None else epochs, steps, models)

        return host.functions(
            "engine.engine",
            build_dataloader=named("DataLoader", self.build_dataloader),
            build_loss=named("Loss", self.build_components),
            build_metrics=named("Metric", self.build_components),
            build_model=named("Arch", lambda original, *args, **kwargs: original(*args, **kwargs)),
            build_optimizer=named("Optimizer", build_optimizer),
        )

    def build_dataloader(self, original: Callable, config: dict, mode: str, *args: Any, **kwargs: Any) -> Any:
        config = relabelling.with_classes(self._config, mode, config, self.labels)
        try:
            with batch_operators.caught() as operators:
                loader = original(config, mode, *args, **kwargs)
        except AssertionError:
            # The host checks every image and says nothing more.
            configuration.check_images(config[mode]["dataset"], f"DataLoader.{mode}.dataset")
            raise
        self.watches += unreadable.watch(getattr(loader, "dataset", None), self._config, mode)
        if mode == "Train":
            self.operators = operators
            batch_operators.join(
                operators, getattr(loader, "dataset", None), self._count, self._config["Global"]["epochs"]
            )
        if mode in ("Train", "Eval"):
            data_checks.check_built(self._config, mode, loader)
            labels = trial.first_batch(loader, config[mode], f"DataLoader.{mode}", pixel_limit(self._config))
            label_kinds.check_dataset(self._config, mode, getattr(loader, "dataset", None))
        if mode == "Train":
            self._dataset = getattr(loader, "dataset", None)
            self.labels = getattr(self._dataset, "label_classes", None)
            if labels is not None:
                label_kinds.check_batch(self._config, labels)
                self._batch_labels = labels
            self._check_given_counts(self._data_counts)
        elif mode == "Eval" and self._dataset is None:
            # Evaluation alone: the training images need not be there, their list may be.
            self._check_given_counts(lambda: configuration.listed_counts(self._config))
        return loader

    def build_components(self, original: Callable, entries: Sequence) -> Any:
        """Build a list of losses or metrics with ``num_class_list: auto`` replaced by the counts."""
        entries = copy.deepcopy(entries)
        for entry in entries or []:
            for name, params in entry.items():
                if params and any(registry.found(kind, name, params) for kind in ("loss", "metric")):
                    self._resolve_counts(name, params)
        return original(entries)

    def connect(self, engine: EngineView, mode: str) -> None:
        """Give the losses of an Engine (a view) what they need of its model."""
        self._model = engine.model
        evaluation = engine.evaluation_loss
        for loss in _losses_of(evaluation):
            loss.eval()  # the host leaves every loss in training mode
        self._expect_scaled_logits(evaluation)
        if mode == "train":
            self._connect_training(engine.training_loss)

    def build_loss(self, entries: Sequence) -> Any:
        """Build a list of losses and connect it; its features are caught once it is active."""
        combined = self.build_components(host.module("loss").build_loss, entries)
        self._connect_training(combined, enabled=False)
        return combined

    def activate(self, combined: Any, instead_of: Any) -> None:
        """Let the taps of one combined loss catch features in place of another's."""
        for loss in (instead_of, combined):
            if id(loss) in self._taps:
                self._taps[id(loss)].enabled = loss is combined

    def classifier(self, model: nn.Layer) -> tuple[str, nn.Layer]:
        """Return ``(name, layer)`` of a model's final Linear; that of the trained model is checked as it runs."""
        arch = self._config["Arch"].get("name", type(model).__name__)
        found = find_classifier(model, configuration.class_number(self._config), arch)
        if self._checked is not found[1] and (self._model is None or model is self._model):
            check_classifier(model, *found, self._config)
            self._checked = found[1]
        return found

    def weighted_losses(self) -> list:
        return list(self._train_losses)

    def class_counts(self) -> np.ndarray:
        """Training images per class, of the data or else of a loss that was told them."""
        counts = self._data_counts()
        if counts is None:
            counts = next((loss.counts for loss in self._train_losses if loss.counts is not None), None)
        if counts is None:
            raise ConfigError(f"{self._data_name()}: has no `labels` to count; state `num_class_list` in the loss")
        return counts

    def class_means(self, engine: EngineView) -> tuple[np.ndarray, np.ndarray]:
        """See :func:`.class_means.measured`."""
        return class_means.measured(engine, self.classifier(engine.model)[1], self._config)

    def known_counts(self) -> np.ndarray | None:
        """Training images per class as far as is known without reading an image, or None."""
        if self._dataset is not None:
            counts = self._data_counts()
        else:
            try:
                counts = configuration.listed_counts(self._config)
            except ConfigError:  # an evaluation does not need the training list
                counts = None
        if counts is None:
            counts = next((loss.counts for loss in self._train_losses if loss.counts is not None), None)
        return counts

    def _connect_training(self, combined, enabled=True):
        for loss in _losses_of(combined):
            loss.checks_labels = self._batch_labels is None
            label_kinds.warn_of_smoothed(self._config, self._batch_labels, loss)
        self._train_losses += _losses_of(combined)
        self._expect_scaled_logits(combined)
        consumers = [loss for loss in _losses_of(combined) if loss.uses_features]
        if consumers:
            tap = FeatureTap(self.classifier(self._model)[1], len(consumers), self._model)
            tap.enabled = enabled
            self._taps[id(combined)] = tap
            for loss in consumers:
                loss.feature_source = tap

    def _expect_scaled_logits(self, combined):
        if configuration.classifier_kind(self._config) in (configuration.NORMALIZED, configuration.UNIT_FEATURES):
            for loss in _losses_of(combined):
                if loss.cosine_scale is not None:
                    loss.take_scaled_logits()

    def _resolve_counts(self, name, params):
        """Replace ``auto`` or a path in ``num_class_list`` by the counts."""
        given = params.get("num_class_list")
        loss = registry.found("loss", name, params)
        if loss is not None and "num_images" in signature(loss).parameters:
            if params.get("num_images", configuration.AUTO) == configuration.AUTO:
                params["num_images"] = len(self._training_data())
        if given == configuration.AUTO:
            params["num_class_list"] = self._auto_counts(name, params)
        elif isinstance(given, str):
            empty = params.get("allow_empty_classes", False)
            params["num_class_list"] = configuration.counts_given(given, name, self._config, empty).tolist()

    def _auto_counts(self, name, params):
        counts = self._data_counts()
        if counts is None:
            checks.fail(
                name,
                "num_class_list",
                "a list or a path where the training data set has no `labels`",
                checks.described(f"auto with {self._data_name()}"),
            )
        count_checks.check_filled(name, params, counts, self._data_name(), named_classes.called(self._config))
        return counts.tolist()

    def _data_counts(self):
        """Training images per class as the host builds the data set, or None; counted once."""
        if self._counts is None and self._dataset is None:
            # An evaluation alone, to which the training images need not be there.
            self._counts = configuration.listed_counts(self._config)
        if self._counts is None:
            labels = class_labels(self._training_data())
            several = count_checks.of_several_labels
            self._counts = several(self._config, self._dataset) if labels is None else self._count(labels)
        return self._counts

    def _training_data(self):
        if self._dataset is None:
            if not isinstance(self._config["DataLoader"].get("Train"), dict):
                checks.fail("DataLoader", "Train", "a section, to resolve `num_class_list: auto`", None)
            self._dataset = host.build_dataset(self._config["DataLoader"]["Train"]["dataset"])
        return self._dataset

    def _count(self, labels):
        class_num = configuration.class_number(self._config)
        if class_num is not None and (labels.min() < 0 or labels.max() >= class_num):
            raise ConfigError(
                f"{self._data_name()}: labels must lie in [0, {class_num}), as Arch.class_num says, got "
                f"{labels.min()} to {labels.max()}"
            )
        return images_per_class(labels, class_num or 0)

    def _check_given_counts(self, training_counts):
        """Counts that are written down must be those of the training data, where these are known."""
        for where, name, params in configuration.counting_components(self._config):
            if params.get("num_class_list") in (None, configuration.AUTO):
                continue
            found = training_counts()
            if found is not None:
                count_checks.check_same(where, name, params, found, self._config)

    def _data_name(self):
        return count_checks.data_name(self._config["DataLoader"]["Train"]["dataset"])


def _losses_of(combined):
    """The losses of this package within the host's ``CombinedLoss``."""
    if combined is None:
        return []
    return [layer for layer in combined.sublayers() if isinstance(layer, losses.LongTailLoss)]
