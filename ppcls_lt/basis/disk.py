"""A disk that is full or cannot be written, in one line."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from .checks import ConfigError, described, fail

_BLOCK = 4096  # bytes, that of most file systems


@contextlib.contextmanager
def writing(
    folder: str | os.PathLike,
    owner: str = "Global",
    parameter: str = "output_dir",
    remedy: str = "",
    what: str = "a folder",
) -> Iterator[None]:
    """Within the context, which writes below a folder, an error of the system names the folder and what to do.

    Args:
        folder (str or Path): for the message, where the error does not say it.
        owner, parameter (str): what named the folder.
        remedy (str): how to go on.
        what (str): what it named, where that is a file below the folder.

    Raises:
        ConfigError: in place of ``OSError``.
    """
    try:
        yield
    except OSError as error:
        where = os.fspath(error.filename or folder)
        why = error.strerror or str(error)
        raise ConfigError(
            f"{owner}: `{parameter}` must be {what} that can be written, got {where}: {why}{remedy}"
        ) from error


def check_room(
    folder: str | os.PathLike, needed: int, *, replaced: Iterable[str | os.PathLike], owner: str, parameter: str
) -> None:
    """Raise unless there is room for what is to be written below a folder, before anything is replaced.

    Args:
        folder (str or Path): it, or the nearest folder above it, is there.
        needed (int): bytes.
        replaced (iterable of paths): files that make room.
        owner, parameter (str): what named the folder.

    Raises:
        ConfigError: there is too little.
    """
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    room = shutil.disk_usage(place).free + sum(os.path.getsize(path) for path in replaced)
    if room < needed:
        got = described(f"{os.fspath(folder)}, where {room} bytes are left for at least {needed}")
        fail(owner, parameter, "a folder with room for what is written", got)


def check_written(folder: str | os.PathLike, whole: bool, *, owner: str, parameter: str) -> None:
    """Raise where what a writer that tells no errors has left is not whole, or nothing can be written beside it.

    Args:
        folder (str or Path): where it wrote.
        whole (bool): whether its files look whole.
        owner, parameter (str): what named the folder.

    Raises:
        ConfigError: the disk is full, or has room again and what is there is not whole.
    """
    with writing(folder, owner, parameter, "; what was written there is not whole"):
        with tempfile.TemporaryFile(dir=os.fspath(folder)) as file:
            file.write(b"x" * _BLOCK)
            file.flush()
            os.fsync(file.fileno())
    if not whole:
        why = "what was written cannot be read again or is shorter than its weights, as on a full disk"
        got = described(f"{os.fspath(folder)}, where {why}")
        fail(owner, parameter, "a folder that can be written", got)


def tell_once(handler: logging.FileHandler) -> None:
    """Let a log's handler say in one line, once, that its file cannot be written; it is left out from then on."""

    def handle(record):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            type(handler).handleError(handler, record)
        elif handler.filters[-1:] != [_nothing]:
            handler.addFilter(_nothing)
            print(f"the log {handler.baseFilename} cannot be written: {error.strerror}", file=sys.stderr)

    handler.handleError = handle  # type: ignore[method-assign]  # of this handler alone


def _nothing(record):
    return False
