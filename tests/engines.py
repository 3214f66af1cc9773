"""Small real trainings for the end-to-end tests: digits, a config, the host's Engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import paddle
import yaml

from ppcls_lt import config, demo_data, trainer

ROOT = Path(__file__).resolve().parent.parent
PARAMS = {
    "CostSensitiveCE": {"num_class_list": "auto", "gamma": 1.0},
    "LDAMLoss": {"num_class_list": "auto", "max_m": 0.5, "s": 30.0, "class_weight": "effective_number"},
    "FocalLoss": {"gamma": 2.0, "scale": 1.0},
    "IBLoss": {"num_class_list": "auto", "alpha": 1000.0, "epsilon": 0.001},
    "IBFocalLoss": {"num_class_list": "auto", "alpha": 1000.0, "epsilon": 0.001, "gamma": 1.0},
}


def write_digits(folder):
    """Write the digits once; return the folder. The training list is put in a mixed order."""
    demo_data.write_digits(folder, ratio=15)
    listing = folder / "train.txt"
    lines = listing.read_text().splitlines()
    listing.write_text("\n".join(lines[i * 101 % len(lines)] for i in range(len(lines))) + "\n")
    return folder


def digits_config(data, output, *, losses, arch=None, normalized=None, size=16, batch_size=32, epochs=2, **overrides):
    """The packaged digits config as the host reads it, changed for a test.

    ``losses`` is the list of ``Loss.Train``; ``overrides`` are ``Global`` keys.
    """
    from ppcls_lt import host

    host.load()
    result = host.load_config(config.find("digits/ce.yaml"), [])
    result.profiler_options = None
    result["Global"].update(output_dir=str(output), epochs=epochs, device="cpu", **overrides)
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


def listed(name, **params):
    """One entry of a loss list: the loss with its usual test parameters and ``params``."""
    return {name: {"weight": 1.0, **PARAMS[name], **params}}


def build_engine(settings, mode="train"):
    """Register and build the host's own Engine."""
    trainer.register()
    from ppcls.engine.engine import Engine

    with paddle.utils.unique_name.guard():
        return Engine(settings, mode=mode)


def write_yaml(settings, path):
    """Write settings as a YAML file."""
    path.write_text(yaml.safe_dump(json.loads(json.dumps(settings))))


def run(arguments, *, cwd, python_path=(), environment=None, **kwargs):
    """Run a Python command line in a subprocess; return the finished process, with its output as text."""
    paths = [*map(str, python_path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        **kwargs,
    )


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


def dump(path, **arrays):
    """Write arrays as JSON lists."""
    Path(path).write_text(json.dumps({key: value.tolist() for key, value in arrays.items()}))
