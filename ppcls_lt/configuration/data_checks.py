"""Classes, batches and samplers against the lists: what would train or evaluate on nothing, or count an image twice."""

from __future__ import annotations

import inspect
import logging
import platform
from typing import Any

import numpy as np
import paddle
import paddle.distributed as dist

from .. import host
from ..basis import checks
from ..basis.checks import ConfigError
from ..basis.registry import registered
from ..data.counts import class_labels, images_per_class
from ..data.sampling_modes import modes
from . import named_classes
from .reading import class_number

# The classes that every architecture of PaddleClas has unless it is told otherwise (ImageNet's).
_DEFAULT_CLASSES = 1000
# The samplers of the host's YAMLs that show every image once; ``None`` is the loader's own.
_EVERY_IMAGE_ONCE = (None, "BatchSampler", "DistributedBatchSampler")
# Of their samplers it is known what they show; others are asked.
_KNOWN_PACKAGES = ("ppcls", "ppcls_lt")
_log = logging.getLogger("ppcls.lt")


def classifies(config: dict) -> bool:
    """Whether the evaluations of a configuration are of single labels."""
    section = config.get("Global") or {}
    return section.get("eval_mode", "classification") == "classification" and not section.get("use_multilabel", False)


def check_classes(config: dict, part: str, counts: np.ndarray) -> None:
    """Raise where no number of classes is stated and the host would build its default for other labels.

    Args:
        config (dict): the host's configuration.
        part (str): ``Train`` or ``Eval``.
        counts (array): images per label ``[C]`` of its list.

    Raises:
        ConfigError: as said.
    """
    if not classifies(config) or _states_classes(config["Arch"]) or class_number(config) is not None:
        return
    if len(counts) == _DEFAULT_CLASSES:
        return
    first = int(np.flatnonzero(counts)[0])
    begins = "" if first != 1 else "; labels begin at 1; PaddleClas counts from 0: take 1 from every label"
    classes = len(counts) - (first == 1)
    expected = f"given: {classes}, by the labels {first} to {len(counts) - 1} of DataLoader.{part}.dataset{begins}"
    got = f"nothing, for which PaddleClas builds {_DEFAULT_CLASSES} classes"
    checks.fail("Arch", "class_num", expected, checks.described(got))


def _states_classes(section):
    """Whether ``class_num`` stands anywhere in a section; a distilled model has it with its parts."""
    if isinstance(section, dict):
        return section.get("class_num") is not None or any(map(_states_classes, section.values()))
    return isinstance(section, list) and any(map(_states_classes, section))


def check_batches(config: dict, part: str, images: int) -> None:
    """Raise where the list alone shows that an epoch, or an evaluation, has no batch.

    Args:
        config (dict): the host's configuration.
        part (str): ``Train`` or ``Eval``.
        images (int): lines of its list.

    Raises:
        ConfigError: as said.
    """
    sampler: Any = config["DataLoader"][part].get("sampler") or {}
    name, size = sampler.get("name"), sampler.get("batch_size")
    processes = dist.get_world_size()
    ours = registered("sampler").get(name)
    if ours is not None:
        # What another sampler draws is seen once it is built.
        if "num_samples" not in inspect.signature(ours).parameters or sampler.get("indices") is not None:
            return
        mode = sampler.get("mode")
        if isinstance(mode, str) and mode in modes() and modes()[mode].repeats:
            return
        drawn = sampler.get("num_samples") or images
        if isinstance(drawn, bool) or not isinstance(drawn, int):
            return  # named elsewhere
        images = drawn // processes
    elif name == "DistributedBatchSampler":
        images = -(-images // processes)
    elif name not in (None, "BatchSampler"):
        return
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        return  # named elsewhere
    steps = images // size if sampler.get("drop_last", False) else -(-images // size)
    _check_steps(config, part, steps, images, size, sampler.get("drop_last", False))
    if part == "Eval" and sampler.get("drop_last", False):
        _check_whole(config, images, size)


def check_built(config: dict, part: str, loader: Any) -> None:
    """Raise where what the host has built has no batch; say which classes have no image.

    Args:
        config (dict): the host's configuration.
        part (str): ``Train`` or ``Eval``.
        loader (paddle.io.DataLoader): as the host built it.

    Raises:
        ConfigError: there is no batch, or no number of classes is stated.
    """
    sampler = getattr(loader, "batch_sampler", None)
    if sampler is None:  # DALI's loader has none
        return
    size = getattr(sampler, "batch_size", None)
    dropped = getattr(sampler, "drop_last", False)
    _check_steps(config, part, len(loader), len(loader.dataset), size, dropped)
    if part == "Eval" and dropped and isinstance(size, int):
        # A sampler that deals its images out says to how many; any other shows all in each process.
        _check_whole(config, -(-len(loader.dataset) // getattr(sampler, "nranks", 1)), size)
    labels = class_labels(loader.dataset)
    if labels is None or labels.min() < 0:  # the latter is named with the counts
        return
    counts = images_per_class(labels)
    check_classes(config, part, counts)
    classes = class_number(config)
    if classes is not None and classifies(config) and dist.get_rank() == 0:
        _tell_missing(part, np.pad(counts, (0, max(classes - len(counts), 0))), named_classes.called(config))


def _check_steps(config, part, steps, images, size, drop_last):
    """Raise unless an epoch has steps, and enough of them for an update."""
    owner = f"DataLoader.{part}.sampler"
    processes = dist.get_world_size()
    shared = "" if processes == 1 else f" in each of {processes} processes"
    if platform.system() == "Windows":  # where the host leaves out the last batch
        steps -= 1
    if steps < 1:
        got = checks.described(f"batch_size {size} and drop_last {str(bool(drop_last)).lower()} for {images} images")
        expected = f"such that there is a batch{shared}: set a smaller `batch_size` or `drop_last: false`"
        checks.fail(owner, "batch_size", expected, got)
    frequency = config["Global"].get("update_freq", 1)
    steps = config["Global"].get("iter_per_epoch") or steps
    if part == "Train" and isinstance(frequency, int) and isinstance(steps, int) and frequency > steps:
        checks.fail("Global", "update_freq", f"at most the {steps} steps of an epoch{shared}", frequency)


def _check_whole(config, images, size):
    """Raise where dropping the last batch leaves out images of an evaluation, whose values are not of its set then."""
    if config["Global"].get("eval_mode", "classification") == "classification" and images % size:
        got = checks.described(f"true, which leaves out {images % size} images of each process")
        checks.fail("DataLoader.Eval.sampler", "drop_last", "false to evaluate the whole set", got)


def _tell_missing(part, counts, called):
    """Name the classes without an image."""
    empty = np.flatnonzero(counts == 0)
    if not len(empty):
        return
    named = ", ".join(map(called, empty[:20])) + (" and others" if len(empty) > 20 else "")
    why = "; do the labels begin at 1? PaddleClas counts from 0" if empty.tolist() == [0] else ""
    _log.warning(
        "DataLoader.%s.dataset: %d of the %d classes of Arch.class_num have no image: %s%s",
        *(part, len(empty), len(counts), named, why),
    )


def check_eval_sampler(config: dict) -> None:
    """Raise where the sampler of ``DataLoader.Eval`` is known not to show every image once.

    Args:
        config (dict): the host's configuration.

    Raises:
        ConfigError: as said.
    """
    sampler = config["DataLoader"]["Eval"].get("sampler") or {}
    name = sampler.get("name")
    if not classifies(config) or name in _EVERY_IMAGE_ONCE:
        return
    component = host.names("sampler").get(name)
    if inspect.isclass(component) and component.__module__.partition(".")[0] in _KNOWN_PACKAGES:
        _refuse(name)


def check_every_image_once(loader: Any, config: dict) -> None:
    """Raise unless the sampler of an evaluation shows every image once; one that is not known is asked for its indices.

    Args:
        loader (paddle.io.DataLoader): of ``DataLoader.Eval``.
        config (dict): the host's configuration.

    Raises:
        ConfigError: as said.
    """
    sampler = getattr(loader, "batch_sampler", None)
    if sampler is None or not classifies(config):
        return
    if type(sampler).__name__ in _EVERY_IMAGE_ONCE and type(sampler).__module__.startswith("paddle."):
        return
    if dist.get_world_size() > 1:
        return  # what several processes show together is `evaluation`'s to check
    if sorted(index for batch in sampler for index in batch) != list(range(len(loader.dataset))):
        _refuse(type(sampler).__name__)


def check_coverage(loader: Any, metric: str) -> None:
    """Raise unless the host will count every image of the evaluation set once.

    In several processes it joins the parts of a batch in the order of the
    processes and cuts off what exceeds the number of images. That is right for
    ``DistributedBatchSampler``, which repeats images at the end of the list and
    deals the list out in that order, as long as it does not shuffle afterwards.

    Args:
        loader (paddle.io.DataLoader): of ``DataLoader.Eval``.
        metric (str): the metric of this package that is evaluated.

    Raises:
        ConfigError: as said.
    """
    owner = "DataLoader.Eval.sampler"
    sampler = loader.batch_sampler
    processes = dist.get_world_size()
    if processes > 1:
        if type(sampler) is not paddle.io.DistributedBatchSampler:
            got = checks.described(f"{type(sampler).__name__} with {processes} processes")
            checks.fail(owner, "name", f"DistributedBatchSampler to evaluate {metric} in several processes", got)
        if sampler.shuffle:
            got = checks.described(f"true with {processes} processes, where PaddleClas would cut off the wrong images")
            checks.fail(owner, "shuffle", f"false to evaluate {metric} in several processes", got)


def _refuse(name):
    raise ConfigError(
        f"DataLoader.Eval.sampler: `name` must be DistributedBatchSampler, which shows every image of the evaluation "
        f"set once, got {name!r}, with which accuracies would be of another set of images"
    )
