"""Folders of runs and of comparisons in which something is what it cannot be: one line each, never a traceback."""

import json
import random
import shutil

import numpy as np
import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.reports.comparison import spreadsheets, terminal
from ppcls_lt.reports.comparison import tables as comparison_tables
from ppcls_lt.reports.run.collect import collect
from ppcls_lt.reports.run.figures import paint
from ppcls_lt.reports.run.page import page
from ppcls_lt.reports.run.tables import tables
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs.results import Result

from . import malformed
from .comparisons import make_run, outcome_of
from .run_folders import write_run

NAMES = ("run_info.json", "run_info.json", "metrics.jsonl", "metrics.jsonl", "config.yaml", "predictions.npz")
CASES = 100


def broken(data, draw):
    """Bytes cut short, changed in some bits, or of another file altogether."""
    how = draw.choice(["cut", "flip", "empty", "json", "nested"])
    if how == "cut":
        return data[: draw.randrange(len(data))]
    if how == "flip":
        data = bytearray(data)
        for _ in range(3):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        return bytes(data)
    return {"empty": b"", "json": b"[1]", "nested": b"[" * 10**5}[how]


def damage(path, draw):
    """Put into a file of a run what does not belong there."""
    if path.suffix == ".npz" or draw.random() < 0.2:
        path.write_bytes(broken(path.read_bytes(), draw))
    elif path.suffix == ".yaml":
        path.write_text(yaml.safe_dump(malformed.changed(yaml.safe_load(path.read_text()), draw)))
    else:
        # A text of one document, or of one in each line.
        documents = [path.read_text()] if path.suffix == ".json" else path.read_text().splitlines()
        written = [json.dumps(malformed.changed(json.loads(document), draw)) for document in documents]
        path.write_text("\n".join(written) + "\n")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder and the pictures of its report."""
    folder = tmp_path_factory.mktemp("run") / "run"
    write_run(folder, class_num=3, images=4, epochs=2, class_names={"0": "fox"})
    (part,) = collect(folder)
    return folder, paint(part, "en")


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(2))
def test_a_report_of_a_malformed_folder(run, tmp_path, seed):
    folder, pictures = run
    draw = random.Random(seed)
    accepted = []
    for number in range(CASES // 2):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        damage(copy / draw.choice(NAMES), draw)
        try:
            (part,) = collect(copy)
        except ConfigError as error:
            assert len(str(error)) <= 4000 and "\n" not in str(error)
            continue
        accepted.append(part)
        assert page([part], [pictures], ["report"], "en") and tables(part)
    # Some damages change nothing that is wrong: a name, a loss.
    assert len(accepted) < CASES // 4
    assert paint(draw.choice(accepted), "en")


@pytest.mark.filterwarnings("error")
def test_a_comparison_of_malformed_results(tmp_path):
    draw = random.Random(0)
    whole = make_run("ldam", recall=[0.5, 0.25, 0.75], versions={"ppcls_lt": "0.1.0"})
    accepted = 0
    for number in range(CASES):
        path = tmp_path / f"{number}.json"
        whole.write(path)
        damage(path, draw)
        try:
            found = Result.read(path, recipe="ldam")
        except ConfigError as error:
            assert len(str(error)) <= 4000 and "\n" not in str(error)
            continue
        accepted += 1
        outcome = outcome_of([make_run("base", recall=[0.5] * 3), found])
        assert terminal.text(outcome) and comparison_tables.markdown(outcome)
        assert spreadsheets.ranked(outcome) and spreadsheets.runs(outcome)
    assert accepted < CASES // 2


@pytest.mark.parametrize("content", ["[1]", "{}", "1", '"text"', "null", "[" * 10**5, '{"mode": "train"}'])
def test_facts_that_are_none(run, tmp_path, content):
    shutil.copytree(run[0], tmp_path / "run")
    (tmp_path / "run/run_info.json").write_text(content)
    with pytest.raises(ConfigError, match="run_info.json: must be what a run of ppcls-lt wrote, got"):
        run_files.read_info(tmp_path / "run/run_info.json")


@pytest.mark.parametrize("label, predicted, got", [([-1, 0], [0, 0], "-1 to 0"), ([0, 1], [1, 2], "1 to 2")])
def test_predictions_of_classes_that_are_none(tmp_path, label, predicted, got):
    """On either side of the classes there are, in either column."""
    path = tmp_path / "predictions.npz"
    found = run_files.Predictions(np.array(label), np.array(predicted), np.array([0.5, 0.5]), 2, 1)
    run_files.write_predictions(path, found)
    with pytest.raises(ConfigError, match=rf"classes must lie in \[0, 2\), got {got}$"):
        run_files.read_predictions(path)
