"""Paddle's loaders: what fails in their threads and processes is raised where a batch is asked for, and all ends."""

import paddle

from ..basis import parents
from ._wrapping import extend_in, wrapped

# Seconds in which a worker that has been told to end, or the thread that has failed, does so.
_PATIENCE = 5


def repair() -> None:
    """Repair both kinds of iterator; later calls change nothing.

    Left alone, an error in the thread of a loader without workers leaves the
    training waiting for ever; with workers the reader is told that a queue was
    killed and no more, the shutdown can wait for ever for a worker, and the
    workers of a process that is killed wait for ever for what it asks of them.
    """
    module = paddle.io.dataloader.dataloader_iter
    extend_in(module, "_worker_loop", _worker_loop)
    for iterator in (module._DataLoaderIterSingleProcess, module._DataLoaderIterMultiProcess):
        if not hasattr(iterator, "_failure"):
            iterator._failure = None
            iterator._thread_loop = wrapped(iterator._thread_loop, _thread_loop)
            iterator.__next__ = wrapped(iterator.__next__, _next)
            if hasattr(iterator, "_shutdown_worker"):
                iterator._try_shutdown_all = wrapped(iterator._try_shutdown_all, _shut_down)


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
    raise failure


def _shut_down(original, self, timeout=None):
    """End the workers; one that does not end is killed."""
    original(self, _PATIENCE if timeout is None else timeout)
    for worker in self._workers:
        if worker.is_alive():
            worker.kill()
