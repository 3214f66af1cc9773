"""What is measured of one image file: whether it can be read, its size, brightness and sharpness, its looks."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
import warnings
from typing import Any

import numpy as np

from ..basis import extras
from ..data import image_sizes
from . import EXTRA

SIDE = 16  # of the small picture by which two images are compared, in pixels
READ, MISSING, EMPTY, UNREADABLE = range(4)
VERSION = 4  # of what is measured; files of another are measured anew

_REASON = 160
_AT_MOST = 256  # the longer side at which sharpness is measured
# What OpenCV reads wherever Pillow does, by Pillow's names; it is asked about the rest. Of a PNG it refuses damage that
# Pillow passes over.
_READ_BY_OPENCV = ("JPEG", "MPO", "BMP", "DIB", "WEBP", "PPM")
# Pillow's modes of eight bits a channel. What has more it cuts off at 255, where OpenCV divides.
_EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV")

# One row a file.
ROW = np.dtype(
    [
        ("bytes", np.int64),  # of the file, and when it was changed: by these it is known again
        ("changed", np.int64),  # nanoseconds
        ("status", np.uint8),
        ("reason", f"S{_REASON}"),  # why it cannot be read, UTF-8
        ("width", np.int32),
        ("height", np.int32),
        ("brightness", np.float32),  # mean of the grey levels, 0 to 255
        ("contrast", np.float32),  # their standard deviation
        ("sharpness", np.float32),  # see `sharpness`
        ("pixels", "V16"),  # BLAKE2b of the decoded pixels and the size
        ("hash", np.uint8, 8),  # 64 bits of `imagehash.phash`
        ("small", np.uint8, (SIDE, SIDE, 3)),
    ]
)


def stamp(path: str | os.PathLike) -> tuple[int, int]:
    """Return the bytes of a file and when it was changed, in nanoseconds; ``(-1, -1)`` where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def measure(path: str | os.PathLike) -> np.ndarray:
    """Return the row of a file, an array ``[]`` of type ``ROW``. It raises for no content of a file."""
    row = np.zeros((), dtype=ROW)
    row["bytes"], row["changed"] = stamp(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for who writes into it
            raise OSError(errno.EINVAL, "no file")
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        row["status"] = MISSING
        return _with_reason(row, error.strerror or str(error))
    if not data:
        row["status"] = EMPTY
        return _with_reason(row, "no bytes")
    try:
        image = _decoded(data)
    except _Unreadable as error:
        row["status"] = UNREADABLE
        return _with_reason(row, str(error))
    row["width"], row["height"] = image.size
    digest = hashlib.blake2b(np.array(image.size).tobytes(), digest_size=16)
    digest.update(image.tobytes())
    row["pixels"] = digest.digest()
    _look(row, image)
    return row


def sharpness(grey: Any) -> float:
    """Return how much of an image is lost where it is halved and enlarged again, as a share of its contrast.

    ``rms(g - enlarge(halve(g))) / std(g)``: near 0 where there is nothing finer than two pixels, whatever the contrast.

    Args:
        grey (PIL.Image): of mode ``L``; larger than 256 pixels it is made smaller first.
    """
    from PIL import Image

    if max(grey.size) > _AT_MOST:
        grey = grey.copy()
        grey.thumbnail((_AT_MOST, _AT_MOST), Image.Resampling.BOX)
    if min(grey.size) < 4:
        return 1.0  # too small to tell; it is found as tiny
    levels = np.asarray(grey, dtype=np.float32)
    contrast = float(levels.std())
    if contrast == 0:
        return 1.0  # it is found as of one colour
    levels -= np.asarray(grey.reduce(2).resize(grey.size, Image.Resampling.BILINEAR), dtype=np.float32)
    return float(np.sqrt(np.square(levels).mean())) / contrast


class _Unreadable(Exception):
    """Why an image cannot be decoded."""


def _decoded(data):
    """The image in RGB, all of it."""
    from PIL import Image, UnidentifiedImageError

    size = image_sizes.size_of(data)
    if size is not None and size[0] * size[1] > image_sizes.MAX_PIXELS:
        raise _Unreadable(f"claims {size[0]} x {size[1]} pixels")
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tags that Pillow finds odd in images that it reads
            with Image.open(io.BytesIO(data)) as image:
                deep = image.mode not in _EIGHT_BITS
                asked = deep or image.format not in _READ_BY_OPENCV
                turned = image_sizes.is_turned(image)
                seen = _by_opencv(data) if asked or turned else None
                if asked and seen is None:
                    kind = f"{image.format} of the mode {image.mode}" if deep else image.format
                    raise _Unreadable(f"{kind}, which OpenCV, by which PaddleClas reads images, does not read")
                if deep:
                    return _of_opencv(seen)
                image.load()  # which raises for a file that is cut short
                return _of_opencv(seen) if seen is not None and turned else image.convert("RGB")
    except UnidentifiedImageError:
        found = _by_opencv(data)
        if found is None:
            raise _Unreadable("no image") from None
        return _of_opencv(found)
    # Pillow's decoders raise what their libraries and their parsing of headers do, of no common kind.
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise _Unreadable(str(error) or type(error).__name__) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _of_opencv(seen):
    """What OpenCV has read, in RGB."""
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(seen[:, :, ::-1]))


def _by_opencv(data):
    """What OpenCV makes of a file, uint8 ``[H, W, 3]`` in BGR, or None."""
    import cv2

    with contextlib.suppress(cv2.error):
        return cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    return None


def _look(row, image):
    from PIL import Image

    with extras.needed("ImageHash", "an audit", EXTRA):
        import imagehash

    grey = image.convert("L")
    levels = np.asarray(grey, dtype=np.float32)
    row["brightness"], row["contrast"] = levels.mean(), levels.std()
    row["sharpness"] = sharpness(grey)
    row["hash"] = np.packbits(imagehash.phash(grey).hash.ravel())
    row["small"] = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))


def _with_reason(row, reason):
    row["reason"] = " ".join(reason.split()).encode("utf-8")[:_REASON]
    return row
