"""Convert MobileNetV2 weights of PyTorch for PaddleClas's MobileNetV2, and check the features on images.

python scripts/convert_mobilenetv2.py mobilenet_v2.pth pretrained/MobileNetV2 --images FOLDER

It reads a state dict of torchvision's model, or of one with the same order of layers, with the classifier or
without it, and writes OUT.pdparams, a path for ``Arch.pretrained``. It needs PyTorch, and of it nothing else:
``pip install torch --index-url https://download.pytorch.org/whl/cpu``.

PaddleClas's first block has an expansion that PyTorch's lacks, a 1 x 1 convolution with BatchNorm and ReLU6. It becomes
the identity: in evaluation exactly, but for rounding, since what enters it lies in [0, 6]. In training BatchNorm takes
the statistics of the batch; so those that it is given here, and undoes again, are those of its input, computed from the
BatchNorm before it. With a mean of 0 and a variance of 1 training would begin by changing all features.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import paddle

import ppcls_lt
from ppcls_lt import host

EPSILON = 1e-5  # of BatchNorm, in both
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# Expansion, blocks and stride of the first of them, as both have them.
BLOCKS = ((1, 1, 1), (6, 2, 2), (6, 3, 2), (6, 4, 2), (6, 3, 1), (6, 3, 2), (6, 1, 1))
PARTS = ("weight", "bias", "running_mean", "running_var")
EXPANSION = 1  # the place of the layer that PyTorch lacks


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="a state dict that torch.save wrote")
    parser.add_argument("out", type=Path, help="where to write, without .pdparams")
    parser.add_argument(
        "--images", type=Path, help="a folder of images, of which the first ten are passed through both"
    )
    options = parser.parse_args(arguments)
    state = read(options.weights)
    layers, classifier = taken_apart(state)
    ppcls_lt.register()
    classes = 1000 if classifier is None else len(classifier[1])
    model = host.module("arch").build_model({"Arch": {"name": "MobileNetV2", "class_num": classes}, "Global": {}})
    converted = for_paddle(layers, classifier, list(model.state_dict()))
    model.set_state_dict(converted)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    paddle.save(converted, f"{options.out}.pdparams")
    print(f"{options.out}.pdparams: {len(converted)} keys, {'without' if classifier is None else 'with'} a classifier")
    if options.images is None:
        return 0
    paths = sorted(path for path in options.images.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))[:10]
    if not paths:
        parser.error(f"--images: no .jpg or .png below {options.images}")
    batch = np.stack([prepared(path) for path in paths])
    found, expected = paddle_features(model, batch), torch_features(layers, batch)
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    print(f"features of {len(paths)} images: they differ by at most {difference:.1e} of the largest")
    return 0 if difference < 1e-4 else 1


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a state dict, in its order."""
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    return {key: value.numpy() for key, value in state.items()}


def taken_apart(state: dict) -> tuple[list[tuple], tuple | None]:
    """Return ``(kernel, weight, bias, mean, variance)`` of every layer in order, and the classifier's, or None."""
    kernels = [key for key, value in state.items() if value.ndim == 4]
    norms = [key.removesuffix("running_mean") for key in state if key.endswith("running_mean")]
    expected = 2 + sum(blocks * (2 if expansion == 1 else 3) for expansion, blocks, _ in BLOCKS)
    if not len(kernels) == len(norms) == expected:
        sys.exit(
            f"a MobileNetV2 has {expected} convolutions with a BatchNorm each, got {len(kernels)} and {len(norms)}"
        )
    layers = [(state[kernel], *(state[norm + part] for part in PARTS)) for kernel, norm in zip(kernels, norms)]
    matrices = [key for key, value in state.items() if value.ndim == 2]
    if not matrices:
        return layers, None
    return layers, (state[matrices[0]], state[matrices[0].removesuffix("weight") + "bias"])


def for_paddle(layers: list, classifier: tuple | None, keys: list[str]) -> dict[str, np.ndarray]:
    """The arrays under PaddleClas's keys."""
    layers = [*layers[:EXPANSION], identity(layers[EXPANSION - 1]), *layers[EXPANSION:]]
    result = {}
    names = [key.removesuffix("_conv.weight") for key in keys if key.endswith("._conv.weight")]
    for name, layer in zip(names, layers):
        ends = ("_conv.weight", *(f"_batch_norm.{part}" for part in ("weight", "bias", "_mean", "_variance")))
        result.update({name + end: np.asarray(value, np.float32) for end, value in zip(ends, layer)})
    if classifier is not None:
        result.update({"out.weight": classifier[0].T.copy(), "out.bias": classifier[1]})
    return result


def identity(before: tuple) -> tuple:
    """A layer that changes nothing, in evaluation or training, behind one whose output is normal before its ReLU6."""
    deviation, mean = np.abs(before[1]).astype(np.float64), before[2].astype(np.float64)
    first, variance = np.array([clipped_moments(*each) for each in zip(mean, deviation)]).T
    kernel = np.eye(len(mean)).reshape(len(mean), len(mean), 1, 1)
    return kernel, np.sqrt(variance + EPSILON), first, first, variance


def clipped_moments(mean: float, deviation: float) -> tuple[float, float]:
    """Mean and variance of a normal variable that is clipped to [0, 6]."""
    if deviation == 0:
        return min(max(mean, 0.0), 6.0), 0.0

    def below(z):
        return 0.5 * (1 + math.erf(z / math.sqrt(2)))

    def density(z):
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    low, high = -mean / deviation, (6 - mean) / deviation
    inside, above = below(high) - below(low), 1 - below(high)
    slope = density(low) - density(high)
    first = mean * inside + deviation * slope + 6 * above
    second = (mean**2 + deviation**2) * inside + 2 * mean * deviation * slope
    second += deviation**2 * (low * density(low) - high * density(high)) + 36 * above
    return first, max(second - first**2, 0.0)


def prepared(path: Path) -> np.ndarray:
    """An image as both were trained on: ``[3, 224, 224]``."""
    from PIL import Image

    image = np.asarray(Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR), np.float32) / 255
    return ((image - np.float32(MEAN)) / np.float32(DEVIATION)).transpose(2, 0, 1)


def paddle_features(model: paddle.nn.Layer, batch: np.ndarray) -> np.ndarray:
    """What enters PaddleClas's classifier: ``[N, 1280]``."""
    caught = []
    model.out.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0].numpy()))
    model.eval()
    with paddle.no_grad():
        model(paddle.to_tensor(batch))
    return caught[0]


def torch_features(layers: list, batch: np.ndarray) -> np.ndarray:
    """The same of PyTorch's model."""
    import torch
    import torch.nn.functional as F

    rest = iter([[torch.from_numpy(value.copy()) for value in layer] for layer in layers])

    def layer(x, stride=1, groups=1, clip=True):
        kernel, weight, bias, mean, variance = next(rest)
        x = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=groups)
        x = F.batch_norm(x, mean, variance, weight, bias, eps=EPSILON)
        return F.relu6(x) if clip else x

    with torch.no_grad():
        x = layer(torch.from_numpy(batch), stride=2)
        for expansion, blocks, stride in BLOCKS:
            for index in range(blocks):
                y = x if expansion == 1 else layer(x)
                y = layer(y, stride=stride if index == 0 else 1, groups=y.shape[1])
                y = layer(y, clip=False)
                x = x + y if index else y
        return layer(x).mean((2, 3)).numpy()


if __name__ == "__main__":
    sys.exit(main())
