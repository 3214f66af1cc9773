"""Several machines: two launchers, of one process each, on the loopback address."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppcls_lt.runs import history

from . import commands, engines
from .forks import PATIENCE

pytestmark = pytest.mark.slow

EPOCHS = 4
HELD_AT = 3
GO = "go"


def __getattr__(name):
    # Only the runs ask for it.
    if name != "Held":
        raise AttributeError(name)
    from ppcls_lt.callbacks import Callback

    class Held(Callback):
        """Waits at the beginning of an epoch, with a file beside the run that says so, until another is there."""

        def on_epoch_start(self, run):
            rank = os.environ["PADDLE_TRAINER_ID"]
            while run.epoch == HELD_AT and not Path(GO).exists():
                Path(f"held_{rank}").write_text(str(os.getpid()))
                time.sleep(0.1)

    return Held


@pytest.fixture
def place(tmp_path):
    config = engines.packaged("ldam", engines.write_digits(tmp_path / "digits"), "out", epochs=EPOCHS)
    config["Global"]["eval_during_train"] = True
    config["Callbacks"] = [{"tests.test_nodes.Held": None}]
    engines.write_yaml(config, tmp_path / "held.yaml")
    return tmp_path


class Nodes:
    """The launchers of two nodes."""

    def __init__(self, place, *arguments, folders=None):
        self.place, self.processes = place, []
        (port,) = engines.free_ports(1)
        for rank in range(2):
            command = [
                *(sys.executable, "-m", "paddle.distributed.launch", "--nnodes", "2", "--nproc_per_node", "1"),
                *("--master", f"127.0.0.1:{port}", "--rank", str(rank), "--log_dir", str(place / f"log_{rank}")),
                *(str(engines.ROOT / "scripts" / "train.py"), "-c", "held.yaml", *arguments),
            ]
            with open(place / f"node_{rank}.txt", "ab") as log:
                environment = {**os.environ, "PYTHONPATH": str(engines.ROOT)}
                self.processes.append(
                    subprocess.Popen(
                        command,
                        cwd=place if folders is None else folders[rank],
                        env=environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )

    def said(self):
        return "".join(path.read_text(errors="replace") for path in sorted(self.place.glob("log_*/workerlog.*")))

    def status(self, rank):
        return self.processes[rank].wait(timeout=PATIENCE)


def test_two_nodes_equal_one_and_go_on_when_one_of_them_is_killed(place):
    nodes = Nodes(place)
    held = [place / f"held_{rank}" for rank in range(2)]
    commands.wait(lambda: all(path.exists() for path in held), what="both nodes")
    # A machine that fails: its launcher and its process at once. The other one does not wait for ever.
    nodes.processes[1].kill()
    os.kill(int(held[1].read_text()), signal.SIGKILL)
    (place / GO).touch()
    assert nodes.status(0) not in (0, 2) and nodes.status(1) != 0
    assert "all_reduce" in nodes.said()
    again = Nodes(place, "--resume")
    assert [again.status(rank) for rank in range(2)] == [0, 0], again.said()
    # Nothing was trained twice.
    assert re.findall(r"\[Train\]\[Epoch (\d+)/\d+\]\[Avg\]", again.said()) == list("1234")

    one = place / "one"
    script = engines.ROOT / "scripts" / "train.py"
    done = engines.together(script, "-c", "held.yaml", "-o", f"Global.output_dir={one}", cwd=place)
    assert done.returncode == 0, done.stdout
    expected, found = (paddle.load(f"{engines.saved(folder)}.pdparams") for folder in (one, place / "out"))
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name].numpy(), value.numpy(), err_msg=name)
    # Everything is written by one process alone, and once.
    names = [sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) for folder in (one, place / "out")]
    assert names[0] == names[1]
    rows = history.read(next((place / "out").rglob("metrics.jsonl")))
    assert [row["epoch"] for row in rows] == list(range(1, EPOCHS + 1))


def test_nodes_that_find_different_checkpoints_train_nothing(place):
    """Without a folder that all share the first process alone has one: the others would begin anew beside it."""
    (place / GO).touch()
    one = Nodes(place)
    assert [one.status(rank) for rank in range(2)] == [0, 0], one.said()
    other = place / "other"
    other.mkdir()
    for name in ("held.yaml", GO):
        shutil.copy(place / name, other)
    before = {path: path.read_bytes() for path in (place / "out").rglob("*.pd*")}
    last = engines.saved(place / "out")
    for path in (*last.parent.glob(f"epoch_{EPOCHS}.*"), *last.parent.glob("latest.*"), *last.parent.glob(".latest.*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    left = {path: before[path] for path in before if path.exists()}
    two = Nodes(place, "--resume", folders=[place, other])
    assert [two.status(rank) for rank in range(2)] == [2, 2], two.said()
    assert "used where every process finds the same checkpoint, got one of stage 1, epoch 3, run " in two.said()
    assert "none in process 1; let Global.output_dir be one folder that all machines share" in two.said()
    assert {path: path.read_bytes() for path in (place / "out").rglob("*.pd*")} == left
