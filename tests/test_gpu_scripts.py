"""The scripts about GPUs: the table of kernels holds without the GPU build, gaps are told, and what a GPU must show."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import paddle
import pytest

from ppcls_lt.basis.registry import registered

from . import forks
from .forks import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "docs" / "gpu.md", ROOT / "docs" / "zh" / "gpu.md")
ROW = re.compile(
    r"^\| `(\w+)` \| `(\w+)` \| (yes|no|-) \| (yes|no|-) \| (yes|no|-) \| ([\w, ]+) \| (.+) \|$", re.MULTILINE
)
KERNELS = {"add": ["float16", "float32"], "mv": ["float32"], "relu": ["float16", "float32"], "relu_grad": ["float32"]}
SCALER = dict.fromkeys(("check_finite_and_unscale", "update_loss_scaling"), ["float16", "float32"])


@pytest.fixture(scope="module")
def gpu():
    """A module of ``scripts/gpu`` by name, found as the scripts find theirs."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        yield lambda name: importlib.import_module(f"gpu.{name}")
    finally:
        sys.path.remove(str(ROOT / "scripts"))


def test_the_table_is_what_the_kept_registry_gives(gpu):
    kept = gpu("registry").kept()
    rows = [ROW.findall(page.read_text("utf-8")) for page in PAGES]
    assert rows[0] == rows[1] and len(rows[0]) > 100
    for operation, kernel, *floats, needed, _ in rows[0]:
        assert kernel == gpu("registry").kernel(operation)
        has = kept["kernels"][kernel]
        assert set(needed.split(", ")) <= set(has), operation
        assert [each == "yes" for each in floats] == [each in has for each in ("float32", "float16", "bfloat16")]
    gradients = [operation for operation, *_ in rows[0] if operation.endswith("_grad")]
    assert {"conv2d_grad", "matmul_grad", "cross_entropy_with_softmax_grad"} <= set(gradients)
    said = re.search(r"(\d+) operations in \d+ trainings, (\d+) of them gradients", PAGES[0].read_text("utf-8"))
    # Two rows are those of the scaled loss, which no CPU runs.
    assert list(map(int, said.groups())) == [len(rows[0]) - 2, len(gradients)]


def test_gaps_are_told(gpu):
    table, Operation = gpu("table"), gpu("profiled").Operation
    loss = registered("loss")["LDAMLoss"].__name__

    def gaps(*operations):
        found = table.Table({**KERNELS, **SCALER})
        found.add("planted", [Operation(*operation) for operation in operations])
        return found.gaps()

    assert gaps() == []
    assert gaps(("add", "add", "float32", ()), ("add_", "add", "float32", ())) == []
    assert gaps(("add", "add", "float64", ())) == ["add: no GPU kernel in float64 (planted)"]
    assert gaps(("nothing", "nothing", "float32", ())) == ["nothing: the GPU build has no kernel nothing (planted)"]
    assert gaps(("add", "add_raw", "float32", ())) == ["add: its kernel is add_raw, not add"]
    # float16 is needed outside of a loss, and by the gradient of what ran outside.
    assert gaps(("mv", "mv", "float32", ("Net",))) == ["mv: no GPU kernel in float16 (planted)"]
    assert gaps(("mv", "mv", "float32", (loss,))) == []
    assert gaps(("mv", "mv", "float32", ("Net", "NormalizedLinear")), ("mv", "mv", "float32", ())) == []
    gradient = ("relu_grad", "relu_grad", "float32", ())
    assert gaps(("relu", "relu", "float32", (loss,)), gradient) == []
    assert gaps(("relu", "relu", "float32", ("Net",)), gradient) == ["relu_grad: no GPU kernel in float16 (planted)"]


@pytest.mark.slow
@pytest.mark.one_paddle
def test_a_component_that_no_training_has_is_told(gpu, tmp_path):
    trainings = gpu("trainings")
    settings = {training.name: training.settings() for training in trainings.all_of(tmp_path)}
    assert trainings.not_tried(list(settings.values())) == []
    few = [settings[name] for name in ("LDAMLoss", "recipe ema")]
    missing = trainings.not_tried(few)
    assert {"L2NormPGD", "ECE", "FocalLoss"} <= set(missing) and not {"LDAMLoss", "EMA"} & set(missing)


@pytest.mark.skipif(not paddle.is_compiled_with_cuda(), reason="needs a GPU build of Paddle")
def test_the_registry_is_that_of_the_gpu_build(gpu):
    kept = gpu("registry").kept()
    if kept["paddlepaddle-gpu"] != paddle.__version__:
        pytest.skip(f"the registry is that of Paddle {kept['paddlepaddle-gpu']}")
    assert kept["kernels"] == gpu("registry").of_this_paddle()


def kernels(*arguments):
    """Run ``gpu_kernels.py`` in a process of its own: Paddle reads what it logs when it is loaded."""
    command = [sys.executable, str(ROOT / "scripts" / "gpu_kernels.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_trainings_run_the_operations_of_the_table(gpu):
    if paddle.is_compiled_with_cuda():
        pytest.skip("the profiler of a GPU build does not start without a GPU")
    done = kernels("LDAMLoss, soft", "MaxNormPGD, L3")
    if paddle.__version__ != gpu("registry").kept()["paddlepaddle-gpu"]:
        assert done.returncode == 2 and "the registry is that of Paddle" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    found = ROW.findall(done.stdout)
    known = {operation: (kernel, needed) for operation, kernel, _, _, _, needed, _ in ROW.findall(PAGES[0].read_text())}
    assert len(found) > 60
    for operation, kernel, _, _, _, needed, _ in found:
        assert known[operation][0] == kernel
        assert set(needed.split(", ")) <= set(known[operation][1].split(", "))


def check(*arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    script = str(ROOT / "scripts" / "check_gpu.py")
    done = forks.run(
        forks.WITH_PADDLE, [script, *arguments], cwd=str(cwd), environment=environment, timeout=PATIENCE, joined=True
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.slow
@pytest.mark.one_paddle
@pytest.mark.skipif(paddle.device.cuda.device_count() > 0, reason="this machine has a GPU")
def test_without_a_gpu_the_rest_is_held_and_told_as_not_run(tmp_path):
    parts = ("precision", "waits", "costs", "resume")
    status, output = check(*parts, "--recipes", "ldam_drw", cwd=tmp_path)
    last = output.strip().splitlines()[-1]
    assert status == 3 and last.startswith("what ran held; 4 need GPUs and were not run (status 3)"), output
    page = (tmp_path / "gpu_check.md").read_text()
    assert paddle.__version__ in page and "none: this machine has no GPU" in page
    for row in (
        "| O1 and O2 against float32 | not run | ",
        "| `ldam_drw`: reads of tensors | held | ",
        "| CUDA's synchronising calls, traced | not run | ",
        "| `ldam_drw` | measured | ",
        "| SAM, resumed after the first of two epochs | held | ",
        "| a resume on a GPU | not run | ",
    ):
        assert row in page
    assert "did not hold" not in page


def test_what_does_not_hold_is_status_1(gpu, tmp_path, monkeypatch, capsys):
    checks, references = gpu("checks"), gpu("checks").test_reference_values
    monkeypatch.chdir(tmp_path)
    for name in ("PYTHONPATH", "FLAGS_cudnn_deterministic"):  # which it sets
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(references, "FIRST", references.FIRST[:1])
    monkeypatch.setattr(references, "SECOND", [])
    wrong = json.loads(json.dumps(references.FIRST[0]))
    wrong["value"] *= 1.01
    monkeypatch.setattr(references, "FIRST", [wrong])
    assert importlib.import_module("check_gpu").main(["values", "--output", "page.md"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 1 did not hold; see page.md"
    assert checks.FAILED in Path("page.md").read_text()


@pytest.mark.parametrize("arguments", [["valuess"], ["--recipes", "lada"]])
def test_mistakes(arguments, tmp_path):
    status, output = check(*arguments, cwd=tmp_path)
    assert status == 2 and arguments[-1] in output
