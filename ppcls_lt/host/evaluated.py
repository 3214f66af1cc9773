"""The host's ``eval`` of text: what its modules find in place of Python's.

They hand names and numbers of a configuration to ``eval``, which would run any code
that stands there. A global ``eval`` in a module comes before the builtin one, so each
of the host's modules is given one that reads literals and numbers and looks names up.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import inspect
import re
import sys
import sysconfig
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..basis import overrides
from ..basis.checks import ConfigError

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
# The folders of a checkout or a wheel that hold modules of the host.
_PARTS = ("ppcls", "deploy", "tools")


def _standard_library() -> frozenset[str]:
    """The names of its modules; Python 3.9 does not list them."""
    listed: frozenset[str] | None = getattr(sys, "stdlib_module_names", None)
    if listed is not None:
        return listed
    paths = Path(sysconfig.get_paths()["stdlib"]).iterdir()
    found = {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").is_file()}
    return frozenset(found.union(sys.builtin_module_names))


_STANDARD_LIBRARY = _standard_library()


def read(text: str) -> Any:
    """Return what a text of the configuration stands for, in the module that asks.

    That is a Python literal or arithmetic of numbers (``overrides.literal``), a class or
    function that the module defines or has imported from another than the standard
    library, a layer of Paddle (``nn.LayerNorm``), or a table of the module.

    Raises:
        ConfigError: it is something else. Nothing of it was run.
    """
    namespace = sys._getframe(1).f_globals
    if not isinstance(text, str):
        return _refused(namespace, text)
    try:
        return overrides.literal(text)
    except ValueError:
        pass
    if not _DOTTED.fullmatch(text):
        return _refused(namespace, text)
    first, *rest = text.split(".")
    found = namespace.get(first)
    for name in rest:
        within_paddle = isinstance(found, types.ModuleType) and found.__name__.partition(".")[0] == "paddle"
        found = getattr(found, name, None) if within_paddle else None
    if _is_layer(found) if rest else _is_component(first, found):
        return found
    return _refused(namespace, text)


def component_names(namespace: Mapping[str, Any]) -> list[str]:
    """The names in a module of the host that a configuration may give: of its classes and functions."""
    return [name for name, found in namespace.items() if not name.startswith("_") and _is_component(name, found)]


def _is_component(name, found):
    if name.startswith("_"):
        # The host makes such a name itself, of the models that differ (foundation_vit).
        return isinstance(found, dict) and not name.startswith("__")
    origin = (getattr(found, "__module__", None) or "").partition(".")[0]
    known = inspect.isclass(found) or inspect.isfunction(found)
    return known and found is not read and origin not in _STANDARD_LIBRARY


def _is_layer(found):
    import paddle

    return inspect.isclass(found) and issubclass(found, paddle.nn.Layer)


def _refused(namespace, text):
    raise ConfigError(
        f"PaddleClas: the text {str(text)[:80]!r}, read in {namespace.get('__name__')}, must be a number, a Python "
        f"literal or the name of a component there; correct it in the configuration, or publish a component of your "
        f"own in that module. Text is never run as code"
    )


def repair() -> None:
    """Give :func:`read` to every module of the host, those that are imported later too."""
    root = Path(importlib.import_module("ppcls.engine").__file__).resolve().parents[2]  # type: ignore[arg-type]  # it has a file
    if any(isinstance(finder, _Finder) and finder.root == root for finder in sys.meta_path):
        return
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "ppcls":
            vars(module)["eval"] = read
    sys.meta_path.insert(0, _Finder(root))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the host's modules that are still to be imported, and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find_spec(self, fullname, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or not spec.has_location:
            return None
        parents = Path(spec.origin).resolve().parents
        if not any(self.root / part in parents for part in _PARTS):
            return None
        run = spec.loader.exec_module

        def exec_module(module):
            vars(module)["eval"] = read
            run(module)

        spec.loader.exec_module = exec_module
        return spec
