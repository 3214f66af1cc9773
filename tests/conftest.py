"""Fixtures that several test modules share."""

import pytest
from hypothesis import settings

import ppcls_lt

# The same examples on every run, however slow the machine is.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def ppcls():
    """PaddleClas as ``ppcls_lt.host`` shows it, with this package registered in it."""
    ppcls_lt.register()
    from ppcls_lt import host

    return host
