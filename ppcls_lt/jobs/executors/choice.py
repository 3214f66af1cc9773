"""From ``--executor`` and its options to the executor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Callable

from ...basis import checks
from ...reports.comparison.messages import ENGLISH
from .. import OWNER
from . import Executor, options
from .local import Local
from .ray import Ray
from .slurm import Slurm, in_queue

_FOLDER = "slurm"


def make(
    name: str,
    given: Iterable[str],
    folder: Path,
    *,
    at_once: int | None = None,
    threads: str | None = None,
    processes: int = 1,
    say: Callable[[str], Any],
    words: Mapping[str, str] = ENGLISH,
) -> Executor:
    """Return an executor.

    Args:
        name (str): one of ``options.EXECUTORS``.
        given (iterable of str): its options, as ``options.read`` takes them.
        folder (Path): of the comparison.
        at_once (int, optional): how many tasks at once; by default one on this machine, and as many as there is room
            for on a cluster.
        threads (str, optional): ``OMP_NUM_THREADS`` of each process.
        processes (int): of each task, which share its cores and have a device each.
        say (callable): takes a line of text for the user.
        words (dict): key -> text, in the language of the user.

    Raises:
        ConfigError: an option is wrong, a package is missing, or the cluster does not answer.
    """
    chosen = options.read(name, given)
    if name == "local":
        return Local(at_once or 1, threads, processes)
    if chosen["gpus"] not in (0, processes):
        got = checks.described(f"{chosen['gpus']} for {processes} process(es)")
        checks.fail(OWNER, f"{options.FLAG} gpus", "as many as a run has processes (`--processes`), or 0", got)
    threads = threads or str(max(chosen["cpus"] // processes, 1))
    if name == "slurm":
        return Slurm(folder / _FOLDER, chosen, at_once, threads, say, words)
    return Ray(chosen, at_once, threads, say, words)


def check_idle(folder: Path, flag: str) -> None:
    """Raise where jobs of a comparison may still go on that no command waits for: those of Slurm.

    Args:
        folder (Path): of the comparison.
        flag (str): what would remove their runs.

    Raises:
        ConfigError: there are such jobs, or Slurm does not say whether there are.
    """
    records = folder / _FOLDER
    found = in_queue(records)
    if found is None:
        got = checks.described(
            f"no answer of Slurm; where it has nothing left of those in {records}, delete that folder"
        )
        checks.fail(OWNER, flag, "used where Slurm says what is left in its queue", got)
    if found:
        names = ",".join(sorted({place.array for place in found}))
        got = checks.described(f"{len(found)}; wait for them, or end them by `scancel --name={names}`")
        checks.fail(OWNER, flag, "used when nothing of this comparison is left in Slurm's queue", got)
