"""An exported model as a folder: what prepares its images and what its probabilities say, with NumPy and OpenCV alone.

``ppcls-lt export --serving`` copies this file beside the model and ``serving.json``, its description. It needs
neither ppcls_lt nor PaddleClas. ``python served.py`` tries whether the model gives here what it gave where it was
trained: with Paddle Inference, and ``model.onnx`` with ONNX Runtime where it is there. ``python served.py IMAGE ...``
says what images are.

Length: a folder that serves has this one file, which needs no other.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DESCRIPTION = "serving.json"
FORMAT = 1
ONNX = "model.onnx"
NOT_SURE = "not sure"
TOLERANCE = 1e-5  # of a probability, between the trained model and the served one


class Decision(NamedTuple):
    """What an image is taken for.

    ``label`` is the class, -1 where the model is not sure; ``probability`` that of the class, or the highest one.
    """

    label: int
    name: str
    probability: float


def decided(probabilities: np.ndarray, rule: dict | None) -> np.ndarray:
    r"""Return the classes that probabilities ``[N, C]`` decide for, int64 ``[N]``, -1 for not sure.

    Without a rule the class of the highest probability. With ``factors``

    .. math:: \arg\max_k f_k p_k

    and with ``costs`` the class of the lowest expected cost, of which the column C is that of being not sure:

    .. math:: \arg\min_k \sum_y p_y C_{yk}

    An image whose highest probability lies below ``not_sure_below`` is not sure, whatever the rest says.

    Args:
        probabilities (array): ``[N, C]``.
        rule (dict or None): ``factors`` ``[C]``, ``costs`` ``[C][C or C + 1]``, ``not_sure_below``; each may be None.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    rule = rule or {}
    if rule.get("costs") is not None:
        found = (probabilities @ np.asarray(rule["costs"], dtype=np.float64)).argmin(axis=1)
        found = np.where(found == probabilities.shape[1], -1, found)
    elif rule.get("factors") is not None:
        found = (probabilities * np.asarray(rule["factors"], dtype=np.float64)).argmax(axis=1)
    else:
        found = probabilities.argmax(axis=1)
    if rule.get("not_sure_below") is not None:
        found = np.where(probabilities.max(axis=1) < rule["not_sure_below"], -1, found)
    return found.astype(np.int64)


class Served:
    """The folder of an exported model.

    Args:
        folder (str or Path, optional): by default the one in which this file lies.

    Attributes:
        description (dict): what ``serving.json`` says.
        names (list of str): of the classes.
    """

    def __init__(self, folder: str | os.PathLike | None = None) -> None:
        self.folder = Path(__file__).parent if folder is None else Path(folder)
        self.description = json.loads((self.folder / DESCRIPTION).read_text(encoding="utf-8"))
        if self.description.get("format") != FORMAT:
            raise ValueError(f"{self.folder / DESCRIPTION}: format {self.description.get('format')!r} is not {FORMAT}")
        self.names: list[str] = self.description["classes"]
        self._steps = steps(self.description["preprocessing"])

    @property
    def files(self) -> tuple[str, str]:
        """The program and the weights, as ``paddle.inference.Config`` takes them."""
        program, weights = (str(self.folder / self.description["files"][key]) for key in ("program", "weights"))
        return program, weights

    def config(self) -> Any:
        """The ``paddle.inference.Config`` of this folder, to be changed (a GPU, threads) and made a predictor of."""
        from paddle import inference

        config = inference.Config(*self.files)
        config.disable_glog_info()
        if self.files[0].endswith(".pdmodel"):
            # Built with AVX-512 instructions: a vision transformer ends the process on a CPU without them (SIGILL).
            config.delete_pass("self_attention_fuse_pass")
        return config

    def images(self, paths: Iterable[str | os.PathLike]) -> np.ndarray:
        """Return image files as the model takes them, float32 ``[N, C, H, W]``.

        Raises:
            ValueError: a file is no image that can be decoded; it names the file.
            OSError: a file cannot be read.
        """
        return np.stack([self.image(Path(path).read_bytes(), str(path)) for path in paths])

    def image(self, data: bytes, name: str = "the image") -> np.ndarray:
        """Return the content of an image file as the model takes it, float32 ``[C, H, W]``."""
        found: Any = data
        for step in self._steps:
            found = step(found)
            if found is None:
                raise ValueError(f"{name} is no image that can be decoded")
        return np.ascontiguousarray(found, dtype=np.float32)

    def decide(self, probabilities: np.ndarray) -> list[Decision]:
        """Return what probabilities ``[N, C]`` say of each image, by the rule that was kept with the model."""
        labels = decided(probabilities, self.description["decision"])
        names = [*self.names, NOT_SURE]  # the last one is that of -1
        return [
            Decision(int(label), names[label], float(row.max() if label < 0 else row[label]))
            for label, row in zip(labels, np.asarray(probabilities))
        ]

    def difference(self, run: Callable[[np.ndarray], np.ndarray]) -> float:
        """Return how far ``run(images) -> probabilities`` lies from the trained model on the images of the check."""
        check = self.description["check"]
        images = np.stack([self.image(data) for data in probes(check["seed"], check["images"])])
        return float(np.abs(run(images) - np.asarray(check["probabilities"])).max())


def probes(seed: int, number: int) -> list[bytes]:
    """Return images that are drawn, uncompressed bitmap files, the same everywhere."""
    draw = np.random.default_rng(seed)
    found = []
    for index in range(number):
        height, width = 40 + 3 * index, 52 - 4 * (index % 4)
        # Coarse, so that resizing leaves something of them.
        coarse = draw.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        pixels = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
        found.append(_bitmap(np.ascontiguousarray(pixels)))
    return found


def _bitmap(pixels):
    """``[H, W, 3]``, uint8, as a BMP file."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, (3 * width + 3) // 4 * 4), dtype=np.uint8)
    rows[:, : 3 * width] = pixels[::-1].reshape(height, -1)
    header = [(54 + rows.size, 4), (0, 4), (54, 4), (40, 4), (width, 4), (height, 4), (1, 2), (24, 2)]
    numbers = [value.to_bytes(size, "little") for value, size in [*header, *[(0, 4)] * 6]]
    return b"".join([b"BM", *numbers, rows.tobytes()])


def steps(operators: list) -> list[Callable]:
    """Return PaddleClas's operators on an image as functions.

    Args:
        operators (list of dict): as ``Infer.transforms`` has them, each of one name with its parameters.

    Raises:
        ValueError: one of them, or a parameter, is not known here.
    """
    found = []
    for entry in operators:
        ((name, params),) = entry.items()
        if name not in _STEPS:
            raise ValueError(f"{name} is not one of {', '.join(_STEPS)}")
        try:
            found.append(_STEPS[name](**(params or {})))
        except (TypeError, KeyError) as error:
            raise ValueError(f"{name} has a parameter that is not known here: {error}") from error
    return found


def _decode(to_np=True, to_rgb=True, channel_first=False, backend="cv2"):
    def step(data):
        if backend.lower() == "pil":
            from PIL import Image

            try:
                image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))[:, :, ::-1]
            except OSError:
                return None
        else:
            import cv2

            image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), 1) if data else None  # no bytes raise
        if image is None:
            return None
        image = image[:, :, ::-1] if to_rgb else image
        return image.transpose(2, 0, 1) if channel_first else image

    return step


def _resize(size=None, resize_short=None, interpolation=None, backend="cv2", return_numpy=True):
    pillow = backend.lower() == "pil"
    known = ("nearest", "bilinear", "bicubic", "box", "lanczos", "hamming") if pillow else tuple(_OPENCV)
    kind = (interpolation or "bilinear").lower()
    if kind not in known:
        raise KeyError(f"interpolation {interpolation!r}")

    def step(image):
        height, width = image.shape[:2]
        if resize_short is not None and resize_short > 0:
            share = float(resize_short) / min(width, height)
            target = (int(round(width * share)), int(round(height * share)))
        else:
            target = (size, size) if isinstance(size, int) else tuple(size)
        if pillow:
            from PIL import Image

            return np.asarray(Image.fromarray(image).resize(target, getattr(Image, kind.upper())))
        import cv2

        return cv2.resize(image, target, interpolation=getattr(cv2, f"INTER_{_OPENCV[kind]}"))

    return step


_OPENCV = {"nearest": "NEAREST", "bilinear": "LINEAR", "area": "AREA", "bicubic": "CUBIC", "lanczos": "LANCZOS4"}


def _crop(size):
    width, height = (size, size) if isinstance(size, int) else size

    def step(image):
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        return image[top : top + height, left : left + width, :]

    return step


def _normalize(scale=None, mean=None, std=None, order="chw"):
    shape = (3, 1, 1) if order == "chw" else (1, 1, 3)
    mean = np.array([0.485, 0.456, 0.406] if mean is None else mean).reshape(shape).astype("float32")
    std = np.array([0.229, 0.224, 0.225] if std is None else std).reshape(shape).astype("float32")
    factor = np.float32(1.0 / 255.0 if scale is None else scale)
    return lambda image: ((image.astype("float32") * factor - mean) / std).astype("float32")


_STEPS: dict[str, Callable[..., Callable]] = {
    "DecodeImage": _decode,
    "ResizeImage": _resize,
    "CropImage": _crop,
    "NormalizeImage": _normalize,
    "ToCHWImage": lambda: lambda image: image.transpose(2, 0, 1),
}


def by_paddle(config: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``images -> probabilities`` of a ``paddle.inference.Config``."""
    from paddle import inference

    predictor = inference.create_predictor(config)

    def run(images):
        predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(images)
        predictor.run()
        return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()

    return run


def by_onnx(path: str | os.PathLike) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``images -> probabilities`` of a converted model by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {session.get_inputs()[0].name: images})[0]


def main(arguments: list[str] | None = None) -> int:
    """Try the folder of this file, or say what images are, with what is installed; return 0 where that went well."""
    parser = argparse.ArgumentParser(description="Without an image: try whether the model is that which was trained.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="an image file, of which the class is told")
    paths = parser.parse_args(arguments).images
    served, tried = Served(), []
    ways: dict[str, Callable] = {"Paddle Inference": lambda: by_paddle(served.config())}
    if (served.folder / ONNX).is_file():
        ways[f"ONNX Runtime, {ONNX}"] = lambda: by_onnx(served.folder / ONNX)
    for name, load in ways.items():
        try:
            run = load()
        except ModuleNotFoundError as error:
            print(f"{name}: not tried, {error.name} is not installed", file=sys.stderr if paths else sys.stdout)
            continue
        if paths:
            return _say(served, run, paths)
        worst = served.difference(run)
        tried.append(worst <= TOLERANCE)
        print(f"{name}: probabilities differ from the trained model's by at most {worst:.1e}")
    return 0 if tried and all(tried) else 1


def _say(served, run, paths):
    """Print a line for each image: its path, class and probability; of one that cannot be read what is wrong."""
    failed = False
    for path in paths:
        try:
            image = served.images([path])
        except (OSError, ValueError) as error:
            print(f"served.py: error: {error}", file=sys.stderr)
            failed = True
            continue
        (decision,) = served.decide(run(image))
        print(f"{path}: {decision.name} {decision.probability:.4f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
