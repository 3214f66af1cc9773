"""The host's Engine, as the rest of this package sees it: one view, the same for every version.

No other module reads an attribute of the Engine or is given one; what is put in the place
of something in it is listed in ``patched``.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import paddle

from . import fresh_batches, steps, uniform_output
from ._wrapping import extend_in, wrapped
from .logs import log_handlers

# The attribute of an Engine that holds what trains it.
_TRAINING = "long_tail"


def extend_engine(build: Callable[..., Any]) -> None:
    """Let ``build`` make every Engine, and what it returns train it.

    Args:
        build (callable): called as ``build(engine, construct, config, mode)`` with the view of an
            Engine that has nothing yet. ``construct(config)`` builds it as the host does; called
            again, it begins anew. What is returned has ``train(train_stage)``, which stands for
            ``Engine.train`` and is given the host's; or it is None.
    """

    def init(original, engine, config, mode="train"):
        def construct(settings):
            # What the Engine of the stage before has, its model first of all, ends here.
            for name in set(vars(engine)) - {_TRAINING}:
                delattr(engine, name)
            original(engine, settings, mode)
            engine.train_epoch_func = fresh_batches.repaired(engine.train_epoch_func)

        setattr(engine, _TRAINING, build(EngineView(engine), construct, config, mode))

    def train(original, engine):
        getattr(engine, _TRAINING).train(functools.partial(original, engine))

    module = importlib.import_module("ppcls.engine.engine")
    extend_in(module, "Engine.__init__", init)
    extend_in(module, "Engine.train", train)


class EngineView:
    """One Engine of the host. What its mode or version does not have is None.

    Args:
        engine: the host's Engine. Nothing gives it out again.
    """

    def __init__(self, engine: Any) -> None:
        self.__engine = engine

    def _get(self, name):
        return getattr(self.__engine, name, None)

    # What it was asked for, and where it writes.

    @property
    def config(self) -> dict:
        """The configuration that it was built from (``AttrDict``)."""
        return self.__engine.config

    @property
    def mode(self) -> str:
        """``train``, ``eval``, ``infer`` or ``export``."""
        return self.__engine.mode

    @property
    def eval_mode(self) -> str:
        """``classification``, ``retrieval`` or ``adaface``."""
        return self.__engine.eval_mode

    @property
    def output_dir(self) -> str:
        """The ``Global.output_dir`` (str); 2.4 and 2.5 write most of their files into a folder below it."""
        return self.__engine.output_dir

    @property
    def log_folder(self) -> Path:
        """The folder of the log (Path): that of the architecture in ``output_dir`` (2.4, 2.5), or itself (develop)."""
        output = Path(self.output_dir)
        files = {handler.baseFilename for handler in log_handlers()}
        for folder in (output / str(self.config["Arch"].get("name")), output):
            if os.path.abspath(folder / f"{self.mode}.log") in files:
                return folder
        return output

    @property
    def writer(self) -> Any:
        """VisualDL's, in the first process of a training with ``use_visualdl``."""
        return self._get("vdl_writer")

    # What is trained and evaluated.

    @property
    def model(self) -> Any:
        """The model in use (nn.Layer), without its ``DataParallel``; while the average is evaluated, that."""
        model = self.__engine.model
        return model._layers if isinstance(model, paddle.DataParallel) else model

    @property
    def average(self) -> Any:
        """The averaged copy of the model (nn.Layer) with a section ``EMA`` (2.5, develop)."""
        average = self._get("model_ema")
        return None if average is None else average.module

    @property
    def uses_average(self) -> bool:
        """Whether the model in use is :attr:`average`."""
        return self.average is not None and self.__engine.model is self.average

    @property
    def train_loader(self) -> Any:
        """The loader of ``DataLoader.Train``, in a training."""
        return self._get("train_dataloader")

    @property
    def train_sampler(self) -> Any:
        """The batch sampler of :attr:`train_loader`, which another may stand for; DALI's loader has none."""
        return getattr(self.train_loader, "batch_sampler", None)

    @train_sampler.setter
    def train_sampler(self, sampler: Any) -> None:
        self.train_loader.batch_sampler = sampler

    @property
    def eval_loader(self) -> Any:
        """The loader of ``DataLoader.Eval``, where something is evaluated; None in retrieval, which has others."""
        return self._get("eval_dataloader")

    @property
    def training_loss(self) -> Any:
        """The ``CombinedLoss`` of the training, alone or in a ``DataParallel``; another may be put in its place."""
        return self._get("train_loss_func")

    @training_loss.setter
    def training_loss(self, loss: Any) -> None:
        self.__engine.train_loss_func = loss

    @property
    def evaluation_loss(self) -> Any:
        """The ``CombinedLoss`` of ``Loss.Eval``."""
        return self._get("eval_loss_func")

    @property
    def metrics(self) -> Any:
        """The list of what ``Metric.Eval`` names, built."""
        return getattr(self._get("eval_metric_func"), "metric_func_list", None)

    # What makes the steps of a training.

    @property
    def optimizers(self) -> list:
        """The optimizers, a list: the model's, then those of losses with parameters; empty without a training."""
        return list(self._get("optimizer") or ())

    @property
    def schedules(self) -> list:
        """The learning rates' schedules, one for each optimizer."""
        return list(self._get("lr_sch") or ())

    @property
    def scaler(self) -> Any:
        """The loss scaler of mixed precision; develop has one in every training, which may be off."""
        return self._get("scaler")

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, once the training runs: ``iter_per_epoch`` in develop, ``max_iter`` in 2.4 and 2.5."""
        steps = self._get("iter_per_epoch")
        return self._get("max_iter") if steps is None else steps

    # Its loops, followed.

    def around_epochs(self, wrapper: Callable) -> None:
        """Let ``wrapper(train_epoch, epoch)`` stand for each epoch of the training; ``train_epoch()`` is the host's."""
        original = self.__engine.train_epoch_func

        def train_epoch(engine, epoch_id, print_batch_step):
            wrapper(functools.partial(original, engine, epoch_id, print_batch_step), epoch_id)

        self.__engine.train_epoch_func = train_epoch

    def around(self, loop: str, wrapper: Callable) -> None:
        """Let ``wrapper(original, *args)`` stand for the loop ``eval``, which takes an epoch, or ``export``."""
        setattr(self.__engine, loop, wrapped(getattr(self.__engine, loop), wrapper))

    def before_updates(self, call: Callable[[list[steps.Pass]], Any]) -> None:
        """Have ``call(passes)`` precede each update of the weights, whose gradients are there: see :mod:`.steps`."""
        steps.before_updates(self.__engine, call)

    def after_updates(self, call: Callable[[], Any]) -> None:
        """Have ``call()`` follow each update of the weights."""
        steps.after_updates(self.__engine, call)

    def training_passes(self) -> Iterator[tuple[int, Callable[[], Any]]]:
        """Yield ``(images, forward)`` of every batch of an epoch; nothing has a gradient."""
        return steps.training_passes(self.__engine)

    def passes(self, loader: Any) -> Iterator[tuple[list, Callable[[], Any]]]:
        """Yield ``(batch, forward)`` of every batch of another loader, in the same way."""
        return steps.passes(self.__engine, loader)

    def telling_losses(self, tell: Callable[[dict[str, float]], Any]) -> contextlib.AbstractContextManager[None]:
        """Within the context, ``tell(terms)`` follows each step: name -> float, as the host reads them for its log."""
        return steps.telling_losses(tell)

    @contextlib.contextmanager
    def evaluating(self, *, loss: Callable | None, after: Callable, before: Callable | None = None) -> Iterator[None]:
        """Within the context, ``loss`` stands for the evaluation loss, and hooks see what the metrics get.

        Args:
            loss (callable or None): called as the evaluation loss is.
            after (callable): forward post-hook of the combined metrics.
            before (callable, optional): forward pre-hook of them.
        """
        metrics, original = self.__engine.eval_metric_func, self.__engine.eval_loss_func
        self.__engine.eval_loss_func = loss
        hooks = [metrics.register_forward_post_hook(after)]
        if before is not None:
            hooks.append(metrics.register_forward_pre_hook(before))
        try:
            yield
        finally:
            self.__engine.eval_loss_func = original
            for hook in hooks:
                hook.remove()

    # What it does when asked.

    def work(self) -> None:
        """Train, evaluate, predict or export, as its mode says."""
        getattr(self.__engine, self.mode)()

    def evaluate(self, epoch: int = 0) -> float:
        """Evaluate as the training does; return the score by which the best model is chosen."""
        return self.__engine.eval(epoch)

    def save(self, prefix: str, metric: float, epoch: int, done: bool = False, **more: Any) -> None:
        """Save a checkpoint as the host does after an epoch.

        Args:
            prefix (str): its name, ``latest`` and the like.
            metric (float): the score of the weights.
            epoch (int): after which they are what they are.
            done (bool): whether nothing is left to train, which PaddleX is told.
            more: for what stands in the place of the host's ``save_model``.
        """
        uniform_output.save(self.__engine, prefix, {"metric": metric, "epoch": epoch}, done, **more)

    def accompany(self, prefix: str, metric: float, epoch: int) -> None:
        """Write what belongs beside a whole checkpoint, where the host was to and a killed process did not."""
        if not uniform_output.is_accompanied(self.__engine, prefix, epoch):
            uniform_output.accompany(self.__engine, prefix, {"metric": metric, "epoch": epoch}, done=False)
