"""Small CIFAR and Fashion-MNIST copies in every form that the data sets by name read."""

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from ppcls_lt.data import cifar

CLASSES = {"CIFAR-10": 10, "CIFAR-100": 100}


def images(classes, per_class, seed=0):
    """Labels ``[M]`` in a mixed order and images ``[M, 32, 32, 3]``, each of the colour of its class.

    ``per_class`` is one number, or one for each class.
    """
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.repeat(np.arange(classes), per_class))
    pixels = generator.integers(0, 20, (labels.size, 32, 32, 3), dtype=np.uint8)
    pixels[..., 0] += (labels * (200 // classes)).astype(np.uint8)[:, None, None]
    return labels, pixels


def python2(content):
    """A pickle of a map as Python 2 wrote those of CIFAR: byte strings, NumPy's older names."""
    out = [b"\x80\x02}("]
    for key, value in content.items():
        out.append(b"U" + bytes([len(key)]) + key.encode())
        if isinstance(value, np.ndarray):
            text = value.tobytes()
            shape = b"".join(b"J" + struct.pack("<i", size) for size in value.shape)
            out.append(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01(" + shape + b"t")
            out.append(
                b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
            )
            out.append(b"T" + struct.pack("<i", len(text)) + text + b"tb")
        elif isinstance(value, list):
            out.append(b"](" + b"".join(b"K" + bytes([label]) for label in value) + b"e")
        else:
            out.append(b"U" + bytes([len(value)]) + value.encode())
    return b"".join(out) + b"u."


def write_cifar(folder, form, kind=cifar.CIFAR10, per_class=20, test_per_class=2):
    """Write a copy of CIFAR in a form; return its folder. The same images in every form, in one order."""
    for part, number in (("train", per_class), ("test", test_per_class)):
        labels, pixels = images(kind.classes, number, seed=len(part))
        if form == cifar.FOLDERS:
            for index, (label, image) in enumerate(zip(labels.tolist(), pixels)):
                place = Path(folder) / part / f"class_{label:02d}"
                place.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(place / f"{index:04d}.png")
            continue
        home = Path(folder) / kind.folders[form]
        home.mkdir(parents=True, exist_ok=True)
        names = kind.files[form][part]
        for name, chosen in zip(names, np.array_split(np.arange(labels.size), len(names))):
            planes = pixels[chosen].transpose(0, 3, 1, 2).reshape(chosen.size, -1)
            if form == cifar.BINARY:
                coarse = [labels[chosen, None] // 5] if kind is cifar.CIFAR100 else []
                records = np.hstack([*coarse, labels[chosen, None], planes]).astype(np.uint8)
                (home / name).write_bytes(records.tobytes())
            else:
                content = {"batch_label": "one", kind.key: labels[chosen].tolist(), "data": planes}
                # The first as Python 2 wrote it, the others as Python 3 does.
                new = pickle.dumps(content, protocol=2)
                (home / name).write_bytes(python2(content) if name == names[0] else new)
    return Path(folder)


def write_fashion_mnist(folder, per_class=20):
    """Write a copy of Fashion-MNIST; return its labels and images of the training part."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for part, number in (("t10k", 2), ("train", per_class)):
        labels, pixels = images(10, number)
        grey = np.ascontiguousarray(pixels[:, :28, :28, 0])
        for name, magic, data in (("images-idx3", 0x803, grey), ("labels-idx1", 0x801, labels.astype(np.uint8))):
            head = struct.pack(f">{1 + data.ndim}I", magic, *data.shape)
            (Path(folder) / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(head + data.tobytes(), 1))
    return labels, grey


NORMALIZE = {"scale": "1.0/255.0", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "order": ""}
TRAIN_OPERATORS = [
    {"Padv2": {"size": 40, "pad_mode": 1, "fill_value": [0, 0, 0]}},
    {"RandomCropImage": {"size": 32}},
    {"RandFlipImage": {"flip_code": 1}},
    {"NormalizeImage": NORMALIZE},
]


def section(root, name="LongTailCIFAR10", **params):
    """A section ``dataset`` to train."""
    tail = {"mode": "train", "ratio": 10, **params}
    return {"name": name, "image_root": str(root), **tail, "transform_ops": TRAIN_OPERATORS}
