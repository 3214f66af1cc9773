"""PaddleClas's operators on images and batches: what each makes of an image, and what a training makes of them."""

import inspect
import io
import random
import sys
from pathlib import Path

import numpy as np
import paddle
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.engine import trial

from . import batch_pairs, engines

PAGE = Path(__file__).parent.parent / "docs" / "batch_operators.md"
PHOTO = load_sample_image("china.jpg")[100:164, 200:264]
SIZE = 48
# What each operator on images is built with, and the form of image that it takes.
IMAGE_OPERATORS = {
    "AugMix": ({"prob": 1.0}, "array"),
    "AutoAugment": ({}, "array"),
    "CenterCrop": ({"size": SIZE}, "array"),
    "ColorJitter": ({"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}, "array"),
    "CropImage": ({"size": SIZE}, "array"),
    "CropImageAtRatio": ({"size": SIZE, "pad": 8}, "array"),
    "CropWithPadding": ({"size": SIZE}, "array"),
    "Cutout": ({"length": 16}, "array"),
    "DecodeImage": ({}, "file"),
    "GridMask": ({"d1": 8, "d2": 16}, "channels first"),
    "HideAndSeek": ({}, "array"),
    "Normalize": ({"mean": [127.5] * 3, "std": [127.5] * 3, "data_format": "HWC"}, "array"),
    "NormalizeImage": ({"scale": 1 / 255, "order": ""}, "array"),
    "PCALighting": ({}, "array"),
    "Pad": ({"padding": 4}, "PIL"),
    "Pad_paddle_vision": ({"padding": 4}, "array"),
    "Padv2": ({"size": 80}, "array"),
    "RandAugment": ({}, "array"),
    "RandAugmentV2": ({}, "array"),
    "RandAugmentV3": ({}, "array"),
    "RandAugmentV4": ({}, "array"),
    "RandCropImage": ({"size": SIZE}, "array"),
    "RandCropImageV2": ({"size": SIZE}, "array"),
    "RandFlipImage": ({}, "array"),
    "RandomApply": ({"p": 0.5, "transforms": [{"RawColorJitter": {"brightness": 0.4}}]}, "array"),
    "RandomCropImage": ({"size": SIZE}, "array"),
    "RandomErasing": ({"EPSILON": 1.0}, "array"),
    "RandomGrayscale": ({"p": 0.5}, "PIL"),
    "RandomHorizontalFlip": ({}, "array"),
    "RandomInterpolationAugment": ({"prob": 1.0}, "array"),
    "RandomResizedCrop": ({"size": SIZE}, "array"),
    "RandomRot90": ({}, "array"),
    "RandomRotation": ({"prob": 1.0, "degrees": 20}, "array"),
    "Resize": ({"size": SIZE}, "array"),
    "ResizeImage": ({"size": SIZE}, "array"),
    "TimmAutoAugment": ({"img_size": 64}, "array"),
    "ToCHWImage": ({}, "array"),
    "ToTensor": ({}, "array"),
}
CUT = {SIZE: ("CenterCrop", "CropImage", "CropImageAtRatio", "RandCropImage", "RandCropImageV2", "RandomCropImage")}


@pytest.fixture(scope="module")
def operators(ppcls):
    """PaddleClas's operators by name."""
    return {
        name: operator
        for name, operator in vars(ppcls.module("data.preprocess")).items()
        if inspect.isclass(operator)
        and operator.__module__.startswith(("ppcls.", "paddle.vision."))
        and not name.startswith("Raw")
    }


def form(kind):
    if kind == "file":
        file = io.BytesIO()
        Image.fromarray(PHOTO).save(file, "PNG")
        return file.getvalue()
    if kind == "PIL":
        return Image.fromarray(PHOTO)
    return PHOTO.transpose(2, 0, 1).copy() if kind == "channels first" else PHOTO.copy()


def test_every_operator_is_tried(operators):
    batches = {title.split(",")[0] for title in batch_pairs.OPERATORS}
    assert set(operators) <= set(IMAGE_OPERATORS) | batches


@pytest.mark.parametrize("name", IMAGE_OPERATORS)
def test_an_operator_changes_a_photograph(name, operators):
    if name not in operators:
        pytest.skip("not in this PaddleClas")
    params, kind = IMAGE_OPERATORS[name]
    operator = operators[name](**params)
    for seed in range(60):  # enough for every operation that the automatic ones draw from
        random.seed(seed), np.random.seed(seed)
        result = operator(form(kind))
        array = result.numpy() if isinstance(result, paddle.Tensor) else np.asarray(result)
        assert array.dtype in (np.uint8, np.float32) and np.isfinite(array).all()
        if name in CUT[SIZE]:
            assert array.shape == (SIZE, SIZE, 3)


def test_cutout_cuts(operators):
    cut = operators["Cutout"](length=16, n_holes=2)(np.full((64, 64, 3), 200, np.uint8))
    assert 8 * 8 <= (cut == 0).all(axis=2).sum() <= 2 * 16 * 16 and (cut == 200).any()


def test_whole_crops_come_from_every_place(operators):
    crop = operators["RandCropImageV2"](2)
    image = np.arange(9, dtype=np.uint8).reshape(3, 3, 1).repeat(3, axis=2)
    corners = {int(crop(image)[0, 0, 0]) for _ in range(200)}
    assert corners == {0, 1, 3, 4}
    with pytest.raises(ValueError, match="larger than input image"):
        crop(np.zeros((1, 4, 3), np.uint8))


@pytest.mark.parametrize("sides", [(1, 1), (1, 9), (2, 3), (4, 3), (4, 4), (5, 5), (7, 40)])
@pytest.mark.parametrize("settings", [{}, {"scale": [0.02, 1.0], "ratio": [0.5, 2.0]}])
def test_images_of_a_few_pixels_are_cropped_too(operators, sides, settings):
    """PaddleClas's crop of 4 x 4 pixels is empty once in a few hundred times, and OpenCV fails on it."""
    crop = operators["RandCropImage"](SIZE, **settings)
    unrepaired = type(crop).__call__.__wrapped__
    image = np.random.default_rng(0).integers(0, 256, (*sides, 3), dtype=np.uint8)
    own = random.getstate()
    try:
        for seed in range(300):
            random.seed(seed)
            found = crop(image)
            assert found.shape == (SIZE, SIZE, 3)
            if min(sides) >= 5 and not settings:
                random.seed(seed)
                np.testing.assert_array_equal(found, unrepaired(crop, image))
    finally:
        random.setstate(own)


def test_what_is_repaired_is_not_repaired_again(ppcls):
    """A wrapper for each time that PaddleClas is loaded would make every image slower, and end in a RecursionError."""

    def parts():
        found = {}
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] == "ppcls":
                for key, value in list(vars(module).items()):
                    found[name, key] = value
                    if inspect.isclass(value):
                        found.update({(name, key, inner): part for inner, part in vars(value).items()})
        return found

    host.load()
    before = parts()
    host.load()
    assert [key for key, value in parts().items() if before.get(key) is not value] == []


def test_repairs_draw_nothing_of_a_runs_random_numbers(ppcls):
    from ppcls_lt.host import operators

    states = random.getstate(), np.random.get_state()[1].tolist()
    for repair in operators.ALL:
        repair()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Digits, five images of each class to train with."""
    folder = engines.write_digits(tmp_path_factory.mktemp("data") / "digits")
    lines = (folder / "train.txt").read_text().splitlines()
    chosen = [[line for line in lines if line.endswith(f" {label}")][:5] for label in range(10)]
    (folder / "train.txt").write_text("\n".join(sum(chosen, [])) + "\n")
    return folder


@pytest.mark.slow
def test_every_batch_operator_with_every_recipe_is_as_the_page_says(tmp_path):
    # Classes of different sizes, so that class weights differ.
    found = batch_pairs.table(engines.write_digits(tmp_path / "digits"), tmp_path / "output")
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    lines = lines[: 2 + len(found)]
    columns = len(batch_pairs.available()) + 1
    assert batch_pairs.as_markdown(found) == ["|".join(line.split("|")[: columns + 1]) + "|" for line in lines]


def settings_of(data, output, losses=({"CELoss": {"weight": 1.0}},), **options):
    return engines.digits_config(
        data, output, losses=list(losses), batch_size=10, epochs=1, eval_during_train=False, **options
    )


@pytest.mark.slow
@pytest.mark.parametrize("title", batch_pairs.OPERATORS)
def test_the_hosts_own_loss_trains_with_a_batch_operator(title, data, tmp_path, ppcls):
    if title not in batch_pairs.available():
        pytest.skip("not in this PaddleClas")
    settings = settings_of(data, tmp_path)
    settings["DataLoader"]["Train"]["dataset"]["batch_transform_ops"] = batch_pairs.listed(title)
    engines.build_engine(settings).train()
    assert engines.saved(tmp_path)


WRONG = {
    "an array where PIL is needed": (
        lambda ops: ops.insert(1, {"Pad": {"padding": 2}}),
        r"`transform_ops\[1\]` must be such that Pad can change an image, got AttributeError: .*getbands",
    ),
    "a crop larger than the image": (
        lambda ops: ops.append({"RandomCropImage": {"size": 99}}),
        r"RandomCropImage can change an image, got ValueError",
    ),
    "a text for a number": (
        lambda ops: ops.insert(1, {"RandCropImage": {"size": "big"}}),
        r"RandCropImage can change an image, got [^\n]*, with {'size': 'big'} \([^\n]*\)$",
    ),
    "no array at the end": (
        lambda ops: ops.__setitem__(
            slice(1, None), [{"ResizeImage": {"size": 16, "backend": "pil", "return_numpy": False}}]
        ),
        r"ResizeImage can change an image, got TypeError: the last operator gives Image, no array",
    ),
    "images of their own size": (
        lambda ops: ops.__setitem__(slice(1, None), []),
        r"`transform_ops` must be such that all images have one size, got \[3, 8, 8\] and \[3, 8, 9\]",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", ["Train", "Eval"])
@pytest.mark.parametrize("case", WRONG)
def test_an_operator_that_always_fails_is_told_before_training(case, part, data, tmp_path):
    change, message = WRONG[case]
    settings = settings_of(data, tmp_path, [{"FocalLoss": {"weight": 1.0}}])
    settings["Global"]["eval_during_train"] = True
    dataset = settings["DataLoader"][part]["dataset"]
    change(dataset["transform_ops"])
    if "size" in case and "larger" not in case:
        lines = Path(dataset["cls_label_path"]).read_text().splitlines()
        wide = Image.fromarray(np.zeros((8, 9), np.uint8))
        wide.save(tmp_path / "wide.png")
        dataset["cls_label_path"] = str(tmp_path / "list.txt")
        dataset["image_root"] = "/"
        lines = [str(data / lines[0]), f"{tmp_path / 'wide.png'} 1", *(str(data / line) for line in lines[1:])]
        Path(dataset["cls_label_path"]).write_text("\n".join(lines) + "\n")
    with pytest.raises(ConfigError, match=rf"^DataLoader\.{part}\.dataset: .*{message}"):
        engines.build_engine(settings)


def test_images_that_cannot_be_read_are_no_fault_of_an_operator(data, tmp_path):
    settings = settings_of(data, tmp_path)
    dataset = settings["DataLoader"]["Train"]["dataset"]
    lines = Path(dataset["cls_label_path"]).read_text().splitlines()
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"")
    broken = [f"{tmp_path / f'{number}.png'} 0" for number in range(3)]
    dataset["cls_label_path"], dataset["image_root"] = str(tmp_path / "list.txt"), "/"
    (tmp_path / "list.txt").write_text("\n".join([*broken, *(str(data / line) for line in lines)]) + "\n")
    loader = engines.build_engine(settings).train_dataloader
    assert len(trial.first_batch(loader, settings["DataLoader"]["Train"], "DataLoader.Train")) == 4


def test_the_trial_draws_nothing_of_a_runs_random_numbers(data, tmp_path):
    settings = settings_of(data, tmp_path)
    dataset = settings["DataLoader"]["Train"]["dataset"]
    dataset["transform_ops"].insert(2, {"RandAugment": {}})
    dataset["batch_transform_ops"] = batch_pairs.listed("OpSampler")
    loader = engines.build_engine(settings).train_dataloader
    states = random.getstate(), np.random.get_state()[1].tolist()
    labels = trial.first_batch(loader, settings["DataLoader"]["Train"], "DataLoader.Train")
    assert len(labels) == 4
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


class OddHater:
    """A batch operator that takes even batches only, as MixupCutmixHybrid."""

    def __call__(self, batch):
        assert len(batch) % 2 == 0
        return batch


@pytest.mark.parametrize(
    "sampler, refused",
    [
        ({"batch_size": 10}, False),
        ({"batch_size": 5}, True),
        ({"batch_size": 15}, True),
        ({"batch_size": 12}, False),
        ({"batch_size": 6, "name": "WeightBalancedSampler", "num_samples": 21}, True),
        ({"batch_size": 6, "name": "WeightBalancedSampler", "num_samples": 21, "drop_last": True}, False),
        ({"batch_size": 6, "name": "WeightBalancedSampler", "num_samples": 22}, False),
    ],
)
def test_odd_batches_are_told_where_an_operator_takes_even_ones(sampler, refused, data, tmp_path, ppcls, monkeypatch):
    monkeypatch.setattr(ppcls.module("data.preprocess"), "OddHater", OddHater, raising=False)
    settings = settings_of(data, tmp_path)
    train = settings["DataLoader"]["Train"]
    train["dataset"]["batch_transform_ops"] = [{"OddHater": {}}]
    name = sampler.get("name", "DistributedBatchSampler")
    train["sampler"] = type(settings)({"shuffle": True, "drop_last": False, **sampler, "name": name})
    if not refused:
        engines.build_engine(settings)
        return
    with pytest.raises(ConfigError, match=r"^DataLoader\.Train\.sampler: `batch_size` must be such .* OddHater"):
        engines.build_engine(settings)


def test_what_goes_by_pil_takes_a_padded_image(ppcls):
    operators = ppcls.module("data.preprocess")
    padded = operators.Padv2(size=72, pad_mode=1, fill_value=[0, 0, 0])(PHOTO)
    assert padded.dtype == np.uint8 and (padded[4:-4, 4:-4] == PHOTO).all() and not padded[:4].any()
    for name in ("AutoAugment", "ColorJitter", "TimmAutoAugment"):
        params, _ = IMAGE_OPERATORS[name]
        assert getattr(operators, name)(**params)(padded).shape == padded.shape
    grey = operators.Padv2(size=72, pad_mode=1)(PHOTO)  # 127.5 is no byte
    assert grey.dtype == np.float32 and grey[0, 0, 0] == 127.5


def test_posterizing_to_no_bits_is_black(ppcls):
    """Pillow 13 refuses what earlier ones did: the strongest of one policy, the weakest of another."""
    image, ops = Image.fromarray(PHOTO), "data.preprocess.ops"
    timm = ppcls.module(f"{ops}.timm_autoaugment")
    (bits,) = timm.LEVEL_TO_ARG["PosterizeIncreasing"](10, {})
    weakest = ppcls.module(f"{ops}.randaugment").RandAugment(num_layers=1, magnitude=1)
    for black in (
        timm.NAME_TO_OP["PosterizeIncreasing"](image, bits),
        weakest.func["posterize"](image, weakest.level_map["posterize"]),
    ):
        assert black.size == image.size and not np.asarray(black).any()
    assert (np.asarray(timm.posterize(image, 3)) == PHOTO & 0b11100000).all()
