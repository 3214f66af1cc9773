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
            if isinstance(error, host.WRONG):
                _name_component(section, args)
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
        config, part = args[:2]
        dataset = config[part]["dataset"]
        for key in ("transform_ops", "batch_transform_ops"):
            yield f"DataLoader.{part}.dataset.{key}", "data.preprocess", dataset.get(key)
