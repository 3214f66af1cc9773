"""Configurations as PaddleClas ships them, for tests that start where its users start.

``CONFIGURATION`` is ours, with the keys of ``ppcls/configs/ImageNet/MobileNetV3/MobileNetV3_small_x0_35.yaml`` of
PaddleClas's develop: no seed, `device: gpu`, 1000 classes, `TopkAcc` alone. :func:`overrides` gives the `-o` that a
user adds to train it, or one of a checkout, on small data of his own: paths, sizes, classes, epochs, the device, and
the batch size with the learning rate that belongs to it.
:func:`write_data` makes such data.
"""

import os
from pathlib import Path

import pytest
import yaml

from . import engines

CHECKOUT = os.environ.get("PADDLECLAS_ROOT")
needs_checkout = pytest.mark.skipif(
    not CHECKOUT, reason="needs a source checkout of PaddleClas: set PADDLECLAS_ROOT to its folder"
)
MODEL = "MobileNetV3/MobileNetV3_small_x0_35.yaml"

CONFIGURATION = """\
Global:
  checkpoints: null
  pretrained_model: null
  output_dir: ./output/
  device: gpu
  save_interval: 1
  eval_during_train: True
  eval_interval: 1
  epochs: 360
  print_batch_step: 10
  use_visualdl: False
  # used for static mode and model export
  image_shape: [3, 224, 224]
  save_inference_dir: ./inference

AMP:
  use_amp: False
  use_fp16_test: False
  scale_loss: 128.0
  use_dynamic_loss_scaling: True
  use_promote: False
  level: O1

Arch:
  name: MobileNetV3_small_x0_35
  class_num: 1000

Loss:
  Train:
    - CELoss:
        weight: 1.0
        epsilon: 0.1
  Eval:
    - CELoss:
        weight: 1.0

Optimizer:
  name: Momentum
  momentum: 0.9
  lr:
    name: Cosine
    learning_rate: 1.3
    warmup_epoch: 5
  regularizer:
    name: 'L2'
    coeff: 0.00001

DataLoader:
  Train:
    dataset:
      name: ImageNetDataset
      image_root: ./dataset/ILSVRC2012/
      cls_label_path: ./dataset/ILSVRC2012/train_list.txt
      transform_ops:
        - DecodeImage:
            to_rgb: True
            channel_first: False
        - RandCropImage:
            size: 224
        - RandFlipImage:
            flip_code: 1
        - NormalizeImage:
            scale: 1.0/255.0
            mean: [0.485, 0.456, 0.406]
            std: [0.229, 0.224, 0.225]
            order: ''

    sampler:
      name: DistributedBatchSampler
      batch_size: 512
      drop_last: False
      shuffle: True
    loader:
      num_workers: 4
      use_shared_memory: True

  Eval:
    dataset:
      name: ImageNetDataset
      image_root: ./dataset/ILSVRC2012/
      cls_label_path: ./dataset/ILSVRC2012/val_list.txt
      transform_ops:
        - DecodeImage:
            to_rgb: True
            channel_first: False
        - ResizeImage:
            resize_short: 256
        - CropImage:
            size: 224
        - NormalizeImage:
            scale: 1.0/255.0
            mean: [0.485, 0.456, 0.406]
            std: [0.229, 0.224, 0.225]
            order: ''
    sampler:
      name: DistributedBatchSampler
      batch_size: 64
      drop_last: False
      shuffle: False
    loader:
      num_workers: 4
      use_shared_memory: True

Infer:
  infer_imgs: docs/images/inference_deployment/whl_demo.jpg
  batch_size: 10
  transforms:
    - DecodeImage:
        to_rgb: True
        channel_first: False
    - ResizeImage:
        resize_short: 256
    - CropImage:
        size: 224
    - NormalizeImage:
        scale: 1.0/255.0
        mean: [0.485, 0.456, 0.406]
        std: [0.229, 0.224, 0.225]
        order: ''
    - ToCHWImage:
  PostProcess:
    name: Topk
    topk: 5
    class_id_map_file: ppcls/utils/imagenet1k_label_list.txt

Metric:
  Train:
    - TopkAcc:
        topk: [1, 5]
  Eval:
    - TopkAcc:
        topk: [1, 5]
"""


def write(folder):
    """Write our stock-like configuration into a folder; return its path."""
    path = Path(folder) / "stock.yaml"
    path.write_text(CONFIGURATION)
    return path


def write_data(folder):
    """Write the digits, long-tailed, with the names of the classes in ``classes.txt``; return the folder."""
    engines.write_digits(folder)
    (folder / "classes.txt").write_text("".join(f"{label} digit {label}\n" for label in range(10)))
    return folder


def of_checkout(name):
    """The path of a configuration below ``ppcls/configs/ImageNet`` of the checkout."""
    return Path(CHECKOUT) / "ppcls" / "configs" / "ImageNet" / name


def overrides(path, data, output, *, size=32, classes=10, epochs=2, batch_size=64, workers=None, **changes):
    """The ``key=value`` with which a stock configuration trains on small data, in the order of its entries.

    Args:
        path (Path): the configuration.
        data (Path): a folder of images with ``train.txt``, ``test.txt`` and, if it is there, ``classes.txt``.
        output (Path): ``Global.output_dir``; an export goes to ``inference`` below it.
        size (int): of the images; what is resized before a crop keeps its share.
        batch_size (int): the learning rates, which are for four processes with that of the file, shrink along.
        workers (int, optional): of the loaders; None leaves the stock 4.
        **changes: further keys of ``Global``.
    """
    content = yaml.safe_load(Path(path).read_text())
    whole = content["Global"]["image_shape"][-1]
    found = [
        f"Global.output_dir={output}",
        f"Global.save_inference_dir={Path(output) / 'inference'}",
        "Global.device=cpu",
        f"Global.epochs={epochs}",
        f"Global.image_shape=[3,{size},{size}]",
        f"Arch.class_num={classes}",
        f"Infer.infer_imgs={data / 'test' / '0'}",
        f"Infer.PostProcess.class_id_map_file={data / 'classes.txt'}",
    ]
    found += [f"Global.{key}={value}" for key, value in changes.items()]
    found += _rates(content["Optimizer"]["lr"], batch_size / (4 * _batch_size(content)))
    for part, listing in (("Train", "train.txt"), ("Eval", "test.txt")):
        section = f"DataLoader.{part}"
        found += [
            f"{section}.dataset.image_root={data}",
            f"{section}.dataset.cls_label_path={data / listing}",
            f"{section}.sampler.batch_size={batch_size}",
        ]
        if workers is not None:
            found.append(f"{section}.loader.num_workers={workers}")
        operators = content["DataLoader"][part]["dataset"]["transform_ops"]
        found += _sizes(f"{section}.dataset.transform_ops", operators, size, whole)
    found += _sizes("Infer.transforms", content["Infer"]["transforms"], size, whole)
    return found


def flags(*args, **kwargs):
    """What :func:`overrides` gives, each behind an ``-o``."""
    return [part for override in overrides(*args, **kwargs) for part in ("-o", override)]


def _batch_size(content):
    return content["DataLoader"]["Train"]["sampler"]["batch_size"]


def _rates(schedule, factor):
    for key in ("learning_rate", "values"):
        rates = schedule.get(key)
        if rates is not None:
            rates = [float(rate) * factor for rate in rates] if isinstance(rates, list) else float(rates) * factor
            yield f"Optimizer.lr.{key}={rates}".replace(" ", "")


def _sizes(where, operators, size, whole):
    for index, entry in enumerate(operators):
        ((name, params),) = entry.items()
        for key in ("size", "resize_short", "img_size"):
            if isinstance((params or {}).get(key), int):
                yield f"{where}.{index}.{name}.{key}={round(params[key] * size / whole)}"
