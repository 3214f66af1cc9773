"""The size of the images that a training is given, as its configuration tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...basis import checks
from . import kinds

if TYPE_CHECKING:
    from .combination import Part

# Operators after which an image has the size that they are told.
_SIZES = ("RandCropImage", "RandCropImageV2", "RandomCropImage", "RandomResizedCrop", "ResizeImage", "Resize")
_SIZES += ("CropImage", "CenterCrop", "CropWithPadding")
# Images of up to so many pixels a side are small, as those of CIFAR and Tiny ImageNet.
SMALL = 64
_HALF = "half_image"  # in a part: half the shorter side


def fitted(part: Part, base: dict) -> dict:
    """Return what a part changes in a configuration, the size of its images taken into account.

    Args:
        part (Part): ``small_images`` takes the place of its ``config`` where the images are small, and the text
            ``half_image`` in it is half a side, in pixels.
        base (dict): the configuration.

    Raises:
        ConfigError: it goes by the size, and the configuration does not tell it.
    """
    if part.small_images is None and not _mentions(part.config):
        return part.config
    side = _side(base)
    if side is None and not isinstance(kinds.at(base, kinds.DATASET), dict):
        return {}  # an evaluation that does not say with what was trained
    if side is None:
        must = "be given as [channels, height, width], or a crop or resizing with `size` among the operators"
        got = checks.described(f"neither, and {part.name} goes by the size of the images")
        raise checks.ConfigError(checks.finding("Global", "image_shape", must, got))
    config = part.small_images if part.small_images is not None and side <= SMALL else part.config
    return _filled(config, side)


def _side(base):
    """The shorter side of a training image in pixels, or None."""
    size = None
    for entry in kinds.at(base, kinds.TRANSFORMS) or []:
        params = entry.get(kinds.entry_name(entry)) if isinstance(entry, dict) else None
        if kinds.entry_name(entry) in _SIZES and isinstance(params, dict):
            size = params.get("size", size)
    if size is None:
        shape = kinds.at(base, ("Global", "image_shape"))
        size = shape[1:] if isinstance(shape, (list, tuple)) else None
    sides = size if isinstance(size, (list, tuple)) else [size]
    sound = sides and all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in sides)
    return min(sides) if sound else None


def _mentions(value):
    if isinstance(value, (dict, list)):
        return any(map(_mentions, value.values() if isinstance(value, dict) else value))
    return value == _HALF


def _filled(value, side):
    if isinstance(value, dict):
        return {key: _filled(inner, side) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, side) for inner in value]
    return side // 2 if value == _HALF else value
