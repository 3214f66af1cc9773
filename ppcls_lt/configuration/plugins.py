"""``Global.plugins``: modules of the user's own, imported before a name of the configuration is looked up.

They are sought in ``Global.plugins_from``, by default the folder of the YAML, then in the working
folder, then among what is installed. What they register with ``ppcls_lt.registry`` is published in
PaddleClas, in every process that reads the configuration.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
import sys
from collections.abc import Iterable, Sequence

from .. import callbacks, host, losses, metrics
from ..basis import checks, modules, overrides, registry, yaml_files
from ..basis.checks import ConfigError

KEY, FOLDER = "plugins", "plugins_from"
# What a component of a kind must be, so that a training can use it.
_BASES = {
    "loss": (losses.LongTailLoss, "ppcls_lt.losses.LongTailLoss"),
    "metric": (metrics.LongTailMetric, "ppcls_lt.metrics.LongTailMetric"),
    "callback": (callbacks.Callback, "ppcls_lt.callbacks.Callback"),
}
_EXPECTED = "a list of modules' names, such as my_losses"
_KEY_OF_GLOBAL = re.compile(r"\s*Global[.=\s]")
_log = logging.getLogger("ppcls.lt")
_may_replace: set[str] = set()  # names of PaddleClas's own, as `register` was told


def publish(replace: Iterable[str] = ()) -> None:
    """Make PaddleClas find everything that is registered by now.

    Args:
        replace (sequence of str): names of PaddleClas's own that may be taken over, from now on.

    Raises:
        ConfigError: PaddleClas has something else of a name.
    """
    _may_replace.update(replace)
    for kind in registry.KINDS:
        if kind != "callback":  # PaddleClas knows none
            host.publish(kind, registry.registered(kind), _may_replace)


def names(section: dict) -> list[str]:
    """Return the modules that ``Global`` names, in order.

    Raises:
        ConfigError: they are no names of modules.
    """
    given = section.get(KEY)
    if isinstance(given, str):
        # As a shell passes it: -o Global.plugins=[my_losses, my_metrics]
        bare = given.strip()
        listed = bare[1:-1] if bare[:1] + bare[-1:] == "[]" else bare
        given = [part.strip() for part in listed.split(",") if part.strip()]
    if given is None:
        return []
    if not isinstance(given, (list, tuple)):
        checks.fail("Global", KEY, _EXPECTED, given)
    for name in given:
        if not isinstance(name, str) or not modules.NAME.fullmatch(name) or name.endswith(".py"):
            expected = f"{_EXPECTED}, without folder or ending" if isinstance(name, str) else _EXPECTED
            checks.fail("Global", KEY, expected, name)
    return list(dict.fromkeys(given))


def load(section: dict, folders: Sequence[str] = (), hint: str = "") -> None:
    """Import the modules that ``Global`` names and publish what they register.

    Args:
        section (dict): ``Global``.
        folders (sequence of str): where to look before the working folder, where ``plugins_from`` says nothing.
        hint (str): what a message may add where a module is not found.

    Raises:
        ConfigError: a module is not there, raises, or registers what cannot be published; nothing is registered then.
    """
    wanted = names(section)
    given = section.get(FOLDER)
    if given is not None and not isinstance(given, str):
        checks.fail("Global", FOLDER, "the path of a folder", given)
    folders = [*([] if given is None else [given]), *folders, os.getcwd()]
    for name in wanted:
        before, known = registry.state(), name in sys.modules
        try:
            module = modules.load(name, folders, "Global", KEY, hint)
            _check_new(name, before)
        except ConfigError:
            registry.restore(before)
            if not known:
                modules.forget(name)
            raise
        publish()
        if not known:
            _log.info("Global.plugins: %s (%s) registers %s", name, modules.file_of(module), _told(before))


def load_of(
    path: str | os.PathLike, given: Sequence[str] | None, started_in: str | None = None, hint: str = ""
) -> dict:
    """Import the plugins of a configuration that is about to be read; return what its ``Global`` shall say of them.

    Args:
        path (str): its YAML file.
        given (sequence of str or None): its overrides.
        started_in (str, optional): of a run's configuration, the folder from which the training was started.
        hint (str): see :func:`load`.

    Returns:
        dict: ``plugins`` and, where one of them was found there, ``plugins_from``; empty without plugins.

    Raises:
        ConfigError: as :func:`load`.
    """
    content = yaml_files.read_map(path, "ppcls-lt", "-c")
    content = {"Global": content.get("Global")}
    overrides.apply(content, [each for each in given or () if _KEY_OF_GLOBAL.match(str(each))])
    section = content["Global"]
    if not isinstance(section, dict) or not names(section):
        return {}
    told = any(name == ("Global", FOLDER) for name, _ in overrides.parsed(given or ()))
    folders = [] if section.get(FOLDER) is not None else [os.path.dirname(str(path)) or "."]
    if started_in is not None and not told:
        # A relative folder was meant from where the training was started.
        recorded = section.pop(FOLDER, None)
        folders = [started_in] if recorded is None else [os.path.join(started_in, recorded), recorded, started_in]
    load(section, folders, hint)
    result = {KEY: names(section)}
    holding = (folder for folder in folders if any(_lies_in(name, folder) for name in result[KEY]))
    place = section.get(FOLDER) or next(holding, None)
    return result if place is None else {**result, FOLDER: place}


def check(section: dict, plan: Sequence[dict]) -> None:
    """Raise where a recipe or a stage names other plugins than the file of ``-c``, which alone is asked for them.

    Args:
        section (dict): ``Global`` of the configuration as it was read.
        plan (list of dict): the configuration of every stage.
    """
    for stage in plan:
        for key in (KEY, FOLDER):
            if stage["Global"].get(key) != section.get(key):
                got = checks.described(f"{stage['Global'].get(key)} in a recipe or a stage")
                checks.fail("Global", key, "given in the file of `-c` or with `-o`", got)


def files(section: dict) -> dict[str, str | None]:
    """Return name -> file of the plugins of ``Global``, which have been imported."""
    return {name: modules.file_of(sys.modules[name]) for name in names(section)}


def _lies_in(name, folder):
    file = modules.file_of(sys.modules[name.partition(".")[0]]) or ""
    home = os.path.dirname(file) if os.path.basename(file) == "__init__.py" else file
    return os.path.realpath(os.path.dirname(home)) == os.path.realpath(folder)


def _new(before):
    """Yield ``(kind, name, component)`` of what was registered since ``before``."""
    for kind, entries in registry.state().items():
        for name, component in entries.items():
            if name not in before[kind]:
                yield kind, name, component


def _told(before):
    return ", ".join(f"{kind} {name}" for kind, name, _ in _new(before)) or "nothing"


def _check_new(module, before):
    """Raise where what a module has registered cannot be what it says it is, or has a name of PaddleClas's own."""
    for kind, name, component in _new(before):
        base, path = _BASES.get(kind, (object, None))
        if path is not None and not (inspect.isclass(component) and issubclass(component, base)):
            got = checks.described(f"{module}, whose {kind} {name} is none")
            checks.fail("Global", KEY, f"modules in which every {kind} is a subclass of {path}", got)
        if kind in registry.KINDS and kind != "callback" and name not in _may_replace:
            taken = host.names(kind).get(name, component)
            if taken is not component:
                got = checks.described(f"{module}, which registers the {kind} {name}; give it another name")
                checks.fail("Global", KEY, "modules that register no name of PaddleClas's own", got)
