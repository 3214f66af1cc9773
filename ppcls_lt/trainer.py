"""The host's Engine, taught to resolve counts, normalise classifiers and feed losses."""

import copy

import numpy as np
import paddle

from . import _checks, archs, evaluation, host, losses, metrics
from . import config as configuration
from ._checks import ConfigError
from .classifier import FeatureTap, LogitsCheck, find_classifier, normalize
from .registry import KINDS, registered

_PUBLISHED = (archs, losses, metrics)  # importing them fills the registry
_registered = False


def register(*, replace=(), root=None):
    """See :func:`ppcls_lt.register`; ``root`` is a checkout that comes first."""
    global _registered
    if _registered:
        return
    host.load(root)
    for kind in KINDS:
        host.publish(kind, registered(kind), replace)
    host.extend("arch", "build_model", _build_model)
    host.extend("engine.engine", "build_model", _build_model)
    host.extend("engine.engine", "Engine.__init__", _init_engine)
    _registered = True


def run_engine(mode, path, overrides=(), profiler_options=None):
    """Do what PaddleClas's script for ``mode`` does, also where the wheel ships none.

    Args:
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
        path (Path): the YAML file.
        overrides (sequence of str): ``key=value``.
        profiler_options (str, optional): as the host's ``-p``.

    Returns:
        The host's Engine, after its work.
    """
    register()
    config = host.load_config(path, list(overrides))
    config.profiler_options = profiler_options
    if mode == "export" and config["Arch"].get("use_sync_bn", False):
        config["Arch"]["use_sync_bn"] = False
    engine = host.module("engine.engine").Engine(config, mode=mode)
    getattr(engine, mode)()
    return engine


def _build_model(original, config, mode="train"):
    """The host's ``build_model``, which also understands ``Arch.classifier``."""
    scale = configuration.normalized_scale(config)
    if scale is None:
        return original(config, mode)
    # Several architectures swallow an unknown key, others fail on it.
    bare = type(config)(config)
    bare["Arch"] = type(config["Arch"])({k: v for k, v in config["Arch"].items() if k != "classifier"})
    model = original(bare, mode)
    # A path in `pretrained` has been loaded by the architecture already.
    loaded = isinstance(config["Arch"].get("pretrained"), str)
    normalize(_classifier(model, config, mode), scale, redraw=not loaded)
    return model


def _classifier(model, config, mode):
    """Find the classifier and have it checked: on the first forward, or now if that will be static."""
    arch = config["Arch"].get("name", type(model).__name__)
    name, layer = find_classifier(model, configuration.class_number(config), arch)
    if mode != "export":
        LogitsCheck(model, name, layer, arch)
        if config["Global"].get("to_static", False):
            shape = config["Global"].get("image_shape", [3, 224, 224])
            model.eval()
            with paddle.no_grad():
                model(paddle.randn([2, *shape]))
            model.train()
    return layer


def _init_engine(original, engine, config, mode="train"):
    """The host's ``Engine.__init__``, with counts resolved on the way and losses connected."""
    configuration.check(config, mode, host.names)
    evaluation.check(config, mode)
    assembly = _Assembly(config)
    with host.engine_functions(
        build_dataloader=assembly.build_dataloader,
        build_loss=assembly.build_components,
        build_metrics=assembly.build_components,
    ):
        original(engine, config, mode)
    assembly.connect(engine, mode)
    evaluation.attach(engine)


class _Assembly:
    """What is known while the host builds one Engine."""

    def __init__(self, config):
        self._config = config
        self._dataset = None
        self._counts = None

    def build_dataloader(self, original, config, mode, *args, **kwargs):
        try:
            loader = original(config, mode, *args, **kwargs)
        except AssertionError as error:
            # The host checks every image and says nothing more.
            missing = configuration.missing_image(config[mode]["dataset"])
            if missing is None:
                raise
            raise ConfigError(
                f"DataLoader.{mode}.dataset: line {missing[0]} of {config[mode]['dataset']['cls_label_path']} must "
                f"name an image below `image_root`, got {missing[1]}, which does not exist"
            ) from error
        if mode == "Train":
            self._dataset = getattr(loader, "dataset", None)
            self._check_given_counts(self._data_counts)
        elif mode == "Eval" and self._dataset is None:
            # Evaluation alone: the training images need not be there, their list may be.
            self._check_given_counts(lambda: configuration.listed_counts(self._config))
        return loader

    def build_components(self, original, entries):
        """Build a list of losses or metrics with ``num_class_list: auto`` replaced by the counts."""
        entries = copy.deepcopy(entries)
        for entry in entries or []:
            for name, params in entry.items():
                if params and self._is_ours(name):
                    self._resolve_counts(name, params)
        return original(entries)

    def connect(self, engine, mode):
        """Give the built losses what they need of the built model."""
        train_losses = _losses_of(getattr(engine, "train_loss_func", None))
        eval_losses = _losses_of(getattr(engine, "eval_loss_func", None))
        for loss in eval_losses:
            loss.eval()  # the host leaves every loss in training mode
        if configuration.normalized_scale(self._config) is not None:
            for loss in train_losses + eval_losses:
                if isinstance(loss, losses.LDAMLoss):
                    loss.take_scaled_logits()
        if mode == "train":
            self._tap_features(engine, [loss for loss in train_losses if loss.uses_features])
            if host.keeps_loader_iterator(engine.train_epoch_func):
                engine.train_epoch_func = _with_fresh_iterator(engine.train_epoch_func)

    def _tap_features(self, engine, consumers):
        if not consumers:
            return
        model = engine.model
        if isinstance(model, paddle.DataParallel):
            model = model._layers
        tap = FeatureTap(_classifier(model, self._config, "train"), readers=len(consumers))
        for loss in consumers:
            loss.feature_source = tap

    def _resolve_counts(self, name, params):
        """Replace ``auto`` or a path in ``num_class_list`` by the counts."""
        given = params.get("num_class_list")
        if given == configuration.AUTO:
            params["num_class_list"] = self._auto_counts(name, params)
        elif isinstance(given, str):
            empty = params.get("allow_empty_classes", False)
            params["num_class_list"] = configuration.counts_given(given, name, self._config, empty).tolist()

    @staticmethod
    def _is_ours(name):
        return name in registered("loss") or name in registered("metric")

    def _auto_counts(self, name, params):
        counts = self._data_counts()
        if counts is None:
            _checks.fail(
                name,
                "num_class_list",
                "a list or a path where the training data set has no `labels`",
                _checks.described(f"auto with {self._data_name()}"),
            )
        empty = np.flatnonzero(counts == 0)
        if len(empty) and not params.get("allow_empty_classes", False):
            raise ConfigError(
                f"{name}: {self._data_name()} has no image of class {', '.join(map(str, empty[:10]))}"
                f"{' and others' if len(empty) > 10 else ''}; set `allow_empty_classes: true` if that is meant"
            )
        return counts.tolist()

    def _data_counts(self):
        """Training images per class as the host builds the data set, or None; counted once."""
        if self._counts is None:
            if self._dataset is None:
                if not isinstance(self._config["DataLoader"].get("Train"), dict):
                    _checks.fail("DataLoader", "Train", "a section, to resolve `num_class_list: auto`", None)
                self._dataset = host.build_dataset(self._config["DataLoader"]["Train"]["dataset"])
            labels = getattr(self._dataset, "labels", None)
            if labels is None or len(labels) == 0 or np.ndim(labels[0]) > 0:
                return None
            self._counts = self._count(np.asarray(labels))
        return self._counts

    def _count(self, labels):
        class_num = configuration.class_number(self._config)
        if class_num is not None and (labels.min() < 0 or labels.max() >= class_num):
            raise ConfigError(
                f"{self._data_name()}: labels must lie in [0, {class_num}), as Arch.class_num says, got "
                f"{labels.min()} to {labels.max()}"
            )
        return np.bincount(labels, minlength=class_num or 0)

    def _check_given_counts(self, training_counts):
        """Counts that are written down must be those of the training data, where these are known."""
        for where, name, params in configuration.counting_components(self._config):
            given = params.get("num_class_list")
            if given is None or given == configuration.AUTO:
                continue
            given = configuration.counts_given(given, name, self._config, True)
            found = training_counts()
            if found is not None and (len(given) != len(found) or (given != found).any()):
                raise ConfigError(
                    f"{where} {name}: `num_class_list` must be the counts of the training data, got "
                    f"{_shown(given)} where {self._data_name()} has {_shown(found)}; `num_class_list: auto` "
                    f"takes them from there"
                )

    def _data_name(self):
        dataset = self._config["DataLoader"]["Train"]["dataset"]
        return f"DataLoader.Train.dataset ({dataset.get('cls_label_path', dataset['name'])})"


def _losses_of(combined):
    """This package's losses within the host's ``CombinedLoss``."""
    if combined is None:
        return []
    return [layer for layer in combined.sublayers() if isinstance(layer, losses.LongTailLoss)]


def _shown(counts, limit=12):
    text = ", ".join(map(str, counts[:limit].tolist()))
    return f"[{text}{', ...' if len(counts) > limit else ''}] ({len(counts)} classes)"


class _LoaderFailed(BaseException):
    """Carries a loader's error past the host's ``except Exception``."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class _FreshIterator:
    """Batches of a loader, from its beginning again when it ends; its errors come through."""

    def __init__(self, loader):
        self._loader = loader
        self._iterator = iter(loader)

    def __next__(self):
        try:
            return next(self._iterator)
        except StopIteration:
            self._iterator = iter(self._loader)
            return next(self._iterator)
        except Exception as error:  # whatever a data set raises, raised again below
            raise _LoaderFailed(error) from error


def _with_fresh_iterator(train_epoch_func):
    def train_epoch(engine, epoch_id, print_batch_step):
        # DALI's loader raises to be reset, which the host does.
        engine.train_dataloader_iter = (iter if engine.use_dali else _FreshIterator)(engine.train_dataloader)
        try:
            train_epoch_func(engine, epoch_id, print_batch_step)
        except _LoaderFailed as failure:
            raise failure.error from None

    return train_epoch
