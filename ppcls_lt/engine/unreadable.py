"""Images that cannot be read: what a configuration says of them, and what is told of those that were met."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
import paddle.distributed as dist

from ..basis import atomic, checks, disk
from ..basis.findings import Finding, of
from ..configuration import named_classes
from ..host import decoding, images

if TYPE_CHECKING:
    from ..host.engine import EngineView

ERROR, IN_TRAINING, REPLACE = "error", "replace_in_training", "replace"
_OPTION = "unreadable_images"
# So many are named in the log after an epoch; all stand in the file.
_NAMED = 20
_FILE = "unreadable_images.txt"
_log = logging.getLogger("ppcls.lt")


def findings(config: dict) -> Iterator[Finding]:
    """Yield what is wrong with the two options.

    Args:
        config (dict): the host's configuration.
    """
    section = config["Global"]
    yield from of(checks.choice, "Global", _OPTION, section.get(_OPTION, IN_TRAINING), (ERROR, IN_TRAINING, REPLACE))
    yield from of(checks.integer, "Global", decoding.LIMIT, decoding.pixel_limit(config), minimum=1)


def watch(dataset: Any, config: dict, part: str) -> list[images.Watch]:
    """Have a data set answer as ``Global`` says; return its watches.

    Args:
        dataset: as the host built it; None where there is none, as in DALI's loader.
        config (dict): the host's configuration.
        part (str): ``Train``, ``Eval`` or another section of ``DataLoader``.
    """
    if dataset is None:
        return []
    section = config["Global"]
    training = part in ("Train", "UnLabelTrain")
    replaces = section.get(_OPTION, IN_TRAINING) in ((IN_TRAINING, REPLACE) if training else (REPLACE,))
    owner = f"DataLoader.{part}.dataset"
    return images.watch(dataset, owner, replaces, decoding.pixel_limit(config))


def replace_as_in_training(config: dict) -> None:
    """Have an evaluation of training images take the others that the training took for those that cannot be read."""
    section = config["Global"]
    if section.get(_OPTION, IN_TRAINING) == IN_TRAINING:
        section[_OPTION] = REPLACE


def attach(engine: EngineView, watches: Sequence[images.Watch]) -> None:
    """Let an evaluation alone tell what it met, where that is no error."""
    if watches:
        tally = Tally(watches)

        def evaluated(evaluate, epoch=0):
            result = evaluate(epoch)
            tally.tell(engine)
            tally.end(engine)
            return result

        engine.around("eval", evaluated)


class Tally:
    """Names each unreadable image once, and counts them in the end.

    Args:
        watches (list of images.Watch): of the data sets of one Engine.
    """

    def __init__(self, watches: Sequence[images.Watch]) -> None:
        self._watches = watches
        self._told = [np.zeros(len(watched.dataset), dtype=np.uint8) for watched in watches]

    def follow(self, engine: EngineView) -> None:
        """Tell after each epoch of a training."""

        def epoch(train_epoch, epoch):
            train_epoch()
            self.tell(engine)

        engine.around_epochs(epoch)

    def tell(self, engine: EngineView) -> None:
        """Name what is new since the last call; every process calls it, the first one tells."""
        for number, watched in enumerate(self._watches):
            found = joined(watched.found())
            new = np.flatnonzero(found & ~self._told[number])
            self._told[number] |= found
            if len(new) and dist.get_rank() == 0:
                self._name(engine, watched, new)

    def end(self, engine: EngineView) -> None:
        """Tell how many there were, in all and of each class."""
        for watched, told in zip(self._watches, self._told):
            bad = np.flatnonzero(told)
            if len(bad) and dist.get_rank() == 0:
                _log.warning(
                    "%s: %d of %d images could not be read, each replaced by another of its class; %s",
                    *(watched.owner, len(bad), len(told), _by_class(watched, bad, named_classes.called(engine.config))),
                )

    def _name(self, engine, watched, new):
        called = named_classes.called(engine.config)
        for index in new[:_NAMED]:
            _log.warning(
                "%s: cannot read %s (class %s), another image of its class stands for it: %s",
                *(
                    watched.owner,
                    watched.dataset.images[index],
                    _shown(watched.label(index), called),
                    watched.reason(index),
                ),
            )
        path = engine.log_folder / _FILE
        if len(new) > _NAMED:
            _log.warning("%s: and %d more, all in %s", watched.owner, len(new) - _NAMED, path)
        lines = [
            f"{watched.dataset.images[index]}\n"
            for watched, told in zip(self._watches, self._told)
            for index in np.flatnonzero(told)
        ]
        with disk.writing(path.parent):
            atomic.write(path, "".join(lines).encode(errors="surrogateescape"))


def joined(found: np.ndarray) -> np.ndarray:
    """Return what any process has met of what this one has, ``[N]``; every process calls it."""
    if not (dist.is_initialized() and dist.get_world_size() > 1):
        return found
    number = paddle.to_tensor([int(found.sum())], dtype="int64")
    dist.all_reduce(number)
    if not number.item():
        return found
    joined = paddle.to_tensor(found.astype(np.int32))
    dist.all_reduce(joined)
    return (joined.numpy() > 0).astype(np.uint8)


def _by_class(watched, bad, called):
    labels = [watched.label(index) for index in bad]
    if any(label is None or np.ndim(label) > 0 for label in labels):
        return "they have no single class"
    return ", ".join(
        f"class {called(label)}: {number}" for label, number in zip(*np.unique(labels, return_counts=True))
    )


def _shown(label, called):
    if label is None:
        return "none"
    return called(label) if np.ndim(label) == 0 else np.asarray(label).tolist()
