"""``compare --executor``: one table from this machine, Slurm and Ray, whatever is killed on the way.

The clusters are real, of one node on the loopback address. The runs hold before their second epoch until a file is
there, so that there is time to end something.
"""

import contextlib
import csv
import functools
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

import ppcls_lt

from . import clusters, engines
from .commands import wait
from .forks import PATIENCE

pytestmark = pytest.mark.slow

EPOCHS = 3
HELD_AT = 2
GO = "go"
HELD = "held"
NAMES = ("base", "cs_ce")


def __getattr__(name):
    # Only the runs ask for it; the tests themselves need no callback here.
    if name != "Held":
        raise AttributeError(name)
    from ppcls_lt.callbacks import Callback

    class Held(Callback):
        def on_epoch_start(self, run):
            folder = Path(run.config["Global"]["output_dir"])
            while run.epoch == HELD_AT and not Path(GO).exists() and not (folder / GO).exists():
                (folder / HELD).touch()  # the checkpoint of the epoch before is whole by now
                time.sleep(0.1)

        def on_epoch_end(self, run):
            folder = Path(run.config["Global"]["output_dir"])
            with open(folder / "epochs.txt", "a") as file:
                file.write(f"{run.epoch}\n")

    return Held


def make_place(folder):
    """A working folder with digits and a base whose runs hold."""
    config = engines.packaged("ce", engines.write_digits(folder / "digits"), "out", epochs=EPOCHS)
    config["Callbacks"] = [{"tests.test_executors.Held": None}]
    engines.write_yaml(config, folder / "base.yaml")
    return folder


class Comparison:
    """A comparison in a folder, whose command may be called several times."""

    def __init__(self, place, **environment):
        self.place, self.out = place, place / "compared"
        variables = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(engines.ROOT), **environment}
        self.environment = {**os.environ, **variables}
        self.started = []

    def start(self, executor, *options, recipes=NAMES, flags=()):
        """Start the command; it is a session of its own."""
        arguments = [
            *("compare", "-c", "base.yaml", "--recipes", *recipes, "--groups", "tertiles", "--adjust", "none"),
            *("--out", self.out.name, "--executor", executor, *flags),
        ]
        if options:
            arguments += ["--executor-options", *options]
        self.log = self.place / f"command_{len(self.started)}.log"
        with open(self.log, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ppcls_lt", *arguments],
                cwd=self.place,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def close(self):
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def said(self):
        return self.log.read_text()

    def folder(self, name):
        return self.out / "runs" / name / "seed_0"

    def epochs(self, name):
        """Those that a run has trained, by any of its processes, in order."""
        path = self.folder(name) / "training" / "epochs.txt"
        return list(map(int, path.read_text().split())) if path.exists() else []

    def held(self, *names):
        """Whether these runs have come to where they are held."""
        return all((self.folder(name) / "training" / HELD).exists() for name in names)

    def release(self, name):
        (self.folder(name) / "training" / GO).touch()

    def scontrol(self, *arguments):
        done = subprocess.run(["scontrol", *arguments], env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def limit(self, job, minutes):
        """Give a job another time limit; False while Slurm takes none, as of one that ends to be queued again."""
        command = ["scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}"]
        return subprocess.run(command, env=self.environment, capture_output=True).returncode == 0

    def worker(self, name):
        """The process at work on a run, or None."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            told = re.match(r"process (\d+) on", (self.folder(name) / ".lock").read_text())
            if told:  # it is empty until its owner has written
                os.kill(int(told[1]), 0)
                return int(told[1])
        return None

    def figures(self):
        """Every one of the tables, but for how long it took, and of the final model's test, as text."""
        found = []
        for name in ("comparison.csv", "comparison_runs.csv"):
            with open(self.out / name, newline="", encoding="utf-8") as file:
                found += [
                    {key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)
                ]
        tests = {path.parent.name: path.read_text() for path in self.out.glob("refit/*/test.json")}
        assert "base" in tests and list(self.out.glob("refit/*/inference/exported.json"))
        return [*found, tests]

    def check_whole(self, expected):
        """Nothing was lost, nothing trained twice, and the table is that of a comparison that nothing disturbed."""
        for name in NAMES:
            assert self.epochs(name) == list(range(1, EPOCHS + 1)), name
        assert self.figures() == expected


def parent_of(process):
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The figures of a comparison on this machine that nothing disturbs, and of its final model."""
    place = make_place(tmp_path_factory.mktemp("local"))
    (place / GO).touch()
    comparison = Comparison(place)
    assert comparison.start("local", flags=["--refit", "--jobs", "2"]).wait(timeout=PATIENCE) == 0, comparison.said()
    return comparison.figures()


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path)


@pytest.mark.skipif(clusters.why_no_slurm() is not None, reason=str(clusters.why_no_slurm()))
@pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="submitit not installed")
def test_slurm_a_time_limit_a_preemption_a_killed_worker_and_a_killed_command(local, place):
    with clusters.slurm() as cluster, contextlib.closing(Comparison(place, **cluster)) as comparison:
        jobs = functools.partial(queued, comparison)
        first = comparison.start("slurm", "minutes=60", recipes=["base"])
        wait(lambda: comparison.held("base"), what="the base")
        first.kill()
        first.wait()
        assert comparison.worker("base")  # the job goes on
        # Nobody removes a run that does.
        with of_another_version(comparison.folder("base")):
            assert comparison.start("local", flags=["--retrain"]).wait(timeout=PATIENCE) == 2, comparison.said()
            assert (
                "`--retrain` must be used when nothing of this comparison is left in Slurm's queue" in comparison.said()
            )
        comparison.start("slurm", "minutes=60")
        wait(lambda: "1 are in Slurm's queue already" in comparison.said(), what="the second command")
        # Slurm tells the base of its time limit within half a minute, however slow this machine was so far; when it
        # runs again it must have another before it could be told at once, by a signal that nobody awaits yet.
        assert comparison.limit(jobs()["base"].id, jobs()["base"].minutes + 2)
        wait(lambda: jobs()["base"].restarts >= 1, what="the time limit")
        wait(lambda: comparison.limit(jobs()["base"].id, 60), what="a longer one")
        # By a preemption a job is queued again, and goes on from its checkpoint.
        wait(lambda: comparison.held("cs_ce"), what="the other")
        before = comparison.worker("cs_ce")
        comparison.scontrol("requeue", jobs()["cs_ce"].id)
        wait(lambda: comparison.worker("cs_ce") not in (None, before), what="the job that was queued again")
        comparison.release("base")
        # A process that is killed has failed, and the next command does what is missing.
        os.kill(comparison.worker("cs_ce"), signal.SIGKILL)
        assert comparison.started[-1].wait(timeout=PATIENCE) == 1, comparison.said()
        assert "cs_ce, seed 0: FAILED: killed by signal 9" in comparison.said()
        # What Slurm has begun, this machine goes on with.
        (place / GO).touch()
        assert comparison.start("local").wait(timeout=PATIENCE) == 0, comparison.said()
        assert "1 runs are finished, 1 to do" in comparison.said()
        assert comparison.start("slurm", "minutes=60", flags=["--refit"]).wait(timeout=PATIENCE) == 0, comparison.said()
        comparison.check_whole(local)


@contextlib.contextmanager
def of_another_version(folder):
    """Within it a run's training says that another version of the package began it."""
    (path,) = (folder / "training").rglob("run_info.json")
    before = path.read_text()
    path.write_text(before.replace(ppcls_lt.__version__, "0.0.1"))
    yield
    path.write_text(before)


class Queued(NamedTuple):
    """A job of Slurm, how often it was queued again, and for how many minutes it has run."""

    id: str
    restarts: int
    minutes: int


def queued(comparison):
    """Name of the run -> its job."""
    found = {}
    for line in comparison.scontrol("--oneliner", "show", "job").splitlines():
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        number, array = words.get("ArrayTaskId", "0"), words.get("ArrayJobId")
        clock = words["RunTime"].rpartition("-")[2]
        hours, minutes, _ = map(int, clock.split(":"))
        record = json.loads((comparison.out / "slurm" / words["JobName"] / "tasks.json").read_text())
        if number.isdigit():  # else of several that wait
            job = f"{array}_{number}" if array else words["JobId"]
            found[record[int(number)][2]] = Queued(job, int(words["Restarts"]), 60 * hours + minutes)
    return found


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray not installed")
def test_ray_a_killed_worker_and_a_killed_command(local, place):
    with clusters.ray() as address, contextlib.closing(Comparison(place)) as comparison:
        first = comparison.start("ray", f"address={address}")
        wait(lambda: comparison.held(*NAMES), what="the runs")
        # Where a worker of Ray fails, as where its node does, another one goes on.
        before = comparison.worker("cs_ce")
        os.kill(parent_of(before), signal.SIGKILL)
        wait(lambda: comparison.worker("cs_ce") not in (None, before), what="another worker")
        # A process that is killed has failed, and the next command does what is missing.
        os.kill(comparison.worker("base"), signal.SIGKILL)
        wait(lambda: "base, seed 0: FAILED: killed by signal 9" in comparison.said(), what="the failure")
        first.kill()
        wait(lambda: not any(map(comparison.worker, NAMES)), what="the end of the runs")
        (place / GO).touch()
        last = comparison.start("ray", f"address={address}", flags=["--refit"])
        assert last.wait(timeout=PATIENCE) == 0, comparison.said()
        comparison.check_whole(local)
