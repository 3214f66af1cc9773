"""A configuration to start from: one architecture, one image size, the lists of one data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..basis import checks
from . import plain, reading

# ImageNet's, with which PaddleClas's pretrained weights were trained.
_NORMALIZE = {"scale": "1.0/255.0", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "order": ""}
_DECODE = {"DecodeImage": {"to_rgb": True, "channel_first": False}}
_SIDE = 224
_SHORT = 256  # of the shorter side before the crop of 224
_BATCH = 64
# For a batch of 64: 0.1 for 256 images, and less where weights are there to begin with.
_RATE, _TUNING_RATE = 0.025, 0.01
# What operators call the size that they make.
_SIZES = ("size", "resize_short", "img_size")


class Data(NamedTuple):
    """The lists that a configuration is to name.

    Attributes:
        root (str): the folder that the images' paths are relative to.
        lists (dict): ``train``, ``val``, ``test`` -> the path of a list, of those that there are.
        names (str): the path of the file of names.
        delimiter (str): of the lists.
        class_num (int): number of classes C.
        images (int): of the training list.
        example (str): the path of one image.
    """

    root: str
    lists: Mapping[str, str]
    names: str
    delimiter: str
    class_num: int
    images: int
    example: str

    @property
    def judging(self) -> str:
        """The list that a training is evaluated on: that of validation, or else that of test."""
        return self.lists.get("val") or self.lists["test"]


def configuration(
    data: Data, *, arch: str, size: int, epochs: int, device: str, pretrained: Any = None, output: str = "output"
) -> dict:
    """Return a configuration that trains an architecture on lists.

    Args:
        data (Data): the lists.
        arch (str): name of the architecture.
        size (int): pixels of a side of what it is given.
        epochs (int): of the training.
        device (str): ``Global.device``.
        pretrained (bool or str, optional): ``Arch.pretrained``: true, or the path of weights.
        output (str): ``Global.output_dir``.
    """
    batch = min(_BATCH, data.images)
    rate = round((_RATE if not pretrained else _TUNING_RATE) * batch / _BATCH, 5)
    crop = [{"ResizeImage": {"resize_short": round(size * _SHORT / _SIDE)}}, {"CropImage": {"size": size}}]
    operators = {
        "Train": [{"RandCropImage": {"size": size}}, {"RandFlipImage": {"flip_code": 1}}],
        "Eval": crop,
        "Infer": crop,
    }
    operators = {part: [_DECODE, *those, {"NormalizeImage": _NORMALIZE}] for part, those in operators.items()}
    top = {"topk": [1, 5] if data.class_num > 5 else 1}
    config = {
        "Global": {
            "checkpoints": None,
            "pretrained_model": None,
            "output_dir": output,
            "device": device,
            "save_interval": 1,
            "eval_during_train": True,
            "eval_interval": 1,
            "epochs": epochs,
            "print_batch_step": 10,
            "use_visualdl": False,
            "seed": 0,
            "image_shape": [3, size, size],
            "save_inference_dir": f"{output}/inference",
        },
        "Arch": {
            "name": arch,
            "class_num": data.class_num,
            **({} if pretrained is None else {"pretrained": pretrained}),
        },
        "Loss": {part: [{"CELoss": {"weight": 1.0}}] for part in ("Train", "Eval")},
        "Optimizer": {
            "name": "Momentum",
            "momentum": 0.9,
            "lr": {"name": "Cosine", "learning_rate": rate},
            "regularizer": {"name": "L2", "coeff": 0.0005},
        },
        "DataLoader": {
            part: {
                "dataset": {"name": "ImageNetDataset", "transform_ops": operators[part]},
                "sampler": {
                    "name": "DistributedBatchSampler",
                    "batch_size": batch if part == "Train" else _BATCH,
                    "drop_last": False,
                    "shuffle": part == "Train",
                },
                "loader": {"num_workers": 2, "use_shared_memory": False},
            }
            for part in ("Train", "Eval")
        },
        "Infer": {
            "infer_imgs": data.example,
            "batch_size": 16,
            "transforms": [*operators["Infer"], {"ToCHWImage": None}],
            "PostProcess": {"name": "Topk", "topk": min(5, data.class_num)},
        },
        "Metric": {
            "Eval": [{"TopkAcc": top}, {"ManyMediumFewAcc": {"num_class_list": "auto", "thresholds": "tertiles"}}]
        },
    }
    return with_data(plain.plain(config), data)  # no part is one object with another, which YAML would write as such


def with_data(config: dict, data: Data) -> dict:
    """Put lists into a configuration: paths, delimiter, number and names of the classes; return it.

    Args:
        config (dict): with the sections ``Global``, ``Arch``, ``DataLoader`` and ``Infer``; changed.
        data (Data): the lists.
    """
    _state_classes(config["Arch"], data.class_num)
    for part, path in (("Train", data.lists["train"]), ("Eval", data.judging)):
        dataset = config["DataLoader"][part]["dataset"]
        operators = dataset.pop("transform_ops", None)
        dataset.pop("delimiter", None)
        spaced = {} if data.delimiter == " " else {"delimiter": data.delimiter}
        dataset.update({"image_root": data.root, "cls_label_path": path, **spaced})
        if operators is not None:
            dataset["transform_ops"] = operators
    if "val" in data.lists:
        config["Global"]["eval_is_validation"] = data.lists["val"]
    else:  # the test images choose no epoch; they are read once, at the end
        config["Global"]["eval_during_train"] = False
    infer = config.setdefault("Infer", {})
    infer["infer_imgs"] = data.example
    infer.setdefault("PostProcess", {"name": "Topk", "topk": min(5, data.class_num)})
    infer["PostProcess"]["class_id_map_file"] = data.names
    return config


def _state_classes(arch: dict, number: int) -> None:
    """Put the number of classes where the host reads it: into a head, or into each model of a distillation."""
    models = [params for entry in arch.get("models") or [] for params in entry.values() if isinstance(params, dict)]
    for each in models:
        _state_classes(each, number)
    if isinstance(arch.get("Head"), dict):
        arch["Head"]["class_num"] = number
    elif not models:
        arch["class_num"] = number
    if models or "Head" in arch:
        arch.pop("class_num", None)


def of_base(
    config: dict,
    data: Data,
    *,
    device: str,
    output: str,
    arch: str | None = None,
    size: int | None = None,
    epochs: int | None = None,
    pretrained: Any = None,
) -> dict:
    """Return a configuration of PaddleClas with lists in the place of its own; the rest of it stays.

    Args:
        config (dict): the host's configuration.
        data (Data): the lists.
        device, output (str): ``Global.device`` and ``Global.output_dir``.
        arch, size, epochs, pretrained: as in ``configuration``; None leaves those of the configuration.

    Raises:
        ConfigError: it has no training of images with one label each.
    """
    config = plain.plain(config)
    for section in ("Global", "Arch", "DataLoader"):
        if not isinstance(config.get(section), dict):
            checks.fail("ppcls-lt lists", "--base", f"a configuration with a section {section}", config.get(section))
    for part in ("Train", "Eval"):
        section = config["DataLoader"].get(part)
        if not isinstance(section, dict) or not isinstance(section.get("dataset"), dict):
            got = checks.described(f"none in DataLoader.{part}")
            checks.fail("ppcls-lt lists", "--base", "a configuration with data sets to train and to evaluate on", got)
        if not reading.reads_list(section["dataset"]) or reading.by_name(section["dataset"]) is not None:
            got = checks.described(f"{section['dataset'].get('name')} in DataLoader.{part}")
            checks.fail("ppcls-lt lists", "--base", f"one whose data sets are {', '.join(reading.IMAGE_LISTS)}", got)
    if config["Global"].get("use_multilabel", False):
        got = checks.described("Global.use_multilabel: true")
        checks.fail("ppcls-lt lists", "--base", "a configuration of images with one label each", got)
    if "name" not in config["Arch"]:
        checks.fail(
            "ppcls-lt lists", "--base", "a configuration of one architecture", checks.described("Arch without `name`")
        )
    config["Global"].update({"device": device, "output_dir": output, "save_inference_dir": f"{output}/inference"})
    changes = {("Arch", "name"): arch, ("Arch", "pretrained"): pretrained, ("Global", "epochs"): epochs}
    for (section, key), value in changes.items():
        if value is not None:
            config[section][key] = value
    config["Global"].setdefault("image_shape", [3, _SIDE, _SIDE])
    return with_data(config if size is None else resized(config, size), data)


def resized(config: dict, size: int) -> dict:
    """Make every operator's size that of images of ``size`` pixels, in proportion to ``Global.image_shape``; return it.

    Args:
        config (dict): changed.
        size (int): pixels of a side.
    """
    before = (config["Global"].get("image_shape") or [3, _SIDE, _SIDE])[-1]
    config["Global"]["image_shape"] = [3, size, size]
    operators = [config["DataLoader"][part]["dataset"].get("transform_ops") for part in ("Train", "Eval")]
    for params in _parameters([*operators, (config.get("Infer") or {}).get("transforms")]):
        for key in _SIZES:
            if isinstance(params.get(key), int):
                params[key] = round(params[key] * size / before)
    return config


def _parameters(lists: Any) -> Iterator[dict]:
    for listed in lists:
        for entry in listed or []:
            if isinstance(entry, dict):
                yield from (params for params in entry.values() if isinstance(params, dict))
