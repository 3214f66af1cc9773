"""``ppcls-lt compare`` within a budget: its rounds over results of no training, its options, and one for real."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import compare
from ppcls_lt.commands.budget_options import asked
from ppcls_lt.engine import recording
from ppcls_lt.jobs import budget, outcome
from ppcls_lt.jobs.budget import Rounds
from ppcls_lt.jobs.costs import EPOCHS, SECONDS, Asked
from ppcls_lt.jobs.job import add_seconds
from ppcls_lt.jobs.settings import Settings
from ppcls_lt.reports.comparison import page, tables, terminal
from ppcls_lt.reports.comparison.messages import ENGLISH
from ppcls_lt.runs.budgeted import FILE, Budgeted

from . import commands, engines
from .comparisons import finished

RECIPES = ("focal", "cb_ce", "ldam", "resample", "logit_adjusted")
# What each predicts right, as far as a training knows it; one is told apart from the others, two are not from the best.
RIGHT = {"base": 0.5, "focal": 0.9, "cb_ce": 0.88, "ldam": 0.1, "resample": 0.6, "logit_adjusted": 0.55}
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(engines.ROOT)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("budget")
    config = engines.packaged("ce", engines.write_digits(folder / "digits"), folder / "out", epochs=8)
    engines.write_yaml(config, folder / "base.yaml")
    return folder


def compared(place, folder, recipes=RECIPES):
    """A comparison in a folder, prepared."""
    found = Settings(place / "base.yaml", wanted=recipes, folder=folder, seeds=[0, 1, 2])
    found.prepare(begin=False)
    return found


@pytest.fixture
def settings(place, tmp_path):
    """Make a comparison in a folder, the same one each time."""
    return lambda: compared(place, tmp_path / "out")


class Trained:
    """Finishes runs without a training; raises where the command is to be killed."""

    def __init__(self, kill_at=None, fails=()):
        self.done, self._kill_at, self._fails = [], kill_at, fails

    def __call__(self, jobs):
        for job in jobs:
            if len(self.done) == self._kill_at:
                raise KeyboardInterrupt
            self.done.append(job.called(ENGLISH))
            if job.recipe not in self._fails:
                finished(job, RIGHT[job.recipe], images=20, versions=recording.versions(), epochs=job.epochs)


def rounds_of(found):
    return [(one.epochs, one.seeds, one.recipes) for one in found.rounds]


def test_recipes_are_dropped_with_the_evidence_and_the_chosen_one_has_whole_runs(settings):
    found, trained, said = settings(), Trained(), []
    rounds = Rounds(found, Asked(72, EPOCHS))
    plan = "\n".join(rounds.plan())
    assert "6 recipes, 3 seeds, 8 epochs: 144 epochs in all; the budget is 72 epochs" in plan
    rounds.work(trained, said.append)
    first, *_, last = rounds.found.rounds
    assert first.epochs < 8 and first.seeds == (0,) and first.recipes == ("base", *RECIPES)
    assert last.epochs == 8 and last.recipes[0] == "base" and "focal" in last.recipes
    assert last.spent <= 72 and last.spent == sum(
        float(n.split(", ")[2].split()[0]) if "epochs" in n else 8 for n in trained.done
    )
    dropped = {each.recipe: (number, each) for number, each in rounds.found.dropped}
    number, ldam = dropped["ldam"]
    assert number == 1 and not ldam.equal and ldam.place == 6 and ldam.score < 0.3 < 0.8 < ldam.best
    assert any("dropped: ldam, rank 6 of 6: balanced accuracy" in line for line in said)
    chosen = outcome.choose(found)
    assert chosen.chosen == "focal" and set(last.recipes) <= set(chosen.judgements)
    assert {job.folder.parent.parent.name for job in found.jobs} == {"runs"}


def test_what_cannot_be_told_apart_is_dropped_for_the_budget_alone_and_that_is_said(settings, monkeypatch):
    monkeypatch.setitem(RIGHT, "resample", 0.9)
    monkeypatch.setitem(RIGHT, "logit_adjusted", 0.9)
    found = settings()
    rounds = Rounds(found, Asked(40, EPOCHS))
    rounds.work(Trained(), lambda line: None)
    dropped = [each for _, each in rounds.found.dropped if each.equal]
    assert dropped and all(each.recipe != "base" for each in dropped)
    told = outcome.gather(found, "ppcls-lt compare", [], outcome.choose(found), rounds.found)
    for text in (terminal.text(told, 1000), tables.markdown(told), page.page(told, {}, ".", "en")):
        text = text.replace("&#96;", "`")
        assert "Within the budget" in text and "Round 1: 6 recipes, " in text
        assert f"{dropped[0].recipe}, rank {dropped[0].place} of " in text
        assert "cannot be told apart from it; the budget has no room for it" in text
    text = terminal.text(told, 1000)
    assert "Runs still missing" not in text and "Not judged, since" not in text


def test_a_comparison_that_fits_is_the_one_without_a_budget(settings):
    found, trained = settings(), Trained()
    Rounds(found, Asked(144, EPOCHS)).work(trained, lambda line: None)
    whole = settings()
    assert all(job.complete for job in whole.jobs) and len(trained.done) == len(whole.jobs) == 18
    assert outcome.choose(found).judgements.keys() == outcome.choose(whole).judgements.keys()
    assert not (found.folder / "short").exists()


@pytest.fixture(scope="module")
def uninterrupted(place, tmp_path_factory):
    """What is trained and decided where nothing interrupts, and the folder."""
    folder, trained = tmp_path_factory.mktemp("whole") / "out", Trained()
    rounds = Rounds(compared(place, folder), Asked(72, EPOCHS))
    rounds.work(trained, lambda line: None)
    return trained.done, rounds.found, folder


@pytest.mark.parametrize("kill_at", [3, 8])
def test_interrupted_it_takes_the_same_decisions(settings, uninterrupted, kill_at, tmp_path):
    expected, found, folder = uninterrupted
    first, then = Trained(kill_at), Trained()
    with pytest.raises(KeyboardInterrupt):
        Rounds(settings(), Asked(72, EPOCHS)).work(first, lambda line: None)
    again = Rounds(settings(), Asked(72, EPOCHS))
    again.work(then, lambda line: None)
    assert first.done + then.done == expected and again.found == found
    assert (tmp_path / "out" / FILE).read_bytes() == (folder / FILE).read_bytes()


def test_the_results_alone_give_the_same_decisions(place, uninterrupted):
    _, found, folder = uninterrupted
    (folder / FILE).unlink()
    rounds, trained = Rounds(compared(place, folder), Asked(72, EPOCHS)), Trained()
    rounds.work(trained, lambda line: None)
    assert trained.done == [] and rounds.found == found


def test_another_budget_is_planned_anew_and_takes_what_is_there(settings):
    Rounds(settings(), Asked(40, EPOCHS)).work(Trained(), lambda line: None)
    more, trained = Rounds(settings(), Asked(72, EPOCHS)), Trained()
    assert any("planned anew" in line for line in more.plan())
    more.work(trained, lambda line: None)
    assert more.found.rounds[-1].spent <= 72 and len(set(trained.done)) == len(trained.done)


def test_a_recipe_that_fails_goes_no_further(settings):
    found, trained = settings(), Trained(fails=("focal",))
    rounds = Rounds(found, Asked(72, EPOCHS))
    rounds.work(trained, lambda line: None)
    assert sum(name.startswith("focal") for name in trained.done) == 1
    assert [each.score for _, each in rounds.found.dropped if each.recipe == "focal"] == [None]
    assert not any(job.recipe == "focal" for job in found.jobs)


def test_a_recipe_that_failed_is_tried_again_by_the_next_call(settings, uninterrupted):
    """It may have been killed for memory; what follows is what would have followed without that."""
    Rounds(settings(), Asked(72, EPOCHS)).work(Trained(fails=("focal",)), lambda line: None)
    again, trained = Rounds(settings(), Asked(72, EPOCHS)), Trained()
    again.work(trained, lambda line: None)
    assert trained.done[0].startswith("focal, seed 0")
    assert rounds_of(again.found) == rounds_of(uninterrupted[1])
    still = Trained(fails=("focal",))
    shutil.rmtree(settings().folder)
    for _ in range(2):
        Rounds(settings(), Asked(72, EPOCHS)).work(still, lambda line: None)
    assert sum(name.startswith("focal") for name in still.done) == 2 and len({*still.done}) == len(still.done) - 1


def test_a_measure_of_which_the_first_seed_holds_out_nothing(place, tmp_path):
    """It judges the first rounds alone."""
    lists = tmp_path / "few.txt"
    listed = (place / "digits/train.txt").read_text().splitlines()
    last = [each for each in listed if each.endswith(" 9")][:2]  # in folds 0 and 1 alone
    lists.write_text("\n".join([*(each for each in listed if not each.endswith(" 9")), *last]) + "\n")
    given = {"overrides": [f"DataLoader.Train.dataset.cls_label_path={lists}"], "thresholds": (20, 3)}
    found = Settings(
        place / "base.yaml", wanted=["ldam"], folder=tmp_path / "out", seeds=[4, 0], rank_by="few", **given
    )
    found.prepare(begin=False)
    with pytest.raises(ConfigError, match="`--rank-by` must be a group of classes .* by seed 4, which a budget"):
        Rounds(found, Asked(72, EPOCHS))


def test_a_base_that_fails_ends_the_rounds(settings):
    rounds = Rounds(settings(), Asked(72, EPOCHS))
    rounds.work(Trained(fails=("base",)), lambda line: None)
    assert len(rounds.found.rounds) == 1


def test_the_least_budget_is_named_and_is_enough(settings):
    with pytest.raises(ConfigError, match=r"`--budget-epochs` must be at least 28, .* got 27 epochs; or compare fewer"):
        Rounds(settings(), Asked(27, EPOCHS)).plan()
    found = settings()
    rounds = Rounds(found, Asked(28, EPOCHS))
    rounds.work(Trained(), lambda line: None)
    held_out = [found.validation_counts.sum(), settings().validation_counts.sum()]
    assert found.seeds == [0] and held_out[0] == found.lists["validation"][1] < held_out[1] / 2
    assert rounds_of(rounds.found) == [(2, (0,), ("base", *RECIPES)), (8, (0,), ("base", "focal"))]


def test_versions_are_those_of_the_runs_that_the_rounds_want(place, tmp_path):
    """A finished one needs nothing of this version, whatever was dropped; one that still trains does."""

    def begun(epochs=72):
        found = Settings(place / "base.yaml", wanted=RECIPES, folder=tmp_path / "out", seeds=[0, 1, 2])
        found.prepare(begin=False, versions=False)
        return found, Rounds(found, Asked(epochs, EPOCHS))

    found, rounds = begun()
    rounds.work(Trained(), lambda line: None)
    older = {**recording.versions(), "ppcls_lt": "0.0.1"}
    for path in (tmp_path / "out").rglob("result.json"):
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "versions": older}))
    again = Trained()
    _, rounds = begun()
    rounds.work(again, lambda line: None)
    assert not again.done
    (first,) = [job for job in found.jobs if (job.recipe, job.seed) == ("focal", 2)]
    shutil.rmtree(first.folder)
    _, rounds = begun()
    with pytest.raises(ConfigError, match=r"by others: .*0\.0\.1"):
        rounds.work(again, lambda line: None)
    assert not again.done


class Timed(Trained):
    """Runs that take four seconds and two an epoch."""

    def __call__(self, jobs):
        for job in jobs:
            super().__call__([job])
            finished(
                job,
                RIGHT[job.recipe],
                images=20,
                versions=recording.versions(),
                epochs=job.epochs,
                seconds=2.0 * job.epochs,
            )
            add_seconds(job.folder, 2.0 * job.epochs + 4.0)


def test_with_a_time_the_first_runs_measure_what_an_epoch_costs(settings):
    found, trained, said = settings(), Timed(), []
    rounds = Rounds(found, Asked(120.0, SECONDS, slots=2))
    assert "2 epochs of base are trained, to measure" in "\n".join(rounds.plan())
    rounds.work(trained, said.append)
    assert trained.done[:2] == ["base, seed 0, 2 epochs", "focal, seed 0, 2 epochs"]
    assert rounds.found.rounds[0].spent == 8.0  # two at a time
    assert "planned, as long as no recipe can be told apart from the best:" in said
    assert rounds.found.rounds[-1].spent <= 120 and rounds.found.rounds[-1].epochs == 8
    again = Rounds(settings(), Asked(120.0, SECONDS, slots=2))
    assert any("decided" in line for line in again.plan())
    with pytest.raises(ConfigError, match="`--budget` must be at least .*, as measured, .* got 30 s"):
        Rounds(settings(), Asked(30.0, SECONDS, slots=2)).plan()


def test_time_that_runs_waited_counts(settings, monkeypatch):
    clock, trained = [0.0], Timed()
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def train(jobs):
        trained(jobs)
        clock[0] += 20.0  # the runs themselves say 8

    rounds = Rounds(settings(), Asked(300.0, SECONDS, slots=2))
    rounds.work(train, lambda line: None)
    spent = [one.spent for one in rounds.found.rounds]
    assert spent[0] == 20.0 and all(b - a >= 20.0 for a, b in zip(spent, spent[1:]))


def test_a_damaged_file_of_rounds_is_named(settings):
    found = settings()
    for content in ("", "[]", '{"asked": {}, "rounds": [{}]}', '{"asked": {}, "rounds": [{"epochs": "4"}]}'):
        (found.folder / FILE).write_text(content)
        with pytest.raises(ConfigError, match=f"{FILE}: must be what ppcls-lt compare --budget wrote"):
            Budgeted.read(found.folder)


COMMAND = ("compare", "-c", "base.yaml", "--recipes", "focal", "resample", "--adjust", "none", "--groups", "tertiles")


def parsed(options):
    parser = argparse.ArgumentParser()
    compare.add_command(parser.add_subparsers())
    return parser.parse_args([*COMMAND, *options])


@pytest.mark.parametrize(
    "options, said",
    [
        (["--budget", "4"], "`--budget` must be a time > 0 in hours, minutes or seconds, as 4h, 90m or 30s, got '4'"),
        (["--budget", "0h"], "`--budget` must be a time > 0"),
        (["--budget", "4h", "--budget-epochs", "9"], "`--budget` must be left out with --budget-epochs"),
        (["--budget", "4h", "--executor", "slurm"], "`--budget` must be given with --jobs"),
        (["--budget-epochs", "0"], "`--budget-epochs` must be an integer >= 1"),
        (["--dry-run", "--retrain"], "`--dry-run` must be left out with --retrain"),
    ],
)
def test_a_budget_that_is_none_is_told(options, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        asked(parsed(options))


@pytest.mark.parametrize("time, seconds", [("4h", 14400), ("90m", 5400), ("30s", 30), ("1.5h", 5400)])
def test_times(time, seconds):
    assert asked(parsed(["--budget", time, "--jobs", "2"])) == Asked(seconds, SECONDS, 2)


def test_a_budget_that_is_too_small_ends_the_command_before_anything_is_trained(place):
    done = commands.run(place, *COMMAND, "--out", "small", "--budget-epochs", 3, environment=ENVIRONMENT)
    assert done.returncode == 2 and "`--budget-epochs` must be at least 22, which gives every recipe 2" in done.errors
    assert not list(place.glob("small/**/*.yaml"))


@pytest.mark.parametrize("options", [[], ["--budget", "2h"]])
def test_a_dry_run_says_what_would_be_trained_and_leaves_nothing(place, options):
    done = commands.run(place, *COMMAND, "--dry-run", "--out", "dry", *options, environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors
    assert "24 epochs" in done.output and "best.yaml" not in done.output
    assert not (place / "dry").exists()


def test_a_dry_run_leaves_nothing_in_a_folder_that_is_there(place):
    """Also in that of a comparison, of which other seeds hold out other images."""
    out = place / "there"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    dry = [*COMMAND, "--dry-run", "--out", "there"]
    done = commands.run(place, *dry, environment=ENVIRONMENT)
    assert done.returncode == 0 and os.listdir(out) == ["mine.txt"], done.errors
    (out / "mine.txt").unlink()
    small = [*COMMAND[:3], "--recipes", "ce", "--epochs", "1", "--adjust", "none", "--out", "there"]
    done = commands.run(place, *small, environment=ENVIRONMENT)
    assert done.returncode == 0, done.errors
    before = sorted(out.rglob("*"))
    done = commands.run(place, *small, "--seeds", 0, 1, 2, "--dry-run", environment=ENVIRONMENT)
    assert done.returncode == 0 and sorted(out.rglob("*")) == before, done.errors
    (place / "file").write_text("")
    done = commands.run(place, *dry[:-1], "file/x", environment=ENVIRONMENT)
    assert done.returncode == 2 and "`--out` must be a folder that can be made and written" in done.errors
    done = commands.run(place, *dry[:-1], "", environment=ENVIRONMENT)
    assert done.returncode == 2 and "argument --out: must be a path, got ''" in done.errors


def test_a_dry_run_of_what_cannot_run_is_no_success(place):
    """The whole command goes on with the others and ends with 1; so does its plan."""
    named = ["compare", "-c", "base.yaml", "--recipes", "weight_balancing+normalized+ldam", "--groups", "tertiles"]
    done = commands.run(place, *named, "--dry-run", "--out", "dry", environment=ENVIRONMENT)
    assert done.returncode == 1 and "ldam+normalized+weight_balancing: cannot run here: " in done.output
    assert not (place / "dry").exists()


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_and_a_comparison_without_a_budget_goes_on_with_its_runs(place):
    out = place / "real"
    arguments = [*COMMAND, "--epochs", "4", "--jobs", "2", "--out", "real", "--budget-epochs", "11"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ppcls_lt", *arguments],
        cwd=place,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )

    def two_are_done():
        done = len(list(out.glob("short/1_epochs/*/seed_0/result.json"))) >= 2
        assert done or process.poll() is None
        return done

    commands.wait(two_are_done)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}
    shown = commands.run(place, *arguments, "--dry-run", environment=ENVIRONMENT)
    assert shown.returncode == 0 and "round 1: 3 recipes, 1 epochs, seed 0, decided" in shown.output
    done = commands.run(place, *arguments, environment=ENVIRONMENT)
    assert done.returncode == 0, done.output + done.errors
    assert {path: path.stat().st_mtime_ns for path in before} == before
    found = Budgeted.read(out)
    assert [(one.epochs, len(one.recipes), one.spent) for one in found.rounds] == [(1, 3, 3.0), (4, 2, 11.0)]
    (_, dropped), kept = found.dropped[0], found.rounds[1].recipes
    assert (
        f"dropped: {dropped.recipe}, rank 3 of 3" in done.output or f"dropped: {dropped.recipe}, rank 2" in done.output
    )
    for text in (done.output, (out / "comparison.md").read_text("utf-8"), (out / "comparison.html").read_text("utf-8")):
        assert f"Dropped after round 1: {dropped.recipe}," in " ".join(text.split())
    assert sorted(path.parts[-3] for path in out.glob("runs/*/*/result.json")) == sorted(kept)
    # From the results alone the decisions are the same: nothing is trained for it.
    decided = (out / FILE).read_bytes()
    (out / FILE).unlink()
    shutil.rmtree(out / "comparison")
    assert commands.run(place, *arguments, environment=ENVIRONMENT).returncode == 0
    assert (out / FILE).read_bytes() == decided and json.loads(decided)["rounds"]
    without = commands.run(place, *arguments[:-2], "--dry-run", environment=ENVIRONMENT)
    assert "2 runs are finished, 1 to do, 4 epochs" in without.output
