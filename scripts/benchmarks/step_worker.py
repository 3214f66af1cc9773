"""One training, step by step on demand: stock PaddleClas, or PaddleClas with this package and a recipe.

    step_worker.py SOCKET CONFIG [RECIPE]

Without a recipe nothing of this package is registered; what it repairs in
PaddleClas 2.4, which does not train with this Paddle otherwise, is repaired in
both. Before every epoch and after every step of the optimizer the process
says where it is and waits for its turn. This gate and the clocks, which stand
still meanwhile, are the same in both.
"""

import functools
import json
import socket
import sys
import time

from ppcls_lt import host


class Gate:
    """The host's ``train_epoch``, before and in which the process waits to be told.

    What lies between two epochs (evaluation, saving, callbacks) counts to the
    epoch before.
    """

    def __init__(self, parent, train_epoch):
        self._parent = parent
        self._train_epoch = self._timed("steps", train_epoch)
        # The package looks into it to know the host's version.
        self.__code__ = train_epoch.__code__
        self._start = None
        self._waited = 0.0
        self._parts = {}

    def __call__(self, engine, epoch_id, print_batch_step):
        self.report()
        self._wait()
        self._start = self._now(), time.process_time()
        self._train_epoch(engine, epoch_id, print_batch_step)

    def report(self, done=False):
        """Say what the epoch took, in seconds: nothing yet before the first."""
        parts, self._parts = self._parts, {}
        if self._start is None:
            parts = {}
        else:
            parts["whole"] = self._now() - self._start[0]
            parts["processor"] = time.process_time() - self._start[1]
            parts["rest"] = parts["whole"] - sum(parts.get(name, 0.0) for name in ("steps", "evaluation", "saving"))
        self._say({"done": done, "seconds": parts})

    def pause_after(self, owner, name):
        """Wait after each call of a function of Paddle's."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def call(*args, **kwargs):
            result = function(*args, **kwargs)
            self._say({"done": False, "seconds": None})
            start = time.perf_counter()
            self._wait()
            self._waited += time.perf_counter() - start
            return result

        setattr(owner, name, call)

    def _say(self, report):
        self._parent.write(json.dumps(report) + "\n")
        self._parent.flush()

    def _wait(self):
        if self._parent.readline() != "go\n":
            sys.exit()

    def _now(self):
        """Seconds, those of waiting left out."""
        return time.perf_counter() - self._waited

    def watch(self, part, owner, name):
        """Count the seconds in a function of the host to a part of the epoch."""
        setattr(owner, name, self._timed(part, getattr(owner, name)))

    def _timed(self, part, function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            start = self._now()
            result = function(*args, **kwargs)
            self._parts[part] = self._parts.get(part, 0.0) + self._now() - start
            return result

        return call


def main(address, path, recipe=None):
    """Train for as many steps as the parent asks for."""
    with socket.socket(socket.AF_UNIX) as parent:
        parent.connect(address)
        host.load()
        import paddle

        module = host.module("engine.engine")
        gate = Gate(parent.makefile("rw"), module.train_epoch)
        gate.pause_after(paddle.optimizer.Optimizer, "step")
        gate.watch("build", module.Engine, "__init__")
        gate.watch("evaluation", module.evaluation, "classification_eval")
        gate.watch("saving", module.save_load, "save_model")
        module.train_epoch = gate
        if recipe is None:
            config = host.load_config(path, [])
            config.profiler_options = None
            module.Engine(config, mode="train").train()
        else:
            from ppcls_lt.engine import trainer

            trainer.run_engine("train", path, [f"Global.recipe={recipe}"])
        gate.report(done=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
