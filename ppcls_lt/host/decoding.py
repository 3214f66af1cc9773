"""Decoding that says what it cannot read, and makes no room for an image that claims too many pixels."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any, Callable

import numpy as np

from ..basis.checks import ConfigError, cut
from ..data.image_sizes import MAX_PIXELS, size_of

LIMIT = "max_image_pixels"  # of `Global`
_NO_IMAGE = "it is no image that OpenCV can decode"
_NO_SIZE = f"{_NO_IMAGE}, or its header does not say how large it is"
_HIDES = "Exception occured when parse line"
_LONGEST = 240  # characters of what another's exception says
_reading = threading.local()


class DataError(ConfigError):
    """An image of a data set that cannot be used, and why."""

    def __init__(self, message: str) -> None:
        # From a loader's worker comes a traceback, whose last line ends in what was said.
        super().__init__(message.rpartition(f"{type(self).__name__}: ")[2].strip())


class UnreadableImage(DataError):
    """An image file that cannot be read or decoded, or that claims more pixels than are allowed."""


class Hidden(Exception):
    """Takes an exception out of the host's handler, which would replace the image."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def said(error: BaseException) -> str:
    """An exception in one line that is not long; what is ours speaks for itself."""
    if isinstance(error, DataError):
        return str(error)
    text = cut(" ".join(str(error).split()), _LONGEST)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def pixel_limit(config: dict) -> int:
    """Return the width times height that an image file may claim, as a configuration says or by default."""
    return config["Global"].get(LIMIT, MAX_PIXELS)


@contextlib.contextmanager
def bounded(max_pixels: int) -> Iterator[None]:
    """Within it, this thread decodes no image that claims more pixels."""
    before = getattr(_reading, "max_pixels", MAX_PIXELS)
    _reading.max_pixels = max_pixels
    try:
        yield
    finally:
        _reading.max_pixels = before


def check_size(size: Any) -> None:
    """Refuse a ``(width, height)`` of too many pixels, and None: what does not tell its size may have any."""
    if size is None:
        raise UnreadableImage(_NO_SIZE)
    limit = getattr(_reading, "max_pixels", MAX_PIXELS)
    if size[0] * size[1] > limit:
        raise UnreadableImage(
            f"it claims {size[0]} x {size[1]} pixels, more than the {limit} that `Global.max_image_pixels` allows"
        )


def decode(original: Callable, operator: Any, data: Any) -> Any:
    """``DecodeImage``: bytes that are no image, or claim to be too large a one, are said to be."""
    image = data.get("img") if isinstance(data, dict) else data
    if not isinstance(image, bytes):
        return original(operator, data)
    if not image:
        raise UnreadableImage("the file is empty")
    check_size(size_of(image))
    with _pillow_unbounded():
        try:
            result = original(operator, data)
        except Exception as error:  # whatever a decoder raises, and the host where OpenCV gave it nothing
            raise UnreadableImage(_NO_IMAGE if "NoneType" in str(error) else said(error)) from error
    if (result.get("img") if isinstance(result, dict) else result) is None:
        raise UnreadableImage(_NO_IMAGE)
    return result


def read_rgb(path: str) -> np.ndarray:
    """Return the image of a file ``[H, W, 3]``, uint8, RGB.

    Raises:
        UnreadableImage: it is not there, cannot be decoded, or claims too many pixels.
    """
    from PIL import Image

    return np.asarray(Pillow(Image).open(path).convert("RGB"))


@contextlib.contextmanager
def _pillow_unbounded():
    """Pillow's own limit, which comes with a warning at half of it, gives way to the one that is set."""
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


class Stand:
    """Stands for a module in the names of another."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class Logger(Stand):
    """The host's logger, whose line on a replaced image raises what was to be hidden."""

    def error(self, message: Any, *args: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and str(message).startswith(_HIDES):
            raise Hidden(error)
        self._module.error(message, *args)


class Pillow(Stand):
    """``PIL.Image`` for data sets that open their images themselves."""

    def open(self, file: Any, *args: Any, **kwargs: Any) -> Any:
        with _pillow_unbounded():
            try:
                image = self._module.open(file, *args, **kwargs)
                check_size(image.size)
                image.load()
            except DataError:
                raise
            except Exception as error:  # every format has its own
                raise UnreadableImage(said(error)) from error
        return image


class OpenCV(Stand):
    """``cv2`` for data sets that read their images themselves."""

    def imread(self, path: Any, *args: Any) -> Any:
        try:
            with open(path, "rb") as file:
                check_size(size_of(file.read()))
        except OSError as error:
            raise UnreadableImage(said(error)) from error
        image = self._module.imread(path, *args)
        if image is None:
            raise UnreadableImage(_NO_IMAGE)
        return image
