"""What the pages import of this package is there."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import paddle
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


def test_after_paddle_one_line_instead_of_a_crash(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = "import paddle, ppcls_lt, gzip; gzip.decompress(gzip.compress(b'x')); print('done')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    if paddle.__version__.startswith("2.6") and "zlib" not in sys.builtin_module_names:
        assert done.returncode == 1 and "move `import ppcls_lt` above `import paddle`" in done.stderr.splitlines()[-1]
    else:
        assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["done"]), done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_script_of_a_page_imports_the_package_before_paddle(page):
    for script in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S):
        ours, theirs = (re.search(rf"^ *(?:import|from) {name}\b", script, re.M) for name in ("ppcls_lt", "paddle"))
        plugin = "@register(" in script  # is imported by the package
        assert not (ours and theirs) or plugin or ours.start() < theirs.start(), script
