"""What it takes to start: the import, the light commands, and a training beside PaddleClas's own."""

import os
import re
import subprocess
import sys
import tempfile
import time
from functools import partial
from inspect import signature
from pathlib import Path

from ppcls_lt.data import charts

from . import timing

_ROOT = Path(__file__).resolve().parents[2]
_FIRST_STEP = "[Train][Epoch 1/1][Iter: 0/"
_GOALS = {"import": 0.05, "training": 0.5}
# What PaddleClas's tools/train.py does, for the wheel, which ships none and has its `ppcls` in its own folder. The
# repair is the one without which its first step fails on Paddle 3: the loss must have an axis.
_STOCK = """
import importlib.util
import sys
import zlib  # before Paddle: 2.6.2 crashes where it is first used later
from pathlib import Path

sys.path.append(str(Path(importlib.util.find_spec("paddleclas").origin).parent))
from ppcls.engine.engine import Engine
from ppcls.loss import CombinedLoss
from ppcls.utils import config

call = CombinedLoss.__call__
CombinedLoss.__call__ = lambda self, *args: {key: value.reshape([1]) for key, value in call(self, *args).items()}
args = config.parse_args()
settings = config.get_config(args.config, overrides=args.override, show=False)
settings.profiler_options = args.profiler_options
Engine(settings, mode="train").train()
"""
# The packaged configuration with an architecture of PaddleClas's own, one batch, and a line for its step.
_CHANGES = (
    "Arch.name=MobileNetV3_small_x0_35",
    "Global.epochs=1",
    "Global.print_batch_step=1",
    "DataLoader.Train.dataset.cls_label_path=./data/digits/one_batch.txt",
)
_OURS = ("-m", "ppcls_lt")


def run(quick):
    """Run every command in turns, each in a process of its own."""
    from ppcls_lt.configuration import reading as config
    from ppcls_lt.data import demo as demo_data

    results = {"versions": _versions(), "seconds": {}, "loaded": {}}
    light, trainings = (2, 1) if quick else (31, 21)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        demo_data.write_digits(folder / "data" / "digits", ratio=15)
        lines = (folder / "data/digits/train.txt").read_text().splitlines(keepends=True)
        (folder / "data/digits/one_batch.txt").write_text("".join(lines[:32]))
        (folder / "train.py").write_text(_STOCK)

        commands = {
            "nothing": ["-c", "pass"],
            "NumPy": ["-c", "import numpy"],
            "import ppcls_lt": ["-c", "import ppcls_lt"],
            "ppcls-lt --help": [*_OURS, "--help"],
            "ppcls-lt counts": [*_OURS, "counts", "data/digits/train.txt"],
            "ppcls-lt make-lt": [
                *(*_OURS, "make-lt", "data/digits/test.txt"),
                *("--ratio", "10", "--force", "--out", "made.txt"),
            ],
        }
        subjects = {name: partial(_run, folder, command) for name, command in commands.items()}
        results["seconds"].update(timing.in_turns(subjects, light, warm_up=1))
        for name, command in commands.items():
            results["loaded"][name] = _heavy(folder, command)

        flags = [part for change in _CHANGES for part in ("-o", change)]
        packaged = str(config.find("digits/ce.yaml"))
        starts = {
            "stock": ["train.py", "-c", packaged, *flags, "-o", "Global.output_dir=stock"],
            "ours": [*_OURS, "train", "-c", packaged, *flags, "-o", "Global.output_dir=ours"],
        }
        first = {name: [] for name in starts}
        subjects = {name: partial(_train, folder, command, first[name]) for name, command in starts.items()}
        whole = timing.in_turns(subjects, trainings, warm_up=0 if quick else 2)
        for name in starts:
            results["seconds"][f"{name}, whole"] = whole[name]
            results["seconds"][f"{name}, first step"] = first[name][-trainings:]
    return results


def page(results):
    """The tables, and whether the goals are met."""
    seconds = results["seconds"]
    rows = []
    for name, loaded in results["loaded"].items():
        more = "" if name == "nothing" else _milliseconds(timing.difference(seconds[name], seconds["nothing"]))
        said = "`python -c pass`" if name == "nothing" else name if name == "NumPy" else f"`{name}`"
        rows.append(
            f"| {said} | {timing.median(seconds[name]) * 1000:.0f} ms | {more} | {', '.join(loaded) or 'none'} |"
        )
    imported = timing.difference(seconds["import ppcls_lt"], seconds["nothing"])
    light = [name for name in results["loaded"] if "ppcls" in name]
    no_paddle = not any({"paddle", "ppcls"} & set(results["loaded"][name]) for name in light)
    nothing = not results["loaded"]["import ppcls_lt"]
    starts, differences = [], {}
    for until, told in (("first step", "to the line of the first step"), ("whole", "whole process")):
        stock, ours = seconds[f"stock, {until}"], seconds[f"ours, {until}"]
        differences[until] = timing.difference(ours, stock)
        starts.append(
            f"| {told} | {timing.median(stock):.2f} s | {timing.median(ours):.2f} s | "
            f"{_milliseconds(differences[until])} | {timing.shown(timing.ratio(ours, stock))} |"
        )
    return "\n".join(
        [
            "Processes of their own, in turns; *more* is the difference from `python -c pass`, round by round:",
            "",
            "| | whole process | more | of Paddle, PaddleClas and NumPy it loads |",
            "| --- | ---: | ---: | --- |",
            *rows,
            "",
            f"- Goal: `import ppcls_lt` under {_GOALS['import'] * 1000:.0f} ms and without Paddle and NumPy: "
            f"**{_met(nothing and imported['median'] < _GOALS['import'])}**, {_milliseconds(imported)}.",
            f"- Goal: `--help`, `counts` and `make-lt` without Paddle: **{_met(no_paddle)}**.",
            "",
            "A training of one batch, the packaged `digits/ce.yaml` with `MobileNetV3_small_x0_35`: by `ppcls-lt "
            "train`, and by a script that does what PaddleClas's `tools/train.py` does, since the wheel ships none. "
            "PaddleClas 2.4.2 fails in its first step on Paddle 3, so the script gives its losses an axis; `ppcls-lt` "
            "does so too, among its repairs:",
            "",
            "| | PaddleClas's script | `ppcls-lt train` | more | ratio |",
            "| --- | ---: | ---: | ---: | ---: |",
            *starts,
            "",
            f"- Goal: at most {_GOALS['training']} s more: "
            f"**{_met(all(figure['median'] <= _GOALS['training'] for figure in differences.values()))}**.",
            "",
            "![Time to start](performance/start.png)",
            "",
            f"Measured on {timing.line(results)} {results['versions']}; files in the system's page cache.",
        ]
    )


def plots(results):
    """Every round's time, so that the spread can be seen beside the difference."""
    figure = charts.new_figure(3.2, 9)
    light, heavy = figure.subplots(1, 2)
    names = [name for name in results["loaded"] if name in results["seconds"]]
    _boxes(light, {name: results["seconds"][name] for name in names})
    light.set(xlabel="seconds", xlim=(0, None), title="light commands")
    names = ["stock, first step", "ours, first step", "stock, whole", "ours, whole"]
    _boxes(heavy, {name: results["seconds"][name] for name in names})
    heavy.set(xlabel="seconds", xlim=(0, None), title="a training of one batch")
    return {"start": charts.png(figure)}


def _boxes(axes, seconds):
    """Lying boxes; Matplotlib before 3.10, all that Python 3.9 has, calls that otherwise."""
    lying = {"orientation": "horizontal"} if "orientation" in signature(axes.boxplot).parameters else {"vert": False}
    axes.boxplot(list(seconds.values()), **lying)
    axes.set_yticks(range(1, len(seconds) + 1), list(seconds))


def _environment():
    path = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONIOENCODING": "utf-8"}


def _run(folder, command):
    options = {"cwd": folder, "env": _environment(), "check": True, "capture_output": True}
    return subprocess.run([sys.executable, *command], **options)


def _train(folder, command, first):
    """Run a training to its end; note the seconds until the line of its first step."""
    start, seen, said = time.perf_counter(), None, []
    process = subprocess.Popen(
        [sys.executable, "-u", *command],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        for line in process.stdout:
            said.append(line)
            if seen is None and _FIRST_STEP in line:
                seen = time.perf_counter() - start
    if process.returncode != 0 or seen is None:
        raise RuntimeError(f"{command} failed:\n{''.join(said[-30:])}")
    first.append(seen)


def _heavy(folder, command):
    """Which of the heavy packages a command imports, as Python's own list of imports tells."""
    listed = _run(folder, ["-X", "importtime", *command]).stderr.decode()
    modules = {match.split(".")[0] for match in re.findall(r"^import time:.*\|\s+(\S+)$", listed, re.MULTILINE)}
    return [name for name in ("paddle", "ppcls", "numpy") if name in modules]


def _versions():
    from importlib import metadata

    return f"Paddle {metadata.version('paddlepaddle')}, PaddleClas {metadata.version('paddleclas')}"


def _milliseconds(figure):
    return f"{figure['median'] * 1000:.0f} ms ({figure['low'] * 1000:.0f} to {figure['high'] * 1000:.0f})"


def _met(goal):
    return "met" if goal else "missed"
