"""The host, PaddleClas: finding it, repairing it, publishing names in it.

With its folder the only place that imports ``ppcls``. Every repair is narrow, is made only
where its fault shows, and is listed in docs/versions.md.
"""

from __future__ import annotations

import ast
import copy
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..basis.checks import ConfigError
from . import decoding, evaluated, images, loaders, loading, operators, reading, relabelling, repairs, samplers  # noqa: F401
from ._names import MODULE_OF_KIND, namespace
from .components import constructors, faulty, is_refusal  # noqa: F401
from .devices import devices, eval_modes  # noqa: F401
from .downloads import downloading, weights_at  # noqa: F401
from .engine import extend_engine  # noqa: F401
from .extended import combine  # noqa: F401
from .logs import close_logs, log_handlers, quiet  # noqa: F401
from .patched import extend, functions  # noqa: F401
from .predicting import images_below  # noqa: F401
from .read_keys import reads
from .reading import check_new_entries  # noqa: F401
from .running import built, run  # noqa: F401
from .uniform_output import fault as infer_config_fault  # noqa: F401

INSTALL_HELP = (
    "install one that can train: `pip install --no-deps paddleclas==2.4.2` together with the packages of "
    "scripts/requirements-host.txt (see docs/versions.md), or put a source checkout of PaddleClas on PYTHONPATH"
)


def load(root: str | os.PathLike | None = None) -> None:
    """Import the training engine of PaddleClas and repair it; later calls change nothing.

    Args:
        root (str or Path, optional): a source checkout that comes before any
            installed PaddleClas.

    Raises:
        ConfigError: no PaddleClas, only an inference-only one, or one whose own
            requirements are missing.
    """
    if "ppcls.engine.engine" not in sys.modules:
        _put_on_path(root)
        try:
            importlib.import_module("ppcls.engine.engine")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"PaddleClas: its training engine needs the module {error.name!r}, which is not installed; "
                f"install the packages of scripts/requirements-host.txt (see docs/versions.md)"
            ) from error
    logger = module("utils.logger")
    if logger._logger is None:
        # The host's own build_loss fails without it when there is no Engine.
        logger.init_logger()
    for repair in (evaluated.repair, reading.repair, *repairs.ALL, *operators.ALL, images.repair, relabelling.repair):
        repair()
    loading.restrict()


def module(name: str) -> Any:
    """Return ``ppcls.<name>``."""
    return importlib.import_module(f"ppcls.{name}")


def checkout() -> Path:
    """Return the folder that holds the ``ppcls`` package in use."""
    return Path(module("engine").__file__).resolve().parents[2]


def version() -> str:
    """Return the version of the installed package in use and its folder, or the folder of a checkout alone."""
    folder = checkout()
    try:
        package = importlib.metadata.distribution("paddleclas")
    except importlib.metadata.PackageNotFoundError:
        return str(folder)
    installed = Path(package.locate_file("paddleclas")).resolve() == folder  # type: ignore[arg-type]  # a path of a file
    return f"{package.version} ({folder})" if installed else str(folder)


def names(kind: str) -> dict[str, Any]:
    """Return what the host's factory of one kind can look up, by name."""
    return namespace(kind)


def publish(kind: str, components: Mapping[str, Any], replace: Iterable[str] = ()) -> None:
    """Make the host's factory of one kind find ``components`` (name -> class).

    Raises:
        ConfigError: the host has something else of that name, which is not in
            ``replace``.
    """
    known = names(kind)
    for name, component in components.items():
        taken = known.get(name, component)
        if taken is not component and name not in replace:
            raise ConfigError(
                f"PaddleClas: {MODULE_OF_KIND[kind]} already has {name!r} ({taken!r}); to use the one of "
                f"ppcls_lt instead, call ppcls_lt.register(replace=[{name!r}])"
            )
        known[name] = component


def attributed(config: dict) -> dict:
    """Return a deep copy of a configuration, or plain dicts, as the host's ``AttrDict`` at every level."""
    attr_dict = module("utils.config").AttrDict
    return attr_dict(
        {key: attributed(value) if isinstance(value, dict) else copy.deepcopy(value) for key, value in config.items()}
    )


def load_config(path: str | os.PathLike, overrides: Sequence[str]) -> dict:
    """Read a YAML as the host's scripts do, ``-c`` and ``-o``; see ``reading`` for what that means here.

    Raises:
        ConfigError: the file is no readable YAML map, or an override names no entry.
    """
    return module("utils.config").get_config(str(path), overrides=overrides, show=False)


def build_dataset(config: dict) -> Any:
    """Build the data set of a ``dataset`` section as the host does, without a loader."""
    params = {key: value for key, value in config.items() if key not in ("name", "batch_transform_ops")}
    return vars(module("data"))[config["name"]](**params)


def saves_below_name() -> bool:
    """Whether the host saves in a folder of the architecture's name below ``output_dir``; 2.4 and 2.5 do."""
    function = inspect.unwrap(module("utils.save_load").save_model)
    names = ast.walk(ast.parse(inspect.getsource(function)))
    return any(isinstance(node, ast.Name) and node.id == "model_name" for node in names)


def reads_use_amp() -> bool:
    """Whether the host looks at ``AMP.use_amp``; 2.4 and 2.5 take the section itself for yes."""
    return "use_amp" in reads().get(("AMP",), {})


def _put_on_path(root):
    """Let ``import ppcls`` find a PaddleClas that can train."""
    found = []
    for folder in _candidates(root):
        if _can_train(folder):
            if root is not None:
                sys.path.insert(0, str(folder))
            elif str(folder) not in sys.path:
                sys.path.append(str(folder))
            return
        found.append(str(folder / "ppcls"))
    if found:
        raise ConfigError(
            f"PaddleClas: {', '.join(found)} has no training engine (the wheels from 2.4.3 on are for "
            f"inference only); {INSTALL_HELP}"
        )
    raise ConfigError(f"PaddleClas: not found; {INSTALL_HELP}")


def _candidates(root):
    """Folders that may hold a ``ppcls`` package, first choice first."""
    if root is not None:
        yield Path(root).resolve()
        return
    spec = importlib.util.find_spec("ppcls")
    if spec is not None and spec.submodule_search_locations:
        yield Path(list(spec.submodule_search_locations)[0]).parent
    # The wheel keeps ppcls inside its own folder. Importing it would import its
    # whole command line, so its folder is looked up only.
    spec = importlib.util.find_spec("paddleclas")
    if spec is not None and spec.submodule_search_locations:
        yield Path(list(spec.submodule_search_locations)[0])


def _can_train(folder):
    parts = ("engine/engine.py", "loss/__init__.py", "data/__init__.py", "optimizer/__init__.py")
    return all((folder / "ppcls" / part).is_file() for part in parts)
