"""docs/methods.md has a row for whatever a YAML or a recipe can name, and its files are there."""

import re
from pathlib import Path

import pytest

import ppcls_lt.callbacks
import ppcls_lt.losses  # noqa: F401  both register what they have
from ppcls_lt.basis.registry import registered
from ppcls_lt.configuration import recipes

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "methods.md").read_text("utf-8")
NAMED = set(re.findall(r"`([\w-]+)`", PAGE))


@pytest.mark.parametrize("kind", ["loss", "callback"])
def test_every_component_of_the_package_has_a_row(kind):
    own = {name for name, found in registered(kind).items() if found.__module__.startswith("ppcls_lt.")}
    aliases = {name for name in own if name != registered(kind)[name].__name__}
    assert own - aliases - NAMED == set()


def test_every_recipe_and_part_has_a_row():
    assert {*recipes.known()} - NAMED == set()


def test_the_files_are_there():
    files = re.findall(r"\| (\S+?\.py) \|", PAGE)
    assert len(files) > 20
    package = ROOT / "ppcls_lt"
    assert [name for name in files if not ((package / name).is_file() or (package / "losses" / name).is_file())] == []
