"""One writer at a time in a folder, whatever becomes of it."""

import os
import signal
import subprocess
import sys

import pytest

from ppcls_lt.basis import lock
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import places

from . import commands, engines

HOLD = """
import os, sys, time
from ppcls_lt.basis import lock
held = lock.acquire(sys.argv[1], "test", "folder")
if os.fork() == 0:  # as a loader's worker, which may outlive a killed process
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)
"""


def acquire(folder, name=".lock"):
    return lock.acquire(folder, "Global", "output_dir", name)


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of ``tmp_path / "out"``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "out"],
        env={**os.environ, "PYTHONPATH": str(commands.ROOT)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    process.worker = int(process.stdout.readline())
    yield process
    process.kill()
    os.kill(process.worker, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_the_second_is_told_who_the_first_is_and_goes_on_when_it_was_killed(holder, tmp_path):
    for _ in range(2):  # being refused takes nothing from the first
        with pytest.raises(ConfigError, match=f"no other ppcls-lt is writing, .*out, where process {holder.pid} on"):
            acquire(tmp_path / "out")
    acquire(tmp_path / "out", ".other.lock").release()
    holder.kill()
    holder.wait()
    os.kill(holder.worker, 0)  # still there
    acquire(tmp_path / "out").release()
    assert not list((tmp_path / "out").iterdir())


def test_one_may_wait_for_the_end_of_the_other(holder, tmp_path):
    told = []

    def wait(who):
        told.append(who)
        if len(told) == 2:
            holder.kill()
            holder.wait()

    with lock.held(tmp_path / "out", "test", "folder", wait=wait):
        assert len(told) >= 2 and f"process {holder.pid} on" in told[0]
        assert str(os.getpid()) in (tmp_path / "out" / ".lock").read_text()


def test_a_training_takes_the_folders_of_all_its_stages_or_none(holder, tmp_path):
    def plan(*names):
        return [{"Global": {"output_dir": str(tmp_path / name)}} for name in names]

    with pytest.raises(ConfigError, match=f"no other ppcls-lt is writing, .*out, where process {holder.pid} on"):
        places.take(plan("stage_1", "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with places.take(plan("stage_1", "stage_2")):
        assert all((tmp_path / name / ".lock").exists() for name in (".", "stage_1", "stage_2"))
        (tmp_path / "stage_1" / "weights").touch()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        *("out", "out/.lock", "stage_1", "stage_1/weights")
    ]


def test_a_process_may_take_its_own_again(tmp_path):
    first, second = acquire(tmp_path), acquire(tmp_path / "." / "")
    assert first is second
    first.release()
    assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")
    second.release()
    second.release()
    assert not (tmp_path / ".lock").exists()


def test_a_forked_process_releases_nothing(tmp_path):
    held = acquire(tmp_path)
    child = os.fork()
    if child == 0:
        held.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / ".lock").exists()
    held.release()


def test_a_lock_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / ".lock").symlink_to(tmp_path / "victim")
    with pytest.raises(ConfigError, match=r"\.lock: must be a file, got a link to .*victim"):
        acquire(tmp_path)
    assert (tmp_path / "victim").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in ("file", "file/out"):
        with pytest.raises(ConfigError, match=f"Global: `output_dir` must be a folder that can be made .*{folder}: "):
            acquire(tmp_path / folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a small configuration."""
    folder = tmp_path_factory.mktemp("place")
    data = engines.write_digits(folder / "digits")
    engines.write_yaml(engines.packaged("ce", data, "out", epochs=1), folder / "config.yaml")
    return folder


@pytest.mark.slow
def test_every_command_that_writes_waits_for_no_one(place):
    """A training in one process and in two, an evaluation, an export, a report, a list: all refused at once."""
    (place / "out").mkdir(exist_ok=True)
    train = ["-m", "ppcls_lt", "train", "-c", "config.yaml"]
    weights = ["-o", "Global.pretrained_model=out/CIFARResNet8/latest"]
    done = engines.run(train, cwd=place)
    assert done.returncode == 0, done.stdout
    refused = "in which no other ppcls-lt is writing"
    with lock.held(place / "out", "test", "out"):
        done = engines.run([*train, "-o", "Global.output_dir=./out"], cwd=place)
        assert done.returncode == 2 and f"`output_dir` must be a folder {refused}" in done.stdout
        assert f"process {os.getpid()} on " in done.stdout
        done = engines.together(engines.ROOT / "scripts" / "train.py", "-c", "config.yaml", cwd=place)
        assert done.returncode != 0 and refused in done.stdout
    with lock.held(place / "staged" / "stage_2", "test", "out"):
        done = engines.run([*train, "--recipe", "crt", "-o", "Global.output_dir=staged"], cwd=place)
        assert done.returncode == 2 and f"`output_dir` must be a folder {refused}, got staged/stage_2" in done.stdout
        assert not (place / "staged" / "stage_1").exists()
    for mode, folder, key in (("eval", "out", "output_dir"), ("export", "exported", "save_inference_dir")):
        with lock.held(place / folder, "test", "out", f".{mode}.lock"):
            options = [*weights, "-o", "Global.save_inference_dir=exported"]
            done = engines.run(["-m", "ppcls_lt", mode, "-c", "config.yaml", *options], cwd=place)
            assert done.returncode == 2 and f"`{key}` must be a folder {refused}" in done.stdout
    with lock.held(place, "test", "out"):
        arguments = ["--val-fraction", "0.2", "--train-out", "a.txt", "--val-out", "b.txt"]
        commands.fails(commands.run(place, "split", "digits/train.txt", *arguments), refused)
