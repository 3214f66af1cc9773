"""Building a section of the configuration by the host, and whom to name when that fails."""

from __future__ import annotations

import logging
from typing import Callable

from .. import host
from ..basis.checks import ConfigError

_log = logging.getLogger("ppcls.lt")
_SHOWN = 300  # characters of what a constructor says


def named(section: str, build: Callable) -> Callable:
    """``build``, a failure of which names the component that fails alone, or else the section that it was building.

    Args:
        section (str): of the configuration: ``Arch``, ``DataLoader``, ``Loss``, ``Metric`` or ``Optimizer``.
        build (callable): called with the host's function and its arguments.
    """

    def call(original, *args, **kwargs):
        try:
            return build(original, *args, **kwargs)
        except ConfigError:
            raise
        except Exception as error:
            if host.is_refusal(error):
                _name_component(section, args)
                _name_refusing(section, args, error)
            _log.error("building `%s` of the configuration failed; what failed in it is said below", section)
            raise

    return call


def _name_component(section, args):
    """Raise for the first component of the section that cannot be built alone.

    Raises:
        ConfigError: which, with what it was given and what it says.
    """
    for where, module, entries in _lists(section, args):
        found = host.faulty(module, entries)
        if found is not None:
            index, name, given, error = found
            said = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
            raise ConfigError(
                f"{where}[{index}] {name}: must have parameters that it takes, got {given}: {said}"
            ) from error


def _lists(section, args):
    """Yield ``(where, module of the host, list of components)`` of what was to be built."""
    if section in ("Loss", "Metric"):
        yield section, section.lower(), args[0]
    elif section == "DataLoader":
        place, part = _loader(args)
        for key in ("transform_ops", "batch_transform_ops"):
            yield f"{place}.dataset.{key}", "data.preprocess", part["dataset"].get(key)


def _name_refusing(section, args, error):
    """Raise for the component of the host's in whose constructor it failed, as by an assertion that says little.

    Raises:
        ConfigError: which, what it says and where it does.
    """
    named_there = dict(_components(section, args))
    for names, place in host.constructors(error):
        where = next((f"{named_there[name]} {names[0]}" for name in names if name in named_there), None)
        if where is None and section == "Arch":  # whose names are those of functions
            where = f"Arch {args[0]['Arch'].get('name')}"
        if where is not None:
            said = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
            raise ConfigError(f"{where}: cannot be built from what it is given: {said} ({place})") from error


def _components(section, args):
    """Yield ``(name, where)`` of what was to be built."""
    for where, _, entries in _lists(section, args):
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            for name in entry if isinstance(entry, dict) else (entry,):
                yield name, f"{where}[{index}]"
    if section == "DataLoader":
        place, part = _loader(args)
        yield part["dataset"].get("name"), f"{place}.dataset"
        yield "BatchSampler", f"{place}.sampler"  # whose name the host has taken out of its section


def _loader(args):
    """The place of what a loader is built of, and its section."""
    config, part = args[:2]
    return f"DataLoader.{'Eval.' if part in ('Query', 'Gallery') else ''}{part}", config[part]
