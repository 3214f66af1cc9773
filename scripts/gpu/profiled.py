"""Operations that a training runs, gradients and the optimiser's included, by Paddle's profiler and its own log.

The profiler tells the operations and in which layer each ran, the log of what chooses the kernels (``GLOG_vmodule``,
which must be set before Paddle is loaded) the kernel and the type. Both are in the order in which they ran.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from typing import Callable, NamedTuple

import paddle
from paddle import profiler

LOG = {"GLOG_vmodule": "*api*=6"}
_KEY = re.compile(r"\] (\w+) API kernel key: \[(\w+), [^\]]*?, (\w+)\]$")
_KERNEL = re.compile(r"\] (\w+) kernel: \{")
_ENDING = " compute"


class Operation(NamedTuple):
    """One operation as it ran.

    Attributes:
        name (str): as Paddle calls it, ``momentum_``.
        kernel (str): the kernel that ran, by the log.
        dtype (str): the type by which the kernel was chosen.
        layers (tuple of str): the classes of the layers in whose forward pass it ran, the outermost first.
    """

    name: str
    kernel: str
    dtype: str
    layers: tuple[str, ...]


def operations(function: Callable[[], object]) -> list[Operation]:
    """Run a function; return the operations that ran.

    Raises:
        RuntimeError: profile and log are not of the same operations.
    """
    if os.environ.get("GLOG_vmodule") != LOG["GLOG_vmodule"]:
        raise RuntimeError(f"set {LOG} before Paddle is loaded")
    profile = profiler.Profiler(targets=[profiler.ProfilerTarget.CPU], on_trace_ready=lambda _: None)
    with _log() as lines:
        profile.start()
        try:
            function()
        finally:
            profile.stop()
    events = []
    for root in profile.profiler_result.get_data().values():
        _walk(root, (), events)
    names = [(name, layers) for _, name, layers in sorted(events, key=lambda event: event[0])]
    # The log is what stands on the standard error, so that other lines stand between.
    keys = [match.group(1, 3) for match in map(_KEY.search, lines) if match]
    kernels = [match.group(1) for match in map(_KERNEL.search, lines) if match]
    if [name for name, _ in names] != [name for name, _ in keys] or len(kernels) != len(keys):
        raise RuntimeError(f"the profile has {len(names)} operations, the log {len(keys)} and {len(kernels)} kernels")
    return [Operation(name, kernel, dtype, layers) for (name, layers), (_, dtype), kernel in zip(names, keys, kernels)]


def _walk(node, layers, events):
    for child in node.children_node:
        kind = str(child.type).rpartition(".")[2]
        if kind == "OperatorInner" and child.name.endswith(_ENDING):
            events.append((child.start_ns, child.name[: -len(_ENDING)], layers))
        _walk(child, (*layers, child.name) if kind == "Forward" else layers, events)


@contextlib.contextmanager
def _log():
    """Within the context, a list that afterwards holds the lines that were written to the standard error."""
    lines: list[str] = []
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            lines.extend(file.read().decode("utf-8", "replace").splitlines())
            for line in lines:
                if not re.match(r"[IW]\d{4} ", line):
                    print(line, file=sys.stderr)


def has_log() -> bool:
    """Whether this Paddle writes the log in this form: 2.6 does."""
    return paddle.__version__.startswith("2.6.")
