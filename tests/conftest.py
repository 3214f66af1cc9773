"""Fixtures that several test modules share."""

import sys

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


class WithoutMatplotlib:
    """A finder before all others."""

    @staticmethod
    def find_spec(name, *_):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")


@pytest.fixture
def no_matplotlib(monkeypatch):
    """As if Matplotlib were not installed."""
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [WithoutMatplotlib, *sys.meta_path])
