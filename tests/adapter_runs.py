"""Small trainings of a vision transformer beside stored weights, for the tests of adapters."""

import copy

import paddle
import yaml

from . import engines
from .small_vit import SmallViT

SIZE = 32
KINDS = {
    "lora": {"lora": {"r": 2, "lora_alpha": 4}},
    "adaptformer": {"adaptformer": {"ffn_num": 4, "ffn_adapter_layernorm_option": "in", "dropout": 0}},
}


def write_base(path, classes=7, seed=3):
    """Write weights as someone else's pretraining would have left them, for other classes."""
    paddle.seed(seed)
    with paddle.utils.unique_name.guard():
        model = SmallViT(class_num=classes)
    paddle.save(model.state_dict(), f"{path}.pdparams")


def settings(data, output, base, kind, **overrides):
    """A configuration of three epochs of two steps on a few digits, which are evaluated too, as plain YAML data."""
    result = engines.packaged(
        "ce", data, output, epochs=3, pretrained_model=str(base), plugins=["tests.small_vit"], **overrides
    )
    result["Global"]["image_shape"] = [3, SIZE, SIZE]
    result["Arch"] = {"name": "SmallViT", "class_num": 10, "img_size": SIZE, **copy.deepcopy(KINDS.get(kind, {}))}
    result["Metric"]["Eval"] = [{"TopkAcc": {"topk": [1]}}]
    result["Optimizer"] = {"name": "Adam", "lr": {"name": "Constant", "learning_rate": 0.005}}
    result["Infer"]["transforms"][1]["ResizeImage"]["size"] = SIZE
    listing = data / "few.txt"
    lines = (data / "train.txt").read_text().splitlines()
    own = [[line for line in lines if line.endswith(f" {label}")] for label in range(10)]
    # 32 in all, of every class some, in a mixed order.
    few = [line for one in own for line in one[:3]] + own[0][3:5]
    listing.write_text("\n".join(few[i * 7 % 32] for i in range(32)) + "\n")
    for part in ("Train", "Eval"):
        loader = result["DataLoader"][part]
        loader["dataset"]["cls_label_path"] = str(listing)
        for entry in loader["dataset"]["transform_ops"]:
            if "ResizeImage" in entry:
                entry["ResizeImage"]["size"] = SIZE
        loader["sampler"]["batch_size"] = 16
    return result


def write(result, path):
    """Write settings as a file; return its path."""
    path.write_text(yaml.safe_dump(result))
    return path
