"""Which component of a list it is that the host cannot build, after it has failed."""

from __future__ import annotations

import copy
import importlib
import inspect
import traceback
from collections.abc import Iterator, Sequence

from ..basis import registry

# What a constructor raises when an argument is not what it takes.
WRONG = (TypeError, ValueError, AssertionError, LookupError, AttributeError, Warning)
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
        # As the host adds it to what takes it.
        added = {"class_num": 2} if "class_num" in inspect.getfullargspec(namespace[name]).args else {}
        try:
            namespace[name](**{**added, **copy.deepcopy(params)})
        except Exception as error:
            if not is_refusal(error):
                raise
            return index, name, params, error
    return None


def is_refusal(error: Exception) -> bool:
    """Whether an error is one by which a constructor refuses its arguments; the host raises bare ones as well."""
    return isinstance(error, WRONG) or type(error) is Exception


def constructors(error: BaseException) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the names of every class of the host's in whose constructor an error arose, outermost first, and where.

    Args:
        error (Exception): as it was caught.

    Yields:
        tuple: names of the class and of what it inherits from; file and line of the innermost of the host's code.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    theirs = [(frame, line) for frame, line in frames if frame.f_globals.get("__name__", "").startswith("ppcls.")]
    for frame, _ in theirs:
        if frame.f_code.co_name == "__init__" and "self" in frame.f_locals:
            names = tuple(each.__name__ for each in type(frame.f_locals["self"]).__mro__)
            file = theirs[-1][0].f_globals["__name__"].replace(".", "/")
            yield names, f"{file}.py, line {theirs[-1][1]}"
