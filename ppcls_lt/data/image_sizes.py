"""What an image file claims, read from its header alone, before a decoder makes room for it: size and orientation."""

from __future__ import annotations

import contextlib
import io
import re
import struct
from typing import Any

# Width times height, more than which nothing is decoded; what Pillow refuses too, unless it is told otherwise.
MAX_PIXELS = 178_956_970
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_JPEG_MARKER = re.compile(rb"\xff([\x01-\xfe])")
_TIFF = {b"II*\0": "little", b"MM\0*": "big"}
_ORIENTATION = 0x0112  # the tag of EXIF
_TIFF_BYTES = {1: 1, 3: 2, 4: 4}  # of a number, by its type


def size_of(data: bytes) -> tuple[int, int] | None:
    """Return ``(width, height)`` in pixels as the file says, or None where it does not tell.

    PNG, JPEG and TIFF are read here, in microseconds; others by Pillow, without decoding.

    Args:
        data (bytes): the whole file.
    """
    if data.startswith(_PNG):
        known = data[12:16] == b"IHDR" and len(data) >= 24
        return (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) if known else None
    if data.startswith(_JPEG):
        return _jpeg_size(data)
    if data[:4] in _TIFF:
        return _tiff_size(data, _TIFF[data[:4]])
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # whose own limit comes with another message
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, EOFError):
        return None
    finally:
        Image.MAX_IMAGE_PIXELS = before


def is_turned(image: Any) -> bool:
    """Whether EXIF says that an image is to be shown turned or mirrored, as OpenCV decodes it.

    Args:
        image (PIL.Image): opened. EXIF that cannot be read says nothing.
    """
    # What Pillow's parsing of damaged EXIF raises, of no common kind.
    with contextlib.suppress(OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError, struct.error):
        return image.getexif().get(_ORIENTATION, 1) in range(2, 9)
    return False


def _jpeg_size(data):
    """The size in the first frame header; the segments before it are skipped as libjpeg does.

    It passes over what stands between segments, and takes a length below 2 for 2.
    """
    place = 2
    while found := _JPEG_MARKER.search(data, place):
        marker, place = found[1][0], found.end()
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without a length
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = data[place + 3 : place + 5], data[place + 5 : place + 7]
            return (int.from_bytes(width, "big"), int.from_bytes(height, "big")) if len(width) == 2 else None
        if marker in (0xD9, 0xDA):  # the end, or the picture itself
            return None
        place += max(int.from_bytes(data[place : place + 2], "big"), 2)
    return None


def _tiff_size(data, order):
    """The size of the first picture; Pillow knows fewer kinds of pixels than OpenCV, so it is not asked."""
    start = int.from_bytes(data[4:8], order)
    entries = int.from_bytes(data[start : start + 2], order)
    sides = {256: 0, 257: 0}  # the width and the height, by their tags
    for place in range(start + 2, min(start + 2 + 12 * entries, len(data) - 11), 12):
        tag, kind = (int.from_bytes(data[place + k : place + k + 2], order) for k in (0, 2))
        if tag in sides:
            if kind not in _TIFF_BYTES:
                return None
            value = data[place + 8 : place + 8 + _TIFF_BYTES[kind]]
            sides[tag] = max(sides[tag], int.from_bytes(value, order))
    return tuple(sides.values()) if all(sides.values()) else None
