"""The known keys of a whole configuration, by what its sections and components are."""

from __future__ import annotations

from typing import Any

from ...callbacks import LossSchedule, loss_entries
from .. import adapters
from .components import OURS, Components, reads
from .nodes import Items, Node

_LOADERS = ("dataset", "sampler", "loader")


class Tree(Components):
    """The known keys of one configuration.

    Args:
        config (dict): the configuration; its names say which components' parameters are known.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``: what it builds must exist and be complete.
    """

    def __init__(self, config: dict, mode: str) -> None:
        settings: Any = config.get("Global") if isinstance(config.get("Global"), dict) else {}
        super().__init__(dali=bool(settings.get("use_dali", False)))
        self._config = config
        self._mode = mode
        self._evaluates = mode == "eval" or (mode == "train" and settings.get("eval_during_train", True))

    def root(self) -> Node:
        """The ``Node`` of the whole configuration."""
        known = (*OURS[()], "profiler_options")
        sections: dict[str, Any] = {key: None for key in reads(()) if key[:1].isupper() or key in known}
        for name in sections:
            if name != "Arch" and reads((name,)):
                sections[name] = self._section(name)
        sections.update(
            Arch=self._arch,
            Callbacks=lambda value: Items("Callbacks", value, self._callback),
            DataLoader=lambda value: self._loaders("DataLoader", value, self._parts()),
            Infer=self._infer,
            Loss=lambda value: self._lists("Loss", "loss", value),
            Metric=lambda value: self._lists("Metric", "metric", value),
            Optimizer=self._optimizer,
            Slim=self._section("Slim", prune=self._section("Slim", "prune"), quant=self._section("Slim", "quant")),
        )
        if "UnLabelLoss" in sections:
            sections["UnLabelLoss"] = lambda value: self._lists("UnLabelLoss", "loss", value)
        if "MLDecoder" in sections:
            sections["MLDecoder"] = self._ml_decoder
        return Node("configuration", "", self._config, sections, noun="section")

    def _parts(self):
        return (("Train", "UnLabelTrain") if self._mode == "train" else ()) + (("Eval",) if self._evaluates else ())

    def _section(self, *path, **below):
        """What makes the ``Node`` of a section of fixed keys."""
        where = ".".join(path)
        return lambda value: Node(where, where, value, {**dict.fromkeys(reads(path)), **below})

    # The sections whose keys depend on what they name.

    def _arch(self, value, path="Arch", own=None):
        """An architecture: that of the configuration, a backbone, or one of several."""
        read = reads(("Arch",))
        own = [key for key, taken in read.items() if taken] + list(OURS[("Arch",)]) if own is None else own
        below = {
            **{kind: self._section("Arch", kind) for kind in adapters.KINDS if path == "Arch"},
            "Backbone": lambda part: self._arch(part, f"{path}.Backbone", ("name",)),
            "BackboneStopLayer": lambda part: Node(
                f"{path}.BackboneStopLayer", f"{path}.BackboneStopLayer", part, {"name": None}
            ),
            "Neck": lambda part: self._named("gear", f"{path}.Neck", part),
            "Head": lambda part: self._named("gear", f"{path}.Head", part),
            "models": lambda part: Items(f"{path}.models", part, self._model_of(f"{path}.models")),
        }
        node = self._named("arch", path, value, own=tuple(own), **below)
        if node.known is not None and (not node.rejects or "name" in node.required):
            # PaddleClas reads these of the section; an architecture that takes any key takes them as well.
            node.known.update({key: node.known.get(key) for key in read})
        return node

    def _model_of(self, path):
        """What makes the ``Node`` of one of several models, whose one key is a name of its own."""

        def model(index, item):
            at = f"{path}.{index}"
            roles = item if isinstance(item, dict) else {}
            known = {role: lambda value, role=role: self._arch(value, f"{at}.{role}", ("name",)) for role in roles}
            return Node(f"{path}[{index}]", at, item, known)

        return model

    def _callback(self, index, item):
        """An entry of ``Callbacks``, whose parameters are checked where it is built; losses within it are not there."""
        where = f"Callbacks[{index}]"

        def scheduled(params):
            path = f"{where} {LossSchedule.__name__}.before"
            keys = dict.fromkeys(params if isinstance(params, dict) else ())
            keys["before"] = lambda losses: self._entries("loss", path, loss_entries(losses), own=("weight",))
            return Node(where, f"Callbacks.{index}", params, keys)

        keys = dict.fromkeys(item if isinstance(item, dict) else ())
        return Node(where, f"Callbacks.{index}", item, {**keys, LossSchedule.__name__: scheduled})

    def _ml_decoder(self, value):
        built = bool((self._config.get("Arch") or {}).get("use_ml_decoder", False))
        own = ("remove_layers", "replace_layer")
        node = self._component("gear", "MLDecoder", "MLDecoder", "MLDecoder", value, own=own, built=built)
        node.required = tuple(name for name in node.required if name != "class_num")
        return node

    def _lists(self, section, kind, value):
        """``Loss``, ``Metric`` and their like: a list of components for each part."""
        own = ("weight",) if kind == "loss" else ()
        parts = self._parts() if section != "UnLabelLoss" else ("Train",) * (self._mode == "train")
        known = {
            part: lambda entries, part=part: self._entries(
                kind, f"{section}.{part}", entries, own=own, built=part in parts
            )
            for part in reads((section,))
        }
        return Node(section, section, value, known)

    def _loaders(self, path, value, parts):
        """``DataLoader``, or a part of it that has parts of its own."""
        names = reads(("DataLoader",))
        known = {name: None for name in names if not name[:1].isupper()}
        for name in names:
            if name[:1].isupper():
                known[name] = lambda part, name=name: self._loader(f"{path}.{name}", part, name in parts)
        return Node(path, path, value, known)

    def _loader(self, path, value, built):
        """A data set, its sampler and its loader; or, in retrieval and meta-learning, several of them by name."""
        if isinstance(value, dict) and value and not any(key in value for key in _LOADERS):
            parts = [key for key in value if isinstance(value[key], dict)] if built else ()
            node = self._loaders(path, value, parts)
            node.known.update({key: node.known.get(key) for key in _LOADERS})
            return node
        read = reads(("DataLoader", "*", "sampler"))
        plain = tuple(key for key in ("batch_size", "drop_last", "shuffle") if key in read)
        loader = dict.fromkeys(reads(("DataLoader", "*", "loader")))
        return Node(
            path,
            path,
            value,
            {
                "dataset": lambda part: self._dataset(f"{path}.dataset", part, built),
                "sampler": lambda part: self._named("sampler", f"{path}.sampler", part, built=built, optional=plain),
                "loader": lambda part: Node(f"{path}.loader", f"{path}.loader", part, loader),
            },
        )

    def _infer(self, value):
        built = self._mode == "infer"
        return self._section(
            "Infer",
            transforms=lambda ops: self._operators("Infer.transforms", ops, built),
            PostProcess=lambda part: self._named("postprocess", "Infer.PostProcess", part, built=built),
        )(value)

    def _optimizer(self, value):
        """One optimizer as a map, or several as a list."""
        built = self._mode == "train"
        taken = tuple(key for key, taken in reads(("Optimizer",)).items() if taken and key != "name")

        def below(path):
            return {
                "lr": lambda part: self._named(
                    "schedule", f"{path}.lr", part, built=built, optional=("learning_rate",)
                ),
                "regularizer": lambda part: self._named("regularizer", f"{path}.regularizer", part, built=built),
            }

        if isinstance(value, list):
            return self._entries("optimizer", "Optimizer", value, own=("scope", *taken), built=built, below=below)
        return self._named("optimizer", "Optimizer", value, own=taken, built=built, **below("Optimizer"))
