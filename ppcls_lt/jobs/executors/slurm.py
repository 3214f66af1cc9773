"""Jobs of a Slurm cluster, through submitit: an array for the tasks of one call, each element one task.

What was submitted stands in a folder of its own, ``NAME/tasks.json``, before Slurm is asked, and ``NAME`` is the name
of the array: whoever comes later finds in the queue what still goes on. An end is told by what the job left there, or
by its absence from the queue; accounting, which many clusters lack, is never asked.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ...basis import atomic, checks, extras
from ...basis.checks import ConfigError
from ...reports.comparison.messages import ENGLISH
from .. import OWNER
from ..tasks import Task
from . import Ended, command, log_of
from .slurm_job import Left, Work

# Seconds between two looks into the queue; what a job leaves in its folder is looked for every time.
_LOOK = 5.0
_RECORD = "tasks.json"
_FORMAT = "%j|%K|%T|%i"
# Whose name in submitit is another.
_NAMES = {"minutes": "time", "gpus": "gpus_per_node", "cpus": "cpus_per_task", "memory_gb": "mem"}


class _Place(NamedTuple):
    """An element of an array: the array's name and the element's number."""

    array: str
    number: int


class Slurm:
    """Does tasks on a Slurm cluster, which has the folders of this machine.

    Args:
        folder (Path): where the arrays are recorded and submitit works.
        options (dict): those of ``options.OPTIONS["slurm"]``.
        at_once (int or None): how many elements of an array at once.
        threads (str): ``OMP_NUM_THREADS`` of each task's process.
        say (callable): takes a line of text for the user.
        words (dict): key -> text, in the language of the user.

    Raises:
        ConfigError: submitit or Slurm's commands are missing, or Slurm does not answer.
    """

    def __init__(
        self,
        folder: Path,
        options: dict[str, Any],
        at_once: int | None,
        threads: str,
        say: Callable[[str], Any],
        words: Mapping[str, str] = ENGLISH,
    ) -> None:
        with extras.needed("submitit", f"{OWNER} --executor slurm", "slurm"):
            import submitit  # noqa: F401
        missing = [each for each in ("sbatch", "squeue", "scancel", "srun") if shutil.which(each) is None]
        if missing:
            got = checks.described(f"no {', '.join(missing)}")
            checks.fail(OWNER, "--executor", "slurm where Slurm's commands are on the PATH", got)
        self._folder, self._options, self._at_once, self._say = folder.absolute(), options, at_once, say
        self._words = words
        self._threads = threads
        self._places: dict[Task, _Place] = {}
        self._absent: dict[_Place, int] = {}  # looks in a row at which it was not in the queue
        self._states: dict[_Place, str] = {}
        self._begun = self._looked = time.monotonic()
        _squeue([])

    def begin(self, tasks: Sequence[Task]) -> None:
        self._begun = self._looked = time.monotonic()
        found = in_queue(self._folder) or {}
        known = {tuple(record[place.number]): place for place, record in found.items()}
        rest = []
        for task in tasks:
            place = known.get(task.arguments)
            if place is None:
                rest.append(task)
            else:
                self._places[task] = place
        if len(rest) < len(tasks):
            self._say(self._words["slurm_queued"].format(n=len(tasks) - len(rest)))
        if rest:
            self._submit(rest)

    @property
    def running(self) -> list[Task]:
        return [task for task, place in self._places.items() if self._states.get(place) == "RUNNING"]

    def ended(self) -> list[Ended]:
        found: dict[Task, Left | None] = {}
        for task, place in self._places.items():
            left = Left.read(self._left(place))
            # What a signal ended may be about to be queued again.
            if left is not None and left.code >= 0:
                found[task] = left
        if time.monotonic() - self._looked >= _LOOK:
            self._looked = time.monotonic()
            for task in self._gone():
                found.setdefault(task, Left.read(self._left(self._places[task])))
        return [self._as_ended(task, left) for task, left in found.items()]

    def stop(self, interrupted: bool) -> str:
        names = sorted({place.array for place in self._places.values()})
        if interrupted or not names:
            self._places.clear()
            flag = shlex.quote(f"--name={','.join(names)}")
            return self._words["slurm_goes_on"].format(command=f"scancel {flag}") if names else ""
        ids = [each.id for each in _squeue(names) or [] if each.place in self._places.values()]
        if ids:
            subprocess.run(["scancel", *ids], check=False)
        self._places.clear()
        return ""

    def _left(self, place):
        return _left(self._folder, place)

    def _as_ended(self, task, left):
        self._absent.pop(self._places.pop(task), None)
        if left is None:
            return Ended(task, None, time.monotonic() - self._begun, 0)
        return Ended(task, left.code, left.seconds, left.start, left.reason)

    def _gone(self):
        """Those that are not in the queue twice in a row: one that is queued again may be away for a moment."""
        queued = _squeue(sorted({place.array for place in self._places.values()}))
        if queued is None:
            return []  # Slurm does not answer at the moment
        self._states = {each.place: each.state for each in queued}
        for place in self._places.values():
            self._absent[place] = 0 if place in self._states else self._absent.get(place, 0) + 1
        return [task for task, place in self._places.items() if self._absent[place] > 1]

    def _submit(self, tasks):
        import submitit

        name = f"ppcls-lt-{uuid.uuid4().hex[:12]}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        atomic.write(folder / _RECORD, json.dumps([task.arguments for task in tasks]).encode())
        executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=1 << 30)
        given = {key: value for key, value in self._options.items() if value not in (None, 0)}
        limit = 60 * given["minutes"]
        signal_seconds = given.pop("signal_seconds", min(90, limit // 2))
        if signal_seconds >= limit:
            checks.fail(OWNER, "--executor-options signal_seconds", f"less than the limit, {limit}", signal_seconds)
        if "memory_gb" in given:
            given["memory_gb"] = f"{round(1024 * given['memory_gb'])}M"
        executor.update_parameters(
            job_name=name,
            array_parallelism=self._at_once or len(tasks),
            signal_delay_s=signal_seconds,
            # Since Slurm 22.05 a step does not have the cores of its job by itself.
            srun_args=[f"--cpus-per-task={given['cpus']}"],
            additional_parameters={"requeue": True},
            **{_NAMES.get(key, key): value for key, value in given.items()},
        )
        works = []
        for number, task in enumerate(tasks):
            place = _Place(name, number)
            with atomic.open_to_append(log_of(task)):
                pass  # no link
            left, told = self._left(place), limit - signal_seconds
            works.append(Work(task, command(sys.executable, task), log_of(task).absolute(), left, self._threads, told))
        try:
            with executor.batch():
                jobs = [executor.submit(work) for work in works]
        except submitit.core.utils.FailedJobError as error:
            lines = [line for line in str(error).splitlines() if "error:" in line] or [str(error)]
            got = checks.described(f"sbatch: {lines[-1].partition('error:')[2].strip() or lines[-1]}")
            checks.fail(OWNER, "--executor-options", "what this Slurm cluster takes", got)
        self._places.update((task, _Place(name, number)) for number, task in enumerate(tasks))
        job, key = jobs[0].job_id, "slurm_job"
        if len(jobs) > 1:
            job, key = job.partition("_")[0], "slurm_array"
        self._say(self._words[key].format(n=len(tasks), job=job, command=f"squeue --name={name}"))


def in_queue(folder: Path) -> dict[_Place, list] | None:
    """Return place -> record of its array, of all that is in the queue and has left nothing yet.

    Args:
        folder (Path): where the arrays are recorded.

    Returns:
        dict or None: None where that is asked of Slurm and it does not answer.
    """
    records = {path.parent.name: json.loads(path.read_bytes()) for path in folder.glob(f"*/{_RECORD}")}
    places = [_Place(name, number) for name, record in records.items() for number, _ in enumerate(record)]
    going = {place for place in places if not _left(folder, place).is_file()}
    if not going:
        return {}
    queued = _squeue(sorted({place.array for place in going}))
    return None if queued is None else {each.place: records[each.place.array] for each in queued if each.place in going}


def _left(folder, place):
    return folder / place.array / f"left_{place.number}.json"


class _Queued(NamedTuple):
    place: _Place
    state: str
    id: str


def _squeue(names):
    """What the queue has of the arrays of these names; None where Slurm is not here or does not answer.

    Raises:
        ConfigError: Slurm does not answer, and no name is asked for.
    """
    if names and shutil.which("squeue") is None:
        return None
    wanted = ["--name=" + ",".join(names)] if names else []
    done = subprocess.run(
        ["squeue", "--noheader", "--array", f"--format={_FORMAT}", *wanted],
        capture_output=True,
        text=True,
        env={**os.environ, "SQUEUE_STATES": ""} if "SQUEUE_STATES" in os.environ else None,
    )
    if done.returncode:
        if names:
            return None
        raise ConfigError(f"{OWNER}: `--executor` slurm must have a Slurm that answers, got: {done.stderr.strip()}")
    found = []
    for line in done.stdout.splitlines() if names else []:
        name, number, state, job = line.rsplit("|", 3)
        found.append(_Queued(_Place(name, int(number) if number.isdigit() else 0), state, job))
    return found
