"""Runs of a comparison that other versions left or began."""

import json

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.engine import recording
from ppcls_lt.jobs import outcome
from ppcls_lt.jobs.job import HELD_OUT, RESULT, TRAIN
from ppcls_lt.jobs.settings import Settings
from ppcls_lt.reports.comparison import terminal
from ppcls_lt.runs.budgeted import FILE

from .comparisons import begin, begun_by, finish


def test_runs_that_were_judged_by_the_earlier_rule_are_refused_and_stay(base, tmp_path):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    # What earlier versions left: no configuration of an evaluation on held-out images, the test in the result.
    for job in settings.jobs:
        (job.folder / HELD_OUT).unlink()
        (job.folder / RESULT).write_text(json.dumps({"test": {}, "recall": []}))
    before = {path: path.read_bytes() for path in settings.folder.rglob("*") if path.is_file()}
    for folds in (None, 3):
        with pytest.raises(ConfigError, match="`--out` must be another folder; what is there is left as it is, got .*"):
            Settings(base(), wanted=["ldam"], folds=folds).prepare(retrain=True)
    assert {path: path.read_bytes() for path in settings.folder.rglob("*") if path.is_file()} == before


def test_runs_of_other_versions_are_refused_or_trained_anew_as_told(base):
    path = base()
    settings = Settings(path, wanted=["ldam"])
    settings.prepare()
    ours, ldam = settings.jobs
    finish(ours)
    for name in ("ppcls_lt", "paddle", "paddleclas"):
        finish(ldam, versions={**recording.versions(), name: "0.0.9"})
        Settings(path, wanted=["ldam"]).prepare()  # nothing is trained
        with pytest.raises(
            ConfigError, match=r"`--out` must be a folder of runs by ppcls_lt .*`--retrain` trains"
        ) as told:
            Settings(path, wanted=["ldam", "focal"]).prepare()
        assert "1 by others: ldam, seed 0, by ppcls_lt" in str(told.value) and "0.0.9" in str(told.value)
    found = outcome.gather(settings, "", [], outcome.choose(settings))
    assert "The runs are of different versions" in terminal.text(found, 1000) and len(found.versions) == 2
    (settings.folder / FILE).write_text("{}")
    for name, version in (("base", "0.0.9"), ("ldam", recording.versions()["ppcls_lt"])):
        begin(settings.folder / "refit" / name, version)
    Settings(path, wanted=["ldam", "focal"]).prepare(retrain=True)
    assert ours.finished and not ldam.begun and (ldam.folder / TRAIN).is_file()
    assert [path.name for path in (settings.folder / "refit").iterdir()] == ["ldam"]
    assert not (settings.folder / FILE).exists()  # what it decided by is gone


def test_a_run_that_does_not_say_its_versions_is_told_and_trained_anew_where_that_is_asked_for(base):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    finish(settings.jobs[0], versions=None)
    Settings(base(), wanted=["ldam"]).prepare()
    assert outcome.gather(settings, "", [], outcome.choose(settings)).versions == ["unknown versions"]
    Settings(base(), wanted=["ldam"]).prepare(retrain=True)
    assert not settings.jobs[0].finished


def test_a_run_that_other_versions_began_does_not_go_on(base):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    begun_by(settings.folder, "0.0.9")
    with pytest.raises(ConfigError, match="2 by others: base, seed 0, by ppcls_lt 0.0.9"):
        Settings(base(), wanted=["ldam"]).prepare()
