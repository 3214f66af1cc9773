"""Reading and checking a configuration, before anything is built."""

import inspect
from pathlib import Path

import yaml

from . import _checks
from ._checks import ConfigError
from .counts import as_counts, count_label_list
from .registry import registered

AUTO = "auto"
NORMALIZED = "normalized"
# The host's data sets that read a list of lines "image label".
_IMAGE_LISTS = ("ImageNetDataset", "MultiScaleDataset")
# Keys of `Arch` that never reach the architecture.
_ARCH_KEYS = ("name", "classifier", "use_sync_bn", "use_ml_decoder")

_PACKAGE = Path(__file__).resolve().parent
# Installed beside the modules; in a checkout, beside the package.
_CONFIG_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


def find(path):
    """Return the file of ``-c``: as given, or among the configs of this package.

    Raises:
        ConfigError: there is no such file, or it is no YAML map.
    """
    for candidate in (Path(path), *(folder / path for folder in _CONFIG_FOLDERS)):
        if candidate.is_file():
            _check_yaml(candidate)
            return candidate
    folder = next((folder for folder in _CONFIG_FOLDERS if folder.is_dir()), None)
    packaged = [] if folder is None else sorted(str(p.relative_to(folder)) for p in folder.rglob("*.yaml"))
    _checks.fail("ppcls-lt", "-c", f"a file, or one of {', '.join(packaged)}", str(path))


def _check_yaml(path):
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"ppcls-lt: `-c` must be a YAML file, got {path}: {error}") from error
    if not isinstance(content, dict):
        _checks.fail("ppcls-lt", "-c", "a YAML file with sections", str(path))


def class_number(config):
    """Number of classes that the configuration states, or None."""
    arch = config["Arch"]
    for section in (arch.get("Head") or {}, arch, config.get("Global") or {}):
        if section.get("class_num") is not None:
            return section["class_num"]
    return None


def components(config, section, part):
    """Yield ``(where, name, params)`` of a list such as ``Loss.Train``.

    Raises:
        ConfigError: it is no list of one-key maps.
    """
    entries = (config.get(section) or {}).get(part) or []
    owner = f"{section}.{part}"
    if not isinstance(entries, list):
        raise ConfigError(f"{owner}: must be a list of one-key maps, got {type(entries).__name__}")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or len(entry) != 1:
            raise ConfigError(f"{owner}[{index}]: must be a map with one key, the name, got {entry!r}")
        ((name, params),) = entry.items()
        yield f"{owner}[{index}]", name, params or {}


def losses(config, part):
    """Yield ``(where, class, params)`` of this package's losses in ``Loss.<part>``."""
    known = registered("loss")
    for where, name, params in components(config, "Loss", part):
        if name in known:
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
    """The ``s`` of the normalised classifier, or None when the classifier is an ordinary one.

    ``s`` is written once, in ``LDAMLoss``.

    Raises:
        ConfigError: ``Arch.classifier`` is unknown, or no or different ``s`` is stated.
    """
    kind = config["Arch"].get("classifier")
    if kind is None:
        return None
    _checks.choice("Arch", "classifier", kind, (NORMALIZED,))
    default = inspect.signature(registered("loss")["LDAMLoss"]).parameters["s"].default
    stated = {}
    for part in ("Train", "Eval"):
        for where, cls, params in losses(config, part):
            if cls.__name__ == "LDAMLoss":
                stated[where] = _checks.number("LDAMLoss", "s", params.get("s", default), above=0)
    if not stated:
        raise ConfigError("Arch: `classifier: normalized` takes its scale `s` from LDAMLoss, got a Loss without it")
    if len(set(stated.values())) > 1:
        raise ConfigError(f"LDAMLoss: `s` must be the same wherever it is stated, got {stated}")
    return next(iter(stated.values()))


def check(config, mode, host_names):
    """Raise on every mistake that shows without building anything.

    Args:
        config (dict): the host's configuration.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
        host_names (callable): kind -> names that the host's factory knows.

    Raises:
        ConfigError: what is wrong, where, and the nearest valid name.
    """
    needed = {"train": ("Global", "Arch", "DataLoader", "Loss", "Optimizer"), "eval": ("Global", "Arch", "DataLoader")}
    for section in needed.get(mode, ("Global", "Arch")):
        if not isinstance(config.get(section), dict):
            _checks.fail("configuration", section, f"a section, to {mode}", config.get(section))
    arch = config["Arch"]
    if "name" in arch:
        _checks.known_name("Arch", "architecture", arch["name"], _public(host_names("arch")))
        ours = registered("arch").get(arch["name"])
        if ours is not None:
            allowed = [*inspect.signature(ours).parameters, *_ARCH_KEYS]
            for key in arch:
                _checks.known_name(f"Arch {arch['name']}", "parameter", key, allowed)
    if class_number(config) is not None:
        _checks.integer("Arch", "class_num", class_number(config), minimum=1)
    _check_paths(config, mode)
    optimizer = config.get("Optimizer")
    if mode == "train" and isinstance(optimizer, dict) and "name" in optimizer:
        _checks.known_name("Optimizer", "optimizer", optimizer["name"], _public(host_names("optimizer")))
    for part in _parts(config, mode):
        if not isinstance(config["DataLoader"].get(part), dict):
            _checks.fail("DataLoader", part, f"a section, to {mode}", config["DataLoader"].get(part))
        _check_list(config, "Loss", part, host_names("loss"))
        _check_list(config, "Metric", part, host_names("metric"))
    scale = normalized_scale(config)
    for part in _parts(config, mode):
        for where, cls, params in losses(config, part):
            _check_loss(where, cls, params, config, ordinary=scale is None)
        _check_label_list(config, part, host_names("data"))


def _parts(config, mode):
    """Which parts of ``Loss``, ``Metric`` and ``DataLoader`` this mode builds."""
    if mode == "train":
        return ["Train", "Eval"] if config["Global"].get("eval_during_train", True) else ["Train"]
    return ["Eval"] if mode == "eval" else []


def _public(namespace):
    return [name for name in namespace if not name.startswith("_")]


def _check_list(config, section, part, host_names):
    """Names that exist, parameters that this package's components have, no lost results."""
    kind = section.lower()
    ours = registered(kind)
    keys = {}
    for where, name, params in components(config, section, part):
        _checks.known_name(where, kind, name, _public(host_names))
        if section == "Loss" and "weight" not in params:
            _checks.fail(where, "weight", f"given: the share of {name} in the sum", _checks.described("nothing"))
        if section == "Loss":
            _checks.number(where, "weight", params["weight"])
        if not inspect.isclass(host_names[name]):
            continue
        allowed = inspect.signature(host_names[name]).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in allowed.values())
        for param in params:
            if param != "weight" and not takes_any:
                _checks.known_name(f"{where} {name}", "parameter", param, list(allowed))
        if name not in ours:
            continue
        required = [p.name for p in allowed.values() if p.default is p.empty and p.name not in params]
        if required:
            _checks.fail(where + " " + name, required[0], "given", _checks.described("nothing"))
        key = getattr(ours[name], "result_key", None)
        if key is not None and keys.setdefault(key, where) != where:
            raise ConfigError(f"{where}: {name} is listed twice ({keys[key]}); PaddleClas would keep the last only")


def _check_loss(where, cls, params, config, ordinary):
    """Build the loss once, so that a wrong value shows before the data are read."""
    class_num = class_number(config)
    params = {key: value for key, value in params.items() if key != "weight"}
    if params.get("num_class_list") == AUTO:
        params["num_class_list"] = [1] * (class_num or 2)
    elif params.get("num_class_list") is not None:
        params["num_class_list"] = counts_given(
            params["num_class_list"], cls.__name__, config, params.get("allow_empty_classes", False)
        )
    weights = params.get("class_weight")
    if isinstance(weights, list) and class_num is not None and len(weights) != class_num:
        _checks.fail(
            cls.__name__,
            "class_weight",
            f"as long as Arch.class_num ({class_num})",
            _checks.described(f"{len(weights)} weights"),
        )
    loss = cls(**params)
    if ordinary and getattr(loss, "s", 1.0) > 1.0 and not loss.allow_unnormalized:
        raise ConfigError(
            f"{where} LDAMLoss: `s` > 1 is made for cosines, got s = {loss.s:g} on an ordinary classifier, whose "
            f"logits it would blow up; set `Arch.classifier: normalized`, or `allow_unnormalized: true`"
        )
    if cls.uses_features and config["Global"].get("to_static", False):
        raise ConfigError(
            f"Global: `to_static` must be false with {cls.__name__}, got true: in a static graph the features that "
            f"enter the classifier cannot be caught"
        )


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


def _check_paths(config, mode):
    """Weights to start from and images to predict: there."""
    for key in ("pretrained_model", "checkpoints") if mode == "train" else ("pretrained_model",):
        path = config["Global"].get(key)
        if isinstance(path, str) and not path.startswith("http"):
            if not (Path(path).exists() or Path(path + ".pdparams").exists()):
                _checks.fail("Global", key, "the path of a .pdparams file without its ending", path)
    images = (config.get("Infer") or {}).get("infer_imgs")
    if mode == "infer" and isinstance(images, str) and not Path(images).exists():
        _checks.fail("Infer", "infer_imgs", "an existing image or folder", images)


def missing_image(dataset):
    """Return ``(line number, path)`` of the first image of a ``dataset`` section that is not there, or None."""
    root, listing = dataset.get("image_root"), dataset.get("cls_label_path")
    if not (isinstance(root, str) and isinstance(listing, str) and Path(listing).is_file()):
        return None
    with open(listing, encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            path = Path(root) / line.strip().split(dataset.get("delimiter") or " ")[0]
            if not path.exists():
                return number, path
    return None


def listed_counts(config):
    """Training images per class by the training list alone, or None where that does not tell."""
    dataset = ((config.get("DataLoader") or {}).get("Train") or {}).get("dataset") or {}
    listing = dataset.get("cls_label_path")
    if dataset.get("name") not in _IMAGE_LISTS or dataset.get("relabel", False) or not Path(str(listing)).is_file():
        return None
    return count_label_list(
        listing,
        owner="DataLoader.Train.dataset",
        delimiter=dataset.get("delimiter"),
        class_num=class_number(config),
    )


def _check_label_list(config, part, host_names):
    """The host's image list: there, well formed, with labels in range."""
    dataset = ((config.get("DataLoader") or {}).get(part) or {}).get("dataset") or {}
    owner = f"DataLoader.{part}.dataset"
    if "name" in dataset:
        _checks.known_name(owner, "data set", dataset["name"], _public(host_names))
    for key in ("cls_label_path", "image_root"):
        path = dataset.get(key)
        if isinstance(path, str) and not Path(path).exists():
            _checks.fail(owner, key, "an existing path", path)
    if dataset.get("name") in _IMAGE_LISTS and "cls_label_path" in dataset:
        retrieval = config["Global"].get("eval_mode", "classification") != "classification"
        in_range = not dataset.get("relabel", False) and (part == "Train" or not retrieval)
        count_label_list(
            dataset["cls_label_path"],
            owner=owner,
            delimiter=dataset.get("delimiter"),
            class_num=class_number(config) if in_range else None,
            check_labels=in_range,
        )
