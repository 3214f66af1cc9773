"""Packages that a part of the work needs, and `pip install ppcls-lt` alone does not bring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .checks import ConfigError


@contextlib.contextmanager
def needed(package: str, purpose: str, extra: str = "report") -> Iterator[None]:
    """Import within this context what an extra of this package brings.

    Args:
        package (str): its name as it is written; what is imported is that in small letters.
        purpose (str): what needs it.
        extra (str): the extra that asks for it.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != package.lower():
            raise
        raise ConfigError(
            f'{purpose} needs {package}; install it with `pip install "ppcls-lt[{extra}]"`, '
            f'or with `pip install ".[{extra}]"` in a clone of this package'
        ) from error
