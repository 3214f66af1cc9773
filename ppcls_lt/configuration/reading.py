"""Reading a configuration: its file, its lists, its counts, its callbacks."""

import inspect
import os
import pydoc
import sys
from pathlib import Path

import numpy as np

from ..basis import checks, yaml_files
from ..basis.checks import ConfigError
from ..basis.registry import registered
from ..callbacks import Callback, LossSchedule, loss_entries
from ..data.counts import as_counts, count_label_list

AUTO = "auto"
NORMALIZED = "normalized"
# The host's data sets that read a list of lines "image label"; PaddleX's names are names of the first.
IMAGE_LISTS = ("ImageNetDataset", "MultiScaleDataset", "ClsDataset", "ShiTuRecDataset")

_PACKAGE = Path(__file__).resolve().parents[1]
# Installed beside the modules; in a checkout, beside the package.
_CONFIG_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


def find(path):
    """Return the file of ``-c``: as given, or among the configs of this package.

    Raises:
        ConfigError: there is no such file, or it is no YAML map.
    """
    for candidate in (Path(path), *(folder / path for folder in _CONFIG_FOLDERS)):
        if os.path.isfile(candidate):
            yaml_files.read_map(candidate, "ppcls-lt", "-c")
            return candidate
    folder = next((folder for folder in _CONFIG_FOLDERS if folder.is_dir()), None)
    packaged = [] if folder is None else sorted(str(p.relative_to(folder)) for p in folder.rglob("*.yaml"))
    checks.fail("ppcls-lt", "-c", f"a file, or one of {', '.join(packaged)}", checks.sought(path))


def reads_list(dataset):
    """Whether a ``dataset`` section names a data set of image lists: the host's, or a registered one made of it."""
    name = dataset.get("name")
    component = registered("dataset").get(name) if isinstance(name, str) else None
    kinds = [name] if component is None else [kind.__name__ for kind in getattr(component, "__mro__", ())]
    return any(kind in IMAGE_LISTS for kind in kinds)


def class_number(config):
    """Number of classes that the configuration states, or None."""
    arch = config.get("Arch") or {}
    for section in (arch.get("Head") or {}, arch, config.get("Global") or {}):
        if section.get("class_num") is not None:
            return section["class_num"]
    return None


def components(config, section, part):
    """Yield ``(where, name, params)`` of a list such as ``Loss.Train``, scheduled losses included.

    Raises:
        ConfigError: it is no list of one-key maps.
    """
    yield from _entries(f"{section}.{part}", (config.get(section) or {}).get(part))
    if (section, part) == ("Loss", "Train"):
        for where, name, params in callbacks(config):
            if name == LossSchedule.__name__ and params.get("before"):
                yield from _entries(f"{where} {name}.before", loss_entries(params["before"]))


def callbacks(config):
    """Yield ``(where, name, params)`` of the list ``Callbacks``."""
    yield from _entries("Callbacks", config.get("Callbacks"))


def _entries(owner, entries):
    entries = entries or []
    if not isinstance(entries, list):
        raise ConfigError(f"{owner}: must be a list of one-key maps, got {type(entries).__name__}")
    for index, entry in enumerate(entries):
        if isinstance(entry, str):
            entry = {entry: None}
        if not isinstance(entry, dict) or len(entry) != 1:
            raise ConfigError(f"{owner}[{index}]: must be a map with one key, the name, got {checks.shown(entry)}")
        ((name, params),) = entry.items()
        if params is not None and not isinstance(params, dict):
            raise ConfigError(f"{owner}[{index}] {name}: must have a map of parameters, got {checks.shown(params)}")
        yield f"{owner}[{index}]", name, params or {}


def build_callbacks(config, wanted=None):
    """Build the callbacks of a configuration, in order.

    Args:
        config (dict): the configuration.
        wanted (callable, optional): name -> whether to build it; all of them by default.

    Raises:
        ConfigError: a name or a parameter is unknown, or a value is not what it
            must be.
    """
    built = []
    for where, name, params in callbacks(config):
        if wanted is not None and not wanted(name):
            continue
        component = _callback_class(where, name)
        allowed = inspect.signature(component).parameters
        if "start" in params and "start" not in allowed:
            raise ConfigError(
                f"{where} {name}: has no `start`, it acts from the beginning of a training, got start = "
                f"{params['start']!r}; to begin later, let a second entry of `Stages` begin there"
            )
        for param in params:
            checks.known_name(f"{where} {name}", "parameter", param, list(allowed))
        for param in allowed.values():
            variadic = param.kind in (param.VAR_POSITIONAL, param.VAR_KEYWORD)
            if param.default is param.empty and not variadic and param.name not in params:
                checks.fail(f"{where} {name}", param.name, "given", checks.described("nothing"))
        if component.only_once and any(type(other) is component for other in built):
            raise ConfigError(f"{where}: {name} is listed twice")
        built.append(component(**params))
    return built


def is_path(name):
    """Whether a callback's name is the dotted path of a user's own class, which must be imported."""
    return "." in str(name)


def _callback_class(where, name):
    """One of this package's callbacks, or a user's by its dotted path."""
    known = registered("callback")
    if not is_path(name):
        checks.known_name(where, "callback", name, list(known))
        return known[name]
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        component = pydoc.locate(name)
    except pydoc.ErrorDuringImport as error:
        raise ConfigError(f"{where}: {name} must be importable: {error}") from error
    if not (inspect.isclass(component) and issubclass(component, Callback)):
        raise ConfigError(
            f"{where}: {name} must be the path of a subclass of ppcls_lt.callbacks.Callback, got {component!r}"
        )
    return component


def losses(config, part):
    """Yield ``(where, class, params)`` of the losses in ``Loss.<part>`` that are built on ``LongTailLoss``."""
    known = registered("loss")
    for where, name, params in components(config, "Loss", part):
        if name in known:
            from ..losses import LongTailLoss  # imports Paddle, as whoever registered a loss has

            if issubclass(known[name], LongTailLoss):
                yield where, known[name], params


def counting_components(config):
    """Yield ``(where, name, params)`` of this package's losses and metrics, which may know counts."""
    for section in ("Loss", "Metric"):
        known = registered(section.lower())
        for part in ("Train", "Eval"):
            for where, name, params in components(config, section, part):
                if name in known:
                    yield where, name, params


def normalized_scale(config):
    """The scale of the normalised classifier, or None when the classifier is an ordinary one.

    It is written once, in the loss that is made for cosines: its ``cosine_scale``.

    Raises:
        ConfigError: ``Arch.classifier`` is unknown, or no or different scales are stated.
    """
    kind = config["Arch"].get("classifier")
    if kind is None:
        return None
    checks.choice("Arch", "classifier", kind, (NORMALIZED,))
    stated, names = {}, []
    for part in ("Train", "Eval"):
        for where, cls, params in losses(config, part):
            scale = _cosine_scale(cls, params, config)
            if scale is not None:
                stated[where] = scale
                names += [] if cls.__name__ in names else [cls.__name__]
    if not stated:
        raise ConfigError(
            "Arch: `classifier: normalized` takes its scale `s` from LDAMLoss, or another loss that is made for "
            "cosines, got a Loss without one"
        )
    if len(set(stated.values())) > 1:
        raise ConfigError(f"{', '.join(names)}: `s` must be the same wherever it is stated, got {stated}")
    return next(iter(stated.values()))


def _cosine_scale(cls, params, config):
    """The ``cosine_scale`` of a loss with these parameters, None of one that is not made for cosines."""
    from ..losses import LongTailLoss

    if cls.cosine_scale is LongTailLoss.cosine_scale:
        return None
    params = {key: value for key, value in params.items() if key not in ("weight", "class_weight")}
    if params.get("num_class_list") is not None:
        params["num_class_list"] = [1] * (class_number(config) or 2)
    return cls(**params).cosine_scale


def counts_given(value, owner, config, allow_empty):
    """Counts ``[C]`` of a ``num_class_list`` that is a list or a path."""
    dataset = (((config.get("DataLoader") or {}).get("Train") or {}).get("dataset")) or {}
    return as_counts(
        value,
        owner=owner,
        class_num=class_number(config),
        delimiter=dataset.get("delimiter"),
        allow_empty=allow_empty,
    )


def missing_image(dataset):
    """Return ``(line number, path)`` of the first image of a ``dataset`` section that is not there, or None."""
    root, listing = dataset.get("image_root"), dataset.get("cls_label_path")
    if not (isinstance(root, str) and isinstance(listing, str) and os.path.isfile(listing)):
        return None
    with open(listing, encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            path = Path(root) / line.strip().split(dataset.get("delimiter") or " ")[0]
            if not os.path.exists(path):
                return number, path
    return None


def listed_counts(config):
    """Training images per class by the training list alone, or None where that does not tell."""
    dataset = ((config.get("DataLoader") or {}).get("Train") or {}).get("dataset") or {}
    listing = dataset.get("cls_label_path")
    if not reads_list(dataset) or not os.path.isfile(str(listing)):
        return None
    if dataset.get("relabel", False):
        counts = count_label_list(
            listing, owner="DataLoader.Train.dataset", delimiter=dataset.get("delimiter"), check_labels=False
        )
        counts = counts[counts > 0]
        return np.pad(counts, (0, max((class_number(config) or 0) - len(counts), 0)))
    return count_label_list(
        listing,
        owner="DataLoader.Train.dataset",
        delimiter=dataset.get("delimiter"),
        class_num=class_number(config),
    )
