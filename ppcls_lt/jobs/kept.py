"""What a comparison's folder holds already: runs of the same settings and versions, or a refusal."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ..basis import atomic, lock, yaml_files
from ..basis.checks import ConfigError, described, fail
from ..configuration.renewed import renewed
from ..runs import files as run_files
from ..runs.results import versions_said
from . import OWNER
from .executors import choice
from .job import HELD_OUT, TRAIN

if TYPE_CHECKING:
    from pathlib import Path

    from .job import Job


def refuse_earlier_rule(folder: Path) -> None:
    """Raise where a folder holds runs by an earlier rule: other images judged them, at another epoch.

    Raises:
        ConfigError: as said; nothing of them is touched.
    """
    for path in sorted(folder.glob(f"runs/*/seed_*/{TRAIN}")):
        if not (path.parent / HELD_OUT).is_file():
            got = described(f"{folder}, with runs of an earlier ppcls_lt that chose by other images, as {path.parent}")
            fail(OWNER, "--out", "another folder; what is there is left as it is", got)


def others(folder: Path, recipes: Collection[str]) -> list[str]:
    """Return the recipes of which a folder has runs beside those that are compared.

    Args:
        folder (Path): of the comparison.
        recipes (collection of str): those that are compared.
    """
    return sorted({path.parents[1].name for path in folder.glob(f"runs/*/seed_*/{TRAIN}")} - {*recipes})


def check_versions(folder: Path, jobs: Sequence[Job], now: dict, retrain: bool) -> None:
    """See to it that no comparison holds trainings of different versions of the packages.

    Where every run is finished nothing is trained, and nothing is refused.

    Args:
        folder (Path): of the comparison.
        jobs (list of Job): all runs that are wanted.
        now (dict): name -> version of what would train here.
        retrain (bool): remove the runs of other versions, and those that do not
            say theirs, so that they are trained anew.

    Raises:
        ConfigError: there are runs of other versions, and runs still to train; a process may be at work in one that
            would be removed.
    """
    begun = {job: job.versions() for job in jobs if job.begun}
    others = {job: found for job, found in begun.items() if versions_said(found) != versions_said(now)}
    if retrain:
        if others:
            choice.check_idle(folder, "--retrain")
        for job in others:
            lock.acquire(job.folder, OWNER, "--out").release()
        for job in others:
            _remove(job.folder)
        return
    others = {job: found for job, found in others.items() if found is not None}
    if others and not all(job.finished for job in jobs):
        job, found = next(iter(others.items()))
        got = f"{len(others)} by others: {job.recipe}, seed {job.seed}, by {versions_said(found)}"
        expected = (
            f"a folder of runs by {versions_said(now)}, which are here (`--retrain` trains the others anew, another "
            f"`--out` leaves them)"
        )
        fail(OWNER, "--out", expected, described(got))


def _remove(folder):
    try:
        shutil.rmtree(folder)
    except OSError as error:
        fail(OWNER, "--retrain", "used where runs can be removed", described(f"{folder}: {error.strerror or error}"))


def keep_config(folder: Path, run: Path, file: str, config: dict, finished: bool) -> None:
    """Write a run's configuration, or find that the one there is the same.

    Args:
        folder (Path): of the comparison.
        run (Path): of the run.
        file (str): the configuration's.
        config (dict): the configuration.
        finished (bool): whether the run is.

    Raises:
        ConfigError: the run has other settings.
    """
    path = run / file
    if not path.is_file():
        atomic.make_folder(folder, run.relative_to(folder))
        run_files.write_config(path, config)
        return
    before = yaml_files.read(path, OWNER, "--out")
    if isinstance(before, dict) and renewed(before) == renewed(config):
        return
    key, old, new = _difference(before, config)
    where = f"in {path} {key} is {old!r}, now it would be {new!r}"
    if finished:
        raise ConfigError(f"{OWNER}: `--out` must be another folder, {folder} holds a run with other settings: {where}")
    raise ConfigError(
        f"{OWNER}: the run that was begun in {run} has other settings: {where}; delete that folder to begin it anew, "
        f"or choose another `--out`"
    )


def _difference(old, new, place=""):
    """The first entry in which two configurations differ: where, and both values.

    The epochs come first: what else is another with them, as the rates and ``save_interval``, follows from them.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(dict.fromkeys([*old, *new]), key=lambda key: key not in ("Global", "epochs")):
            if old.get(key) != new.get(key):
                return _difference(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
    return place or "everything", old, new
