"""Images that cannot be read, which the host's data sets replace by a random other one: found, and answered as told.

Every data set of the host answers whatever goes wrong with an image, in reading,
in decoding and in any operator, by a line in the log and another image drawn
at random. Here that line's call raises instead, so that nothing is drawn; then
an image that cannot be read is told from an operator that fails. The first is
an error or replaced by another image of its class, the second always an error.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import mmap
import pkgutil
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np
import paddle

from ..data.image_sizes import size_of
from . import decoding
from ._wrapping import extend_in
from .decoding import MAX_PIXELS, DataError, UnreadableImage, bounded, pixel_limit, said
from .engine import EngineView


class Watch:
    """How one data set answers an image that cannot be read, and which it has met.

    What is met in a loader's workers is known here too: they share the memory.

    Args:
        dataset: one of the host's data sets.
        owner (str): for messages, e.g. ``DataLoader.Train.dataset``.
        replaces (bool): put another image of the class in its place; else it is an error.
        max_pixels (int): width times height that an image may claim.
    """

    def __init__(self, dataset: Any, owner: str, replaces: bool, max_pixels: int) -> None:
        self.dataset = dataset
        self.owner = owner
        self.max_pixels = max_pixels
        self._replaces = replaces
        self._memory = mmap.mmap(-1, max(len(dataset), 1))
        self._instead: dict = {}
        self._labels = None
        dataset._unreadable = self

    def found(self) -> np.ndarray:
        """Return which images could not be read so far, an array of 0 and 1 ``[N]``, uint8."""
        return np.frombuffer(self._memory, dtype=np.uint8)[: len(self.dataset)].copy()

    def label(self, index: int) -> Any:
        """Return the class of an image, None without one."""
        labels = getattr(self.dataset, "labels", None)
        return None if labels is None or len(labels) == 0 else labels[index]

    def reason(self, index: int) -> str:
        """Return why the file of an image cannot be used."""
        try:
            data = Path(self.dataset.images[index]).read_bytes()
            if not data:
                return "the file is empty"
            with bounded(self.max_pixels):
                decoding.check_size(size_of(data))
        except (OSError, UnreadableImage) as error:
            return said(error)
        return "it cannot be decoded"

    def answer(self, getter: Callable, place: Callable, index: int, error: Any) -> Any:
        """Return another image of the class, the same on every call and in every process.

        Raises:
            UnreadableImage: this data set replaces none, or has no image of the class that can be read.
        """
        name = f"{self.owner}: cannot read {self.dataset.images[index]}"
        if not self._replaces:
            raise UnreadableImage(
                f"{name}: {error}; mend or remove it; `Global.unreadable_images` says when such an image is replaced "
                f"by another of its class"
            ) from error
        self._memory[index] = 1
        for other in [self._instead[index]] if index in self._instead else self._others(index):
            with contextlib.suppress(UnreadableImage):
                result = _attempt(getter, self.dataset, place, other, self)
                self._instead[index] = other
                return result
            self._memory[int(other)] = 1
        raise UnreadableImage(f"{name}: {error}; and no other image of its class ({self.label(index)}) can be read")

    def _others(self, index):
        """The other images of the class in an order that depends on the image alone."""
        if self._labels is None:
            labels = getattr(self.dataset, "labels", None)
            self._labels = np.zeros(len(self.dataset)) if labels is None or len(labels) == 0 else np.asarray(labels)
        same = self._labels == self._labels[index]
        same = same if same.ndim == 1 else same.all(axis=tuple(range(1, same.ndim)))
        others = np.random.default_rng(int(index)).permutation(np.flatnonzero(same))
        return others[others != index]


def watch(dataset: Any, owner: str, replaces: bool, max_pixels: int) -> list[Watch]:
    """Have a data set, or those that it is made of, watched; return the ``Watch`` of each that reads files."""
    parts = [part for _, _, part in getattr(dataset, "dataset_list", ())] or [dataset]
    known = [part for part in parts if getattr(type(part).__getitem__, "_watched", False) and _images_of(part)]
    return [Watch(part, owner, replaces, max_pixels) for part in known]


def watched(getter: Callable) -> Callable:
    """Decorator of ``__getitem__``: an ``UnreadableImage`` is answered as in the data sets of the host."""

    @functools.wraps(getter)
    def get(dataset: Any, index: Any) -> Any:
        return _get(getter, dataset, index)

    get._watched = True  # type: ignore[attr-defined]  # which marks the host's too
    return get


def repair() -> None:
    """Make the host tell what it hides; later calls change nothing."""
    modules = _modules()
    for module in modules:
        for component in list(vars(module).values()):
            own = inspect.isclass(component) and component.__module__ == module.__name__
            if own and issubclass(component, paddle.io.Dataset) and "__getitem__" in vars(component):
                if not getattr(component.__getitem__, "_watched", False):
                    extend_in(component, "__getitem__", _get)
                    component.__getitem__._watched = True
        for name, stands in (("logger", decoding.Logger), ("Image", decoding.Pillow), ("cv2", decoding.OpenCV)):
            if hasattr(module, name) and not isinstance(getattr(module, name), decoding.Stand):
                setattr(module, name, stands(getattr(module, name)))
    operators = importlib.import_module("ppcls.data.preprocess.ops.operators")
    if not getattr(operators.DecodeImage.__call__, "_bounded", False):
        extend_in(operators, "DecodeImage.__call__", decoding.decode)
        operators.DecodeImage.__call__._bounded = True
    engine: Any = importlib.import_module("ppcls.engine.engine")
    if not isinstance(engine.logger, decoding.Stand):
        engine.logger = decoding.Logger(engine.logger)
        extend_in(engine, "Engine.infer", _infer)


def _modules():
    package = importlib.import_module("ppcls.data.dataloader")
    names = [f"{package.__name__}.{found.name}" for found in pkgutil.iter_modules(package.__path__)]
    # What the host itself has not imported may need packages that are not there (DALI).
    return [sys.modules[name] for name in names if name in sys.modules]


def _images_of(dataset):
    return len(getattr(dataset, "images", ())) == len(dataset)


def _get(original, dataset, index):
    """A data set's ``__getitem__``."""
    properties, number = (index[:-1], index[-1]) if isinstance(index, (tuple, list)) else (None, index)

    def place(other):
        return int(other) if properties is None else (*properties, int(other))

    watching = vars(dataset).get("_unreadable")
    if watching is None:
        watching = _Unwatched
    try:
        return _attempt(original, dataset, place, number, watching)
    except UnreadableImage as error:
        if watching is _Unwatched:
            images = getattr(dataset, "images", None)
            name = images[number] if images else f"image {number}"
            raise UnreadableImage(f"{type(dataset).__name__}: cannot read {name}: {error}") from error
        return watching.answer(original, place, number, error)


class _Unwatched:
    """For a data set that no Engine of this package has built."""

    owner = "data set"
    max_pixels = MAX_PIXELS


def _attempt(getter, dataset, place, index, watching):
    """Read one image.

    Raises:
        UnreadableImage: its file cannot be read.
        DataError: an operator failed.
    """
    try:
        with bounded(watching.max_pixels):
            return getter(dataset, place(index))
    except decoding.Hidden as hidden:
        error = hidden.error
    operators = [frame.f_locals.get("op") for frame in _frames(error) if frame.f_code is _transform_code()]
    if isinstance(error, UnreadableImage):
        raise error
    if isinstance(error, OSError) and not operators:
        raise UnreadableImage(said(error)) from error
    step = f"operator {type(operators[0]).__name__}" if operators else "what the transform_ops give"
    raise DataError(f"{watching.owner}: {step} fails with {dataset.images[index]}: {said(error)}") from error


def _transform_code():
    return importlib.import_module("ppcls.data.preprocess").transform.__code__


def _frames(error):
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _infer(original, engine):
    """The host's ``Engine.infer``, which leaves an image out, or its whole batch, where it cannot read it (develop)."""
    try:
        with bounded(pixel_limit(EngineView(engine).config)):
            return original(engine)
    except (decoding.Hidden, UnreadableImage) as raised:
        error = raised.error if isinstance(raised, decoding.Hidden) else raised
        names = [frame.f_locals["image_file"] for frame in _frames(error) if "image_file" in frame.f_locals]
        name = names[0] if names else "an image"
        if isinstance(error, UnreadableImage):
            raise DataError(
                f"Infer: `infer_imgs` must be images that can be decoded, got {name}, which cannot: {error}"
            ) from error
        raise DataError(f"Infer.infer_imgs: {name} cannot be predicted: {said(error)}") from error
