"""Writing files whole or not at all, below a folder of the user's, and through no link.

A file is written under a name that nobody can foresee, which the system makes
anew or not at all, and put in its place when it is on the disk.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Callable

from .checks import ConfigError

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none, nor links that an ordinary user makes
_BINARY = getattr(os, "O_BINARY", 0)


def write(path: str | os.PathLike, data: bytes) -> None:
    """Write ``data`` (bytes) to a file, which holds either what it held before or all of it.

    It is on the disk before it takes the place of the old file; a link there is
    replaced, what it leads to stays. The folder must exist. An ``OSError`` names
    ``path``, and leaves nothing behind.
    """
    write_all({path: data})


def write_all(contents: Mapping[Any, bytes]) -> None:
    """Write several files, path -> bytes; none takes its place before all of them are on the disk."""
    _put({path: lambda file, data=data: file.write(data) for path, data in contents.items()})


def write_by(path: str | os.PathLike, fill: Callable[[IO[bytes]], Any]) -> None:
    """Write as :func:`write` does what ``fill(file)`` writes, a part at a time."""
    _put({path: fill})


def copy(source: str | os.PathLike, path: str | os.PathLike) -> None:
    """Copy a file as :func:`write` writes, in blocks."""

    def fill(file):
        with open(source, "rb") as original:
            shutil.copyfileobj(original, file, 1 << 20)

    _put({path: fill})


def _put(contents):
    written = []
    try:
        for path, fill in contents.items():
            temporary = _unforeseen(Path(path))
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_LINK | _BINARY, 0o666)
            written.append((temporary, path))
            with open(descriptor, "wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
        while written:
            path = written[0][1]
            os.replace(*written[0])
            written.pop(0)
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename, error.filename2 = os.fspath(path), None  # the name that the user knows
        for temporary, _ in written:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise


def _unforeseen(path):
    return path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")


def open_to_append(path: str | os.PathLike) -> IO[bytes]:
    """Open a file to append bytes, making it where it is not there.

    Raises:
        ConfigError: it is a link.
    """
    return open(open_kept(path, os.O_APPEND | os.O_WRONLY), "ab")


def open_kept(path: str | os.PathLike, flags: int) -> int:
    """Open a file that keeps its name from run to run, made where it is not there; return the descriptor.

    Raises:
        ConfigError: it is a link.
    """
    _refuse_link(Path(path), "a file")
    return os.open(path, os.O_CREAT | flags | _NO_LINK | _BINARY, 0o666)


def make_folder(root: str | os.PathLike, inside: str | os.PathLike = ".") -> Path:
    """Make the folder ``root / inside`` and those above it; return its path.

    ``root`` is the user's own and may be a link. What lies below is this package's.

    Raises:
        ConfigError: a folder below ``root`` is a link.
    """
    folder = Path(root)
    folder.mkdir(parents=True, exist_ok=True)
    for part in Path(inside).parts:
        folder = folder / part
        _refuse_link(folder, "a folder of its own")
        folder.mkdir(exist_ok=True)
    return folder


def check_folder(folder: str | os.PathLike) -> None:
    """Raise where a folder of this package's is a link.

    Raises:
        ConfigError: it leads elsewhere.
    """
    _refuse_link(Path(folder), "a folder of its own")


def check_file(path: str | os.PathLike) -> None:
    """Raise where a file that another library is to write is a link.

    Raises:
        ConfigError: it leads elsewhere.
    """
    _refuse_link(Path(path), "a file")


def sweep(path: str | os.PathLike) -> None:
    """Remove what writes of this file that were killed have left; nobody else may be writing it now."""
    path = Path(path)
    for left in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 16}.tmp"):
        left.unlink(missing_ok=True)


def _refuse_link(path, expected):
    if path.is_symlink():
        raise ConfigError(f"{path}: must be {expected}, got a link to {os.readlink(path)}; remove it")
