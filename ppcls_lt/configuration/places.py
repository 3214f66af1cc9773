"""The folders that a run writes to, and the images that it is to predict: usable before anything long begins."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import paddle.distributed as dist

from .. import host
from ..basis import atomic, checks, lock
from ..basis.findings import Finding, of
from . import stages

if TYPE_CHECKING:
    from ..host.engine import EngineView

_LISTED = 5  # folders
_EXPORTED = ("inference.*", "inference_int8*")  # as the host names what it exports


def outputs(stage: dict, mode: str) -> Iterator[Finding]:
    """Yield what is wrong with each folder that a run will write to: it can be made and written, and is no link.

    The folders that the user names may be links; what lies below them may not.

    Args:
        stage (dict): the configuration of a stage.
        mode (str): ``train``, ``eval``, ``infer`` or ``export``.
    """
    yield from of(_check_output, stage)
    if mode == "export":
        yield from of(_check_export, stage["Global"].get("save_inference_dir"))


def _check_output(stage):
    folder = stage["Global"].get("output_dir")
    check_folder("Global", "output_dir", folder)
    if "start_from" in stage:  # one of several stages, with a folder below the user's
        atomic.check_folder(folder)
    atomic.check_folder(Path(folder) / str(stage["Arch"].get("name")))


def _check_export(folder):
    check_folder("Global", "save_inference_dir", folder)
    for name in _EXPORTED:
        for path in sorted(Path(folder).glob(name)):
            atomic.check_file(path)


def check_folder(owner: str, key: str, folder: Any) -> None:
    """Raise unless a folder is there and can be written, or can be made.

    Args:
        owner, key (str): who asks, and what names the folder, for messages.
        folder: its path.

    Raises:
        ConfigError: as said.
    """
    expected = "a folder that can be made and written"
    if not isinstance(folder, str):
        checks.fail(owner, key, expected, folder)
    try:
        # Of the rights alone a read-only disk says nothing, and the superuser has all of them. What is not there is
        # not made: a stage that does not run needs no folder.
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            pass
    except OSError as error:
        checks.fail(owner, key, expected, checks.described(f"{checks.sought(folder)}: {error.strerror}"))


def _nearest(folder):
    """The folder, or what is there of those above it."""
    place = Path(folder)
    while place != place.parent:
        try:
            os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            place = place.parent
        else:
            break
    return place


def take(plan: Sequence[dict]) -> contextlib.ExitStack:
    """Lock the folder of a training and that of each of its stages; return an ``ExitStack`` that gives them back.

    What is taken by others is seen before the first stage, not after it. A stage that does not run leaves no folder.

    Args:
        plan (list of dict): the configuration of every stage.

    Raises:
        ConfigError: another process writes in one of them; none is locked then.
    """
    with contextlib.ExitStack() as taken:
        root = stages.output_dir(plan)
        for folder in dict.fromkeys([root, *(Path(stage["Global"]["output_dir"]) for stage in plan)]):
            if folder != root and not folder.exists():
                taken.callback(_remove_empty, folder)
            taken.callback(lock.acquire(folder, "Global", "output_dir").release)
        return taken.pop_all()


def _remove_empty(folder):
    with contextlib.suppress(OSError):  # something is in it
        folder.rmdir()


def images(config: dict) -> Iterator[Finding]:
    """Yield what is wrong where ``Infer`` names no image and no folder in which the host finds some.

    Args:
        config (dict): the host's configuration.
    """
    section = config.get("Infer")
    if not isinstance(section, dict):
        yield checks.finding("configuration", "Infer", "be a section, to infer", section)
        return
    listed = section.get("infer_list")  # of develop: paths below infer_imgs; elsewhere it is an unknown key
    if listed:
        yield from of(checks.regular_file, "Infer", "infer_list", listed)
    else:
        yield from of(_check_images, section.get("infer_imgs"))
    yield from of(checks.integer, "Infer", "batch_size", section.get("batch_size"), minimum=1)


def _check_images(path):
    expected = "an image (.jpg, .jpeg, .png, .bmp) or a folder of images"
    if not isinstance(path, str):
        checks.fail("Infer", "infer_imgs", expected, path)
    if not Path(path).exists():
        checks.fail("Infer", "infer_imgs", expected, checks.sought(path))
    if not host.images_below(path):
        got = f"{path}, "
        if Path(path).is_file():
            got += "a file with another ending"
        else:
            folders = sorted(entry.name for entry in os.scandir(path) if entry.is_dir())
            got += "a folder without images"
            if folders:
                more = ", ..." if len(folders) > _LISTED else ""
                got += f" but with folders; name one of them: {', '.join(folders[:_LISTED])}{more}"
        checks.fail("Infer", "infer_imgs", expected, checks.described(got))


def write_alone(
    engine: EngineView, method: str, folder: str | os.PathLike, key: str, begin: Callable[[], Any] = lambda: None
) -> None:
    """Let ``eval`` or ``export`` of the Engine write only while no other process writes the same files."""

    def alone(original, *args, **kwargs):
        if dist.get_rank() != 0:
            return original(*args, **kwargs)
        with lock.held(folder, "Global", key, f".{method}.lock"):
            begin()
            return original(*args, **kwargs)

    engine.around(method, alone)
