"""``ppcls-lt compare`` from end to end: real trainings on the digits, failures, a kill in the middle."""

import contextlib
import csv
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import paddle
import pytest
import yaml

from ppcls_lt.basis import lock
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs import history, logits
from ppcls_lt.runs.results import Accuracies, Result

from . import commands, engines
from .comparisons import accuracies, english_in
from .forks import PATIENCE

pytestmark = pytest.mark.slow

RECIPES = ("ldam_drw", "tau_norm", "own.yaml")
# What differs between two runs of the same thing.
TIMES = ("seconds",)
# What is of the test images.
TESTED = ("test", "gain", "recall")
FAILS = """
summary: stops after an epoch
source: none
config:
  Callbacks:
    - tests.test_compare.Failing:
"""
DIVERGES = """
summary: far too large steps
source: none
config:
  Optimizer: {lr: {learning_rate: 1.0e+30}}
"""
OWN = """
summary: focal with class weights
source: none
config:
  Loss:
    Train:
      - FocalLoss: {weight: 1.0, gamma: 1.0, num_class_list: auto, class_weight: inverse}
"""


def __getattr__(name):
    # Only the run of the recipe that fails asks for it; the tests themselves need no callback here.
    if name != "Failing":
        raise AttributeError(name)
    from ppcls_lt.callbacks import Callback

    class Failing(Callback):
        def on_epoch_end(self, run):
            raise MemoryError("no room for the second epoch")

    return Failing


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with digits, a base configuration, and recipes of one's own."""
    folder = tmp_path_factory.mktemp("compare")
    config = engines.packaged("ce", engines.write_digits(folder / "digits"), "out", epochs=30)
    # The rare classes are learned late; a schedule that is stretched shows in the learning rate.
    engines.write_yaml(config, folder / "base.yaml")
    (folder / "own.yaml").write_text(OWN)
    (folder / "fails.yaml").write_text(FAILS)
    (folder / "diverges.yaml").write_text(DIVERGES)
    return folder


def command(out, *recipes, seeds=(0,)):
    names = (*RECIPES, *recipes)
    return [
        *("compare", "-c", "base.yaml", "--recipes", *names, "--epochs", 3),
        *("--seeds", *seeds, "--jobs", 2, "--out", out, "--groups", "tertiles", "--adjust", "none"),
    ]


ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(engines.ROOT)}


@pytest.fixture(scope="module")
def whole(place):
    """A comparison that nothing interrupts, with two recipes that fail: the finished process and its folder."""
    arguments = command("whole", "fails.yaml", "diverges.yaml")
    done = commands.run(place, *arguments, environment=ENVIRONMENT)
    return done, place / "whole"


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]


def test_every_recipe_is_ranked_and_the_failing_one_is_reported(whole):
    done, folder = whole
    assert done.returncode == 1, done.errors
    assert "fails, seed 0: FAILED: MemoryError: no room for the second epoch" in done.output
    table = rows(folder / "comparison.csv")
    assert sorted(row["recipe"] for row in table) == ["base", "ldam_drw", "own", "tau_norm"]
    for row in table:
        assert row["recipe"] in done.output
    assert "no room for the second epoch" in (folder / "comparison.md").read_text("utf-8")
    page = (folder / "comparison.html").read_text("utf-8")
    assert "ldam_drw" in page and "no room for the second epoch" in page
    assert not list(folder.glob("runs/fails/*/result.json"))


def test_the_chosen_recipe_and_the_base_alone_predict_the_test_images(whole):
    done, folder = whole
    tested = {path.parts[-3] for path in folder.glob("runs/*/*/test.json")}
    assert tested == {row["recipe"] for row in rows(folder / "comparison.csv") if row["test_overall"]}
    assert "base" in tested and len(tested) <= 2
    assert tested == {path.parts[-3] for path in folder.glob("runs/*/*/test") if any(path.rglob("*.npz"))}


def test_a_training_that_diverged_has_failed(whole):
    done, folder = whole
    assert "diverges, seed 0: FAILED" in done.output
    assert "diverged" in done.output.split("diverges, seed 0: FAILED")[1].splitlines()[0]
    assert not list(folder.glob("runs/diverges/*/result.json"))


GROUPS = {"many": [0, 1, 2], "medium": [3, 4, 5, 6], "few": [7, 8, 9]}


def test_the_figures_are_those_of_the_last_weights(whole, place):
    _, folder = whole
    for recipe in ("base", "tau_norm"):
        home = folder / f"runs/{recipe}/seed_0"
        run, found = Result.read(home / "result.json"), logits.read(home / "held_out.npz")
        again, _ = accuracies(found.label, found.logits.argmax(axis=1), GROUPS, 10)
        assert run.validation == pytest.approx(again, abs=1e-9)
        # Those of the evaluation at the training's end, and of the weights that are kept.
        last = history.read(sorted(home.glob("training/**/metrics.jsonl"))[-1])[-1]
        assert last["values"]["balanced"] == pytest.approx(again["balanced"], abs=1e-9)
        assert run.best_epoch == last["epoch"] == (3 if recipe == "base" else 0) and run.seconds > 0
        lines = (place / "digits/train.txt").read_text().splitlines()
        shown = (folder / "folds/of_5/partition_0_fold_0_val.txt").read_text().splitlines()
        assert [lines[number] for number in found.image] == shown
    test = Accuracies.read(folder / "runs/base/seed_0/test.json")
    predictions = run_files.read_predictions(next((folder / "runs/base/seed_0").glob("test/**/eval_predictions.npz")))
    again, recall = accuracies(predictions.label, predictions.predicted, GROUPS, 10)
    assert test.test == pytest.approx(again, abs=1e-9) and test.recall == pytest.approx(recall.tolist())
    # Nothing of the training but these weights is kept.
    kept = sorted(path.name for path in (folder / "runs/base/seed_0").rglob("*.pd*"))
    assert kept == ["weights.pdparams"]


def test_the_weights_of_the_last_stage_are_judged(whole):
    _, folder = whole
    stages = {
        recipe: paddle.load(str(folder / f"runs/{recipe}/seed_0/weights.pdparams")) for recipe in ("base", "tau_norm")
    }
    norms = {name: weights["fc.weight"].norm(axis=0) for name, weights in stages.items()}
    spread = {name: float(norm.max() / norm.min()) for name, norm in norms.items()}
    assert spread["tau_norm"] < spread["base"]
    run = Result.read(folder / "runs/tau_norm/seed_0/result.json")
    assert (run.stage, run.best_epoch, run.epochs) == (2, 0, 3)
    assert run.validation["overall"] > 0.3  # untrained weights would give a tenth


def test_the_test_list_is_named_nowhere_in_a_training(whole, place):
    _, folder = whole
    for path in [*folder.glob("runs/*/*/train.yaml"), *folder.glob("runs/*/*/held_out.yaml")]:
        assert str(place / "digits/test.txt") not in path.read_text()
        assert yaml.safe_load(path.read_text())["Global"]["epochs"] == 3


def test_the_best_recipe_is_ready_to_run(whole, place):
    _, folder = whole
    best = re.search(r"base\.yaml (?:as it is|with the recipe (\w+)); train with", whole[0].output)[1] or "base"
    config = yaml.safe_load((folder / "best.yaml").read_text())
    assert config["Global"]["epochs"] == 30
    assert config["DataLoader"]["Train"]["dataset"]["cls_label_path"] == str(place / "digits/train.txt")
    expected = yaml.safe_load((folder / f"runs/{best}/seed_0/train.yaml").read_text())
    assert config["Loss"] == expected["Loss"]
    # The base's own training does not stand in its way.
    assert config["Global"]["output_dir"] == "whole/best"
    done = commands.run(place, "train", "-c", folder / "best.yaml", "-o", "Global.epochs=1", environment=ENVIRONMENT)
    assert done.returncode == 0, done.output + done.errors
    assert list((folder / "best").rglob("latest.pdparams"))


def state(folder):
    """Every file of the finished runs: hash and time stamp."""
    homes = [path.parent for path in folder.glob("runs/*/*/result.json")]
    files = [path for home in homes for path in home.rglob("*") if path.is_file() and path.name != "log.txt"]
    return {path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


def living(folder):
    """Processes that work in a comparison's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if b"ppcls_lt" in line and str(folder).encode() in line:
            found.append(int(path.parent.name))
    return found


@contextlib.contextmanager
def begun(place, out, *more, arguments=None):
    """A comparison that is at work, and is killed in the end."""
    arguments = [sys.executable, "-m", "ppcls_lt", *map(str, arguments or command(out)), *more]
    with open(place / "killed.log", "ab") as log:
        process = subprocess.Popen(
            arguments, cwd=place, env={**os.environ, **ENVIRONMENT}, stdout=log, stderr=log, start_new_session=True
        )
        yield process
        process.send_signal(signal.SIGKILL)
        process.wait()
    commands.wait(lambda: not living(out))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_by_a_signal_it_ends_its_runs_and_says_what_goes_on(place, number):
    out, log = place / f"ended_{number}", place / f"ended_{number}.log"
    arguments = [sys.executable, "-m", "ppcls_lt", *map(str, command(out))]
    with open(log, "wb") as said:
        process = subprocess.Popen(
            arguments, cwd=place, env={**os.environ, **ENVIRONMENT}, stdout=said, stderr=said, start_new_session=True
        )
    commands.wait(lambda: list(out.glob("runs/*/*/training/**/latest.manifest.json")))
    process.send_signal(number)  # to it alone, as from a kill; its runs are in sessions of their own
    assert process.wait(PATIENCE) == 128 + number
    text = log.read_text(encoding="utf-8")
    assert "interrupted; the same command goes on with what is missing" in text and "Traceback" not in text
    commands.wait(lambda: not living(out))
    done = commands.run(place, *command(out), "--dry-run", environment=ENVIRONMENT)
    assert done.returncode == 0, done.output + done.errors
    assert list(out.glob("runs/*/*/result.json")) or list(out.glob("runs/*/*/training/**/latest.manifest.json"))


def test_killed_in_the_middle_it_goes_on_and_comes_to_the_same_table(place, whole):
    out = place / "killed"
    with begun(place, out) as process:
        # First one of its workers, which is a failure and no more, and then itself.
        work = out / "runs/tau_norm/seed_0/training/stage_1/CIFARResNet8/latest.pdparams"
        commands.wait(work.exists)
        (worker,) = living(out / "runs/tau_norm")
        os.kill(worker, signal.SIGKILL)
        commands.wait(lambda: b"tau_norm, seed 0: FAILED: killed by signal 9" in (place / "killed.log").read_bytes())
        assert process.poll() is None
        commands.wait((out / "runs/base/seed_0/result.json").exists)
    before = state(out)
    assert before and len(list(out.glob("runs/*/*/result.json"))) < 4
    # In the middle of the test.
    with begun(place, out, "--test-all"):
        commands.wait(lambda: list(out.glob("runs/*/*/test.json")))
    tested = list(out.glob("runs/*/*/test.json"))
    assert len(tested) < 4
    before.update({path: each for path, each in state(out).items() if path in tested})
    done = commands.run(place, *command(out), environment=ENVIRONMENT)
    assert done.returncode == 0, done.output + done.errors
    after = state(out)
    assert {path: after[path] for path in before} == before

    # What was tested meanwhile stays in the table.
    def judged(folder):
        return [{key: each for key, each in row.items() if not key.startswith(TESTED)} for row in folder]

    for name in ("comparison.csv", "comparison_runs.csv"):
        assert judged(rows(out / name)) == judged(rows(whole[1] / name))
    told = {row["recipe"]: row["test_balanced"] for row in rows(out / "comparison.csv") if row["test_balanced"]}
    expected = {row["recipe"]: row["test_balanced"] for row in rows(whole[1] / "comparison.csv")}
    assert {path.parts[-3] for path in tested} <= set(told)
    assert {name: told[name] for name, value in expected.items() if value} == {
        name: value for name, value in expected.items() if value
    }
    # A further time there is nothing to do but what a kill after the last result would leave.
    left = out / "runs/base/seed_0/training/CIFARResNet8/latest.pdparams"
    left.write_bytes(b"a checkpoint")
    again = commands.run(place, *command(out), environment=ENVIRONMENT)
    assert "4 runs are finished, 0 to do" in again.output
    assert not left.exists()
    assert state(out) == after


def test_a_base_that_cannot_be_built_ends_at_once(place):
    overrides = ["-o", "Arch.name=MobileNetV3_small_x0_35", "-o", "Arch.class_expand=wide"]
    arguments = [
        "compare",
        "-c",
        "base.yaml",
        *overrides,
        "--recipes",
        "ldam",
        "focal",
        "--epochs",
        1,
        "--out",
        "wrong",
    ]
    done = commands.run(place, *arguments, environment=ENVIRONMENT)
    assert done.returncode == 2
    assert (
        "Arch MobileNetV3_small_x0_35: cannot be built" in done.errors
        and "the base itself cannot be trained" in done.errors
    )
    assert not list((place / "wrong").glob("runs/*/*/result.json"))
    assert not (place / "wrong/runs/focal/seed_0/log.txt").exists()


def test_what_is_told_to_ignore_a_hangup_goes_on(place):
    script = "import signal; from ppcls_lt.jobs import pool\n"
    script += "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    script += "with pool._told_to_end(): signal.raise_signal(signal.SIGHUP)\n"
    done = commands.run(place, code=("-c", script), environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors


def test_every_run_is_judged_after_adjustment_too(place):
    """Also a run that was finished before anybody asked for it, which is not trained again."""
    arguments = ["compare", "-c", "base.yaml", "--recipes", "ldam", "--epochs", 2, "--out", "after", "--jobs", 2]
    arguments += ["--groups", "tertiles"]
    done = commands.run(place, *arguments, "--adjust", "none", environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors
    before = {row["recipe"]: row["validation_balanced"] for row in rows(place / "after/comparison_runs.csv")}
    done = commands.run(place, *arguments, "--test-all", environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors
    after = {row["recipe"]: row for row in rows(place / "after/comparison_runs.csv")}
    assert {name: after[name]["validation_balanced"] for name in before} == before
    methods = {"logit_adjustment", "tau_norm", "class_offsets", "nearest_class_mean"}
    expected = {f"{recipe}+{method}" for recipe in before for method in methods} - {"ldam+tau_norm"}
    assert set(after) - set(before) == expected
    assert all(row["test_balanced"] for row in after.values())
    assert "Not adjusted: ldam+tau_norm. ppcls-lt adjust: `tau_norm` must be used on a" in " ".join(done.output.split())
    again = commands.run(place, *arguments, "--test-all", "--language", "zh", environment=ENVIRONMENT)
    assert again.returncode == 0, again.errors
    assert not english_in(again.output)
    said = "".join(again.output.split())
    for sentence in (
        "未调整：ldam+tau_norm。tau_norm只适用于",
        "已完成2次训练，还有0次、共0轮",
        "测试图像：",
        "用一条命令在全部训练列表上训练",
    ):
        assert sentence in said
    assert said.count("未调整") == 1 and "tau_norm 只适用于" in (place / "after/comparison.html").read_text("utf-8")
    work = {row["recipe"]: row["work"] for row in rows(place / "after/comparison.csv")}
    assert work["base+logit_adjustment"] == work["base"]
    # The figures, from the logits; the test's, by the commands.
    home = place / "after/runs/ldam/seed_0"
    whole = logits.read(home / "held_out.npz")
    for method in methods - {"tau_norm"}:
        found = logits.read(home / f"adjusted/balanced/{method}.npz")
        assert (found.label == whole.label).all() and (found.image == whole.image).all()
        again, _ = accuracies(found.label, found.logits.argmax(axis=1), GROUPS, 10)
        assert Result.read(home / f"adjusted/balanced/{method}.json").validation == pytest.approx(again, abs=1e-9)
    check_test_by_hand(place, home, "nearest_class_mean", float(after["ldam+nearest_class_mean"]["test_overall"]))


def test_the_final_model_is_trained_on_the_whole_list_tested_once_and_exported(place):
    """Killed in the middle, it goes on and comes to the same figures."""
    out = place / "final"
    arguments = ["-o", "Global.epochs=2", "--recipes", "base", "--jobs", 2, "--out", out, "--groups", "tertiles"]
    arguments = ["compare", "-c", "base.yaml", *arguments, "--adjust", "class_offsets", "logit_adjustment", "--refit"]
    with begun(place, out, arguments=arguments):
        commands.wait(lambda: list(out.glob("refit/base/*/latest.manifest.json")))
    assert not list(out.glob("refit/*/test.json"))
    before = state(out)
    done = commands.run(place, *arguments, environment=ENVIRONMENT)
    assert done.returncode == 0, done.output + done.errors
    assert state(out) == before and "1 runs are finished, 0 to do" in done.output
    [path] = [path for path in out.glob("refit/*/inference") if path.is_dir()]
    home = path.parent
    assert f"{home}: the model; {path}: for serving" in done.output and (home / "report.html").is_file()
    chosen = [row for row in rows(out / "comparison.csv") if row["test_balanced"]]
    assert home.name in {row["recipe"] for row in chosen}
    # The figures that are told are those of the model that is there, of which the exported one is a copy.
    test = Accuracies.read(home / "test.json")
    told = commands.run(place, "eval", "--run", home, "-o", "Global.output_dir=again", environment=ENVIRONMENT)
    assert told.returncode == 0, told.errors
    predictions = run_files.read_predictions(next((place / "again").rglob("eval_predictions.npz")))
    assert test.test == pytest.approx(accuracies(predictions.label, predictions.predicted, GROUPS, 10)[0], abs=1e-9)
    trained = yaml.safe_load((out / "refit/base/train.yaml").read_text())
    assert trained["DataLoader"]["Train"]["dataset"]["cls_label_path"] == str(place / "digits/train.txt")
    # The base, trained again without a break.
    found = (out / "refit/base/test.json").read_bytes()
    shutil.rmtree(out / "refit/base")
    done = commands.run(place, *arguments, environment=ENVIRONMENT)
    assert done.returncode == 0, done.output + done.errors
    assert (out / "refit/base/test.json").read_bytes() == found
    assert Accuracies.read(home / "test.json") == test


def test_the_epoch_is_chosen_on_a_list_of_ones_own(place):
    lists = ["--val-list", place / "digits/val.txt", "--choose-epoch", "--seeds", 0, 1]
    arguments = ["compare", "-c", "base.yaml", *lists, "--recipes", "base", "--epochs", 2, "--out", "list"]
    done = commands.run(place, *arguments, "--adjust", "none", "--jobs", 2, environment=ENVIRONMENT)
    assert done.returncode == 0, done.output + done.errors
    assert f"; it evaluates {place / 'digits/val.txt'}, which chooses its epoch" in done.output
    assert "by one command" not in done.output  # `--refit`, which would be refused
    size = len((place / "digits/val.txt").read_text().splitlines())
    for seed in (0, 1):
        home = place / f"list/runs/base/seed_{seed}"
        run, found = Result.read(home / "result.json"), logits.read(home / "held_out.npz")
        best = history.best(history.read(next(home.glob("training/**/metrics.jsonl"))))
        assert (run.best_epoch, run.validation["balanced"]) == (
            best["epoch"],
            pytest.approx(best["values"]["balanced"]),
        )
        assert [epoch for epoch, _ in run.curve] == [1, 2] and found.image.tolist() == list(range(size))
        again, _ = accuracies(found.label, found.logits.argmax(axis=1), GROUPS, 10)
        assert run.validation["balanced"] == pytest.approx(again["balanced"], abs=1e-9)


def check_test_by_hand(place, home, method, expected):
    strength = Result.read(home / f"adjusted/balanced/{method}.json").adjustment["strength"]
    flags = ["--run", home / "training", "--eval-is-validation", "--methods", method, "--strength", strength]
    out = f"by_hand_{method}"
    done = commands.run(place, "adjust", *flags, "--out", out, environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors
    test = yaml.safe_load((home / "test.yaml").read_text())["DataLoader"]["Eval"]["dataset"]["cls_label_path"]
    flags = ["--run", out, "-o", f"DataLoader.Eval.dataset.cls_label_path={test}"]
    done = commands.run(place, "eval", *flags, environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors
    predictions = run_files.read_predictions(next((place / out).rglob("eval_predictions.npz")))
    assert len(predictions.label) == 500
    # The command fits a temperature besides, which changes no prediction.
    assert float((predictions.label == predictions.predicted).mean()) == pytest.approx(expected, abs=1e-9)


def test_two_comparisons_cannot_share_a_folder(place, whole):
    with lock.held(whole[1], "test", "folder"):
        commands.fails(
            commands.run(place, *command("whole"), environment=ENVIRONMENT),
            f"`--out` must be a folder in which no other ppcls-lt is writing, got whole, where process {os.getpid()}",
        )


def test_mistakes_end_with_one_line(place):
    commands.fails(commands.run(place, "compare", "-c", "base.yaml", "--jobs", "0"), "`--jobs` must be an integer >= 1")
    done = commands.run(place, "compare", "-c", "base.yaml", "--val-fraction", "0.2")
    commands.fails(done, "`--val-fraction` must be left out", "`--folds`", "got '0.2'")
    done = commands.run(place, "compare", "-c", "base.yaml", "-o", "Global.epochs", environment=ENVIRONMENT)
    commands.fails(done, "of the form key=value")
    done = commands.run(place, "compare", "-c", "base.yaml", "--recipes", "lda", environment=ENVIRONMENT)
    commands.fails(done, "did you mean 'ldam'")
    assert not (place / "out").exists()
    (place / "taken").write_text("a file")
    done = commands.run(place, "compare", "-c", "base.yaml", "--out", "taken", environment=ENVIRONMENT)
    commands.fails(done, "`--out` must be a folder that can be made and written")
    assert (place / "taken").read_text() == "a file"
