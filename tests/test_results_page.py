"""The measured tables in the documentation are those of the runs that are kept beside them."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from ppcls_lt.comparison import MEASURES
from ppcls_lt.comparison.results import Outcome, Run, ranked
from ppcls_lt.comparison.tables import ranking

ROOT = Path(__file__).resolve().parent.parent
RESULTS = sorted((ROOT / "docs" / "results").glob("*_runs.csv"))
# Where only the first rows of a table stand, and which.
HEADS = {"README.md": "compare_10", "README_ch.md": "compare_10"}
FIRST = 6


def block(page, name):
    """What stands in a page between two markers, its lines."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*)<!-- {name}: end -->", (ROOT / page).read_text("utf-8"), re.DOTALL)
    return found.group(1).splitlines()


def table(path):
    """The ranked table of the runs in a CSV file, lines of Markdown without the empty ones.

    Its last column, the time, is left out: other work ran on the machine.
    """
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    runs = []
    for row in rows:
        number = {key: float(value) if value else float("nan") for key, value in row.items() if key != "recipe"}
        parts = {part: {m: number[f"{part}_{m}"] for m in MEASURES} for part in ("validation", "test")}
        whole = {key: int(number[key]) for key in ("seed", "epochs", "stage", "best_epoch")}
        runs.append(Run(recipe=row["recipe"], **whole, seconds=number["seconds"], **parts, recall=[], curve=[]))
    outcome = Outcome(
        title="",
        command="",
        arch="",
        epochs=0,
        seeds=sorted({run.seed for run in runs}),
        rank_by="balanced",
        counts=np.zeros(0),
        groups={},
        thresholds="tertiles",
        class_names={},
        lists={},
        rows=ranked(runs, "balanced"),
    )
    return [line.rsplit("|", 2)[0] + "|" for line in ranking(outcome) if line]


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_the_tables_are_those_of_the_runs(path):
    name = path.stem.removesuffix("_runs")
    assert block("docs/results.md", name) == table(path)


@pytest.mark.parametrize("page", HEADS)
def test_a_readme_shows_the_head_of_its_table(page):
    lines = table(ROOT / "docs" / "results" / f"{HEADS[page]}_runs.csv")
    # The head, the rule below it, the first recipes, and the baseline wherever it ranks.
    baseline = next(line for line in lines if "ce (baseline)" in line)
    expected = lines[: 2 + FIRST]
    assert block(page, "results") == expected + ([] if baseline in expected else [baseline])


def test_the_page_from_symptom_to_recipe_shows_the_whole_table():
    assert block("docs/choosing.md", "results") == table(ROOT / "docs" / "results" / "compare_10_runs.csv")


def test_results_are_kept():
    assert RESULTS
