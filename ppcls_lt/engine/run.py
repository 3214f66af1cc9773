"""One training run as its callbacks see it, and the points at which they are called."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

import paddle
import paddle.distributed as dist
from paddle import nn

from .. import host
from ..callbacks import Callback
from ..maths import randomness
from ..maths.batch_norm import share_statistics
from . import base_weights
from .learning_rates import scale_schedule

if TYPE_CHECKING:
    import numpy as np

    from ..host.engine import EngineView


class Run:
    """One training of one model: one stage of a configuration.

    Attributes:
        config (dict): the configuration of this stage.
        stage (int): which stage, counted from 1; 1 where there are no stages.
        epoch (int): the epoch that runs or ran last, counted from 1; 0 before.
        epochs (int): how many there are; 0 for a stage without training.
        resumed (bool): whether it goes on from a checkpoint of its own.
        model (nn.Layer): the model, without its ``DataParallel``.
        ema (nn.Layer or None): the averaged copy of the model, where there is one.
        optimizers (list): the optimizers, empty until they are built.
        sampler (paddle.io.BatchSampler or None): the batch sampler of the training data.
        order (host.samplers.Order): what that shuffles in place, where it is one of the host's that does.
        seed (int): what every epoch's random states derive from.
        facts (dict): what the manifests of its checkpoints say beside the run, its stage and epoch.
        seconds (float): that the epochs of this stage have taken, evaluations
            and saving left out; a resumed run goes on counting.
    """

    def __init__(
        self,
        config: dict,
        callbacks: Sequence[Callback],
        stage: int,
        tools: Any,
        identity: str | None = None,
        kept: dict | None = None,
    ) -> None:
        self.config = config
        self.stage = stage
        self.epochs = config["Global"]["epochs"]
        self.epoch = 0
        self.resumed = False
        self.model: Any = None
        self.seed = config["Global"].get("seed")
        self.identity = identity or f"{randomness.fresh_seed():08x}"
        self.seconds = 0.0
        self.facts: dict[str, Any] = {}
        self.best: dict[str, Any] = {}
        # Epochs that were added to the run, and whether they are from now on; see `resuming`.
        self.extension: Any = None
        self.extends = False
        self._kept = kept or {}
        self._callbacks = callbacks
        self._tools = tools
        self._engine: Any = None

    # What callbacks use.

    @property
    def ema(self) -> nn.Layer | None:
        return None if self._engine is None else self._engine.average

    @property
    def models(self) -> list[nn.Layer]:
        """The model and, where there is one, its average."""
        return [self.model] if self.ema is None else [self.model, self.ema]

    @property
    def optimizers(self) -> list:
        return [] if self._engine is None else self._engine.optimizers

    @property
    def sampler(self) -> Any:
        return self._engine.train_sampler

    @property
    def steps(self) -> int:
        """Batches trained on so far in this stage."""
        return 0 if self.epoch == 0 else self.epoch * self._engine.steps_per_epoch

    @property
    def images(self) -> int | None:
        """Images trained on so far in this stage, in all processes, each as often as it was seen; None if unknown."""
        each = host.samplers.images_per_step(self.sampler, self._engine.steps_per_epoch) if self.epoch else 0
        return None if each is None else dist.get_world_size() * round(self.steps * each)

    @property
    def training_loss(self) -> Any:
        """The host's combined loss of the training; a callback may put another in its place."""
        return self._engine.training_loss

    @training_loss.setter
    def training_loss(self, loss: Any) -> None:
        self._tools.activate(loss, instead_of=self._engine.training_loss)
        self._engine.training_loss = loss

    @property
    def learning_rate_factor(self) -> float:
        """A factor on whatever the learning rate schedules say."""
        return getattr(self._engine.schedules[0], "_factor", 1.0)

    @learning_rate_factor.setter
    def learning_rate_factor(self, factor: float) -> None:
        for schedule in self._engine.schedules:
            scale_schedule(schedule, factor)

    @property
    def schedules(self) -> list:
        """The learning rates' schedules, one for each optimizer."""
        return self._engine.schedules

    def training_passes(self) -> Iterator[tuple[int, Callable]]:
        """Yield ``(images, forward)`` of every batch of one more epoch of the training data, without gradients."""
        return self._engine.training_passes()

    def classifier(self, model: nn.Layer | None = None) -> tuple[str, nn.Layer]:
        """Return ``(name, layer)`` of the final Linear of the model, or of another such model."""
        return self._tools.classifier(self.model if model is None else model)

    def class_counts(self) -> np.ndarray:
        """Training images per class, an array ``[C]``.

        Raises:
            ConfigError: neither the data set nor a loss knows them.
        """
        return self._tools.class_counts()

    def build_loss(self, entries: Sequence) -> Any:
        """Build a loss list like ``Loss.Train``, connected to the model; it is not in use yet."""
        return self._tools.build_loss(entries)

    def weighted_losses(self) -> list:
        """The losses of this package that the run trains with, now or later."""
        return self._tools.weighted_losses()

    def master_weight(self, parameter: paddle.Tensor) -> paddle.Tensor | None:
        """The float32 master copy that an optimizer keeps of a 16-bit parameter, or None."""
        for optimizer in self.optimizers:
            master = getattr(optimizer, "_master_weights", {}).get(parameter.name)
            if master is not None:
                return master
        return None

    def class_means(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean features of each class, float64 ``[D, C]``, and its training images ``[C]``, of all processes."""
        return self._tools.class_means(self._engine)

    # What the engine's hooks use.

    def model_built(self, model: nn.Layer) -> None:
        self.model = model
        self._call("on_model_built")

    def attach(self, engine: EngineView) -> None:
        """Take the finished Engine (a view); follow its epochs and, if a callback asks for it, its steps."""
        self._engine = engine
        self.model = engine.model
        self.order = host.samplers.Order(self.sampler)
        if self._uses("on_gradients"):
            engine.before_updates(partial(self._call, "on_gradients"))
        if self._uses("on_step_end"):
            engine.after_updates(partial(self._call, "on_step_end"))
        engine.around_epochs(self._follow)

    def begin(self, state: Any = None) -> None:
        """Everything is built; ``state`` is what a checkpoint of this run keeps, if it goes on from one."""
        self.resumed = state is not None
        if self.resumed:
            self.epoch = state["epoch"]
            self.seed = state["seed"]
            self.identity = state["run"]
            self.best = state["best"]
            self.seconds = state.get("seconds", 0.0)  # a state of an earlier version has none
            for callback, (_, kept) in zip(self._callbacks, state["callbacks"]):
                callback.load_state_dict(kept)
            if state["scaler"]:
                self._engine.scaler.load_state_dict(state["scaler"])
        else:
            self.seed = self._seed()
        if hasattr(self.sampler, "join_run"):
            self.sampler.join_run(seed=self.seed, epochs=self.epochs)
        self._call("on_checkpoint_loaded")  # a callback may build further losses
        if self.resumed:
            self._give_back(state.get("losses", []))

    def state(self) -> dict:
        """What a resumed run needs and the host's own files do not hold."""
        scaler = self._engine.scaler
        return {
            "run": self.identity,
            "stage": self.stage,
            "epoch": self.epoch,
            "seed": self.seed,
            "processes": dist.get_world_size(),
            "best": self.best,
            "seconds": self.seconds,
            "callbacks": [[name, callback.state_dict()] for name, callback in zip(self.names, self._callbacks)],
            "losses": [[type(loss).__name__, loss.run_state()] for loss in self.weighted_losses()],
            "scaler": scaler.state_dict() if hasattr(scaler, "state_dict") else {},
            **self._kept,
        }

    @property
    def names(self) -> list[str]:
        """The callbacks' names, in order."""
        return [type(callback).__name__ for callback in self._callbacks]

    def announcements(self) -> list[str]:
        """What the callbacks and the operators have to say when the stage begins, a line each."""
        lines = [callback.announcement(self) for callback in self._callbacks]
        lines += [operator.announcement(self.epochs) for operator in self._tools.operators]
        return [line for line in lines if line is not None]

    @property
    def hidden_keys(self) -> list[str]:
        """Parameters of the model that its checkpoints do not hold."""
        return [key for callback in self._callbacks for key in getattr(callback, "hidden_keys", [])]

    def weights_to_save(self, layer: nn.Layer) -> dict[str, Any]:
        """The state dict of a layer as it is to be written."""
        weights = layer.state_dict()
        self._call("on_save", weights)
        return base_weights.left_out(self, weights)

    def _seed(self):
        """The run's seed, the same in all processes, drawn where the configuration states none."""
        if self.seed is None or self.seed is False:
            self.seed = randomness.fresh_seed()
            if dist.is_initialized() and dist.get_world_size() > 1:
                seed = paddle.to_tensor([self.seed], dtype="int64")
                dist.broadcast(seed, src=0)
                self.seed = int(seed.item())
        return self.seed

    def _give_back(self, states):
        """Give the losses what they had gathered; a state of an earlier version has none."""
        for loss, (name, state) in zip(self.weighted_losses(), states):
            if type(loss).__name__ == name:
                loss.load_run_state(state)

    def _follow(self, train_epoch, epoch):
        started = time.perf_counter()
        self.epoch = epoch
        randomness.seed_epoch(self.seed, self.stage, epoch, dist.get_rank())
        for loss in self.weighted_losses():
            key = randomness.epoch_key(self.seed, self.stage, epoch)
            loss.start_epoch(key, interleaved=getattr(self.sampler, "interleaves", False))
        for operator in self._tools.operators:
            operator.start_epoch(epoch, self.epochs)
        self.order.put_back()
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch - 1)
        self._call("on_epoch_start")
        train_epoch()
        share_statistics(self.models)
        self._call("on_epoch_end")
        self._call("before_evaluation")
        if self._uses("before_evaluation"):
            share_statistics(self.models)
        self.seconds += time.perf_counter() - started

    def _call(self, point, *args):
        for callback in self._callbacks:
            getattr(callback, point)(self, *args)

    def _uses(self, point):
        return any(getattr(type(callback), point) is not getattr(Callback, point) for callback in self._callbacks)
