"""``Global.processes``: how many processes train, where a configuration says it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import paddle.distributed as dist

from ..basis import checks
from ..basis.findings import Finding, of

KEY = "processes"


def of_config(config: dict) -> int:
    """Return how many processes train a configuration that is checked: 1 where it does not say it."""
    stated = config["Global"].get(KEY)
    return 1 if stated is None else stated


def findings(config: dict) -> Iterator[Finding]:
    """Yield a number that is none of processes."""
    section = config.get("Global")
    if isinstance(section, dict) and section.get(KEY) is not None:
        yield from of(checks.integer, "Global", KEY, section[KEY], minimum=1)


def check_launched(config: dict) -> None:
    """Raise unless a training has as many processes as its configuration says.

    Raises:
        ConfigError: as said, with the launch that has.
    """
    stated = config["Global"].get(KEY)
    if stated is not None and stated != dist.get_world_size():
        launch = launched(["train", "-c", "..."], stated)
        remedy = f"start it as `{launch}`, or leave `{KEY}` out"
        checks.fail("Global", KEY, f"the number of processes, {dist.get_world_size()}", stated, remedy)


def launched(arguments: Sequence[str], processes: int) -> str:
    """Return the command line of ``ppcls-lt`` in so many processes, as a user types it."""
    if processes == 1:
        return shlex.join(["ppcls-lt", *arguments])
    launcher = f"python -m paddle.distributed.launch --nproc_per_node {processes}"
    return f"{launcher} $(command -v ppcls-lt) {shlex.join(arguments)}"
