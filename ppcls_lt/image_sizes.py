"""The size that an image file claims, read from its header alone: before a decoder makes room for it."""

import io

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"


def size_of(data):
    """Return ``(width, height)`` in pixels as the file says, or None where it does not tell.

    PNG and JPEG are read here, in microseconds; others by Pillow, without decoding.

    Args:
        data (bytes): the whole file.
    """
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data.startswith(_JPEG):
        return _jpeg_size(data)
    from PIL import Image

    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # whose own limit comes with another message
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, EOFError):
        return None
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _jpeg_size(data):
    """The size in the first frame header; the segments before it are skipped by their lengths."""
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without a length
            place += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = data[place + 5 : place + 7], data[place + 7 : place + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        elif marker in (0xD9, 0xDA):  # the end, or the picture itself
            return None
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None
