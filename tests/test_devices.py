"""A device that is not there, or DALI: one line with the remedy, before any data are read."""

import sysconfig
from pathlib import Path

import paddle
import pytest

from ppcls_lt import host
from ppcls_lt.commands import main as cli

from . import engines, stock

REMEDY = "`-o Global.device=cpu`"


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The stock-like configuration as it is: its data are nowhere, so whoever looks for them fails otherwise."""
    monkeypatch.chdir(tmp_path)
    return str(stock.write(tmp_path))


def message(arguments, capsys):
    """The first mistake that a command, which ended with status 2, has told: what it is to run on, before the data."""
    assert cli.main(arguments) == 2
    return next(line for line in capsys.readouterr().err.splitlines() if line.startswith("ppcls-lt: error: "))


@pytest.mark.skipif(paddle.is_compiled_with_cuda(), reason="this Paddle is built for GPUs")
@pytest.mark.parametrize("mode", ["train", "eval", "infer", "export", "compare"])
def test_a_stock_configuration_with_a_paddle_for_the_cpu(mode, config, capsys):
    line = message([mode, "-c", config], capsys)
    assert "Global: `device` must be one that can be used here, got gpu: this Paddle (" in line
    assert ") is not built for it" in line and REMEDY in line and "install a paddlepaddle-gpu build" in line


@pytest.mark.parametrize("device", ["xpu", "npu", "mlu"])
def test_other_devices(device, config, capsys):
    line = message(["train", "-c", config, "-o", f"Global.device={device}"], capsys)
    assert f"got {device}: this Paddle ({paddle.__version__})" in line and REMEDY in line


@pytest.mark.parametrize(
    "device, expected",
    [
        ("gpuu", "(did you mean 'gpu'?), got 'gpuu' (str)"),
        ("gpu:1", "without a number (set CUDA_VISIBLE_DEVICES=1 to choose the card)"),
        ("None", "got None (NoneType)"),
        ("[0]", "got [0] (list)"),
    ],
)
def test_unknown_devices(device, expected, config, capsys):
    line = message(["train", "-c", config, "-o", f"Global.device={device}"], capsys)
    assert "Global: `device` must be one of cpu, gpu, xpu, npu, mlu" in line and expected in line


def test_a_paddle_for_gpus_without_a_gpu(config, capsys, monkeypatch):
    """Such a build imports on any machine; here its two answers stand for it."""
    monkeypatch.setattr(paddle, "is_compiled_with_cuda", lambda: True)
    monkeypatch.setattr(paddle.device.cuda, "device_count", lambda: 0)
    line = message(["train", "-c", config], capsys)
    assert "got gpu: no GPU is to be seen" in line and REMEDY in line


def test_dali_that_is_not_installed(config, capsys):
    line = message(["train", "-c", config, "-o", "Global.device=cpu", "-o", "Global.use_dali=True"], capsys)
    assert "`use_dali` must be false" in line and "nvidia.dali is not installed" in line


def test_the_hosts_own_names(ppcls):
    assert {"cpu", "gpu", "xpu", "npu", "mlu"} <= set(host.devices())


@pytest.mark.slow
@pytest.mark.one_paddle
@pytest.mark.skipif(paddle.is_compiled_with_cuda(), reason="this Paddle is built for GPUs")
def test_several_processes(config, tmp_path):
    program = Path(sysconfig.get_path("scripts")) / "ppcls-lt"
    result = engines.launch(program, "train", "-c", config, cwd=tmp_path)
    assert result.returncode != 0
    logs = list((tmp_path / "launch_log").glob("workerlog.*"))
    assert len(logs) == 2
    for log in logs:
        assert REMEDY in log.read_text() and "Traceback" not in log.read_text()
