"""``Global.run``: evaluate, predict or export with what a training left in its folder, and nothing else.

The configuration of the training's last stage and its best weights take the place
of ``-c``; ``-o`` goes on top.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ..basis import yaml_files
from ..basis.checks import ConfigError, described, fail
from ..basis.overrides import parsed
from ..data import class_names
from ..reports.run import collect
from ..runs import checkpoints
from ..runs import files as run_files
from ..runs import marks as run_marks
from . import adapters, held_out, named_classes, plugins

_OWNER = "Global: `run`"
# What `ppcls-lt compare` leaves of a run, in the folder above its training's.
_COMPARED, _KEPT = "result.json", "weights"
# Entries of a configuration that are paths of data.
_PATHS = (
    *("image_root", "cls_label_path", "class_id_map_file", "infer_imgs", "num_class_list", "group_by"),
    *(held_out.LIST, held_out.EVAL),
)
_log = logging.getLogger("ppcls.lt")


class FinishedRun(NamedTuple):
    """What there is of a training."""

    config: Path  # its configuration, that of the last stage
    output_dir: Path  # of that stage, as it lies now
    name: str  # of the run, as its manifests have it
    folder: str | None  # from where the training was started, or None if it did not say
    plugins: dict  # name -> file of the modules of the user's own that it had
    class_names: dict  # class as text -> what it called it; empty if it had no names


def find(folder: str | os.PathLike) -> FinishedRun:
    """Return the ``FinishedRun`` in a folder.

    Args:
        folder (str or Path): a training's ``Global.output_dir``, that of one of
            its stages, or the folder of its log.

    Raises:
        ConfigError: it is no folder of one training, or no configuration was kept.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ConfigError(
            f"{_OWNER} must be the folder of a training, its `Global.output_dir`, got {folder}, which is no folder "
            f"(sought from {Path.cwd()})"
        )
    found = collect.stages_of_runs(folder, "train")
    for _, info in found:
        rivals = sorted(path.parent for path, other in found if other["stage"] == info["stage"])
        if len(rivals) > 1:
            holds = ", ".join(map(str, rivals[:6])) + (", ..." if len(rivals) > 6 else "")
            raise ConfigError(f"{_OWNER} must be the folder of one training, got {folder}, which holds {holds}")
    if not found:
        raise ConfigError(
            f"{_OWNER} must be the folder of a training by ppcls_lt, got {folder}, which has no "
            f"{run_files.FILES['train'].info}; for other weights give `-c` and `-o Global.pretrained_model=PATH`"
        )
    run = max(found, key=lambda each: each[1]["started"])[1]["run"]
    path, info = max((each for each in found if each[1]["run"] == run), key=lambda each: each[1]["stage"])
    if info["stage"] < info["stages"]:
        _log.warning("%s: the training has not come further than stage %d of %d", folder, info["stage"], info["stages"])
    config = path.with_name(run_files.FILES["train"].config)
    if not config.is_file():
        raise ConfigError(f"{_OWNER} must be the folder of a training with its {config.name}, got {folder} without it")
    home = path.parent
    # Some versions of PaddleClas save in a folder of the architecture's name below it.
    below = run_marks.marked(home, home.name) is None and run_marks.marked(home.parent, home.name) is not None
    output_dir = home.parent if below else home
    own, names = (info.get(key) or {} for key in ("plugins", "class_names"))
    return FinishedRun(config, output_dir, run, info.get("folder"), own, names)


def _where(found):
    """Where the training had its plugins, for a message of one that is not found now."""
    return f"; the training had {', '.join(map(str, found.values()))}" if found else ""


def named(overrides: Iterable | None) -> str | None:
    """Return the folder that ``-o Global.run=FOLDER`` names, or None."""
    given = [value for path, value in parsed(overrides or ()) if path == ("Global", "run")]
    return str(given[-1]) if given and given[-1] is not None else None


def get_config(
    original: Callable[..., dict], fname: str, overrides: Sequence[str] | None = None, show: bool = False
) -> dict:
    """The host's ``get_config``; with ``Global.run``, in the overrides or the file, it reads the run's configuration.

    Raises:
        ConfigError: the folder holds no training, or none with whole weights.
    """
    folder = named(overrides)
    if folder is None:
        own = plugins.load_of(fname, overrides)
        config = original(fname, overrides=overrides, show=show)
        section: Any = config.get("Global")
        folder = section.get("run") if isinstance(section, dict) else None
        if folder is None:
            if own:
                section.update(own)
            return config
    run = find(str(folder))
    if Path(fname).resolve() != run.config.resolve():
        _log.info("%s is not read: `Global.run` brings the configuration, %s", fname, run.config)
    own = plugins.load_of(run.config, overrides, run.folder, _where(run.plugins))
    config = original(str(run.config), overrides=overrides, show=show)
    given = {".".join(path) for path, _ in parsed(overrides or ())}
    section = config["Global"]
    section.update(own, run=str(folder))
    if "Global.output_dir" not in given:
        section["output_dir"] = str(run.output_dir)
    if "Global.pretrained_model" not in given:
        section["pretrained_model"] = _weights(run, str(config["Arch"].get("name")))
    if not adapters.downloads(config["Arch"]) and not (adapters.asked(config["Arch"]) and "Arch.pretrained" in given):
        _without_start(config["Arch"])
    _find_data(config, run.folder, given)
    _keep_names(config, run.class_names, given)
    return config


def whole_weights(run: FinishedRun, arch: str) -> tuple[str, Path] | None:
    """Return ``(prefix, path without ending)`` of the best weights of a training, or of the last; None without any.

    Args:
        run (FinishedRun): the training.
        arch (str): ``Arch.name`` of its last stage.
    """
    for prefix in ("best_model", checkpoints.LATEST):
        path = checkpoints.find(run.output_dir, arch, prefix)
        if path and checkpoints.manifest_of(path)["run"] == run.name:  # type: ignore[index]  # a whole one has one
            return prefix, path
    return None


def _weights(run, arch):
    """The path (without ending) of the best weights, or of the last."""
    weights = whole_weights(run, arch)
    if weights is not None:
        prefix, path = weights
        why = "" if prefix != checkpoints.LATEST else ", since there is no whole best_model"
        _log.info("%s: weights of epoch %d, %s%s", run.output_dir, checkpoints.epoch_of(path), path, why)
        return str(path)
    for folder in [*run.output_dir.parents][:2]:  # above the training, or above that of its last stage
        path = folder / f"{_KEPT}{checkpoints.WEIGHTS}"
        if (folder / _COMPARED).is_file() and path.is_file():
            _log.info("%s: the weights that a comparison chose, %s", run.output_dir, path)
            return str(folder / _KEPT)
    section = yaml_files.read_map(run.config, "Global", "run").get("Arch")
    trained = section.get("name") if isinstance(section, dict) else None
    if trained != arch:
        got = described(f"{arch}; leave out `-o Arch.name`")
        fail("Arch", "name", f"{trained}, the architecture of the training in {run.output_dir}", got)
    raise ConfigError(
        f"{_OWNER} must be a training with a whole checkpoint, best_model or latest, got {run.output_dir} without one"
    )


def _without_start(arch):
    """Take out the weights that the training began with; the trained ones fill the model, or know where those lie."""
    if isinstance(arch, dict):
        if arch.get("pretrained"):
            arch["pretrained"] = False
        arch = list(arch.values())
    for inner in arch if isinstance(arch, list) else ():
        _without_start(inner)


def _find_data(section, folder, given, name=""):
    """Let relative paths be found from where the training was started, whatever else is called so here."""
    entries = section.items() if isinstance(section, dict) else enumerate(section)
    for key, value in list(entries):
        inner = f"{name}.{key}" if name else str(key)
        if isinstance(value, (dict, list)):
            _find_data(value, folder, given, inner)
        elif key in _PATHS and isinstance(value, str) and folder is not None and inner not in given:
            there = os.path.join(folder, value)
            here = os.path.exists(value)
            if os.path.exists(there) and not (here and os.path.samefile(value, there)):
                which = "here is another" if here else "is not here"
                _log.info("%s: %s %s, taken from where the training was started: %s", inner, value, which, there)
                section[key] = there


def _keep_names(config, kept, given):
    """Let the classes be called as the training had them; raise where the file of names has become another."""
    path, key = named_classes.file_of(config)
    if not kept or not isinstance(path, str) or key in given:
        return
    config["Global"]["class_names"] = kept
    if not os.path.isfile(path):
        return
    names = {str(label): name for label, name in class_names.read(path).items()}
    other = next((label for label in sorted({*kept, *names}, key=int) if kept.get(label) != names.get(label)), None)
    if other is not None:
        had, has = (f"called {found[other]!r}" if other in found else "not there" for found in (kept, names))
        got = described(f"{path}, in which the class {other} is {has}; the training had it {had}")
        remedy = f"train anew if the lists are other ones; `-o {key}={path}` takes the new names"
        fail("configuration", key, "the file of the names that the training had", got, remedy)
