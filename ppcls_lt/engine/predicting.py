"""What a trained model gives for image files: probabilities, or why a file has none."""

from __future__ import annotations

import copy
import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import paddle
import paddle.nn.functional as F

from .. import host
from ..basis import checks
from ..basis.checks import ConfigError
from ..configuration import reading as configuration
from ..data import class_names
from ..host.decoding import DataError, UnreadableImage, bounded, pixel_limit, said
from . import recording


class Predicted(NamedTuple):
    """One image: its probabilities ``[C]``, float32, or why it has none."""

    path: str
    probabilities: np.ndarray | None
    error: str | None


class Predictor:
    """A trained model with the operators of ``Infer.transforms``, in float32.

    Args:
        config (dict): of a finished run, its weights in ``Global.pretrained_model``.
        scratch (str or Path): a folder for the log.
        owner (str): who asks, for messages.
    """

    def __init__(self, config: dict, scratch: str | os.PathLike, owner: str) -> None:
        config = copy.deepcopy(config)
        config["Global"].update(output_dir=str(scratch), save_inference_dir=str(scratch), serving=False, run=None)
        config.pop("AMP", None)
        self._owner = owner
        self._limit = pixel_limit(config)
        self._operators = host.operators.build(transforms(config, owner))
        self.class_num = configuration.class_number(config)
        given = config["Global"].get("image_shape")
        self._shape = tuple(given) if isinstance(given, list) else None
        self.other_shapes: Counter[tuple] = Counter()  # shape -> images that had it instead of Global.image_shape
        # The mode in which the host builds a model without data.
        with paddle.utils.unique_name.guard():
            self._model = host.built(host.attributed(config), "export").model
        self._model.eval()

    def image(self, path: str | os.PathLike) -> np.ndarray:
        """Return a file as the model takes it, ``[C, H, W]``.

        Raises:
            UnreadableImage: it cannot be read or decoded.
            DataError: an operator fails with it.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise UnreadableImage(said(error)) from error
        return self.content(data)

    def content(self, data: bytes) -> np.ndarray:
        """Return the content of an image file as the model takes it; see :meth:`image`."""
        found: Any = data
        with bounded(self._limit):
            for operator in self._operators:
                try:
                    found = operator(found)
                except DataError:
                    raise
                except Exception as error:  # whatever an operator raises
                    raise DataError(f"operator {type(operator).__name__} fails: {said(error)}") from error
        return np.asarray(found)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of images ``[N, C, H, W]``, float32 ``[N, C]``."""
        with paddle.no_grad():
            found = logits(self._model(paddle.to_tensor(images)))
            if not isinstance(found, paddle.Tensor) or found.ndim != 2 or found.shape[1] < 2:
                got = checks.described("other outputs")
                checks.fail("Arch", "name", "a model that gives a logit for each class", got)
            return F.softmax(found.astype("float32"), axis=-1).numpy()

    def over(self, paths: Iterable[str], *, batch_size: int, workers: int) -> Iterator[Predicted]:
        """Yield what each file comes to, in their order, while further files are read by ``workers`` threads."""
        with ThreadPoolExecutor(workers) as pool:
            rest = iter(paths)
            waiting: deque[tuple[str, Future]] = deque()
            while True:
                more = islice(rest, 2 * batch_size - len(waiting))
                waiting.extend((path, pool.submit(self._read, path)) for path in more)
                batch = [waiting.popleft() for _ in range(min(batch_size, len(waiting)))]
                if not batch:
                    return
                yield from self._batch([(path, future.result()) for path, future in batch])

    def _read(self, path):
        """The image, or in words why there is none."""
        try:
            return self.image(path)
        except DataError as error:
            return str(error)

    def _batch(self, read: Sequence[tuple[str, Any]]) -> list[Predicted]:
        found = {}
        shapes: dict[tuple, list[int]] = {}
        for index, (path, image) in enumerate(read):
            if isinstance(image, str):
                found[index] = Predicted(path, None, image)
            else:
                # Without an operator that makes them equal, images of one size go together.
                shapes.setdefault(image.shape, []).append(index)
        for shape, members in shapes.items():
            other = self._shape is not None and shape != self._shape
            if other:
                self.other_shapes[shape] += len(members)
            try:
                result = self.probabilities(np.stack([read[index][1] for index in members]).astype(np.float32))
            except (AssertionError, IndexError, RuntimeError, ValueError) as error:  # whatever a model raises
                if not other:
                    raise
                why = f"the model does not take the shape {shape} that Infer.transforms give it: {said(error)}"
                found.update((index, Predicted(read[index][0], None, why)) for index in members)
                continue
            for index, row in zip(members, result):
                finite = bool(np.isfinite(row).all())
                error = None if finite else "the model's outputs are not finite (NaN or infinite)"
                found[index] = Predicted(read[index][0], row if finite else None, error)
        return [found[index] for index in range(len(read))]


def logits(output: Any) -> Any:
    """Return the logits of what a model gives, as the host's ``infer`` takes them."""
    if isinstance(output, (list, tuple)):
        output = output[0]
    for key in ("Student", "logits", "output"):
        if isinstance(output, dict) and key in output:
            output = output[key]
    return output


def transforms(config: dict, owner: str) -> list:
    """Return the operators that make an image file the model's input, plain values.

    Raises:
        ConfigError: the configuration has none.
    """
    section = config.get("Infer")
    found = section.get("transforms") if isinstance(section, dict) else None
    if not isinstance(found, list) or not found:
        checks.fail(owner, "Infer.transforms", "the operators that make a file the model's input", found)
    return found


def called(config: dict, class_num: int) -> list[str]:
    """Return what the classes are called ``[C]``: their names where the configuration tells them, or their numbers."""
    found = recording.class_names(config) or {}
    call = class_names.called({int(label): name for label, name in found.items()})
    return [call(label) for label in range(class_num)]


def unlike_evaluation(config: dict, owner: str) -> str | None:
    """Return in words where ``Infer.transforms`` differ from the operators of the evaluation, or None."""
    dataset = ((config.get("DataLoader") or {}).get("Eval") or {}).get("dataset") or {}
    evaluated = dataset.get("transform_ops")
    if not isinstance(evaluated, list):
        return None
    here, there = (_plain(entries) for entries in (transforms(config, owner), evaluated))
    for name in dict.fromkeys([*here, *there]):
        if here.get(name) != there.get(name):
            return f"{name}: {here.get(name, 'not there')} in Infer.transforms, {there.get(name, 'not there')} in Eval"
    return None


def _plain(entries):
    """Name -> parameters of the operators but the last turn to channels first, which data sets do themselves."""
    return {name: params or {} for entry in entries for name, params in entry.items() if name != "ToCHWImage"}


def failed(predicted: Sequence[Predicted], owner: str, parameter: str) -> None:
    """Raise where one of the images that something is solved on has no probabilities."""
    found = [each for each in predicted if each.error is not None]
    if found:
        got = f"{len(found)} that cannot be predicted, {found[0].path} for one: {found[0].error}"
        raise ConfigError(checks.finding(owner, parameter, "be images that can be read", checks.described(got)))
