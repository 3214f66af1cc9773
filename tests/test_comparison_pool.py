"""How many cores each of several runs takes."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from ppcls_lt.basis import cores
from ppcls_lt.commands import comparing
from ppcls_lt.commands import main as cli
from ppcls_lt.jobs import pool
from ppcls_lt.jobs.executors import local
from ppcls_lt.jobs.executors.local import Local
from ppcls_lt.jobs.job import LOG

from .forks import PATIENCE


class Some(NamedTuple):
    """A task that says what it was given and is then done."""

    folder: object
    arguments: tuple = ("run", "folder", "cs_ce", "0")
    epochs: int = 1
    trained: int = 1
    complete: bool = True
    of_base: bool = False

    def called(self, words):
        return "cs_ce, seed 0"


@pytest.mark.skipif(os.name != "posix", reason="stands for Python by a shell script")
@pytest.mark.parametrize(
    "cores, jobs, slots, threads, expected",
    [
        (8, 3, 2, None, 4),
        (8, 1, 2, None, 4),  # the last one left computes as all others did
        (8, 3, 16, None, 1),
        (1, 3, 2, None, 1),
        (8, 3, 2, "3", 3),
    ],
)
def test_runs_at_a_time_share_the_cores(cores, jobs, slots, threads, expected, tmp_path, monkeypatch):
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "threads: $OMP_NUM_THREADS, $*"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(local.cores, "usable", lambda: cores)
    monkeypatch.setattr(pool, "_POLL", 0.01)
    monkeypatch.setenv("OMP_NUM_THREADS", "77")
    runs = [Some(tmp_path / str(number)) for number in range(jobs)]
    for run in runs:
        run.folder.mkdir()
    pool.Pool(runs, Local(slots, threads), say=lambda line: None).work()
    for run in runs:
        assert (run.folder / LOG).read_text() == f"threads: {expected}, -m ppcls_lt.jobs.worker run folder cs_ce 0\n"


@pytest.mark.skipif(os.name != "posix", reason="stands for Python by a shell script")
@pytest.mark.parametrize("processes, wanted", [(1, {"4", "5", "6", "7"}), (2, {"4,5", "6,7"})])
def test_runs_at_a_time_have_devices_of_their_own(processes, wanted, tmp_path, monkeypatch):
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "devices: $CUDA_VISIBLE_DEVICES"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(pool, "_POLL", 0.01)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    runs = [Some(tmp_path / str(number)) for number in range(4)]
    for run in runs:
        run.folder.mkdir()
    pool.Pool(runs, Local(4, "1", processes), say=lambda line: None).work()
    assert {(run.folder / LOG).read_text() for run in runs} == {f"devices: {each}\n" for each in wanted}


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_status_tells_what_ended_a_comparison(number, monkeypatch):
    def compared(arguments):
        try:
            with pool._told_to_end():
                os.kill(os.getpid(), number)
                time.sleep(60)
        except KeyboardInterrupt as interrupt:
            raise comparing.Interrupted(*interrupt.args) from None  # as where runs are begun

    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)  # `nohup` has SIGHUP ignored, which stays so
    monkeypatch.setattr(comparing, "compared", compared)
    try:
        assert cli.main(["compare", "-c", "any.yaml"]) == 128 + number
    finally:
        signal.signal(number, signal.SIG_DFL if before is None else before)


def test_work_in_a_thread_that_is_not_the_main_one(tmp_path):
    """As of a server or a notebook's widget; Python lets the main thread alone say what a signal does."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(pool.Pool([], Local(1), say=lambda line: None).work).result()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process to cores")
def test_the_cores_are_those_that_the_process_may_use():
    one = sorted(os.sched_getaffinity(0))[:1]
    command = f"import os; from ppcls_lt.basis import cores; os.sched_setaffinity(0, {one}); print(cores.usable())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_of_an_unknown_number_of_cores_one_is_used(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores.usable() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.usable() == 1


REFIT = """
import subprocess, sys
from ppcls_lt.jobs import worker

TRAIN = "import sys; from ppcls_lt.basis import lock; lock.acquire(sys.argv[1], 'Global', 'output_dir').release()"
worker._TASKS["refit"] = lambda folder: subprocess.run([sys.executable, "-c", TRAIN, folder], check=True)
sys.exit(worker.main("refit", sys.argv[1]))
"""


def test_the_processes_of_a_refit_may_train_in_its_folder(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    options = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, "start_new_session": True}
    with subprocess.Popen([sys.executable, "-c", REFIT, str(tmp_path / "refit")], **options) as process:
        assert process.wait(PATIENCE) == 0, process.stderr.read()
