"""Tasks of a running Ray cluster; they end with the command that started them."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ...basis import atomic, checks, extras
from ...reports.comparison.messages import ENGLISH, counted
from .. import OWNER
from ..tasks import Task
from . import Ended, child, command, log_of

# How often Ray does a task again whose node or worker has failed; it goes on from its last checkpoint.
_RETRIES = 10


class Ray:
    """Does tasks on a Ray cluster, whose nodes have the folders of this machine.

    Args:
        options (dict): those of ``options.OPTIONS["ray"]``.
        at_once (int or None): how many at once, as far as there is room.
        threads (str): ``OMP_NUM_THREADS`` of each task's process.
        say (callable): takes a line of text for the user.
        words (dict): key -> text, in the language of the user.

    Raises:
        ConfigError: Ray is missing, there is no cluster at the address, or none of its nodes has what a run asks for.
    """

    def __init__(
        self,
        options: dict[str, Any],
        at_once: int | None,
        threads: str,
        say: Callable[[str], Any],
        words: Mapping[str, str] = ENGLISH,
    ) -> None:
        with extras.needed("Ray", f"{OWNER} --executor ray", "ray"):
            import ray
        self._ray = ray
        self._cpus, self._gpus = options["cpus"], options["gpus"]
        self._threads = threads
        self._at_once = at_once
        self._waiting: list[Task] = []
        self._running: dict = {}  # reference -> (task, size of the log, when it was asked for)
        try:
            ray.init(address=options["address"], log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            got = checks.described(f"{options['address']}: {str(error).splitlines()[0]}")
            checks.fail(OWNER, "--executor-options address", "that of a running Ray cluster", got)
        self._check_room()
        ray.cloudpickle.register_pickle_by_value(child)  # a node needs this package for the process alone
        self._work = ray.remote(child.run).options(
            num_cpus=self._cpus, num_gpus=self._gpus, max_retries=_RETRIES, retry_exceptions=False
        )
        nodes = sum(node["Alive"] for node in ray.nodes())
        say(words["ray_cluster"].format(nodes=counted(words, nodes, "node"), address=options["address"]))

    def begin(self, tasks: Sequence[Task]) -> None:
        self._waiting += tasks
        self._fill()

    @property
    def running(self) -> list[Task]:
        return [task for task, *_ in self._running.values()]

    def ended(self) -> list[Ended]:
        references = list(self._running)
        done, _ = self._ray.wait(references, num_returns=len(references), timeout=0) if references else ([], [])
        found = []
        for reference in done:
            task, start, began = self._running.pop(reference)
            code, reason = None, None
            try:
                code = self._ray.get(reference)
            except self._ray.exceptions.RayError as error:
                reason = f"Ray: {str(error).splitlines()[0]}"
            found.append(Ended(task, code, time.monotonic() - began, start, reason))
        self._fill()
        return found

    def stop(self, interrupted: bool) -> str:
        self._waiting.clear()
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()
        return ""

    def _fill(self):
        while self._waiting and (self._at_once is None or len(self._running) < self._at_once):
            task = self._waiting.pop(0)
            with atomic.open_to_append(log_of(task)) as log:
                start = log.tell()
            environment = {**os.environ, "OMP_NUM_THREADS": self._threads}
            line = command(sys.executable, task)
            reference = self._work.remote(line, str(log_of(task).absolute()), environment, os.getcwd())
            self._running[reference] = (task, start, time.monotonic())

    def _check_room(self):
        wanted = {"CPU": ("cpus", self._cpus), "GPU": ("gpus", self._gpus)}
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if any(all(node.get(kind, 0) >= number for kind, (_, number) in wanted.items()) for node in nodes):
            return
        have = "; ".join(", ".join(f"{node.get(kind, 0):g} {kind}" for kind in wanted) for node in nodes)
        asked = " and ".join(f"{name}={number}" for name, number in wanted.values())
        got = checks.described(f"{asked} where the nodes have {have or 'nothing'}")
        checks.fail(OWNER, "--executor-options", "what one node of the Ray cluster has", got)
