"""The same comparisons by ``ppcls-lt compare --budget-epochs``, with half the epochs of the whole one."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from ppcls_lt.basis import atomic
from ppcls_lt.configuration import plain
from ppcls_lt.runs import files

from . import forms
from .forms import Form
from .trainings import base_config

SHARE = 0.5  # of the epochs of all runs
FILE = "budget.csv"
_ROOT = Path(__file__).resolve().parents[2]
_EVERY = re.compile(r": (\d+) epochs in all")
_USED = re.compile(r"^(\d+) epochs of \d+ epochs are used", re.M)


class Budgeted(NamedTuple):
    """What a comparison within the budget chose."""

    form: str
    chosen: str
    epochs: int  # of the whole comparison
    budget: int
    used: int


def compare(form: Form, work: Path) -> None:
    """Compare within the budget, or go on with it, and write ``FORM/budget/budget.csv``, unless it is there."""
    folder = work / form.name / "budget"
    if (folder / FILE).is_file():
        return
    data = work / form.name / "data"
    folder.mkdir(parents=True, exist_ok=True)
    config = base_config(form, {"train": data / "train.txt", "eval": data / "test.txt"}, data)
    config["Global"].update(output_dir=str(folder / "output"), print_batch_step=10**6)
    files.write_config(folder / "base.yaml", plain.reusable(config))
    every = int(_EVERY.search(_command(form, folder, 10**9, "--dry-run"))[1])
    budget = int(SHARE * every)
    said = _command(form, folder, budget)
    with open(folder / "compared" / "comparison.csv", newline="", encoding="utf-8") as file:
        (best,) = (row["recipe"] for row in csv.DictReader(file) if row["rank"] == "1")
    # A combination has one name for compare, in whatever order it is written.
    (chosen,) = (name for name in form.recipes if set(name.split("+")) == set(best.split("+")))
    write(folder / FILE, [Budgeted(form.name, chosen, every, budget, int(_USED.search(said)[1]))])


def _command(form, folder, budget, *flags):
    """What ``compare`` says; its runs and the tests of two of them are in the folder."""
    command = [
        *(sys.executable, "-m", "ppcls_lt", "compare", "-c", str(folder / "base.yaml"), "--recipes", *form.recipes),
        *("--seeds", *map(str, forms.SEEDS), "--adjust", "none", "--groups", "tertiles"),
        *("--budget-epochs", str(budget), "--out", str(folder / "compared"), *flags),
    ]
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{form.name}: {' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def pack(chosen: list[Form], work: Path, target: Path) -> None:
    """Add what is there of these forms to the file of all."""
    found = read(target / FILE)
    for form in chosen:
        found.update(read(work / form.name / "budget" / FILE))
    if found:
        write(target / FILE, [found[name] for name in forms.FORMS if name in found])


def write(path: Path, found: list[Budgeted]) -> None:
    """Write the rows of comparisons."""
    lines = [",".join(map(str, row)) for row in (Budgeted._fields, *found)]
    atomic.write(path, ("\n".join(lines) + "\n").encode())


def read(path: Path) -> dict[str, Budgeted]:
    """Form -> what was chosen; empty where nothing is written."""
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = [
            Budgeted(row["form"], row["chosen"], *(int(row[name]) for name in ("epochs", "budget", "used")))
            for row in csv.DictReader(file)
        ]
    return {row.form: row for row in rows}
