"""The training loader's iterator where the host keeps one over all epochs: anew for each, its errors told."""


class _LoaderFailed(BaseException):
    """Carries a loader's error past the host's ``except Exception``."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class _FreshIterator:
    """Batches of a loader, from its beginning again when it ends; its errors come through."""

    def __init__(self, loader):
        self._loader = loader
        self._iterator = iter(loader)

    def __next__(self):
        try:
            return next(self._iterator)
        except StopIteration:
            self._iterator = iter(self._loader)
            return next(self._iterator)
        except Exception as error:  # whatever a data set raises, raised again below
            raise _LoaderFailed(error) from error


def with_fresh_iterator(train_epoch_func):
    """Return an epoch function of develop that begins each epoch with a loader of its own."""

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
