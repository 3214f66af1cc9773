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


class Without:
    """A finder before all others, to which a package is not installed."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, *_):
        if name.split(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=self.package)


def hide(package, monkeypatch):
    """Make a package seem not to be installed."""
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(package), *sys.meta_path])


@pytest.fixture(params=["Jinja2", "Matplotlib"])
def missing(request, monkeypatch):
    """The name of a package that pages need and that is as if it were not installed."""
    hide(request.param.lower(), monkeypatch)
    return request.param


@pytest.fixture
def no_pages(monkeypatch):
    """As if the extra ``report`` were not installed."""
    for package in ("jinja2", "matplotlib"):
        hide(package, monkeypatch)
