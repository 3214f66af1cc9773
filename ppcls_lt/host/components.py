"""Which component of a list it is that the host cannot build, after it has failed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from ..basis import registry

# What a constructor raises when an argument is not what it takes.
WRONG = (TypeError, ValueError, AssertionError, LookupError, AttributeError)
# Of an entry of ``Loss``, and not for the loss.
_NOT_FOR_IT = ("weight",)


def faulty(module: str, entries: Sequence) -> tuple | None:
    """Return ``(index, name, parameters, error)`` of the first component that fails alone, or None.

    Args:
        module (str): ``ppcls.<module>`` has the components.
        entries (list): one-key maps, a name with its parameters, or bare names.
    """
    namespace = vars(importlib.import_module(f"ppcls.{module}"))
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        ((name, given),) = (entry if isinstance(entry, dict) else {entry: None}).items()
        params = {key: value for key, value in (given or {}).items() if key not in _NOT_FOR_IT}
        theirs = name in namespace and namespace[name].__module__.partition(".")[0] == "ppcls"
        further = registry.extension(module, name)
        if not theirs or (further is not None and further.is_asked_for(given)):
            continue  # this package's say themselves what is wrong
        try:
            namespace[name](**params)
        except WRONG as error:
            return index, name, params, error
    return None
