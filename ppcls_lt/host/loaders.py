"""Paddle's loaders: what fails in their threads and processes is raised where a batch is asked for, and all ends."""

import atexit
import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import paddle

from ..basis import parents
from ._wrapping import extend_in, wrapped

# Seconds in which a worker that has been told to end, or the thread that has failed, does so.
_PATIENCE = 5

# Iterators whose workers may be there. The thread of each holds it, so that none ends because nobody reads it.
_begun: weakref.WeakSet[Any] = weakref.WeakSet()


def repair() -> None:
    """Repair both kinds of iterator; later calls change nothing.

    Left alone, an error in the thread of a loader without workers leaves the
    training waiting for ever; with workers the reader is told that a queue was
    killed and no more, the shutdown can wait for ever for a worker, and the
    workers of a process that is killed wait for ever for what it asks of them.
    A shutdown that begins when the interpreter already ends starts a thread,
    which never comes; so none is left until then.
    """
    module = paddle.io.dataloader.dataloader_iter
    extend_in(module, "_worker_loop", _worker_loop)
    extend_in(module, "_DataLoaderIterMultiProcess.__init__", _begin)
    atexit.unregister(_end)
    atexit.register(_end)
    for iterator in (module._DataLoaderIterSingleProcess, module._DataLoaderIterMultiProcess):
        if not hasattr(iterator, "_failure"):
            iterator._failure = None
            iterator._thread_loop = wrapped(iterator._thread_loop, _thread_loop)
            iterator.__next__ = wrapped(iterator.__next__, _next)
            if hasattr(iterator, "_shutdown_worker"):
                iterator._try_shutdown_all = wrapped(iterator._try_shutdown_all, _shut_down)


@contextlib.contextmanager
def ended_with_an_error() -> Iterator[None]:
    """End the workers of the loaders that were begun in the body, if an error ends it."""
    before = weakref.WeakSet(_begun)
    try:
        yield
    except BaseException:
        _end(before)
        raise


def _end(but=()):
    for iterator in list(_begun):
        if iterator not in but:
            iterator._try_shutdown_all()


def _begin(original, self, loader):
    original(self, loader)
    _begun.add(self)


def _worker_loop(original, *args):
    """What a worker does, until the process that began it has ended."""
    parents.end_with_parent()
    original(*args)


def _thread_loop(original, self, *args):
    """Read batches; whatever happens, leave no reader waiting."""
    finished = False
    try:
        original(self, *args)
        finished = True
    except Exception as error:  # whatever a data set raises, raised again by `_next`
        self._failure = error
    finally:
        if not finished:
            self._blocking_queue.kill()


def _next(original, self):
    """Give a batch, or raise what went wrong rather than that the queue was killed."""
    try:
        return original(self)
    except StopIteration:
        raise
    except Exception:  # Paddle's own, of several kinds
        self._thread.join(_PATIENCE)
        if self._failure is None:
            raise
    failure, self._failure = self._failure, None
    try:
        raise failure
    finally:
        del failure  # which holds this frame, by which it would hold the iterator


def _shut_down(original, self, timeout=None):
    """End the workers; one that does not end is killed."""
    original(self, _PATIENCE if timeout is None else timeout)
    for worker in self._workers:
        if worker.is_alive():
            worker.kill()
