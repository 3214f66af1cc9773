"""``compare --executor``: its options, what is missing for it, and one process at a time in a run's folder."""

import importlib.util
import time
from typing import NamedTuple

import pytest

from ppcls_lt.basis import lock
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.jobs.executors import choice, local, log_of, options
from ppcls_lt.jobs.executors.slurm_job import Left, Work

from . import commands
from .conftest import hide


def make(name, given, folder, **more):
    return choice.make(name, given, folder, say=lambda line: None, **more)


@pytest.mark.parametrize(
    "executor, given, said",
    [
        ("local", ["cpus=2"], "left out with --executor local"),
        ("slurm", [], "`--executor-options minutes` must be given with --executor slurm"),
        ("slurm", ["minutes=5", "partion=long"], "unknown option of slurm 'partion' (did you mean 'partition'?)"),
        ("slurm", ["minutes=0.5"], "`--executor-options minutes` must be an integer >= 1, got 0.5"),
        ("slurm", ["minutes=5", "gpus=2"], "`--executor-options gpus` must be as many as a run has processes"),
        ("ray", ["cpus=2"], "`--executor-options address` must be given with --executor ray"),
        ("ray", ["address=here:1", "partition=a"], "unknown option of ray 'partition'"),
    ],
)
def test_a_wrong_option_is_named(executor, given, said, tmp_path):
    with pytest.raises(ConfigError) as raised:
        make(executor, given, tmp_path)
    assert said in str(raised.value)


def test_options_come_from_a_file_and_the_later_has_its_way(tmp_path):
    path = tmp_path / "cluster.yaml"
    path.write_text("minutes: 240\npartition: long\n")
    found = options.read("slurm", [str(path), "minutes=30", "memory_gb=7.5"])
    wanted = {"minutes": 30, "partition": "long", "memory_gb": 7.5, "cpus": 1, "gpus": 0, "account": None}
    assert {name: found[name] for name in wanted} == wanted


def test_a_text_may_be_digits():
    assert options.read("slurm", ["minutes=30", "account=00123", "partition=7"])["account"] == "00123"


@pytest.mark.parametrize(
    "executor, package, given", [("slurm", "submitit", ["minutes=5"]), ("ray", "Ray", ["address=auto"])]
)
def test_a_missing_package_is_named_with_its_extra(executor, package, given, tmp_path, monkeypatch):
    hide(package.lower(), monkeypatch)
    with pytest.raises(ConfigError, match=rf'--executor {executor} needs {package}; .*"ppcls-lt\[{executor}\]"'):
        make(executor, given, tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="submitit not installed")
def test_slurm_is_asked_for_where_its_commands_are(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="slurm where Slurm's commands are on the PATH, got no sbatch, squeue"):
        make("slurm", ["minutes=5"], tmp_path)


def test_devices_are_shared_out_in_groups(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    with pytest.raises(ConfigError, match="`--processes` must be at most the number of devices, got 3 where"):
        make("local", [], tmp_path, processes=3)


def test_nothing_is_written_before_an_option_is_right(tmp_path):
    flags = ["--executor", "slurm", "--executor-options", "minutes=soon"]
    done = commands.run(tmp_path, "compare", "-c", "digits/ce.yaml", "--out", "refused", *flags)
    commands.fails(done, "`--executor-options minutes` must be an integer >= 1, got 'soon'")
    assert not list(tmp_path.iterdir())


class Some(NamedTuple):
    """A task of which nothing is left to do."""

    folder: object
    trained: int = 1
    arguments: tuple = ()


def test_a_job_that_came_no_further_is_not_queued_again(tmp_path):
    work = Work(Some(tmp_path), [], tmp_path / "log.txt", tmp_path / "left.json", "1", told=90)
    work.began, work.trained = time.time() - 90, 1
    assert work.checkpoint() is None
    left = Left.read(tmp_path / "left.json")
    assert left.code == 1 and "no epoch was finished in 1.5 minutes" in left.reason


@pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="submitit not installed")
def test_a_job_that_came_further_before_its_limit_is_queued_again(tmp_path):
    work = Work(Some(tmp_path, trained=2), [], tmp_path / "log.txt", tmp_path / "left.json", "1", told=90)
    work.began, work.trained = time.time() - 90, 1
    again = work.checkpoint()
    assert again.function is work and not (tmp_path / "left.json").exists()


def test_runs_of_jobs_of_which_slurm_says_nothing_are_not_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    choice.check_idle(tmp_path, "--retrain")
    array = tmp_path / "slurm" / "ppcls-lt-1"
    array.mkdir(parents=True)
    (array / "tasks.json").write_text('[["run", "a"], ["run", "b"]]')
    Left(0, 1.0, 0).write(array / "left_0.json")
    with pytest.raises(
        ConfigError, match="`--retrain` must be used where Slurm says what is left .* delete that folder"
    ):
        choice.check_idle(tmp_path, "--retrain")
    Left(1, 1.0, 0).write(array / "left_1.json")
    choice.check_idle(tmp_path, "--retrain")


@pytest.mark.slow
def test_a_second_process_waits_for_the_first(tmp_path):
    task = Some(tmp_path, arguments=("test", str(tmp_path), "balanced"))
    executor = local.Local(1, "1")
    with lock.held(tmp_path, "test", "folder"):
        executor.begin([task])
        commands.wait(lambda: log_of(task).exists() and "waiting for it" in log_of(task).read_text())
        assert executor.running == [task] and executor.ended() == []
    found = []
    commands.wait(lambda: found.extend(executor.ended()) or found)
    assert [(each.task, each.code) for each in found] == [(task, 0)]
