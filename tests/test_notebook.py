"""docs/notebooks/first_steps.ipynb: it runs from its first cell to its last, and is committed with what it showed."""

import json
import os
import subprocess
import sys

import pytest

from .commands import ROOT
from .forks import PATIENCE

NOTEBOOK = ROOT / "docs" / "notebooks" / "first_steps.ipynb"


def cells(path):
    """The cells with code."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == "code"]


def pictures(found):
    """How many pictures cells show."""
    return sum("image/png" in output.get("data", {}) for cell in found for output in cell["outputs"])


def printed(found):
    """What cells have printed."""
    return "".join("".join(output.get("text", "")) for cell in found for output in cell["outputs"])


def holds(found):
    """Every cell has run, in order, none with an error; there are pictures and tables in them."""
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))
    assert not [output for cell in found for output in cell["outputs"] if output["output_type"] == "error"]
    assert pictures(found) == 3
    said = printed(found)
    assert said.count("ConfigError") + said.count("train: unknown keyword 'epoch' (did you mean 'epochs'?)") == 1
    assert "2 candidates, 1 seed, 15 epochs: 0 runs are finished, 2 to do" in said
    assert said.count("[2/2] balanced_softmax, seed 0: done") == 1  # each line once
    assert "tail/output/report.html" in said


def test_it_is_committed_as_it_ran_and_small():
    holds(cells(NOTEBOOK))
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 500_000
    assert "site-packages" not in text and "/home/" not in text and "/tmp/" not in text


@pytest.mark.slow
def test_it_runs(tmp_path):
    pytest.importorskip("nbclient", reason="needs the extra `notebook`")
    pytest.importorskip("ipykernel", reason="needs the extra `notebook`")
    script = ROOT / "scripts" / "execute_notebook.py"
    command = [sys.executable, script, NOTEBOOK, "--in", tmp_path / "work", "--out", tmp_path / "made.ipynb"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    made = cells(tmp_path / "made.ipynb")
    holds(made)
    assert [cell["source"] for cell in made] == [cell["source"] for cell in cells(NOTEBOOK)]
