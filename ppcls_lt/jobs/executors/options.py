"""What a cluster is told about each run: ``--executor-options``, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable, NamedTuple

from ...basis import checks, yaml_files
from .. import OWNER

FLAG = "--executor-options"
EXECUTORS = ("local", "slurm", "ray")


class Option(NamedTuple):
    """One of the options of an executor.

    Attributes:
        check (callable): takes the name and the value, and returns the value or raises ``ConfigError``.
        default: where it is not given.
        meaning (str): for the messages.
    """

    check: Callable[[str, Any], Any]
    default: Any
    meaning: str


def _count(minimum):
    return lambda name, value: checks.integer(OWNER, f"{FLAG} {name}", value, minimum=minimum)


def _positive(name, value):
    return checks.number(OWNER, f"{FLAG} {name}", value, above=0)


def _text(name, value):
    if not isinstance(value, str) or not value:
        checks.fail(OWNER, f"{FLAG} {name}", "a text", value)
    return value


OPTIONS: dict[str, dict[str, Option]] = {
    "local": {},
    "slurm": {
        "minutes": Option(_count(1), None, "time limit of a job; a run that needs longer goes on in the next"),
        "signal_seconds": Option(_count(1), None, "before the limit a job is told; half of it, at most 90"),
        "cpus": Option(_count(1), 1, "cores a run"),
        "gpus": Option(_count(0), 0, "GPUs a run"),
        "memory_gb": Option(_positive, None, "memory a run"),
        "partition": Option(_text, None, "of the cluster"),
        "account": Option(_text, None, "that pays"),
        "qos": Option(_text, None, "quality of service"),
        "constraint": Option(_text, None, "features of the nodes"),
    },
    "ray": {
        "address": Option(_text, None, "of the running cluster, or auto"),
        "cpus": Option(_count(1), 1, "cores a run"),
        "gpus": Option(_count(0), 0, "GPUs a run"),
    },
}
_REQUIRED = {
    "slurm": {"minutes": "Slurm's time limit of a job, such as minutes=240"},
    "ray": {"address": "the running cluster's, such as address=10.0.0.1:6379, or address=auto on a node of it"},
}


def read(executor: str, given: Iterable[str]) -> dict[str, Any]:
    """Return every option of an executor, name -> value.

    Args:
        executor (str): one of ``EXECUTORS``.
        given (iterable of str): each ``name=value``, or the path of a YAML file that maps names to values; the later
            has its way.

    Raises:
        ConfigError: there is no such option, its value is wrong, or one is missing that must be given.
    """
    known = OPTIONS[executor]
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        is_text = name in known and known[name].check is _text  # which may be digits
        value = value if is_text else _value(value)
        found.update({name: value} if equals else yaml_files.read_map(each, OWNER, FLAG))
    if found and not known:
        got = checks.described(f"{', '.join(map(str, found))} for {executor}")
        checks.fail(OWNER, FLAG, f"left out with --executor {executor}, which has none", got)
    for name in found:
        checks.known_name(OWNER, f"option of {executor}", name, known, key=FLAG)
    for name, example in _REQUIRED.get(executor, {}).items():
        if name not in found:
            checks.fail(
                OWNER, f"{FLAG} {name}", f"given with --executor {executor}: {example}", checks.described("none")
            )
    return {name: each.check(name, found[name]) if name in found else each.default for name, each in known.items()}


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
