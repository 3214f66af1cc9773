"""One writer at a time in a folder: a lock that ends with the process that holds it, however it ends.

A lock is a file in the folder, locked by the system, with the process in it. It
is removed when the lock is released; one that a killed process left is taken over.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Callable

from . import atomic
from .checks import described, fail

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    import msvcrt

_NAME = ".lock"
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
_held: dict[Path, Lock] = {}  # of this process: file -> Lock
_log = logging.getLogger("ppcls.lt")


@contextlib.contextmanager
def held(
    folder: str | os.PathLike,
    owner: str,
    parameter: str,
    name: str = _NAME,
    *,
    wait: Callable[[str], Any] | None = None,
) -> Iterator[None]:
    """Within the context this process alone writes; see :func:`acquire`."""
    lock = acquire(folder, owner, parameter, name, wait=wait)
    try:
        yield
    finally:
        lock.release()


def acquire(
    folder: str | os.PathLike,
    owner: str,
    parameter: str,
    name: str = _NAME,
    *,
    wait: Callable[[str], Any] | None = None,
) -> Lock:
    """Return the lock of a folder, which is made where it is not there.

    What this process holds already it gets again: it does one thing after the other.

    Args:
        folder (str or Path): where something is to be written.
        owner, parameter (str): for messages, what named the folder.
        name (str): of the file; those who write different files in one folder need not wait for each other.
        wait (callable, optional): called, with words for who holds it, before each new attempt; without it there is
            one attempt.

    Raises:
        ConfigError: another process holds it and ``wait`` is not given; the folder cannot be made or
            written; the file is a link.
    """
    folder = Path(folder)
    try:
        made = [each for each in (folder, *folder.parents) if not each.exists()]
        path = atomic.make_folder(folder).resolve() / name
        lock = _held.get(path) or Lock(path, _locked(path, folder, owner, parameter, wait), made)
    except OSError as error:
        got = described(f"{folder}: {error.strerror}")
        fail(owner, parameter, "a folder that can be made and written", got)
    _held[path] = lock
    lock.users += 1
    return lock


class Lock:
    """A lock that this process holds until each of its users has released it."""

    def __init__(self, path: Path, descriptor: int, made: Iterable[Path]) -> None:
        self.users = 0
        self._made = [each.absolute() for each in made]  # the folders that were made for it, the innermost first
        self._path = path
        self._descriptor = descriptor
        self._process = os.getpid()

    def release(self) -> None:
        """One user less; a process that was forked from the one that holds it changes nothing."""
        if os.getpid() != self._process or self.users == 0:
            return
        self.users -= 1
        if self.users == 0:
            del _held[self._path]
            with contextlib.suppress(OSError):  # Windows removes no open file
                os.unlink(self._path)
            os.close(self._descriptor)
            with contextlib.suppress(OSError):  # something was written there
                for folder in self._made:
                    folder.rmdir()


def _locked(path, folder, owner, parameter, wait):
    """Return the descriptor of the locked file."""
    while True:
        descriptor = atomic.open_kept(path, os.O_RDWR)
        try:
            if not _lock(descriptor, folder):
                holder = os.read(descriptor, 100).decode(errors="replace").strip() or "another process"
                if wait is None:
                    got = described(f"{folder}, where {holder} is at work; wait for it, or end it")
                    fail(owner, parameter, "a folder in which no other ppcls-lt is writing", got)
                wait(holder)
            elif _is_at(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the one who held it may have removed it in between


def _lock(descriptor, folder):
    """Lock a file for this process alone, not for those that it forks; return whether it could be."""
    try:
        if os.name == "nt":
            os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # what is locked cannot be read there
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.lseek(descriptor, 0, os.SEEK_SET)
        if error.errno in _TAKEN:
            return False
        if error.errno not in _UNSUPPORTED:
            raise
        _log.warning("%s cannot be locked (%s): see that nothing else writes there", folder, error.strerror)
    return True


def _is_at(descriptor, path):
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
