"""A disk that is full or cannot be written, in one line."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

from .checks import ConfigError


@contextlib.contextmanager
def writing(
    folder: str | os.PathLike, owner: str = "Global", parameter: str = "output_dir", remedy: str = ""
) -> Iterator[None]:
    """Within the context, which writes below a folder, an error of the system names the folder and what to do.

    Args:
        folder (str or Path): for the message, where the error does not say it.
        owner, parameter (str): what named the folder.
        remedy (str): how to go on.

    Raises:
        ConfigError: in place of ``OSError``.
    """
    try:
        yield
    except OSError as error:
        where = os.fspath(error.filename or folder)
        why = error.strerror or str(error)
        raise ConfigError(
            f"{owner}: `{parameter}` must be a folder that can be written, got {where}: {why}{remedy}"
        ) from error


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
