"""How the host reads ``-c`` and ``-o``, for its own scripts too: nothing of a file or a flag is run."""

from __future__ import annotations

import importlib
from typing import Any, Callable

from ..basis import overrides, yaml_files
from ._wrapping import extend_in

_OWNER = "ppcls-lt"
# Each is called as check(config, new) with what the overrides added, [(path, value)], a path being a tuple of keys.
_checks_of_new: list[Callable] = []


def check_new_entries(check: Callable) -> None:
    """Let ``check(config, new)`` judge the overrides that name what a configuration has not.

    It is called once for each reading, after all overrides are in ``config``; ``new`` is
    a list of ``(path, value)``, a path a tuple of keys, and may be empty. It raises a
    ``ConfigError`` or says nothing.
    """
    _checks_of_new.append(check)


def repair() -> None:
    """Put this package's reading of a YAML file and of ``-o`` in the place of the host's."""
    config: Any = importlib.import_module("ppcls.utils.config")
    if not getattr(config, "_reads_without_running", False):
        extend_in(config, "parse_config", _parse_config)
        extend_in(config, "override_config", _override_config)
        extend_in(config, "override", _override)
        config._reads_without_running = True


def _parse_config(original, cfg_file):
    """The host's map of a YAML file: its keys are attributes, and text that is a Python literal is one."""
    config = importlib.import_module("ppcls.utils.config")
    content = config.AttrDict(yaml_files.read_map(cfg_file, _OWNER, "-c"))
    config.create_attr_dict(content)
    return content


def _override_config(original, config, options=None):
    new = overrides.apply(config, options or ())
    for check in _checks_of_new:
        check(config, new)
    return config


def _override(original, dl, ks, v):
    overrides.put(dl, tuple(ks), overrides.value(v))
