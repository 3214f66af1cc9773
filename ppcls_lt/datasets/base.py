"""What the data sets by name share: which images are taken, and items as PaddleClas's own data sets give them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle

from .. import host
from ..basis import checks
from ..data import named_images, subsets
from ..data.named_images import Choice, Images


class NamedDataset(paddle.io.Dataset):
    """A data set whose files are known: its long tail is made while it is read, and nothing is written.

    Which images are taken is a function of the parameters and the files alone: it is the same in every process, in an
    evaluation and when a training is resumed.

    Args:
        image_root (str): the folder of its files.
        mode (str): ``train``, of which a long tail is taken, or ``test``, which is taken whole.
        ratio (float): images of the largest class over those of the smallest, >= 1; needed with ``train``.
        profile (str): ``exp`` (by default; ``data.profiles.long_tail_profile``) or ``step`` (``step_profile``, half of
            the classes small).
        order (list of int, optional): the classes from most to fewest images; 0, 1, ... by default.
        seed (int): which images are drawn (``data.subsets.ldam_subset``); 0 by default.
        cls_label_path (str, optional): a list of the images to take in the place of all these, as ``ppcls-lt compare``
            writes it.
        delimiter (str, optional): what separates image and label there; a space by default.
        transform_ops (list, optional): PaddleClas's operators. An image is an array ``[H, W, 3]``, uint8, RGB, before
            the first: there is nothing for ``DecodeImage`` to do, which would swap red and blue.

    Attributes:
        labels (list of int): the class of each image.
        images (list of str): their names, for messages.

    Raises:
        ConfigError: a parameter is not what it must be, or the files are missing or damaged.
    """

    class_num = 0

    def __init__(
        self,
        image_root: str | os.PathLike,
        mode: str | None = None,
        ratio: float | None = None,
        profile: str | None = None,
        order: Sequence[int] | None = None,
        seed: int | None = None,
        cls_label_path: str | os.PathLike | None = None,
        delimiter: str | None = None,
        transform_ops: list | None = None,
    ) -> None:
        super().__init__()
        chosen = self.choice(
            image_root, mode, ratio, profile, order, seed, cls_label_path, delimiter, transform_ops=transform_ops
        )
        self._transform_ops = host.operators.build(transform_ops)
        self._images = chosen.of(lambda part: self.read_part(image_root, part))
        self.labels = list(self._images.labels)
        are_files = self._images.pixels is None
        self.images = [str(self._images.folder / name) if are_files else name for name in self._images.names]

    @classmethod
    def choice(
        cls,
        image_root: str | os.PathLike,
        mode: str | None = None,
        ratio: float | None = None,
        profile: str | None = None,
        order: Sequence[int] | None = None,
        seed: int | None = None,
        cls_label_path: str | os.PathLike | None = None,
        delimiter: str | None = None,
        transform_ops: list | None = None,
    ) -> Choice:
        """Return which images the parameters ask for, without reading one.

        Raises:
            ConfigError: as said of the class, as far as names and values tell.
        """
        owner = cls.__name__
        names = [name for entry in transform_ops or [] for name in (entry if isinstance(entry, dict) else ())]
        if "DecodeImage" in names:
            expected = "a list without DecodeImage: images are arrays in RGB, whose red and blue it would swap"
            checks.fail(owner, "transform_ops", expected, checks.described(", ".join(map(str, names))))
        tail = {"mode": mode, "ratio": ratio, "profile": profile, "order": order, "seed": seed}
        chosen = named_images.choice(owner, cls_label_path=cls_label_path, delimiter=delimiter, **tail)
        if order is not None:
            subsets.class_order(chosen.order, np.ones(cls.class_num, np.int64), owner=owner)
        if not isinstance(image_root, (str, os.PathLike)):
            checks.fail(owner, "image_root", "the path of a folder", image_root)
        cls.find(image_root, mode or "train")
        return chosen

    @classmethod
    def counts(cls, **params: Any) -> np.ndarray:
        """Return the images of each class ``[C]`` of a data set with these parameters, without their pixels."""
        chosen = cls.choice(**params)
        images = chosen.of(lambda part: cls.read_part(params["image_root"], part, pixels=False))
        return np.bincount(images.labels, minlength=cls.class_num)

    @classmethod
    def as_list(cls, **params: Any) -> tuple[bytes, str]:
        """Return a list of the images that these parameters take, a file, and its delimiter."""
        chosen = cls.choice(**params)
        images = chosen.of(lambda part: cls.read_part(params["image_root"], part, pixels=False))
        delimiter = "\t" if any(" " in name for name in images.names) else " "
        return named_images.as_list(images, delimiter), delimiter

    @classmethod
    def find(cls, image_root: str | os.PathLike, part: str) -> None:
        """Raise a ``ConfigError`` unless the files of a part are there."""
        raise NotImplementedError

    @classmethod
    def read_part(cls, image_root: str | os.PathLike, part: str, pixels: bool = True) -> Images:
        """Return the ``Images`` of ``train`` or ``test``, all of them."""
        raise NotImplementedError

    def read(self, index: int) -> np.ndarray:
        """Return an image ``[H, W, 3]``, uint8, RGB.

        Raises:
            UnreadableImage: its file cannot be read.
        """
        if self._images.pixels is None:
            return host.decoding.read_rgb(self.images[index])
        image = self._images.pixels[index]
        return np.repeat(image[:, :, np.newaxis], 3, axis=2) if image.ndim == 2 else image.copy()

    @host.images.watched
    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        image = host.operators.apply(self.read(index), self._transform_ops)
        return image.transpose((2, 0, 1)), self.labels[index]

    def __len__(self) -> int:
        return len(self.labels)
