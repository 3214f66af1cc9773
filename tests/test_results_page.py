"""The measured tables in the documentation are those of the runs that are kept beside them."""

import csv
import re
from pathlib import Path

import pytest

from ppcls_lt.reports.comparison.wording import percent, points
from ppcls_lt.runs.results import MEASURES, Result, ranked
from scripts import finetuning

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
# Single trainings, with the accuracy on held-out images and, of those that were chosen by it, on the test images.
TRAININGS = ("cifar10_lt", "fashion_mnist_lt")
FINETUNING = "finetuning_cifar10_lt"
FOLDS, FIRST = "compare_30_folds", 8  # a comparison by today's rule, and how many candidates its table has at least
# The comparisons whose tables stand in a page, between markers of their names.
PAGES = {
    "docs/results.md": ("compare_10", "compare_30"),
    "docs/choosing.md": ("compare_10",),
}
FOLDS_PAGES = [f"docs{language}/{name}.md" for language in ("", "/zh") for name in ("results", "choosing")]


def block(page, name):
    """What stands in a page between two markers, its lines."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*)<!-- {name}: end -->", (ROOT / page).read_text("utf-8"), re.DOTALL)
    return found.group(1).splitlines()


def table(path):
    """The ranked table of the runs in a CSV file as 0.1.0 made it, lines of Markdown.

    Its last column, the time, is left out: other work ran on the machine.
    """
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    runs = []
    for row in rows:
        number = {key: float(value) if value else float("nan") for key, value in row.items() if key != "recipe"}
        parts = {part: {m: number[f"{part}_{m}"] for m in MEASURES} for part in ("validation", "test")}
        whole = {key: int(number[key]) for key in ("seed", "epochs", "stage", "best_epoch")}
        runs.append(Result(recipe=row["recipe"], **whole, seconds=number["seconds"], **parts, recall=[], curve=[]))
    heads = ["rank", "recipe", "validation balanced", *(f"test {name}" for name in MEASURES), "few-shot gain"]
    lines = [heads, ["---:", "---", *["---:"] * 7]]
    for rank, row in enumerate(ranked(runs, "balanced", baseline="ce"), 1):  # as 0.1.0, which measured them, had it
        base = row.recipe == "ce"
        values = [row.validation["balanced"], *(row.test[name] for name in MEASURES)]
        gain = "–" if base else points(row.gain["few"])
        lines.append([rank, "ce (baseline)" if base else row.recipe, *map(percent, values), gain])
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


@pytest.mark.parametrize("page, name", [(page, name) for page, names in PAGES.items() for name in names])
def test_a_table_is_that_of_its_runs(page, name):
    assert block(page, name) == table(RESULTS / f"{name}_runs.csv")


def folds_table(path):
    """The first candidates of a comparison by folds, and the recipes as they are, lines of Markdown."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    heads = ["Rank", "Candidate", "Held out", "Gain", "90 % interval", "Best", "Test", "Test few"]
    lines = [heads, ["---:", "---", *["---:"] * 6]]
    for row in rows:
        if int(row["rank"]) > FIRST and "+" in row["recipe"]:
            continue
        number = {key: 100 * float(value) for key, value in row.items() if key != "recipe" and value}
        if row["recipe"] == "base":
            gain, interval = "–", "–"
        else:
            gain, interval = f"{number['gain']:+.1f}", f"{number['gain_low']:+.1f} to {number['gain_high']:+.1f}"
        equal = " (=)" if row["equal"] == "1" else ""
        tested = [f"{number[f'test_{m}']:.1f} ± {number[f'test_{m}_spread']:.1f}" for m in ("balanced", "few")]
        values = [f"{number['validation_balanced']:.1f}", gain, interval, f"{number['best']:.0f}", *tested]
        lines.append([row["rank"], f"`{row['recipe']}`{equal}", *values])
    return [f"| {' | '.join(map(str, line))} |" for line in lines]


def test_the_table_by_folds_is_that_of_the_comparison():
    for page in (*FOLDS_PAGES, "README.md", "README_ch.md"):
        assert block(page, FOLDS) == folds_table(RESULTS / f"{FOLDS}.csv")


@pytest.mark.parametrize("name", TRAININGS)
def test_a_table_is_that_of_its_trainings(name):
    with open(RESULTS / f"{name}_trainings.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    heads = ["Recipe", "Seed", "Held-out", "Held-out few", "Test", "Many", "Medium", "Few"]
    measured = ("held_out_balanced", "held_out_few", "test_balanced", "test_many", "test_medium", "test_few")
    lines = [heads, ["---", *["---:"] * 7]]
    for row in rows:
        recall = [float(row[f"recall_{c}"]) for c in range(10) if row[f"recall_{c}"]]
        if row["test_balanced"]:
            assert float(row["test_balanced"]) == pytest.approx(sum(recall) / 10)
        else:
            assert not recall
        values = [f"{100 * float(row[key]):.1f}" if row[key] else "–" for key in measured]
        lines.append([f"`{row['recipe']}`", row["seed"], *values])
    assert block("docs/results.md", name) == [f"| {' | '.join(map(str, line))} |" for line in lines]


@pytest.mark.parametrize("page", ["docs/finetuning.md", "docs/zh/finetuning.md"])
def test_the_table_of_fine_tuning_is_that_of_its_trainings(page):
    with open(RESULTS / f"{FINETUNING}.csv", newline="", encoding="utf-8") as file:
        assert block(page, FINETUNING) == finetuning.table(list(csv.DictReader(file)), "ce")


def test_every_file_of_runs_has_its_table():
    assert sorted(path.name for path in RESULTS.glob("*.csv")) == sorted(
        [f"{name}_runs.csv" for name in PAGES["docs/results.md"]]
        + [f"{name}_trainings.csv" for name in TRAININGS]
        + [f"{FINETUNING}.csv", f"{FOLDS}.csv", f"{FOLDS}_runs.csv"]
    )
