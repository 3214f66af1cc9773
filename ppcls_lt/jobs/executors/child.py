"""A task's process as a job of a cluster has it: below it, and ended with it. Of the standard library alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence


def start(
    command: Sequence[str], log: str | os.PathLike, environment: Mapping[str, str], folder: str | os.PathLike
) -> tuple[subprocess.Popen, int]:
    """Start a process that writes to a log, and ends when its standard input is closed: at the latest with this one.

    Args:
        command (sequence of str): its command line.
        log (path): appended to.
        environment (mapping): its variables.
        folder (path): in which it works.

    Returns:
        tuple: the process, and how many bytes the log had before.
    """
    descriptor = os.open(log, os.O_APPEND | os.O_CREAT | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o666)
    with open(descriptor, "ab") as file:
        size = file.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    return process, size


def run(command: Sequence[str], log: str, environment: Mapping[str, str], folder: str) -> int:
    """Run a process as :func:`start` does, on another machine, and return its exit status.

    The devices that the machine gives are those of its own variables; all others are the process's ``environment``.
    """
    own = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES")
    given = {name: os.environ[name] for name in own if name in os.environ}
    process, _ = start(command, log, {**{k: v for k, v in environment.items() if k not in own}, **given}, folder)
    try:
        return process.wait()
    finally:
        process.stdin.close()  # type: ignore[union-attr]  # a pipe; which ends it
