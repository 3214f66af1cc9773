"""From PaddleClas's own configurations, changed with ``-o`` alone: every command, one process and several, no seed."""

import contextlib
import json
import os
import shlex
import signal
import sysconfig
from pathlib import Path

import pytest
import yaml

from . import commands, engines, forks, stock
from .forks import PATIENCE
from .stock import needs_checkout

pytestmark = pytest.mark.slow

# Several families of architectures, and what each needs beside the size of its images.
ARCHITECTURES = {
    "ResNet/ResNet18.yaml": [],
    "MobileNetV2/MobileNetV2_x0_25.yaml": [],
    "PPLCNet/PPLCNet_x0_25.yaml": [],
    "ShuffleNet/ShuffleNetV2_x0_25.yaml": [],
    "DeiT/DeiT_tiny_patch16_224.yaml": ["-o", "Arch.img_size=32"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with small data and our stock-like configuration."""
    folder = tmp_path_factory.mktemp("work")
    stock.write_data(folder / "data")
    stock.write(folder)
    return folder


def command(mode, folder, output, *more, **changes):
    """Run ``ppcls-lt MODE -c stock.yaml -o ...`` as a user does."""
    given = stock.flags(folder / "stock.yaml", folder / "data", output, workers=0, **changes)
    return engines.run(["-m", "ppcls_lt", mode, "-c", "stock.yaml", *given, *more], cwd=folder)


@pytest.fixture(scope="module")
def trained(folder):
    """Two epochs with a recipe, with the stock file's own four workers: the run's log and its weights."""
    given = stock.flags(folder / "stock.yaml", folder / "data", "out")
    result = engines.run(["-m", "ppcls_lt", "train", "-c", "stock.yaml", *given, "--recipe", "ldam_drw"], cwd=folder)
    assert result.returncode == 0, result.stdout
    return result.stdout, engines.saved(folder / "out", "best_model")


def test_what_the_recipe_replaces_in_the_file_is_logged(trained):
    assert "recipe ldam_drw replaces Loss.Train: [{CELoss: {" in trained[0]


def test_one_process_trains(trained):
    log, _ = trained
    assert "[Train][Epoch 2/2][Avg]" in log and "[Eval][Epoch 2]" in log


def test_the_log_says_what_was_found_and_done(trained):
    """And shows the tail, though the stock file has no metric for it; what chooses the best model stays top1."""
    log, _ = trained
    assert (
        "training images: 325 in 10 classes, from 6 (class digit 9) to 90 (class digit 0), imbalance ratio 15; " in log
    )
    assert "0 many, 5 medium, 5 few-shot classes" in log
    assert "class weights of epoch 2 and later (effective_number): from 0.177807 to 2.65594" in log
    assert log.count("epoch 2: the class weights change now") == 1
    assert "best model: by top1, the first of Metric.Eval" in log
    lines = [line for line in log.splitlines() if "[Eval]" in line and "best metric" not in line]
    assert lines and all("medium: " in line for line in lines if "[Avg]" in line)
    # No class has more than 100 images: said once, and never printed.
    assert not any("nan" in line for line in lines)
    assert log.count("undefined, and left out of the lines: many") == 1
    assert "A new field" not in log


@pytest.mark.parametrize(
    "mode, expected", [("eval", "[Eval][Epoch 0][Avg]"), ("infer", "digit "), ("export", "Export succeeded")]
)
def test_what_was_trained_is_used(mode, expected, trained, folder):
    result = command(mode, folder, "out", "--recipe", "ldam_drw", "-o", f"Global.pretrained_model={trained[1]}")
    assert result.returncode == 0, result.stdout
    assert expected in result.stdout


def running(group):
    """A process of a group that still runs, the worker of a loader for one, or None; Linux tells."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, own = path.read_text().rpartition(")")[2].split()[:3]
            if int(own) == group and state != "Z":
                return path.parent.name
    return None


def ended(folder, arguments, log, until, end):
    """Start a command line, call ``end`` once its log holds ``until``; the exit status, when no worker is left."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(engines.ROOT), os.environ.get("PYTHONPATH", "")])}
    log.write_bytes(b"")
    start = {"arguments": arguments, "cwd": str(folder), "environment": environment, "stdout": str(log), "stderr": None}
    process = forks.Started(forks.WITH_PADDLE, [start])
    try:
        while until not in log.read_text() and not process.wait(0.1):
            pass
        end(process)
        assert process.wait(PATIENCE)
        commands.wait(lambda: not running(process.pids[0]))
    finally:
        process.end()
    return process.statuses[0]


def interrupted(folder, arguments, log, until):
    """Press Ctrl-C, as a terminal does."""
    return ended(folder, arguments, log, until, lambda process: process.kill(signal.SIGINT))


def test_a_killed_training_leaves_no_worker(folder):
    """As a system without memory kills it: alone, and without a word."""
    given = stock.flags(folder / "stock.yaml", folder / "data", "killed", epochs=3, workers=2)
    arguments = ["-m", "ppcls_lt", "train", "-c", "stock.yaml", *given]
    log = folder / "killed.log"
    status = ended(folder, arguments, log, "Epoch 1/3][Iter", lambda process: os.kill(process.pids[0], signal.SIGKILL))
    assert status == -signal.SIGKILL and "Traceback" not in log.read_text()


def test_an_interrupted_training_says_how_to_go_on_and_does(folder):
    """With a worker, whose feeding thread an ordinary end would wait for."""
    given = stock.flags(folder / "stock.yaml", folder / "data", "interrupted", epochs=3, workers=1)
    log = folder / "interrupted.log"
    status = interrupted(folder, ["-m", "ppcls_lt", "train", "-c", "stock.yaml", *given], log, "Epoch 2/3][Iter")
    text = log.read_text()
    assert status == 130 and "Traceback" not in text, text
    said = text.rpartition("ppcls-lt: interrupted; go on with: ppcls-lt ")[2]
    assert said.endswith(" --resume\n")
    result = engines.run(["-m", "ppcls_lt", *shlex.split(said)], cwd=folder)
    assert result.returncode == 0, result.stdout
    assert "[Train][Epoch 3/3][Avg]" in result.stdout and "[Epoch 1/3]" not in result.stdout


def test_two_processes_train_without_a_seed(folder):
    """The launcher with the command itself; the seed that the first process draws is every process's."""
    out = folder / "two"
    given = stock.flags(folder / "stock.yaml", folder / "data", out, workers=0)
    program = Path(sysconfig.get_path("scripts")) / "ppcls-lt"
    result = engines.launch(program, "train", "-c", "stock.yaml", *given, "--recipe", "cs_ce", cwd=folder)
    assert result.returncode == 0, result.stdout
    assert "[Eval][Epoch 2]" in result.stdout
    (info,) = out.rglob("run_info.json")
    assert isinstance(json.loads(info.read_text())["seed"], int)
    assert engines.saved(out)


def test_recipes_are_compared(folder):
    result = command(
        "compare", folder, "out", "--recipes", "cs_ce", "--epochs", "1", "--out", "compared", "--jobs", "2"
    )
    assert result.returncode == 0, result.stdout
    assert "cs_ce" in result.stdout and (folder / "compared" / "best.yaml").is_file()


@needs_checkout
def test_our_configuration_has_the_keys_of_the_stock_one():
    """Of develop; older checkouts have fewer."""

    def keys(value):
        if isinstance(value, dict):
            return {key: keys(inner) for key, inner in value.items()}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return [keys(inner) for inner in value]
        return type(value).__name__

    theirs = yaml.safe_load(stock.of_checkout(stock.MODEL).read_text())
    ours = yaml.safe_load(stock.CONFIGURATION)
    ours = {section: entries for section, entries in ours.items() if section in theirs or section != "AMP"}
    assert keys(ours) == keys(theirs)


MANY = """
import json, sys
from ppcls_lt.commands import main as cli
for path, flags in json.load(open(sys.argv[1])):
    print("trains:", path, cli.main(["train", "-c", path, *flags, "--recipe", "ldam_drw"]), flush=True)
"""


@needs_checkout
def test_configurations_of_the_checkout_train(folder):
    """A handful of architectures, in one process."""
    jobs = []
    for name, more in ARCHITECTURES.items():
        path = stock.of_checkout(name)
        out = folder / "architectures" / path.stem
        jobs.append((str(path), [*stock.flags(path, folder / "data", out, epochs=1, workers=0), *more]))
    (folder / "jobs.json").write_text(json.dumps(jobs))
    (folder / "many.py").write_text(MANY)
    result = engines.run(["many.py", "jobs.json"], cwd=folder, python_path=[stock.CHECKOUT])
    for path, _ in jobs:
        assert f"trains: {path} 0" in result.stdout, result.stdout
    for name in ARCHITECTURES:
        assert engines.saved(folder / "architectures" / Path(name).stem)


@needs_checkout
def test_two_processes_of_the_checkout_train_without_a_seed(folder):
    path, out = stock.of_checkout(stock.MODEL), folder / "checkout_two"
    given = stock.flags(path, folder / "data", out, workers=0)
    program = Path(sysconfig.get_path("scripts")) / "ppcls-lt"
    result = engines.launch(
        program, "train", "-c", path, *given, "--recipe", "cs_ce", cwd=folder, python_path=[stock.CHECKOUT]
    )
    assert result.returncode == 0, result.stdout
    assert "[Eval][Epoch 2]" in result.stdout and engines.saved(out)
