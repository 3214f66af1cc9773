"""What a comparison's folder holds already: runs of the same settings and versions, or a refusal."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ..basis import atomic, lock, yaml_files
from ..basis.checks import ConfigError, described, fail
from ..configuration.renewed import renewed
from ..runs import files as run_files
from ..runs.results import versions_said
from . import OWNER
from .executors import choice
from .job import FINAL, HELD_OUT, RESULT, TRAIN, begun_in, versions_in

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


def is_untouched(folder: Path) -> bool:
    """Return whether nothing has been trained in a folder, so that what was prepared there binds nobody."""
    return not begun_in(folder) and next(folder.rglob(RESULT), None) is None


def keep_list(path: Path, data: bytes, folder: Path, what: str, *, replaces: bool = True) -> bool:
    """Write a file, or find that the one there is the same; before anything is trained it may be another.

    Args:
        path (Path): of the file.
        data (bytes): its content.
        folder (Path): of the comparison.
        what (str): what the folder holds where the file is another, for the message.
        replaces (bool): whether this process alone is at work there, so that it may be replaced.

    Returns:
        bool, whether it was written.

    Raises:
        ConfigError: the file is another, and something has been trained with it.
    """
    if path.is_file():
        if path.read_bytes() == data:
            return False
        if not (replaces and is_untouched(folder)):
            raise ConfigError(f"{OWNER}: `--out` must be another folder, {folder} holds {what} ({path})")
        choice.check_idle(folder, "--out")
    atomic.write(path, data)
    return True


def check_versions(folder: Path, jobs: Sequence[Job], now: dict, retrain: bool) -> bool:
    """See to it that no comparison holds trainings of different versions of the packages.

    Where every run is finished nothing is trained, and nothing is refused.

    Args:
        folder (Path): of the comparison.
        jobs (list of Job): all runs that are wanted.
        now (dict): name -> version of what would train here.
        retrain (bool): remove the runs and final models of other versions, and those that do not
            say theirs, so that they are trained anew.

    Returns:
        bool, whether runs were removed.

    Raises:
        ConfigError: there are runs of other versions, and runs still to train; a process may be at work in one that
            would be removed.
    """
    begun = {job: job.versions() for job in jobs if job.begun}
    others = {job: found for job, found in begun.items() if versions_said(found) != versions_said(now)}
    if retrain:
        old = [*(job.folder for job in others), *finals_of_others(folder, now)]
        if old:
            choice.check_idle(folder, "--retrain")
        for each in old:
            lock.acquire(each, OWNER, "--out").release()
        for each in old:
            _remove(each)
        return bool(others)
    others = {job: found for job, found in others.items() if found is not None}
    if others and not all(job.finished for job in jobs):
        job, found = next(iter(others.items()))
        got = f"{len(others)} by others: {job.recipe}, seed {job.seed}, by {versions_said(found)}"
        expected = (
            f"a folder of runs by {versions_said(now)}, which are here (`--retrain` trains the others anew, another "
            f"`--out` leaves them)"
        )
        fail(OWNER, "--out", expected, described(got))
    return False


def finals_of_others(folder: Path, now: dict) -> list[Path]:
    """Return the folders of final models, begun or done, that other versions trained.

    Args:
        folder (Path): of the comparison.
        now (dict): as in :func:`check_versions`.
    """
    return of_others((folder / FINAL).glob("*"), now)


def of_others(places: Iterable[Path], now: dict) -> list[Path]:
    """Return those of some folders in which other versions have begun a training, in their order."""
    begun = sorted(each for each in places if begun_in(each))
    return [each for each in begun if versions_said(versions_in(each)) != versions_said(now)]


def _remove(folder):
    try:
        shutil.rmtree(folder)
    except OSError as error:
        fail(OWNER, "--retrain", "used where runs can be removed", described(f"{folder}: {error.strerror or error}"))


def keep_config(folder: Path, run: Path, file: str, config: dict, *, begun: bool, finished: bool) -> None:
    """Write a run's configuration, or find that the one there is the same; before the run has begun it may be another.

    Args:
        folder (Path): of the comparison.
        run (Path): of the run.
        file (str): the configuration's.
        config (dict): the configuration.
        begun, finished (bool): whether the run is.

    Raises:
        ConfigError: the run has other settings.
    """
    path = run / file
    before = yaml_files.read(path, OWNER, "--out") if path.is_file() else None
    if isinstance(before, dict) and renewed(before) == renewed(config):
        return
    if before is None or not begun:
        if before is not None:
            choice.check_idle(folder, "--out")  # what waits there would do something else
        atomic.make_folder(folder, run.relative_to(folder))
        run_files.write_config(path, config)
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
