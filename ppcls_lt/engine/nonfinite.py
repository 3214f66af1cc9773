"""NaN and infinity: a training stops at the first loss that is either, and what a model then outputs is no score."""

from __future__ import annotations

import contextlib
import io
import logging
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import paddle
import paddle.distributed as dist
from paddle import nn

from ..basis import atomic, checks, disk
from ..basis.checks import ConfigError

if TYPE_CHECKING:
    from ..host.engine import EngineView
    from ..metrics import Batches
    from .run import Run

STOP, COUNT = "stop", "count"
_OPTION = "nonfinite_loss"
# So many of a batch's files are named in the message; all of them stand in the file.
_NAMED = 8
_log = logging.getLogger("ppcls.lt")


def check(config: dict) -> None:
    """Raise unless ``Global.nonfinite_loss`` is one of its values.

    Args:
        config (dict): the host's configuration.

    Raises:
        ConfigError: as said.
    """
    checks.choice("Global", _OPTION, config["Global"].get(_OPTION, STOP), (STOP, COUNT))


class Watch:
    """Follows the losses of the steps of one training.

    The host reads every loss of every step, to log its mean; those numbers are
    looked at and nothing else, so no step waits for the device on this account.

    Args:
        engine (EngineView): built.
        run (Run): its training.
    """

    def __init__(self, engine: EngineView, run: Run) -> None:
        self._engine = engine
        self._run = run
        self._stops = engine.config["Global"].get(_OPTION, STOP) == STOP
        self._dealt = record_batches(engine)
        self._number = self._step = 0  # of the epoch and in it
        self._rates: list = []
        self._bad = 0
        self._total = 0
        engine.around_epochs(self._epoch)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """A context in which the losses of every step are looked at."""
        with self._engine.telling_losses(self._look):
            yield
        if self._total:
            _log.warning("%d steps of this training had a loss that is not finite", self._total)

    def _epoch(self, train_epoch, epoch):
        self._number, self._step, self._bad = epoch, 0, 0
        self._rates = [schedule() for schedule in self._engine.schedules]
        if self._dealt is not None:
            self._dealt.begin_epoch()
        train_epoch()
        self._end_epoch()

    def _look(self, terms):
        self._step += 1
        if not all(map(math.isfinite, terms.values())):
            self._bad += 1
            if self._stops or self._bad == 1:
                self._tell(terms)
        # The schedules have made their step: these are the rates of the next.
        self._rates = [schedule() for schedule in self._engine.schedules]

    def _tell(self, terms):
        shown = ", ".join(f"{name}: {value:g}" for name, value in terms.items())
        rates = ", ".join(f"{rate:g}" for rate in self._rates)
        images = self._images()
        place = f"epoch {self._number}, step {self._step}, learning rate {rates}"
        process = f" of process {dist.get_rank()}" if dist.get_world_size() > 1 else ""
        named = ", ".join(images[:_NAMED]) + (f" and {len(images) - _NAMED} more" if len(images) > _NAMED else "")
        said = f"the loss is not finite in {place}{process}: {shown}; images: {named}"
        if not self._stops:
            _log.warning("%s; going on, as Global.%s says", said, _OPTION)
            return
        self._stop(said, f"{place}\n{shown}\n" + "".join(f"{image}\n" for image in images))

    def _images(self):
        """The files of the step's batch, in its order."""
        if self._dealt is None:
            return ["not known with DALI"]
        dataset = self._engine.train_loader.dataset
        return [image_name(dataset, index) for index in self._dealt.batch(self._step - 1)]

    def _end_epoch(self):
        """Tell what was counted; look once whether the weights are still numbers, before they are saved."""
        if not self._stops:
            bad = self._bad
            if dist.get_world_size() > 1:
                joined = paddle.to_tensor([bad], dtype="int64")
                dist.all_reduce(joined)
                bad = joined.item()
            self._total += bad
            if bad:
                _log.warning("epoch %d: %d steps with a loss that is not finite", self._number, bad)
            return
        broken = nonfinite_weights(self._run.model)
        if broken:
            said = f"after epoch {self._number} these weights are not finite: {', '.join(broken[:3])}"
            said += f" and {len(broken) - 3} more" if len(broken) > 3 else ""
            self._stop(said, said + "\n")

    def _stop(self, said, facts):
        """Write the weights into a file of their own and end the training."""
        rank = dist.get_rank()
        path = self._engine.log_folder / ("nonfinite" if rank == 0 else f"nonfinite_process_{rank}")
        remedy = f"; it was to hold the weights after {said}"
        with disk.writing(path.parent, remedy=remedy):
            path.parent.mkdir(parents=True, exist_ok=True)
            weights = io.BytesIO()
            paddle.save(self._run.weights_to_save(self._run.model), weights)
            atomic.write(f"{path}.pdparams", weights.getvalue())
            atomic.write(f"{path}.txt", facts.encode(errors="surrogateescape"))
        raise ConfigError(
            f"the training has diverged: {said}; the weights after this step are in {path}.pdparams, all the files of "
            f"the batch in {path}.txt, the checkpoints are as they were; a lower learning rate is the usual remedy; "
            f"`Global.{_OPTION}: {COUNT}` counts such steps and goes on"
        )


def nonfinite_weights(model: nn.Layer) -> Any:
    """Return the names of parameters and BatchNorm statistics that are not finite; reads the device once."""
    named = dict(model.named_parameters())
    for name, layer in model.named_sublayers(include_self=True):
        if isinstance(layer, (nn.BatchNorm, nn.layer.norm._BatchNormBase)):
            named.update({f"{name}._mean": layer._mean, f"{name}._variance": layer._variance})
    with paddle.no_grad():
        finite = [paddle.isfinite(value).all() for value in named.values()]
        whole = paddle.stack(finite).numpy() if finite else ()
    return [name for name, each in zip(named, whole) if not each]


def record_batches(engine: EngineView) -> Any:
    """Let an Engine note what its batch sampler deals; return the ``Dealt``, or None where there is no such sampler."""
    if engine.train_sampler is None:  # DALI's loader has none
        return None
    engine.train_sampler = Dealt(engine.train_sampler)
    return engine.train_sampler


class Dealt:
    """Stands for a batch sampler and keeps the batches that it has dealt in the epoch that runs."""

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        self._passes: list[list] = []

    def __iter__(self) -> Iterator:
        # Of an earlier pass a thread may still draw: into that pass's own list.
        self._passes.append([])
        # Asked for at once: some samplers draw their epoch here.
        return _noted(iter(self._sampler), self._passes[-1])

    def __len__(self) -> int:
        return len(self._sampler)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)

    def begin_epoch(self) -> None:
        """Forget the epochs before."""
        self._passes = []

    def batch(self, step: int) -> Any:
        """Return the indices of the batch of a step, counted from 0 in the epoch."""
        for batches in self._passes:
            if step < len(batches):
                return [index[-1] if isinstance(index, (list, tuple)) else index for index in batches[step]]
            step -= len(batches)
        return []


def _noted(batches, kept):
    for batch in batches:
        kept.append(batch)
        yield batch


def image_name(dataset: Any, index: int) -> str:
    """Return the file of an image of one of the host's data sets, or its index where there is none."""
    for end, start, part in getattr(dataset, "dataset_list", ()):  # of a MixDataset
        if index < end:
            return image_name(part, index - start)
    images = getattr(dataset, "images", None)
    return str(images[index]) if images is not None and len(images) else f"index {index}"


class Outputs:
    """Counts the images of a pass whose outputs are not finite; a forward hook of the host's combined metrics.

    The host's own metrics become NaN with them: its ``TopkAcc`` takes NaN for
    class 0. Nothing waits for the device before :meth:`undefined`.

    Args:
        batches (Batches): of the pass, which others read as well.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.images = 0
        self._count = None

    @paddle.no_grad()
    def __call__(self, metrics: Any, inputs: Any, result: Any) -> None:
        """Take a batch: what the model gives, ``[N, ...]``, alone or in maps and lists."""
        batch = self._batches(*inputs)
        if batch is not None and isinstance(inputs[0], paddle.Tensor):
            total, finite = batch.sums, batch.finite
        else:
            sums = [each for each in map(_row_sums, _tensors(inputs[0])) if each is not None]
            if not sums:
                return
            total = sum(sums)
            finite = paddle.isfinite(total)
        self.images += total.shape[0]
        count = paddle.logical_not(finite).astype("int64").sum()
        self._count = count if self._count is None else self._count + count
        nothing = (total * 0).sum()  # 0, or NaN
        for metric in metrics.metric_func_list:
            for meter in getattr(metric, "avg_meters", {}).values():
                if isinstance(meter.avg, paddle.Tensor):
                    meter.avg = meter.avg + nothing.astype(meter.avg.dtype)
                    meter.sum = meter.sum + nothing.astype(meter.avg.dtype)

    def undefined(self) -> Any:
        """Return the number of images whose outputs are not finite."""
        return 0 if self._count is None else int(self._count.item())


def _tensors(value):
    if isinstance(value, paddle.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [tensor for part in parts for tensor in _tensors(part)]


def _row_sums(output):
    """The sum of each image's outputs in float32 ``[N]``, finite if they all are; None of whole numbers."""
    if output.ndim == 0 or not paddle.is_floating_point(output):
        return None
    return output.astype("float32").reshape([output.shape[0], -1]).sum(axis=1)
