"""What a machine with a GPU must show, each a function that gives findings; what needs a GPU is told as not run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import paddle
import pytest
from paddle import profiler

from ppcls_lt import callbacks
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.testing.callbacks import check_resumes
from tests import engines, joined_batch, test_parallel, test_reference_values, test_synchronisation

from . import trainings

HELD, FAILED, NOT_RUN, MEASURED = "held", "**did not hold**", "not run", "measured"
NO_GPU = "this machine has no GPU that this Paddle can use"
# How far the loss of the first step may lie from float32's, relative to it: float16 has eleven bits.
_PRECISION = {"O1": 0.02, "O2": 0.02}
_AMP = {"scale_loss": 128.0, "use_dynamic_loss_scaling": True}
# Between a GPU and the CPU, sums go in another order.
_DEVICES = 1e-3
_WAITS = re.compile(r"cuda(Stream|Device|Event)Synchronize|cudaMemcpy$|cu(Stream|Ctx)Synchronize")


class Finding(NamedTuple):
    """What one trial showed: a state (:data:`HELD` and the others), what was tried, figures or a reason."""

    state: str
    what: str
    figures: str


class Machine(NamedTuple):
    """Where the checks run: ``device`` is ``gpu`` or ``cpu``, ``gpus`` how many there are."""

    device: str
    gpus: int


def machine() -> Machine:
    """This one."""
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    return Machine("gpu" if gpus else "cpu", gpus)


def values(machine: Machine, folder: Path, recipes: list[str]) -> Iterator[Finding]:
    """Values and gradients of the authors' code, in float32 and float64, on the device."""
    paddle.set_device(machine.device)
    worst: dict[str, float] = {}
    wrong = []
    entries = [*test_reference_values.FIRST, *test_reference_values.SECOND]
    for entry in entries:
        for dtype in ("float64", "float32"):
            loose = test_reference_values.FLOAT32_TOLERANCE.get(entry["loss"], 1e-4)
            tolerance = 1e-6 if dtype == "float64" else loose
            found = max(test_reference_values.errors(entry, dtype).values())
            worst[dtype] = max(worst.get(dtype, 0.0), found)
            if not found < tolerance:
                wrong.append(f"{test_reference_values.name_of(entry)} in {dtype}: {found:.1e}")
    listed = ", ".join(f"{dtype} {error:.1e}" for dtype, error in worst.items())
    what = f"values and gradients of {len(entries)} entries of the authors' code"
    yield Finding(FAILED if wrong else HELD, what, "; ".join(wrong) or f"largest relative error: {listed}")


def precision(machine: Machine, folder: Path, recipes: list[str]) -> Iterator[Finding]:
    """Each recipe at O1 and O2 beside float32: the loss of the first step, and that all stay finite."""
    if machine.device == "cpu":
        yield Finding(NOT_RUN, "O1 and O2 against float32", f"{NO_GPU}; on a CPU mixed precision changes nothing")
        return
    for name in recipes:
        wanted = _losses(machine, folder, name)
        for level, allowed in _PRECISION.items():
            try:
                found = _losses(machine, folder, name, AMP={**_AMP, "level": level})
            except ConfigError as error:  # as what keeps float32 weights of its own does at O2
                yield Finding(NOT_RUN, f"`{name}` at {level}", f"refused: {error}".splitlines()[0])
                continue
            apart = abs(found[0] - wanted[0]) / max(abs(wanted[0]), 1e-6)
            good = apart <= allowed and np.isfinite(found).all()
            yield Finding(HELD if good else FAILED, f"`{name}` at {level}", f"first loss {apart:.1e} from float32's")


def devices(machine: Machine, folder: Path, recipes: list[str]) -> Iterator[Finding]:
    """A GPU beside the CPU: every recipe's losses; and two processes, each on a device of its own, beside one."""
    if machine.device == "cpu":
        yield Finding(NOT_RUN, "a GPU against the CPU", NO_GPU)
    for name in recipes if machine.device == "gpu" else []:
        found, wanted = (np.array(_losses(each, folder, name)[:2]) for each in (machine, Machine("cpu", 0)))
        apart = float(np.abs(found - wanted).max() / np.abs(wanted).max())
        yield Finding(
            HELD if apart <= _DEVICES else FAILED, f"`{name}`, a GPU against the CPU", f"losses {apart:.1e} apart"
        )
    if machine.gpus < 2:
        reason = NO_GPU if machine.gpus == 0 else "this machine has one GPU"
        yield Finding(NOT_RUN, "one GPU against two", reason)
    if machine.gpus != 1:
        yield _two_processes(machine, folder)


def _two_processes(machine, folder):
    """What tests/test_parallel.py holds: gradients of every loss, uneven batches, ten steps."""
    folder = folder / "processes"
    folder.mkdir()
    data = engines.write_digits(folder / "digits")
    what = f"one process against two ({'NCCL, a GPU each' if machine.gpus else 'gloo, on the CPU'})"
    chosen = ["--devices", "0,1"] if machine.gpus else ["--nproc_per_node", "2"]
    for name, launcher in (("one", []), ("two", ["-m", "paddle.distributed.launch", *chosen, "--log_dir", "logs"])):
        (folder / name).mkdir()
        command = [sys.executable, *launcher, joined_batch.__file__, str(data), str(folder / name)]
        environment = {**os.environ, engines.DEVICE: machine.device}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            return Finding(FAILED, what, f"{name} ended with status {done.returncode}: {done.stderr[-300:]!r}")
    of_engine = test_parallel.test_the_engines_averaged_gradient_is_that_of_the_joined_batch
    trials = [
        *((of_engine, [name]) for name in joined_batch.ENGINE),
        *((test_parallel.test_uneven_batches_share_one_divisor, [name]) for name in joined_batch.UNEVEN),
        (test_parallel.test_ten_steps_of_two_processes_are_those_of_one_with_the_joined_batch, []),
    ]
    wrong = []
    for trial, case in trials:
        try:
            trial(*case, folder)
        except AssertionError as error:
            wrong.append(f"{trial.__name__} {case}: {str(error).strip().splitlines()[0]}")
    figures = "; ".join(wrong) or f"{len(trials)} trials of tests/test_parallel.py"
    return Finding(FAILED if wrong else HELD, what, figures)


def waits(machine: Machine, folder: Path, recipes: list[str]) -> Iterator[Finding]:
    """No step of a recipe waits: no read of a tensor by this package, no waiting call of CUDA's that stock lacks."""
    for name in recipes:
        with pytest.MonkeyPatch.context() as patches:
            trap = test_synchronisation.Trap(patches)
            patches.setattr(test_synchronisation.Run, "_follow", trap.around(test_synchronisation.Run._follow))
            _losses(machine, folder, name)
        figures = "; ".join(trap.ours) or f"{trap.elsewhere} reads, all of them PaddleClas's"
        yield Finding(FAILED if trap.ours or not trap.elsewhere else HELD, f"`{name}`: reads of tensors", figures)
    if machine.device == "cpu":
        yield Finding(NOT_RUN, "CUDA's synchronising calls, traced", NO_GPU)
        return
    stock = _cuda_waits(machine, folder, "ce")
    for name in recipes:
        found = _cuda_waits(machine, folder, name)
        more = found - stock
        yield Finding(
            HELD if more <= 0 else FAILED, f"`{name}`: CUDA's waiting calls a step", f"{found:g}, `ce` {stock:g}"
        )


def _cuda_waits(machine, folder, name):
    """CUDA's synchronising calls a step, in the second epoch of a recipe."""
    counted, steps = [], []

    def traced(epoch, train, images):
        if epoch != 2:
            return train()
        targets = [profiler.ProfilerTarget.CPU, profiler.ProfilerTarget.GPU]
        profile = profiler.Profiler(targets=targets, on_trace_ready=lambda _: None)
        profile.start()
        try:
            train()
        finally:
            profile.stop()
        nodes = list(profile.profiler_result.get_data().values())
        while nodes:
            node = nodes.pop()
            nodes += node.children_node
            counted.extend(call.name for call in node.runtime_node if _WAITS.search(call.name))
        steps.append(images)
        return None

    _train(machine, folder, name, around=traced)
    return len(counted) / sum(steps)


def costs(machine: Machine, folder: Path, recipes: list[str]) -> Iterator[Finding]:
    """Time of a step and memory of every recipe, as multiples of those of the host's ``CELoss`` beside it."""
    _cost(machine, folder, "ce")  # which loads kernels
    for name in ["ce", *(each for each in recipes if each != "ce"), *trainings.CALLBACKS]:
        base = _cost(machine, folder, "ce")  # each time: the machine may have other work meanwhile
        seconds, memory = _cost(machine, folder, name)
        figures = f"{1000 * seconds:.1f} ms a step, {seconds / base[0]:.2f} times `CELoss`"
        if memory:
            figures += f"; {memory / 2**20:.1f} MiB, {memory / base[1]:.2f} times"
        yield Finding(MEASURED, f"`{name}`", figures)
    if machine.device == "cpu":
        yield Finding(NOT_RUN, "time of a step and memory on a GPU", NO_GPU)


def _cost(machine, folder, name):
    """The median seconds of a step, and the most bytes in use, 0 where Paddle cannot tell of this one alone."""
    took = []

    def timed(epoch, train, steps):
        _wait(machine)
        start = time.perf_counter()
        train()
        _wait(machine)
        took.append((time.perf_counter() - start) / steps)

    # Paddle 2.6 knows the highest mark of the whole process only.
    again = getattr(paddle.device.cuda, "reset_max_memory_allocated", None) if machine.device == "gpu" else None
    if again is not None:
        again()
    _train(machine, folder, name, around=timed, epochs=4, batch_size=8)
    return float(np.median(took[1:])), 0 if again is None else paddle.device.cuda.max_memory_allocated()


def _wait(machine):
    if machine.device == "gpu":
        paddle.device.synchronize()


def resume(machine: Machine, folder: Path, recipes: list[str]) -> Iterator[Finding]:
    """A run that goes on after its first epoch ends with the weights of the uninterrupted one, to the bit."""
    for callback, params in (
        (callbacks.EMA, {}),
        (callbacks.SAM, {"rho": 0.05}),
        (callbacks.MaxNormPGD, {"every": "step"}),
    ):
        what = f"{callback.__name__}, resumed after the first of two epochs"
        with tempfile.TemporaryDirectory(dir=folder) as own:
            try:
                check_resumes(callback, own, config={"Global": {"device": machine.device}}, **params)
            except AssertionError as error:
                yield Finding(FAILED, what, str(error))
            else:
                yield Finding(HELD, what, "equal weights and state")
    if machine.device == "cpu":
        yield Finding(NOT_RUN, "a resume on a GPU", NO_GPU)


PARTS: dict[str, Any] = {
    "values": values,
    "precision": precision,
    "devices": devices,
    "waits": waits,
    "costs": costs,
    "resume": resume,
}


def _losses(machine, folder, name, **sections):
    """The training loss of each epoch of a recipe, one step each."""
    seen: list[float] = []
    engine = _train(machine, folder, name, seen=seen, **sections)
    del engine
    return seen


def _train(machine, folder, name, around=None, seen=None, epochs=3, batch_size=64, **sections):
    """Train a recipe or a callback of ``trainings.CALLBACKS`` on the device, over what the training before has left."""
    settings = trainings.of_recipe(folder, name)
    epochs = max(epochs, settings["Global"]["epochs"])  # some need more
    settings["Global"].update(device=machine.device, overwrite=True, epochs=epochs, eval_during_train=False)
    settings["DataLoader"]["Train"]["sampler"]["batch_size"] = batch_size
    settings.update(sections)
    engine = engines.build_engine(settings)
    original = engine.train_epoch_func

    def train_epoch(engine, epoch, print_batch_step):
        def train():
            original(engine, epoch, print_batch_step)

        if around is None:
            train()
        else:
            around(epoch, train, max(len(engine.train_dataloader), 1))
        if seen is not None:
            seen.append(float(engine.output_info["loss"].avg))

    engine.train_epoch_func = train_epoch
    engine.train()
    return engine
