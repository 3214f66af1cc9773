"""What the pages import of this package is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# CHANGELOG.md tells where names of earlier versions were.
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "README_ch", "CONTRIBUTING")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
IMPORT = re.compile(r"from (ppcls_lt[\w.]*) import (\([^)]*\)|[\w ,]+)")


def documented():
    """(page, module, name)."""
    for page in PAGES:
        for module, names in IMPORT.findall(page.read_text("utf-8")):
            for name in re.findall(r"\w+", re.sub(r" as \w+", "", names)):
                yield str(page.relative_to(ROOT)), module, name


@pytest.mark.parametrize("page, module, name", sorted(set(documented())))
def test_a_documented_import_works(page, module, name):
    found = importlib.import_module(module)
    assert hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}"), f"{page}: from {module} import {name}"


def test_there_are_some():
    assert len(set(documented())) > 15
