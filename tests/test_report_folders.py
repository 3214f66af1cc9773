"""Which run a folder holds, whichever PaddleClas wrote it, and what it lacks."""

import json
import re

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import main as cli
from ppcls_lt.data import class_names
from ppcls_lt.reports.parts.csv_files import as_csv
from ppcls_lt.reports.run.collect import collect
from ppcls_lt.runs import files as run_files

from .run_folders import FILES, Page, is_whole, rows, write_run, written


class TestFolderOfRuns:
    """What holds runs further down is answered with the runs, since a report is of one."""

    def test_lists_them_the_newest_first(self, tmp_path, capsys):
        write_run(tmp_path / "old" / "ResNet18", started="2026-01-02T08:00:00+00:00")
        write_run(tmp_path / "new" / "ResNet18", started="2026-01-03T08:00:00+00:00")
        for stage in (1, 2):
            write_run(tmp_path / "crt" / f"stage_{stage}" / "ResNet18", stages=2, stage=stage, started="2026-01-01")
        (tmp_path / "damaged" / "ResNet18").mkdir(parents=True)
        (tmp_path / "damaged" / "ResNet18" / "run_info.json").write_text("[1]")
        assert cli.main(["report", str(tmp_path)]) == 2
        error = capsys.readouterr().err
        folders = [tmp_path / "new" / "ResNet18", tmp_path / "old" / "ResNet18", tmp_path / "crt"]
        listed = ", ".join(f"`ppcls-lt report {folder}`" for folder in folders)
        assert f"{tmp_path} holds 3 runs further down, and a report is of one: {listed}\n" in error
        assert not list(tmp_path.rglob("report.html"))
        for folder in folders:
            assert collect(folder)

    def test_of_a_comparison_names_its_page(self, tmp_path, capsys):
        for recipe in ("base", "ldam"):
            write_run(tmp_path / "compare" / "runs" / recipe / "seed_0" / "training" / "ResNet18")
        (tmp_path / "compare" / "comparison.html").write_text("")
        assert cli.main(["report", str(tmp_path)]) == 2
        error = capsys.readouterr().err
        assert "holds 2 runs" in error and error.endswith(f"comparison is {tmp_path}/compare/comparison.html\n")


def test_what_a_spreadsheet_would_take_as_a_formula_is_text_and_numbers_are_numbers(tmp_path):
    names = {"0": "=1+1", "1": "@SUM(A1)", "2": "-2", "3": "+3", "4": "\t=4", "5": " =5", "6": "fox=6"}
    write_run(tmp_path, class_names=names)
    assert cli.main(["report", str(tmp_path)]) == 0
    table = rows(tmp_path / "report" / "per_class.csv")
    assert [row["name"] for row in table[:7]] == [*(f"'{names[str(label)]}" for label in range(6)), "fox=6"]
    assert as_csv([[-0.5, -3, "-3", None, "=x"]]) == b"-0.5,-3,'-3,,'=x\n"


class TestFolders:
    """Which run a folder holds, whichever PaddleClas wrote it."""

    def test_of_the_output_folder_or_of_the_log(self, tmp_path):
        write_run(tmp_path / "old" / "ResNet18")
        write_run(tmp_path / "new")
        for folder in ("old", "old/ResNet18", "new"):
            (part,) = collect(tmp_path / folder)
            assert part.class_num == 10

    def test_the_run_that_began_last(self, tmp_path):
        write_run(tmp_path / "ResNet18", run="a", started="2026-01-02T08:00:00+00:00")
        write_run(tmp_path / "ResNet50", run="b", started="2026-01-03T08:00:00+00:00")
        (part,) = collect(tmp_path)
        assert part.folder.name == "ResNet50"

    def test_training_or_evaluation(self, tmp_path):
        write_run(tmp_path)
        write_run(tmp_path, mode="eval", epochs=1)
        assert [collect(tmp_path, mode=mode)[0].evaluation for mode in (None, "train", "eval")] == [False, False, True]

    def test_an_evaluation_where_the_training_had_none(self, tmp_path):
        write_run(tmp_path, predict=False)
        write_run(tmp_path, mode="eval", epochs=1)
        assert collect(tmp_path)[0].evaluation
        with pytest.raises(
            ConfigError, match="without any evaluation; train with `Global.eval_during_train: true`, or"
        ):
            collect(tmp_path, mode="train")

    def test_stages_each_have_a_part_of_the_page(self, tmp_path, capsys):
        write_run(tmp_path / "stage_1" / "ResNet18", stages=3, predict=False)
        write_run(tmp_path / "stage_2" / "ResNet18", stages=3, stage=2)
        write_run(tmp_path / "stage_3" / "ResNet18", stages=3, stage=3, run="an older run", started="2025")
        assert cli.main(["report", str(tmp_path)]) == 0
        page = is_whole(Page(tmp_path / "report.html"))
        assert {"Stage 1 of 3", "Stage 2 of 3"} <= {text.strip() for text in page.text}
        assert "Stage 3 of 3" not in page.all_text and "This stage left no evaluation." in page.all_text
        assert len(page.pictures) == 7
        reported = {path for path in written(tmp_path) if path.startswith("report")}
        assert reported == {name.replace("report/", "report/stage_2/") for name in FILES}


def damage(name):
    def change(folder):
        write_run(folder)
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return change


def other_classes(folder):
    write_run(folder)
    info = json.loads((folder / "run_info.json").read_text())
    run_files.write_info(folder / "run_info.json", {**info, "counts": [*info["counts"], 3]})


def out_of_range(folder):
    write_run(folder)
    found = run_files.read_predictions(folder / "predictions.npz")
    run_files.write_predictions(folder / "predictions.npz", found._replace(class_num=9))


def a_file(folder):
    write_run(folder)
    (folder / "report").write_text("")


MISTAKES = {
    "no folder": (lambda folder: None, [], "`OUTPUT_DIR` must be an existing folder"),
    "no run": (lambda folder: folder.mkdir(), [], "holds no run of ppcls-lt .no run_info.json or eval_run_info.json"),
    "no evaluation": (lambda folder: write_run(folder, predict=False), [], "a run without any evaluation; train with"),
    "no such mode": (write_run, ["--of", "eval"], "holds no run of ppcls-lt .no eval_run_info.json"),
    "facts cut short": (damage("run_info.json"), [], "run_info.json: must be what a run of ppcls-lt wrote"),
    "predictions cut short": (damage("predictions.npz"), [], "predictions.npz: must be what an evaluation wrote"),
    "another run's counts": (other_classes, [], "training images of 11 classes and predictions of 10"),
    "classes out of range": (out_of_range, [], r"classes must lie in \[0, 9\), got 0 to 9"),
    "thresholds": (write_run, ["--many", "10", "--few", "20"], "`--few` must be an integer from 0 to --many"),
    "no file of names": (write_run, ["--names", "nowhere.txt"], "nowhere.txt: must be a text file"),
    "a file in the way": (a_file, [], "`--out` must be a folder that can be written, got .*report"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_end_with_one_message(mistake, tmp_path, capsys):
    make, arguments, message = MISTAKES[mistake]
    make(tmp_path / "run")
    assert cli.main(["report", str(tmp_path / "run"), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ppcls-lt: error: ") and error.count("\n") == 1
    assert re.search(message, error), error
    assert not list(tmp_path.rglob("report.html"))


def test_a_line_of_names_that_begins_with_no_class(tmp_path):
    (tmp_path / "names.txt").write_text("0 fox\nfox 1\n")
    with pytest.raises(ConfigError, match="line 2 must be `class name` with an integer class, got 'fox 1'"):
        class_names.read(tmp_path / "names.txt")


def test_what_a_page_needs_is_named_in_one_line(tmp_path, missing, capsys):
    write_run(tmp_path)
    before = written(tmp_path)
    assert cli.main(["report", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f' needs {missing}; install it with `pip install "ppcls-lt[report]"`' in line
    assert written(tmp_path) == before
