"""Repairs of the host's operators on images and batches, each made only where its fault shows."""

from __future__ import annotations

import contextlib
import importlib
import random
import warnings
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ._wrapping import extend_in


def build(entries: list | None) -> list:
    """Return the operators of a list ``transform_ops``, built by the host."""
    common: Any = importlib.import_module("ppcls.data.dataloader.common_dataset")
    return common.create_operators(entries or [])


def apply(image: np.ndarray, operators: list) -> np.ndarray:
    """Return what operators make of an image ``[H, W, 3]``."""
    return importlib.import_module("ppcls.data.preprocess").transform(image, operators)


def _module(name):
    return importlib.import_module(f"ppcls.data.preprocess.{name}")


@contextlib.contextmanager
def _trial():
    """Leave Python's and NumPy's random states, which a run draws from, as they were; let the host warn of nothing."""
    states = random.getstate(), np.random.get_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


class _NumPyWithAliases:
    """NumPy with the names of Python's own types that version 1.24 took away."""

    int, float, bool, object = int, float, bool, object

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _repair_numpy_aliases():
    """``np.int`` in AutoAugment (2.4), ``np.bool`` in MixupCutmixHybrid (2.5, develop) with a NumPy without them."""
    autoaugment, batches = _module("ops.autoaugment"), _module("batch_ops.batch_operators")
    hybrid = getattr(batches, "MixupCutmixHybrid", None)
    with _trial():
        for module, use in (
            (autoaugment, lambda: autoaugment.ImageNetPolicy()),
            (batches, lambda: hybrid and hybrid()._params_per_elem(2)),
        ):
            try:
                use()
            except AttributeError:
                module.np = _NumPyWithAliases()


def _repair_mixed_labels():
    """Mixed labels are float64 where the share is a NumPy number, as CutMix's is with NumPy 2."""
    batches = _module("batch_ops.batch_operators")
    one = np.zeros(1, np.int64)
    if batches.MixupOperator(class_num=2)._mix_target(one, one, np.float64(0.5)).dtype != np.float32:
        extend_in(batches, "BatchOperator._mix_target", _in_float32)


def _in_float32(original, self, *args):
    return original(self, *args).astype("float32")


def _repair_mixed_images():
    """Fmix multiplies the images by a mask of float64, for which no model is made."""
    batches = _module("batch_ops.batch_operators")
    with _trial():
        (image, _), _ = batches.FmixOperator(class_num=2)([(np.zeros((3, 4, 4), np.float32), 0)] * 2)
    if image.dtype != np.float32:
        extend_in(batches, "FmixOperator.__call__", _in_the_images_type)


def _in_the_images_type(original, self, batch):
    return [(image.astype(given[0].dtype), *rest) for (image, *rest), given in zip(original(self, batch), batch)]


def _repair_cutout():
    """Cutout forgets its ``fill_value`` and cuts nothing with one (develop)."""
    cutout = _module("ops.cutout")
    with _trial():
        try:
            cutout.Cutout(length=2)(np.ones((4, 4, 3), np.uint8))
        except AttributeError:
            extend_in(cutout, "Cutout.__init__", _with_fill_value)
            extend_in(cutout, "Cutout.__call__", _cut)


def _with_fill_value(original, self, n_holes=1, length=112, fill_value=(0, 0, 0)):
    self.fill_value = fill_value
    original(self, n_holes, length, fill_value)


def _cut(original, self, img):
    if self.fill_value is None:  # a random colour, which works
        return original(self, img)
    img = np.array(img)
    height, width = img.shape[:2]
    for _ in range(self.n_holes):
        y, x = np.random.randint(height), np.random.randint(width)
        top, left = max(y - self.length // 2, 0), max(x - self.length // 2, 0)
        img[top : y + self.length // 2, left : x + self.length // 2] = self.fill_value
    return img


def _repair_crop_with_padding():
    """CropWithPadding calls a method of Paddle's that has another name since 2.3 (every version)."""
    crop = _module("ops.operators").CropWithPadding
    if not hasattr(crop, "_get_param"):
        crop._get_param = crop._dynamic_get_param


def _repair_random_crop():
    """RandCropImageV2 can begin one place too far, and its crop is a pixel short then (every version)."""
    operators = _module("ops.operators")
    with _trial():
        crops = [operators.RandCropImageV2(1)(np.zeros((2, 2, 3), np.uint8)) for _ in range(50)]
    if {crop.shape for crop in crops} != {(1, 1, 3)}:
        extend_in(operators, "RandCropImageV2.__call__", _whole_crop)


def _whole_crop(original, self, img):
    """Crop until the crop is whole, which leaves every place equally likely."""
    crop = original(self, img)
    if isinstance(img, np.ndarray) and (img.shape[0] < self.size[1] or img.shape[1] < self.size[0]):
        raise ValueError(f"Required crop size {self.size} is larger than input image size {img.shape[1::-1]}")
    while isinstance(crop, np.ndarray) and crop.shape[1::-1] != tuple(self.size):
        crop = original(self, img)
    return crop


def _repair_crop_of_tiny_images():
    """RandCropImage can crop not one pixel of an image of few, and fails in some epoch or other (every version)."""
    operators = _module("ops.operators")
    crop = operators.RandCropImage(1)
    crop._resize_func = lambda img, size: img
    with _trial():
        if not crop(np.zeros((1, 1, 3), np.uint8)).size:
            extend_in(operators, "RandCropImage.__call__", _crop_of_some_pixels)


def _crop_of_some_pixels(original, self, data):
    if isinstance(data, dict):  # an image with what belongs to it (develop)
        return original(self, {**data, "img": _large_enough(self, data["img"])})
    return original(self, _large_enough(self, data))


def _large_enough(crop, img):
    """Enlarge an image of which a crop may be empty, each pixel to a square, so far that none is."""
    short, long = sorted(img.shape[:2])
    narrow = min(crop.ratio[0], 1 / crop.ratio[1])
    least = short * (narrow * min(crop.scale[0] * long / short, narrow)) ** 0.5  # no side of a crop is shorter
    if not 0 < least < 1:
        return img
    times = int(np.ceil(1 / least))
    return img.repeat(times, axis=0).repeat(times, axis=1)


def _repair_padding():
    """Padv2 makes float32 of an image of bytes, which no operator that goes by PIL takes (every version)."""
    operators = _module("ops.operators")
    if operators.Padv2(size=2, fill_value=[0, 0, 0])(np.zeros((1, 1, 3), np.uint8)).dtype != np.uint8:
        extend_in(operators, "Padv2.__call__", _padded_with_bytes)


def _padded_with_bytes(original, self, img):
    """Keep bytes where the fill values are bytes too; half of a grey value remains a number."""
    padded = original(self, img)
    fill = np.asarray(self.fill_value)
    are_bytes = img.dtype == np.uint8 and (fill == fill.astype(np.uint8)).all()
    return padded.astype(np.uint8) if are_bytes else padded


class _Posterizing:
    """``PIL.ImageOps``, whose ``posterize`` to 0 bits makes an image black, as it did before Pillow 13."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ImageOps, name)

    def posterize(self, image: Image.Image, bits: int) -> Image.Image:
        return ImageOps.posterize(image, bits) if bits else image.point([0] * 256 * len(image.getbands()))


def _repair_posterize():
    """The strongest of TimmAutoAugment and the weakest of RandAugment keeps 0 bits (every version)."""
    for name in ("randaugment", "timm_autoaugment"):
        module = _module(f"ops.{name}")
        try:
            module.ImageOps.posterize(Image.new("L", (1, 1)), 0)
        except ValueError:
            module.ImageOps = _Posterizing()


ALL = (
    _repair_numpy_aliases,
    _repair_mixed_labels,
    _repair_mixed_images,
    _repair_cutout,
    _repair_crop_with_padding,
    _repair_random_crop,
    _repair_crop_of_tiny_images,
    _repair_padding,
    _repair_posterize,
)
