"""The benchmark behind docs/performance.md: every part runs, and the page says what the kept results say."""

import importlib
import json
import os
import re
import sys
from pathlib import Path

import pytest

from . import forks
from .forks import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "benchmark.py"
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "docs" / "performance"
# What stands in the tables of each part.
LISTED = {
    "losses": ["LDAMLoss", "FocalLoss", "IBLoss"],
    "samplers": ["Images"],
    "steps": ["`crt`", "training steps", "`ldam_drw`"],
    "loss_steps": ["`vs`", "Stock"],
    "maxnorm": ["Weight", "projection"],
    "counting": ["Lines", "`ImageNetDataset`"],
    "start": ["`import ppcls_lt`", "whole process"],
}


@pytest.fixture(scope="module")
def benchmark():
    """``scripts/benchmark.py`` as a module that finds its parts as the script does."""
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        yield importlib.import_module("benchmark")
    finally:
        sys.path.remove(str(SCRIPT.parent))


def run(*arguments):
    """Run the script; return the finished process with its output as text."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = forks.run(
        forks.WITH_PADDLE, [str(SCRIPT), *arguments], cwd=os.getcwd(), environment=environment, timeout=PATIENCE
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def tables(text):
    """The tables of a Markdown text, each a list of rows, each a list of cells."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE)
    return [[row.strip("|").split("|") for row in table.splitlines()] for table in found]


def block(part):
    """What stands in the page between a part's markers."""
    return PAGE.read_text("utf-8").split(f"<!-- {part}: begin -->\n")[1].split(f"<!-- {part}: end -->")[0]


@pytest.mark.slow
@pytest.mark.parametrize("part", LISTED)
def test_a_part_runs_and_gives_its_tables(part):
    before = {path: path.stat().st_mtime_ns for path in [PAGE, *RESULTS.glob("*")]}
    done = run("--quick", part)
    assert done.returncode == 0, done.stderr[-3000:]
    found = tables(done.stdout)
    assert found
    for head, rule, *rows in found:
        assert set("".join(rule)) <= set("-: ") and rows
        assert {len(row) for row in (rule, *rows)} == {len(head)}
        assert all(re.search(r"\d", "".join(row)) for row in rows)
    cells = {cell.strip() for table in found for row in table for cell in row}
    for name in LISTED[part]:
        assert any(name in cell for cell in cells), name
    assert before == {path: path.stat().st_mtime_ns for path in [PAGE, *RESULTS.glob("*")]}


@pytest.mark.slow
def test_an_unknown_part_is_named():
    done = run("--quick", "samplres")
    assert done.returncode == 2 and "'samplres'" in done.stderr


def test_the_page_has_a_place_for_every_part(benchmark):
    assert set(benchmark.PARTS) == set(LISTED)
    text = PAGE.read_text("utf-8")
    markers = [f"<!-- {part}: {end} -->\n" for part in benchmark.PARTS for end in ("begin", "end")]
    assert [text.count(marker) for marker in markers] == [1] * len(markers)
    places = [text.index(marker) for marker in markers]
    assert places == sorted(places)


@pytest.mark.slow
@pytest.mark.parametrize("part", LISTED)
def test_the_page_says_what_the_results_say(part, benchmark):
    results = json.loads((RESULTS / f"{part}.json").read_text("utf-8"))
    module = importlib.import_module(f"benchmarks.{part}")
    assert block(part) == module.page(results).strip() + "\n"
    pictures = set(re.findall(r"\(performance/(.*?)\.png\)", block(part)))
    assert pictures == set(module.plots(results))
    assert all((RESULTS / f"{name}.png").is_file() for name in pictures)
