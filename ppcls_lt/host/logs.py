"""The host's log: the files that it is written to, and what of it is shown."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def log_handlers() -> list[logging.FileHandler]:
    """The handlers that write the host's log into files."""
    logger = importlib.import_module("ppcls.utils.logger")._logger
    return [handler for handler in logger.handlers if hasattr(handler, "baseFilename")]


def close_logs(handlers: Iterable[logging.FileHandler]) -> None:
    """Let the host's log go no longer into the files of these handlers."""
    logger = importlib.import_module("ppcls.utils.logger")._logger
    for handler in handlers:
        logger.removeHandler(handler)
        handler.close()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within it the host's log goes into its files; elsewhere its warnings and errors alone are shown."""
    logger = importlib.import_module("ppcls.utils.logger")._logger
    before = {handler: handler.level for handler in logger.handlers if not hasattr(handler, "baseFilename")}
    for handler in before:
        handler.setLevel("WARNING")
    try:
        yield
    finally:
        for handler, level in before.items():
            handler.setLevel(level)
