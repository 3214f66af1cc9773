"""How many cores this process may use."""

from __future__ import annotations

import os


def usable() -> int:
    """Return the number of cores that this process may use; a cluster, ``taskset`` or a container may give it fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
