"""Every configuration of a benchmark builds: its model, losses and data, a few images in the right format."""

import numpy as np
import paddle
import pytest
import yaml
from PIL import Image

from ppcls_lt import host
from ppcls_lt.configuration import reading
from ppcls_lt.data import cifar, published
from ppcls_lt.data.profiles import long_tail_profile
from ppcls_lt.engine import checklist

from . import engines, named_data

BENCHMARKS = ("cifar10_lt", "cifar100_lt", "imagenet_lt", "inaturalist2018", "places_lt")
PATHS = sorted(path for name in BENCHMARKS for path in (engines.ROOT / "configs" / name).glob("*.yaml"))
# Of images and classes the fewest: a step of the largest is not computed here, so that it need not be trained.
SIDE = 32


@pytest.fixture(scope="module")
def data(ppcls, tmp_path_factory):
    """A folder ``data`` as the configurations expect it, with tiny images."""
    folder = tmp_path_factory.mktemp("benchmarks")
    for kind in (cifar.CIFAR10, cifar.CIFAR100):
        fewest = long_tail_profile(100, 10, kind.classes)  # that a tail of ratio 10 or more takes
        named_data.write_cifar(folder / "data", cifar.BINARY, kind, per_class=fewest, test_per_class=1)
    for name in BENCHMARKS[2:]:
        (path, *_) = (path for path in PATHS if path.parent.name == name)
        content = yaml.safe_load(path.read_text())
        for part in ("Train", "Eval"):
            dataset = content["DataLoader"][part]["dataset"]
            root = folder / dataset["image_root"]
            (root / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8)).save(root / part / "one.jpg")
            lines = [f"{part}/one.jpg {label}\n" for label in range(content["Arch"]["class_num"])]
            (folder / dataset["cls_label_path"]).write_text("".join(lines))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_builds(path, data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    assert reading.find(f"{path.parent.name}/{path.name}").read_text() == path.read_text()
    changes = [f"Global.output_dir={tmp_path}", "Global.device=cpu"]
    changes += [f"DataLoader.{part}.loader.num_workers=0" for part in ("Train", "Eval")]
    if "pretrained: true" in path.read_text():
        changes.append("Arch.pretrained=False")  # nothing is fetched here
    settings = host.load_config(path, changes)
    settings.profiler_options = None
    engine = engines.build_engine(settings)
    classes = settings["Arch"]["class_num"]
    assert len(engine.train_dataloader) > 0 and len(set(engine.train_dataloader.dataset.labels)) == classes
    image, label = engine.train_dataloader.dataset[0]
    assert list(image.shape) == settings["Global"]["image_shape"] and image.dtype == np.float32
    if path.parent.name.startswith("cifar"):
        logits = engine.model(paddle.to_tensor(image[np.newaxis]))
        loss = engine.train_loss_func(logits, paddle.to_tensor([[int(label)]]))["loss"]
        assert np.isfinite(loss.numpy()).all()


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_takes_the_recipes_that_its_page_names(path, data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    changes = [f"Global.output_dir={tmp_path}", "Global.device=cpu"]
    for recipe in ("mixup", "mislas", "crt", "tau_norm", "lws") if path.stem != "ldam_drw" else ("mixup",):
        config = host.load_config(path, [*changes, f"Global.recipe={recipe}"])
        assert checklist.looked_over(config, "train")[1] == []


def test_an_image_policy_comes_behind_the_crop(data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    changes = [f"Global.output_dir={tmp_path}", "Global.device=cpu", "Global.recipe=autoaugment+cutout"]
    changes += [f"DataLoader.{part}.loader.num_workers=0" for part in ("Train", "Eval")]
    settings = host.load_config(reading.find("cifar10_lt/ce.yaml"), changes)
    settings.profiler_options = None
    engine = engines.build_engine(settings)
    assert engine.train_dataloader.dataset[0][0].shape == (3, 32, 32)


def test_classes_are_those_that_were_published():
    for path in PATHS:
        text = path.read_text()
        if "--published" in text:
            name = text.split("--published ")[1].split()[0]
            assert f"class_num: {published.PUBLISHED[name].classes}\n" in text


@pytest.mark.parametrize("ratio", [10, 50])
def test_another_ratio_by_o(ratio, data, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    override = f"DataLoader.Train.dataset.ratio={ratio}"
    settings = host.load_config(reading.find("cifar10_lt/ldam_drw.yaml"), [override])
    labels = host.build_dataset(settings["DataLoader"]["Train"]["dataset"]).labels
    assert np.bincount(labels)[[0, 9]].tolist() == [100, 100 // ratio]
