"""Small real trainings for the end-to-end tests: digits, a config, the host's Engine."""

import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import paddle
import yaml

from ppcls_lt.configuration import reading as config
from ppcls_lt.data import demo as demo_data
from ppcls_lt.engine import trainer

from . import forks
from .forks import PATIENCE
from .losses import REFERENCES

ROOT = Path(__file__).resolve().parent.parent
# What these trainings run on; scripts/check_gpu.py sets it for a machine with GPUs.
DEVICE = "PPCLS_LT_TEST_DEVICE"
PARAMS = {name: reference.trained for name, reference in REFERENCES.items()}


@functools.cache
def _digits():
    """The digits in a temporary folder, written once for this process and those that it forks."""
    home = tempfile.TemporaryDirectory()
    folder = Path(home.name) / "digits"
    demo_data.write_digits(folder, ratio=15)
    listing = folder / "train.txt"
    lines = listing.read_text().splitlines()
    listing.write_text("\n".join(lines[i * 101 % len(lines)] for i in range(len(lines))) + "\n")
    return home, folder


def write_digits(folder):
    """Copy the digits into a folder and return it. The training list is in a mixed order."""
    shutil.copytree(_digits()[1], folder, dirs_exist_ok=True)
    return folder


def digits_config(data, output, *, losses, arch=None, normalized=None, size=8, batch_size=32, epochs=2, **overrides):
    """The packaged digits config as the host reads it, changed for a test.

    ``losses`` is the list of ``Loss.Train``; ``overrides`` are ``Global`` keys.
    """
    from ppcls_lt import host

    host.load()
    result = host.load_config(config.find("digits/ce.yaml"), [])
    result.profiler_options = None
    result["Global"].update(output_dir=str(output), epochs=epochs, device=os.environ.get(DEVICE, "cpu"), **overrides)
    if arch is not None:
        result["Arch"] = type(result)(arch)
    if normalized is None:
        normalized = any("LDAMLoss" in entry for entry in losses)
    if normalized:
        result["Arch"]["classifier"] = "normalized"
    result["Loss"]["Train"] = losses
    for part in ("Train", "Eval"):
        loader = result["DataLoader"][part]
        dataset = loader["dataset"]
        dataset["image_root"] = str(data)
        dataset["cls_label_path"] = str(data / Path(dataset["cls_label_path"]).name)
        for entry in dataset["transform_ops"]:
            if "ResizeImage" in entry:
                entry["ResizeImage"]["size"] = size
        loader["sampler"]["batch_size"] = batch_size if part == "Train" else 256
    return result


def packaged(name, data, output, **overrides):
    """A packaged digits config as plain YAML data, with a test's paths; ``overrides`` are ``Global`` keys."""
    result = yaml.safe_load(config.find(f"digits/{name}.yaml").read_text())
    result["Global"].update(output_dir=str(output), **overrides)
    for part in ("Train", "Eval"):
        dataset = result["DataLoader"][part]["dataset"]
        dataset["image_root"] = str(data)
        dataset["cls_label_path"] = str(data / Path(dataset["cls_label_path"]).name)
        (resize,) = (entry["ResizeImage"] for entry in dataset["transform_ops"] if "ResizeImage" in entry)
        resize["size"] = 8
    return result


def listed(name, **params):
    """One entry of a loss list: the loss with its usual test parameters and ``params``."""
    return {name: {"weight": 1.0, **PARAMS[name], **params}}


def build_engine(settings, mode="train"):
    """Register and build the host's own Engine."""
    trainer.register()
    from ppcls.engine.engine import Engine

    with paddle.utils.unique_name.guard():
        return Engine(settings, mode=mode)


def saved(folder, prefix="latest"):
    """The one checkpoint of that name below a folder, without its ending; not what is kept of the one before."""
    (path,) = (path for path in Path(folder).rglob(f"{prefix}.pdparams") if f".{prefix}." not in str(path.parent))
    return path.with_suffix("")


def write_yaml(settings, path):
    """Write settings as a YAML file."""
    path.write_text(yaml.safe_dump(json.loads(json.dumps(settings))))


def _environment(python_path, environment):
    paths = [*map(str, python_path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(environment or {})}


def run(arguments, *, cwd, python_path=(), environment=None):
    """Run a Python command line in a process of its own; return the finished process, with its output as text.

    Whatever it leaves running ends with it: a loader's workers outlive a process
    that was killed. They also keep a pipe open, so the output goes to a file.
    """
    arguments, environment = [*map(str, arguments)], _environment(python_path, environment)
    if forks.suits(arguments, environment):
        done = forks.run(forks.WITH_PADDLE, arguments, cwd=cwd, environment=environment, timeout=PATIENCE, joined=True)
        done.stdout = done.stdout.decode(errors="replace")
        return done
    command = [sys.executable, *arguments]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.wait(timeout=PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return subprocess.CompletedProcess(command, process.returncode, stdout=text)


def launch(script, *arguments, cwd, processes=2, python_path=(), environment=None):
    """Run a script in several CPU processes with Paddle's launcher; return the finished process.

    Its output is followed by every process's log.
    """
    logs = Path(cwd) / "launch_log"
    result = run(
        ["-m", "paddle.distributed.launch", "--nproc_per_node", processes, "--log_dir", logs, script, *arguments],
        cwd=cwd,
        python_path=python_path,
        environment=environment,
    )
    result.stdout += "".join(path.read_text() for path in sorted(logs.glob("workerlog.*")))
    return result


def together(script, *arguments, cwd, processes=2, python_path=(), environment=None):
    """As :func:`launch`, without the launcher: forked, with the variables that it gives to each process.

    As with it, all end when one fails, and its status is that of the whole. It saves four imports of Paddle.
    """
    environment = _environment(python_path, environment)
    arguments = [str(script), *map(str, arguments)]
    if not forks.suits(arguments, environment):
        return launch(
            script, *arguments[1:], cwd=cwd, processes=processes, python_path=python_path, environment=environment
        )
    logs = Path(cwd) / "launch_log"
    logs.mkdir(exist_ok=True)
    master, *ends = (f"127.0.0.1:{port}" for port in free_ports(processes + 1))
    starts = []
    for rank in range(processes):
        of_launcher = {
            "PADDLE_MASTER": master,
            "PADDLE_TRAINER_ENDPOINTS": ",".join(ends),
            "PADDLE_CURRENT_ENDPOINT": ends[rank],
            "PADDLE_DISTRI_BACKEND": "gloo",
            "PADDLE_NNODES": "1",
            **dict.fromkeys(("PADDLE_TRAINERS_NUM", "PADDLE_GLOBAL_SIZE", "PADDLE_LOCAL_SIZE"), str(processes)),
            **dict.fromkeys(("PADDLE_TRAINER_ID", "PADDLE_GLOBAL_RANK", "PADDLE_LOCAL_RANK"), str(rank)),
            "PADDLE_RANK_IN_NODE": str(rank),
        }
        log = {"stdout": str(logs / f"workerlog.{rank}"), "stderr": None}
        starts.append({"arguments": arguments, "cwd": str(cwd), "environment": {**environment, **of_launcher}, **log})
    started = forks.Started(forks.WITH_PADDLE, starts)
    in_time = started.wait(PATIENCE, until=lambda statuses: None not in statuses or any(statuses))
    failed = next(filter(None, started.statuses), 0)
    if failed:  # as the launcher ends them
        started.kill(signal.SIGTERM)
        started.wait(30)
    started.end()
    text = "".join(path.read_text(errors="replace") for path in sorted(logs.glob("workerlog.*")))
    assert in_time, text
    return subprocess.CompletedProcess(arguments, failed, stdout=text)


def free_ports(number):
    """So many ports of this machine that nothing listens to."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def dump(path, **arrays):
    """Write arrays as JSON lists."""
    Path(path).write_text(json.dumps({key: value.tolist() for key, value in arrays.items()}))


def base_writer(data, folder):
    """Return a function that writes the base of a comparison into a folder, with changes, and returns its path."""

    def write(change=lambda config: None):
        config = packaged("ce", data, folder / "out", epochs=30)
        change(config)
        write_yaml(config, folder / "base.yaml")
        return folder / "base.yaml"

    return write
