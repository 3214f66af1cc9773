"""Fixtures that several test modules share."""

import pytest

import ppcls_lt


@pytest.fixture(scope="session")
def ppcls():
    """PaddleClas as ``ppcls_lt.host`` shows it, with this package registered in it.

    Its Engine sets up the log that its factories write to; here nothing else does.
    """
    ppcls_lt.register()
    from ppcls_lt import host

    host.module("utils.logger").init_logger()
    return host
