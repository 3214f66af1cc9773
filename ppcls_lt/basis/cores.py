"""How many cores this process may use."""

from __future__ import annotations

import os


def usable() -> int:
    """Return the number of cores that this process may use.

    A cluster, ``taskset`` or a container's set of cores gives it fewer than there are. A container's share of time, as
    of ``docker --cpus``, is not seen.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
