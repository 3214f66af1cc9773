"""A repair of develop: it keeps one iterator of the training loader over all epochs, here each begins with its own.

Kept, it begins an epoch with the rest of the last one's draw (with ``update_freq``), and any
exception of ``next()`` is answered by starting over, which loses a loader's error.
"""

from __future__ import annotations

from typing import Any, Callable


class _LoaderFailed(BaseException):
    """Carries a loader's error past the host's ``except Exception``."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class _FreshIterator:
    """Batches of a loader, from its beginning again when it ends; its errors come through."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._iterator = iter(loader)

    def __next__(self) -> Any:
        try:
            return next(self._iterator)
        except StopIteration:
            self._iterator = iter(self._loader)
            return next(self._iterator)
        except Exception as error:  # whatever a data set raises, raised again below
            raise _LoaderFailed(error) from error


def repaired(train_epoch_func: Callable) -> Callable:
    """Return an epoch function that begins each epoch with a loader of its own: the given one where it does that."""
    if "train_dataloader_iter" not in train_epoch_func.__code__.co_names:
        return train_epoch_func

    def train_epoch(engine, epoch_id, print_batch_step):
        # DALI's loader raises to be reset, which the host does.
        engine.train_dataloader_iter = (iter if engine.use_dali else _FreshIterator)(engine.train_dataloader)
        try:
            train_epoch_func(engine, epoch_id, print_batch_step)
        except _LoaderFailed as failure:
            raise failure.error from None
        finally:
            # Its thread ends here, and draws no random number of the next epoch.
            engine.train_dataloader_iter = None

    return train_epoch
