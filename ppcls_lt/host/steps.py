"""The steps of the host's training: what precedes and follows an update of the weights.

The host's loop goes from a batch to the update in one function. Its parts that can be had are the ``forward`` that it
calls, the optimizers and the scaler, the same in every version.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import types
from collections.abc import Iterator
from typing import Any, Callable

import numpy as np
import paddle

from ._wrapping import wrapped
from .patched import replaced


class Pass:
    """The forward and backward pass of one batch, to be made again as it was.

    The random states of the device are those of the first time, and so are the attributes
    and buffers of the training loss: a loss that draws draws the same, one that counts its
    batches counts this one once.

    Args:
        engine: the host's Engine.
        forward (callable): the host's ``forward(engine, batch)``.
        batch (list): images and labels.
    """

    def __init__(self, engine: Any, forward: Callable, batch: list) -> None:
        self._engine = engine
        self._forward = forward
        self._batch = batch
        self._random = paddle.get_rng_state()
        self._attributes = [(layer, _copied(vars(layer))) for layer in _layers(engine.train_loss_func)]
        self._buffers = [
            (layer, name, buffer.clone())
            for layer in _layers(engine.train_loss_func)
            for name, buffer in layer._buffers.items()
            if buffer is not None
        ]

    def backward(self, seen: Callable | None = None) -> None:
        """Pass the batch forward and backward with the weights as they are now; its gradients are added.

        Args:
            seen (callable): ``seen(outputs, labels)`` gives what the loss gets in place of the model's outputs.
        """
        engine = self._engine
        paddle.set_rng_state(self._random)
        for layer, attributes in self._attributes:
            vars(layer).update(_copied(attributes))
        with paddle.no_grad():
            for layer, name, buffer in self._buffers:
                paddle.assign(buffer, layer._buffers[name])
        labels = self._batch[1]
        with _precision(engine):
            outputs = self._forward(engine, self._batch)
            loss = engine.train_loss_func(outputs if seen is None else seen(outputs, labels), labels)["loss"]
        # 2.4 has no `update_freq`, and a scaler in mixed precision alone.
        loss = loss / getattr(engine, "update_freq", 1)
        scaler = getattr(engine, "scaler", None)
        (loss if scaler is None else scaler.scale(loss)).backward()


def _copied(attributes):
    """The attributes of a layer; tensors and arrays, which may be changed in place, as copies."""
    copies = {paddle.Tensor: lambda value: value.detach().clone(), np.ndarray: np.copy}
    return {name: copies.get(type(value), lambda value: value)(value) for name, value in attributes.items()}


def _layers(loss):
    return loss.sublayers(include_self=True)


def before_updates(engine: Any, call: Callable[[list[Pass]], Any]) -> None:
    """Have ``call(passes)`` precede each update of the weights.

    Args:
        engine: the host's Engine, built.
        call (callable): it is given the :class:`Pass` of every batch whose gradients the update uses.
    """
    passes: list[Pass] = []
    train_epoch = engine.train_epoch_func

    def forward(original, engine, batch):
        passes.append(Pass(engine, original, batch))
        return original(engine, batch)

    def train_epoch_noted(*args):
        passes.clear()
        with replaced(importlib.import_module("ppcls.engine.train.train"), forward=forward):
            train_epoch(*args)

    def update(original, *args, **kwargs):
        # Of several optimizers the first; and a scaler's update calls the optimizer's.
        if passes:
            made = passes.copy()
            passes.clear()
            call(made)
        return original(*args, **kwargs)

    engine.train_epoch_func = train_epoch_noted
    for optimizer in engine.optimizer:
        optimizer.step = wrapped(optimizer.step, update)
    scaler = getattr(engine, "scaler", None)
    if scaler is not None:
        scaler.step = wrapped(scaler.step, update)
        scaler.minimize = wrapped(scaler.minimize, update)


def training_passes(engine: Any) -> Iterator[tuple[int, Callable[[], Any]]]:
    """Yield ``(images, forward)`` of every batch of an epoch of the training data, from the loader as it is.

    Args:
        engine: the host's Engine, between two epochs.
    """
    for batch, forward in passes(engine, engine.train_dataloader):
        yield batch[0].shape[0], forward


def passes(engine: Any, loader: Any) -> Iterator[tuple[list, Callable[[], Any]]]:
    """Yield ``(batch, forward)`` of every batch of a loader; nothing has a gradient.

    Args:
        engine: the host's Engine, between two epochs.
        loader (paddle.io.DataLoader): of images and labels.
    """
    module = importlib.import_module("ppcls.engine.train.train")

    def forward(batch):
        with paddle.no_grad(), _precision(engine):
            module.forward(engine, batch)

    for batch in loader:
        if not engine.config["Global"].get("use_multilabel", False):
            batch[1] = batch[1].reshape([batch[0].shape[0], -1])
        yield batch, functools.partial(forward, batch)


def after_updates(engine: Any, call: Callable[[], Any]) -> None:
    """Have ``call()`` follow each update of the weights of the host's Engine."""
    # Cleared after every update, whatever made it: step(), or minimize() in mixed precision.
    optimizer = engine.optimizer[-1]
    clear_grad = optimizer.clear_grad

    def clear_and_call(*args, **kwargs):
        clear_grad(*args, **kwargs)
        call()

    optimizer.clear_grad = clear_and_call


@contextlib.contextmanager
def telling_losses(tell: Callable[[dict[str, float]], Any]) -> Iterator[None]:
    """Within the context, ``tell(terms)`` follows each step: name -> float, as the host reads them for its log."""

    def update_loss(original, trainer, loss_dict, batch_size):
        original(trainer, loss_dict, batch_size)
        tell({name: float(trainer.output_info[name].val) for name in loss_dict})

    modules = [
        value
        for name, value in vars(importlib.import_module("ppcls.engine.train")).items()
        if isinstance(value, types.ModuleType) and name != "utils" and hasattr(value, "update_loss")
    ]
    with contextlib.ExitStack() as stack:
        for module in modules:
            stack.enter_context(replaced(module, update_loss=update_loss))
        yield


def _precision(engine):
    """The context in which the host makes a forward pass of the training."""
    if hasattr(engine, "auto_cast"):  # develop
        return engine.auto_cast(is_eval=False)
    if not engine.amp:
        return contextlib.nullcontext()
    # As it stands in the loop of 2.4 and 2.5.
    return paddle.amp.auto_cast(
        custom_black_list={"flatten_contiguous_range", "greater_than"},
        level=engine.config["AMP"].get("level", "O1").upper(),
    )
