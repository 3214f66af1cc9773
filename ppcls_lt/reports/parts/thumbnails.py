"""Small copies of images, which a page holds itself."""

from __future__ import annotations

import io
import os

from ...data import image_sizes

MAX_PIXELS = 178_956_970  # larger images are not decoded


def small_copy(path: str | os.PathLike, side: int) -> bytes | None:
    """Return a JPEG of an image whose longer side has at most so many pixels; None where it cannot be read.

    Args:
        path (str): the image.
        side (int): pixels.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (side, side))
            image = (ImageOps.exif_transpose(image) if image_sizes.is_turned(image) else image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    image.thumbnail((side, side))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()
