"""Importing modules by name: those of a folder of the user's, and all of a package of ours."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from . import checks

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def import_all(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, so that what they register is registered.

    Args:
        package (str): its ``__name__``.
        path (list of str): its ``__path__``.
    """
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")


def load(name: str, folders: Iterable[str | os.PathLike], owner: str, parameter: str, hint: str = "") -> ModuleType:
    """Import a module that a configuration names; return it.

    It is sought in the folders in their order, then among what is installed (Python's path). One
    of a folder never takes the place of an installed one: where both are there, that is an error.
    The folder is appended to Python's path, so that the module finds its neighbours.

    Args:
        name (str): the module, dotted if it is one of a package.
        folders (sequence of str or Path): where to look first.
        owner (str), parameter (str): what names it, for messages.
        hint (str): what a message may add where it is not found.

    Raises:
        ConfigError: it is not there, two have the name, or it raises when it is imported.
    """
    importlib.invalidate_caches()  # a file may be newer than what Python remembers of its folder
    top = name.partition(".")[0]
    folders = list(dict.fromkeys(os.path.realpath(folder) for folder in folders))
    found = next(filter(None, (_in_folder(top, folder, dotted=top != name) for folder in folders)), None)
    installed = _installed(top, folders)
    if found is not None:
        _check_own(name, found, installed, owner, parameter)
    elif installed is None and top not in sys.modules:
        _not_there(name, folders, owner, parameter, hint)
    if found is not None and os.path.dirname(_home(found)) not in sys.path:
        sys.path.append(os.path.dirname(_home(found)))
    fresh = top not in sys.modules
    try:
        if found is not None and found.origin is not None and fresh:
            _execute(found)
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever somebody's module raises
        if fresh:
            forget(name)
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            _not_there(name, folders, owner, parameter, hint)
        file, line = _raised_at(error, _home(found or installed))
        got = f"{name}, which fails in {file}, line {line}: {type(error).__name__}: {error}"
        checks.fail(owner, parameter, "modules that can be imported", checks.described(got))


def forget(name: str) -> None:
    """Let a module, with the package that it is in, be imported anew; what it imported of others stays."""
    top = name.partition(".")[0]
    for each in [each for each in sys.modules if each.partition(".")[0] == top]:
        del sys.modules[each]


def file_of(module: ModuleType) -> str | None:
    """The file of a module, or its folder where it has no file of its own."""
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)


def _in_folder(top, folder, dotted):
    spec = importlib.machinery.PathFinder.find_spec(top, [folder])
    # A folder without a file of its own imports nothing, unless a module within it is meant.
    return None if spec is None or (spec.origin is None and not dotted) else spec


def _installed(top, folders):
    """What Python finds of this name outside of the folders, or None."""
    path = [entry for entry in sys.path if os.path.realpath(entry or os.getcwd()) not in folders]
    for finder in sys.meta_path:
        if hasattr(finder, "find_spec"):
            spec = finder.find_spec(top, path if finder is importlib.machinery.PathFinder else None)
            if spec is not None and spec.origin is not None:
                return spec
    return None


def _check_own(name, found, installed, owner, parameter):
    """Raise where the module of a folder would take another one's place, or not come into its own."""
    mine, imported = _home(found), sys.modules.get(found.name)
    expected = "modules with names of their own"
    if found.origin is None:
        return
    if installed is not None and _home(installed) != mine:
        where = "built into Python" if installed.origin in ("built-in", "frozen") else _home(installed)
        got = f"{name} ({found.origin}), which would hide the installed module of that name ({where}); rename it"
        checks.fail(owner, parameter, expected, checks.described(got))
    if imported is not None and os.path.realpath(file_of(imported) or "") != os.path.realpath(found.origin):
        got = f"{name} ({found.origin}) where {file_of(imported)} has been imported as {found.name} already"
        checks.fail(owner, parameter, expected, checks.described(got))


def _execute(spec):
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)


def _home(spec):
    """The file of a module, or the folder of a package."""
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return os.path.realpath(list(spec.submodule_search_locations)[0])
    return os.path.realpath(spec.origin)


def _raised_at(error, home):
    """``(file, line)`` at which an import failed: the innermost line of the module itself, else of whoever raised."""
    if isinstance(error, SyntaxError) and os.path.isfile(error.filename or ""):
        return error.filename, error.lineno
    frames = [each for each in traceback.extract_tb(error.__traceback__) if os.path.isfile(each.filename)]
    frames = [each for each in frames if each.filename != __file__ and "importlib" not in Path(each.filename).parts]
    own = [each for each in frames if home is not None and os.path.realpath(each.filename).startswith(home)]
    last = (own or frames)[-1:] or traceback.extract_tb(error.__traceback__)[-1:]
    return last[0].filename, last[0].lineno


def _not_there(name, folders, owner, parameter, hint):
    nearby = [module.name for module in pkgutil.iter_modules(folders)]
    got = f"{name}, sought in {', '.join(folders)} and on Python's path{checks.suggestion(name, nearby)}{hint}"
    checks.fail(owner, parameter, "modules that can be imported", checks.described(got))
