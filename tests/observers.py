"""Callbacks of the tests: one that writes down what a training does, one that kills its process."""

import os
import signal
from pathlib import Path

import numpy as np
import paddle

from ppcls_lt.callbacks import Callback


class Recorder(Callback):
    """Keeps what is in use at the start and end of each epoch; the last one built is ``Recorder.last``."""

    last = None

    def __init__(self):
        Recorder.last = self
        self.points = []
        self.epochs = {}

    def on_model_built(self, run):
        self.points.append("model built")

    def on_checkpoint_loaded(self, run):
        self.points.append("checkpoint loaded")
        self.resumed = run.resumed

    def on_epoch_start(self, run):
        self.points.append(f"epoch {run.epoch} starts")
        losses = run.training_loss.loss_func
        self.epochs[run.epoch] = {
            "loss": [type(loss).__name__ for loss in losses],
            "class_weight": getattr(losses[0], "class_weight", None),
            "lr": [],
            "order": [index for batch in run.sampler for index in batch],
            "start": weights(run.model),
        }
        run.sampler.set_epoch(run.epoch - 1)

    def on_step_end(self, run):
        self.points.append("step")
        self.epochs[run.epoch]["lr"].append(run.optimizers[0].get_lr())

    def on_epoch_end(self, run):
        self.points.append(f"epoch {run.epoch} ends")
        self.epochs[run.epoch]["end"] = weights(run.model)

    def on_save(self, run, weights):
        self.points.append("save")


class Kill(Callback):
    """Kills its process with SIGKILL at the moment that the variable KILL names.

    ``3:7``: after step 7 of epoch 3. ``save:3``: in the save after epoch 3, when
    the second of its files is half written. KILL_RANK says which process.
    """

    def on_checkpoint_loaded(self, run):
        here = paddle.distributed.get_rank(), run.stage
        chosen = int(os.environ.get("KILL_RANK", 0)), int(os.environ.get("KILL_STAGE", 1))
        self.moment = os.environ.get("KILL", "") if here == chosen else ""

    def on_epoch_start(self, run):
        self.step = 0
        self.random = np.random.get_state()[1][:8]

    def on_step_end(self, run):
        self.step += 1
        if self.moment == f"{run.epoch}:{self.step}":
            self.die()

    def on_save(self, run, weights):
        folder = os.environ.get("DUMP")
        if folder:  # what each process has: its BatchNorm statistics, and where its random numbers began
            statistics = {key: value.numpy() for key, value in weights.items() if key.endswith(("_mean", "_variance"))}
            path = Path(folder) / f"rank{paddle.distributed.get_rank()}_epoch{run.epoch}.npz"
            np.savez(path, random=self.random, **statistics)
        if self.moment != f"save:{run.epoch}":
            return
        original = paddle.save
        calls = []

        def save(content, path, *args, **kwargs):
            original(content, path, *args, **kwargs)
            calls.append(path)
            if len(calls) == 2:
                os.truncate(path, os.path.getsize(path) // 2)
                self.die()

        paddle.save = save

    def die(self):
        os.write(2, f"killed at {self.moment}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)


def weights(model):
    """A copy of everything in a model's state dict."""
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
