"""What a comparison does in the end: the recipe that it chooses, the test, ``best.yaml``, a refit, its messages."""

import json
from dataclasses import replace

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import main as cli
from ppcls_lt.configuration import recipes
from ppcls_lt.engine import recording
from ppcls_lt.jobs import outcome, pool, refit
from ppcls_lt.jobs.pool import _reason
from ppcls_lt.jobs.settings import Settings
from ppcls_lt.reports.comparison.messages import ENGLISH, duration
from ppcls_lt.reports.run import writing
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs.measures import MEASURES
from ppcls_lt.runs.results import Accuracies

from .comparisons import finished, listed, set_in


def test_the_best_recipe_is_written_for_the_whole_list_and_the_bases_own_epochs(base, digits):
    settings = Settings(base(), wanted=["ldam_drw"], epochs=3)
    complete = settings.configs.complete("ldam_drw")
    assert complete["Global"]["epochs"] == 30
    assert complete["DataLoader"]["Train"]["dataset"]["cls_label_path"] == str(digits / "train.txt")
    assert complete["Callbacks"] == recipes.read("drw").parts[0].config["Callbacks"]
    settings.prepare()
    assert {job.epochs for job in settings.jobs} == {3}


@pytest.mark.parametrize(
    "old, exported, wanted",
    [
        ("out", "./inference", "./inference"),
        ("./out/", "out/inference", "compared/best/inference"),
        ("/a/out", "/a/out/export/it", "compared/best/export/it"),
        ("/a/out", "/a/outer", "/a/outer"),
        ("out", None, None),
    ],
)
def test_the_best_recipe_is_trained_in_a_folder_of_its_own(base, old, exported, wanted):
    def moved(config):
        config["Global"].update(output_dir=old, save_inference_dir=exported)

    settings = Settings(base(moved), wanted=["ldam"], folder="compared")
    section = settings.configs.best("ldam", settings.folder / "best", 0)["Global"]
    assert section["output_dir"] == "compared/best" and section.get("save_inference_dir") == wanted


def judged(settings, **shares):
    """The outcome where runs with these names, ``recipe_seed``, predict such a share of their images right."""
    for job in settings.jobs:
        right = shares.get(f"{job.recipe}_{job.seed}")
        if right is not None:
            finished(job, right, versions=recording.versions())
    return outcome.gather(settings, "", [], outcome.choose(settings))


def test_the_chosen_one_and_the_base_are_to_be_tested_with_all_their_seeds(base):
    settings = Settings(base(), wanted=["ldam", "focal"], seeds=[0, 1])
    settings.prepare()
    found = judged(settings, base_0=0.3, base_1=0.3, ldam_0=0.9, ldam_1=0.9, focal_0=0.6, focal_1=0.6)
    assert [row.recipe for row in found.rows] == ["ldam", "focal", "base"] and found.chosen is found.rows[0]
    tests = outcome.tests(settings, found, every=False)
    assert sorted(task.called(ENGLISH) for task in tests) == [
        f"test of {n}, seed {s}" for n in ("base", "ldam") for s in (0, 1)
    ]
    assert len(outcome.tests(settings, found, every=True)) == 6 and not any(task.complete for task in tests)
    for task in tests:
        tested = Accuracies(dict.fromkeys(MEASURES, 0.7 if "ldam" in task.called(ENGLISH) else 0.4), [0.5] * 10)
        tested.write(task.folder / "test.json")
    # What was tested stays, and is not tested again, when another recipe turns out to be the best.
    later = Settings(base(), wanted=["ldam", "focal", "ib"], seeds=[0, 1])
    later.prepare()
    found = judged(later, ib_0=1.0, ib_1=1.0)
    rows = {row.recipe: row for row in found.rows}
    assert found.chosen.recipe == "ib" and not rows["ib"].tested and not rows["focal"].tested
    assert rows["ldam"].gain["few"] == pytest.approx((0.3, 0)) and rows["base"].tested
    assert {task.candidates[0] for task in outcome.tests(later, found, every=False)} == {"ib"}


def test_a_recipe_without_a_seed_of_the_bases_is_not_judged_and_one_of_its_own_seeds_is_no_matter(base):
    settings = Settings(base(), wanted=["ldam", "focal"], seeds=[0, 1])
    settings.prepare()
    found = judged(settings, base_0=0.3, base_1=0.3, ldam_0=1.0, focal_0=0.8, focal_1=0.8)
    assert found.choice.incomplete == ("ldam",) and [row.recipe for row in found.rows] == ["focal", "base", "ldam"]
    # The base itself lacks one: all are judged on what it has.
    other = Settings(base(), wanted=["ldam"], seeds=[0, 1], folder=settings.folder / "other")
    other.prepare()
    found = judged(other, base_0=0.3, ldam_0=1.0, ldam_1=0.0)
    assert found.choice.incomplete == () and found.chosen.recipe == "ldam"


def test_without_the_base_nothing_is_chosen(base):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    found = judged(settings, ldam_0=0.9)
    assert found.choice is None and found.chosen is None and len(found.rows) == 1
    assert outcome.tests(settings, found, every=False) == []
    assert outcome.write_best(settings, found).startswith("no best.yaml: without a finished run of base")
    assert not (settings.folder / "best.yaml").exists()


def test_a_refit_trains_on_the_whole_list_for_the_bases_epochs_without_an_evaluation(base, digits):
    settings = Settings(base(), wanted=["crt"], epochs=3)
    refit.check(settings)
    config = settings.configs.refit("crt", settings.folder / "refit/crt", 5)
    assert (config["Global"]["epochs"], config["Global"]["seed"], config["Global"]["resume"]) == (30, 5, True)
    assert not config["Global"]["eval_during_train"] and listed(config, "Train") == digits / "train.txt"
    own = settings.configs.complete("crt")
    assert config["Stages"] == own["Stages"] and config["Optimizer"] == own["Optimizer"]


@pytest.fixture
def done(base):
    """A comparison whose runs are finished, ``ldam_tuned`` among them, of the trial of the tuning that is asked for."""

    def make(trial="trial_001", rate=0.1):
        settings = Settings(base(), wanted=["ldam"])
        settings.prepare()
        recipe = recipes.read("ldam")
        for job in settings.jobs:
            finished(job, versions=recording.versions())
        settings.add("ldam_tuned", recipe._replace(name="ldam_tuned"), settings.folder / f"tuning/ldam.{trial}", "ldam")
        finished(settings.job("ldam_tuned", 0), 1.0, versions=recording.versions())
        return settings

    return make


def refitted(settings, value):
    """Refit without a training; what is told of the test then."""

    def do(tasks):
        for task in tasks:
            task.folder.mkdir(parents=True, exist_ok=True)
            if task.done.name == "test.json":
                accuracies(value).write(task.done)
            else:
                task.done.parent.mkdir(exist_ok=True)
                task.done.write_text("{}")
        return ["so that no report is asked for"] if tasks[0].step == "task_export" else []

    found = outcome.gather(settings, "", [], outcome.choose(settings))
    assert refit.run(settings, found, "en", do) == []
    return told(settings)


def accuracies(value):
    return Accuracies(dict.fromkeys(MEASURES, value), [value] * 10)


def told(settings):
    found = outcome.gather(settings, "", [], outcome.choose(settings))
    return {name: each.test["balanced"] for name, each in found.refit.items()}


def test_a_tuned_recipe_of_another_trial_is_refitted_beside_the_earlier_one(done):
    assert refitted(done(), 0.5) == {"ldam_tuned": 0.5, "base": 0.5}
    settings = done("trial_007")
    assert told(settings) == {"base": 0.5}  # what was trained with other values says nothing of these
    assert refitted(settings, 0.75) == {"ldam_tuned": 0.75, "base": 0.5}
    assert told(done()) == {"ldam_tuned": 0.5, "base": 0.5}


def test_an_adjustment_of_other_runs_is_not_told_as_todays(done):
    settings = done()
    (row,) = [row for row in outcome.gather(settings, "", [], outcome.choose(settings)).rows if row.recipe == "ldam"]
    for strength, known in ((0.5, ["ldam+tau_norm"]), (0.75, [])):
        runs = [replace(run, adjustment={"of": "ldam", "method": "tau_norm", "strength": strength}) for run in row.runs]
        adjusted = replace(row, recipe="ldam+tau_norm", runs=runs)
        place = settings.folder / "refit/ldam+tau_norm"
        if known:
            place.mkdir(parents=True)
            (place / "to_adjust.json").write_text(json.dumps([run.adjustment for run in runs]))
            accuracies(0.5).write(place / "test.json")
        assert list(refit.tests(settings, [adjusted])) == known


def test_a_recipe_and_an_adjusted_one_that_are_called_alike_are_two_models(base):
    settings = Settings(base(), wanted=["focal", "focal+tau_norm"])
    settings.prepare()
    for job in settings.jobs:
        finished(job, versions=recording.versions())
    rows = outcome.gather(settings, "", [], outcome.choose(settings)).rows
    (row,) = [row for row in rows if row.recipe == "focal+tau_norm"]
    place = settings.folder / "refit/focal+tau_norm"
    place.mkdir(parents=True)
    runs = [replace(run, adjustment={"of": "focal", "method": "tau_norm", "strength": 0.5}) for run in row.runs]
    adjusted = replace(row, runs=runs, recipe="focal+tau_norm")
    assert adjusted.trained == "focal" and row.trained == "focal+tau_norm"

    (place / "to_adjust.json").write_text(json.dumps([run.adjustment for run in runs]))
    accuracies(0.5).write(place / "test.json")
    assert list(refit.tests(settings, [row])) == [] and list(refit.tests(settings, [adjusted])) == ["focal+tau_norm"]
    with pytest.raises(ConfigError, match="final model of another that is called so; or delete .*focal.tau_norm"):
        list(refit._steps(settings, row))
    (place / "to_adjust.json").unlink()
    (place / "train.yaml").write_text("{}")
    assert list(refit.tests(settings, [adjusted])) == []
    with pytest.raises(ConfigError, match="another folder for focal.tau_norm"):
        list(refit._steps(settings, adjusted))


@pytest.mark.parametrize("seed, wanted", [(7, 7), (None, 0)])
def test_a_final_model_has_the_seed_of_the_base(base, seed, wanted):
    settings = Settings(base(set_in("Global", "seed", value=seed)), wanted=["ldam"])
    settings.prepare()
    finished(settings.jobs[0], versions=recording.versions())
    assert refit._keep(settings, "ldam", settings.folder / "refit/ldam")["Global"]["seed"] == wanted


@pytest.mark.parametrize("fails", ["task_test", "task_whole", "task_export", None])
def test_the_status_tells_of_a_test_or_a_final_model_that_failed(base, fails, monkeypatch):
    """The processes alone are stood for: each leaves what it would have left, or fails."""

    class Done:
        def __init__(self, tasks, *_):
            self._tasks, self.failures = tasks, []

        def work(self, finished=None):
            for task in self._tasks:
                kind = getattr(task, "step", "task_test" if hasattr(task, "methods") else "run")
                if kind == fails:
                    self.failures.append((task, "the disk is full"))
                elif kind == "run":
                    ran(task)
                elif kind == "task_test":
                    accuracies(0.5).write(task.folder / "test.json")
                else:
                    task.done.parent.mkdir(parents=True, exist_ok=True)
                    if task.done.name == "test.json":
                        accuracies(0.5).write(task.done)
                    else:
                        task.done.write_text("{}")

    def ran(job):
        finished(job, 0.9 if job.recipe == "ldam" else 0.3, versions=recording.versions())

    monkeypatch.setattr(pool, "Pool", Done)
    monkeypatch.setattr(writing, "write", lambda *args, **kw: "report")
    flags = ["--recipes", "ldam", "--adjust", "none", "--groups", "tertiles", "--refit"]
    assert cli.main(["compare", "-c", str(base()), *flags]) == (0 if fails is None else 1)


def test_other_versions_than_those_of_a_final_model_train_none_beside_it(done):
    settings = done()
    path = settings.folder / "refit/base/run_info.json"
    path.parent.mkdir(parents=True)
    info = {"mode": "train", "run": "5eed", "stage": 1, "stages": 1, "started": "2026", "counts": None}
    run_files.write_info(path, {**info, "versions": {**recording.versions(), "paddle": "0.0.9"}})
    with pytest.raises(ConfigError, match="final models by .* got .*refit/base by .*0.0.9.*; delete .*refit/base to"):
        refitted(settings, 0.5)


def test_a_final_model_of_other_settings_is_told_before_anything_is_trained(base):
    settings = Settings(base(), wanted=["ldam"], epochs=3)
    settings.prepare()
    place = settings.folder / "refit/base"
    settings.configs.refit("base", place, 0)
    place.mkdir(parents=True)
    config = settings.configs.refit("base", place, 0)
    config["Global"]["epochs"] = 20
    run_files.write_config(place / "train.yaml", config)
    refit.check(settings)  # not begun, so it may be another
    run_files.write_config(place / "train.yaml", config)
    run_files.write_info(place / "run_info.json", {"mode": "train", "started": "2026"})
    with pytest.raises(ConfigError, match="refit/base has other settings.*Global.epochs is 20, now .* 30; delete that"):
        refit.check(settings)


def test_what_cannot_be_exported_is_told_before_a_refit(base):
    settings = Settings(base(set_in("Global", "image_shape", value=None)), wanted=["ce"])
    with pytest.raises(ConfigError, match="`image_shape` must be a list of channels, height and width, to export"):
        refit.check(settings)


def test_why_a_run_failed_is_its_last_error(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("ValueError: of an earlier try\n")
    start = log.stat().st_size
    with open(log, "a") as file:
        file.write("ppcls INFO: epoch 1\nTraceback\nMemoryError: out of room\nbye\n\n")
    assert _reason(1, log, start) == "MemoryError: out of room"
    assert _reason(-9, log, start) == "killed by signal 9 (SIGKILL), perhaps for memory"
    assert _reason(-35, log, start) == "killed by signal 35"
    (tmp_path / "empty.txt").touch()
    assert _reason(3, tmp_path / "empty.txt", 0) == "ended with status 3"


def test_times_as_one_says_them():
    assert [duration(s) for s in (5, 89, 100, 5000, 7500)] == ["5 s", "89 s", "2 min", "83 min", "2 h 05 min"]
