"""What the host takes for the images to predict."""

from __future__ import annotations

import importlib


def images_below(path: str) -> list[str]:
    """The images that ``Engine.infer`` would take of a file or folder, in its order; none is an empty list."""
    module = importlib.import_module("ppcls.data.utils.get_image_list")
    try:
        return module.get_image_list(path)
    except Exception as error:
        if type(error) is not Exception:  # what it raises where it finds none
            raise
        return []
