"""The page of ``scripts/check_gpu.py``: where it ran, and a table of findings for each part."""

from __future__ import annotations

import datetime
import platform
from collections import Counter

import numpy
import paddle

import ppcls_lt
from ppcls_lt import host

from .checks import NO_GPU, Finding, Machine

TITLES = {
    "values": "Values and gradients of the authors' code",
    "precision": "Mixed precision against float32",
    "devices": "Against the CPU, and two processes against one",
    "waits": "Nothing waits for the device in a step",
    "costs": "Time of a step and memory",
    "resume": "Resuming",
}


def markdown(machine: Machine, found: dict[str, list[Finding]], chosen: str) -> str:
    """The page."""
    states = Counter(finding.state for findings in found.values() for finding in findings)
    blocks = [
        "# What held on this machine",
        f"{', '.join(f'{number} {state}' for state, number in states.items())}. {chosen}",
        "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in _facts(machine))]),
    ]
    for part, findings in found.items():
        rows = [f"| {each.what} | {each.state} | {_cell(each.figures)} |" for each in findings]
        table = ["| Trial | | Figures |", "| --- | --- | --- |", *rows]
        blocks += [f"## {TITLES[part]}", "\n".join(table)]
    return "\n\n".join(blocks) + "\n"


def _cell(text):
    return " ".join(text.split()).replace("|", "\\|")


def _facts(machine):
    yield "date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    build = f"for CUDA {paddle.version.cuda()}" if paddle.is_compiled_with_cuda() else "for the CPU"
    yield "Paddle", f"{paddle.__version__}, {build}"
    yield "PaddleClas", f"{host.version()}"
    yield "ppcls-lt", ppcls_lt.__version__
    yield "Python, NumPy", f"{platform.python_version()}, {numpy.__version__}"
    yield "system", f"{platform.system()} {platform.machine()}"
    names = [paddle.device.cuda.get_device_name(number) for number in range(machine.gpus)]
    yield "GPUs", ", ".join(names) if names else f"none: {NO_GPU}"
