"""Processes that do not outlive the one that began them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing import connection


def end_with_parent() -> None:
    """Let this worker of ``multiprocessing`` end when the process that began it does, however that is.

    One that is killed, for memory say, can tell its workers nothing, and they would wait for it for ever.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait():
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
