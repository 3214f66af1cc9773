"""A small batch made before training, on the host: operators that always fail, and what labels they give."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import numpy as np

from ..basis import checks
from ..host.decoding import MAX_PIXELS, UnreadableImage, bounded, said

# Images of the batch, and how many are looked at to find them.
_IMAGES = 4
_TRIES = 12
# So often must an operator fail, and never succeed, to be at fault itself.
_FAILURES = 3


def first_batch(loader: Any, settings: dict, where: str, max_pixels: int = MAX_PIXELS) -> Any:
    """Make a small batch of a loader's data set, as its workers will.

    Args:
        loader (paddle.io.DataLoader): of the host, or DALI's, which is left alone.
        settings (dict): the section of the configuration that it was built from.
        where (str): that section's name, for messages.
        max_pixels (int): larger images are not decoded.

    Returns:
        The labels as the training gets them, an array ``[N]`` or ``[N, C]``, or
        None where the data set reads no files of its own or none can be read.

    Raises:
        ConfigError: an operator that fails on every image, images of different
            sizes, a batch operator that fails.
    """
    dataset: Any = getattr(loader, "dataset", None)
    files, operators = getattr(dataset, "images", None), getattr(dataset, "_transform_ops", None)
    if not operators or not files or not isinstance(files[0], str):
        return None
    with _kept_random_states(), bounded(max_pixels):
        read = getattr(dataset, "read", lambda index: Path(files[index]).read_bytes())
        found = _readable(dataset, files, read, operators, settings, f"{where}.dataset")
        samples = [dataset[index] for index in found]
        if not samples:
            return None
        operators = settings["dataset"].get("batch_transform_ops")
        shapes = {np.shape(image) for image, *_ in samples}
        if len(shapes) > 1 and (operators or _batch_size(loader) > 1):
            got = checks.described(" and ".join(str(list(shape)) for shape in sorted(shapes)))
            checks.fail(f"{where}.dataset", "transform_ops", "such that all images have one size", got)
        if not operators:
            return np.stack([label for _, label, *_ in samples])
        return _collated(loader, samples, operators, where)


@contextlib.contextmanager
def _kept_random_states():
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def _readable(dataset, files, read, operators, settings, owner):
    """Return the numbers of some images that pass all operators."""
    found, failures = [], 0
    opens = type(operators[0]).__name__ != "DecodeImage" and _is_hosts(dataset)  # its images are decoded already
    for index, file in enumerate(files[:_TRIES]):
        if opens and _gives(dataset, index):
            found.append(index)
            if len(found) == _IMAGES:
                break
            continue
        try:
            image = read(index)
        except (OSError, UnreadableImage):
            continue  # an image that cannot be read is no fault of an operator
        number, error = _failure(image, operators)
        if number is None:
            found.append(index)
        elif type(operators[number]).__name__ != "DecodeImage":
            failures += 1
            if not found and failures == min(_FAILURES, len(files)):
                name = type(operators[number]).__name__
                given = checks.shown(settings["dataset"]["transform_ops"][number].get(name))
                got = checks.described(f"{said(error)}, with {given} ({file})")
                checks.fail(owner, f"transform_ops[{number}]", f"such that {name} can change an image", got)
        if len(found) == _IMAGES:
            break
    return found


def _is_hosts(dataset):
    """Whether a data set raises what goes wrong with an image, as the host's do here; others may try for ever."""
    return getattr(type(dataset).__getitem__, "_watched", False)


def _gives(dataset, index):
    try:
        dataset[index]
    except Exception:  # why is asked of the operators, one by one
        return False
    return True


def _failure(image, operators):
    """Which operator fails on an image, and how; ``(None, None)`` where none does."""
    for number, operator in enumerate(operators):
        try:
            image = operator(image)
        except Exception as error:  # whatever an operator raises is shown
            return number, error
    if len(getattr(image, "shape", ())) != 3:
        kind = type(image).__name__
        return number, TypeError(f"the last operator gives {kind}, no array [height, width, channels]")
    return None, None


def _collated(loader, samples, operators, where):
    """The labels that the batch operators make."""
    samples = (samples * _IMAGES)[:_IMAGES]
    labels, error = _labels(loader, samples)
    if error is not None:
        got = checks.described(said(error))
        checks.fail(f"{where}.dataset", "batch_transform_ops", "such that they can change a batch", got)
    odd = next((size for size in _batch_sizes(loader) if size % 2), None)
    if odd is not None and _labels(loader, samples[:-1])[1] is not None:
        names = ", ".join(name for entry in operators for name in entry)
        got = checks.described(f"one of {odd} images; `drop_last: true` leaves out a last one that is not full")
        checks.fail(f"{where}.sampler", "batch_size", f"such that every batch is even, for {names}", got)
    return labels


def _labels(loader, samples):
    try:
        return np.asarray(loader.collate_fn(list(samples))[1]), None
    except Exception as error:  # whatever an operator raises is shown
        return None, error


def _batch_size(loader):
    return getattr(getattr(loader, "batch_sampler", None), "batch_size", 1)


def _batch_sizes(loader):
    """The sizes of this process's batches: of the full ones, and of the last one where it is another."""
    sampler, size = loader.batch_sampler, _batch_size(loader)
    if getattr(sampler, "drop_last", False):
        return [size]
    images = getattr(sampler, "images_per_process", getattr(sampler, "num_samples", len(loader.dataset)))
    return [size] * (images >= size) + [images % size] * (images % size > 0)
