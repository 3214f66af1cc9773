"""Images that cannot be read: an error in evaluation, another image of the class in training, and said."""

import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data import image_sizes
from ppcls_lt.engine.features import TrainedModel
from ppcls_lt.host import images

from . import engines
from .stock import CHECKOUT, needs_checkout

OPS = [{"DecodeImage": {"to_rgb": True, "channel_first": False}}, {"ResizeImage": {"size": 8}}]
BROKEN = 9  # the class whose images are broken below


def claiming(width, height):
    """A PNG file of a few bytes that claims a size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


def listed(folder, name, classes=None):
    """``(path, label)`` of a list, of all or some classes."""
    pairs = [line.split(" ") for line in (folder / name).read_text().splitlines()]
    return [(folder / path, int(label)) for path, label in pairs if classes is None or int(label) in classes]


@pytest.fixture
def data(whole, tmp_path):
    """The digits once more, with two of the six training images of class 9 and one test image broken."""
    folder = tmp_path / "data"
    for name in ("train.txt", "test.txt"):
        lines = (whole / name).read_text().splitlines()
        lines = lines if name == "train.txt" else lines[::10]
        for line in lines:
            path = folder / line.split(" ")[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((whole / line.split(" ")[0]).read_bytes())
        (folder / name).write_text("\n".join(lines) + "\n")
    for (path, _), content in zip(listed(folder, "train.txt", [BROKEN]), (b"no image", b"")):
        path.write_bytes(content)
    listed(folder, "test.txt", [BROKEN])[0][0].write_bytes(b"no image")
    return folder


def settings(data, output, workers=0, **options):
    options = {"untrained": True, **options}  # what is evaluated here is not how well
    result = engines.digits_config(data, output, losses=[{"CELoss": {"weight": 1.0}}], seed=1, **options)
    for part in ("Train", "Eval"):
        result["DataLoader"][part]["loader"]["num_workers"] = workers
    return result


def dataset(data, ops=OPS, name="train.txt"):
    from ppcls.data.dataloader.imagenet_dataset import ImageNetDataset

    return ImageNetDataset(str(data), str(data / name), transform_ops=ops)


@pytest.fixture(autouse=True)
def registered(ppcls):
    pass


def test_an_evaluation_with_a_broken_image_is_an_error(data, tmp_path):
    path = listed(data, "test.txt", [BROKEN])[0][0]
    engine = engines.build_engine(settings(data, tmp_path / "out"), "eval")
    with pytest.raises(ConfigError) as error:
        engine.eval()
    assert str(error.value).startswith(f"DataLoader.Eval.dataset: cannot read {path}: it is no image that OpenCV can")
    assert "Global.unreadable_images" in str(error.value) and "\n" not in str(error.value)


def test_as_told_the_evaluation_replaces_it_by_one_of_its_class(data, tmp_path, caplog):
    options = {"unreadable_images": "replace"}
    engine = engines.build_engine(settings(data, tmp_path / "out", **options), "eval")
    with caplog.at_level(logging.WARNING, "ppcls.lt"):
        engine.eval()
    support = engine.eval_metric_func.metric_func_list[1].predictions.classes().support
    assert support.tolist() == np.bincount([label for _, label in listed(data, "test.txt")]).tolist()
    assert f"1 of 50 images could not be read, each replaced by another of its class; class {BROKEN}: 1" in caplog.text


@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_replaces_them_and_says_so_once(workers, data, tmp_path, caplog):
    """Also where the data set is in other processes."""
    with caplog.at_level(logging.WARNING, "ppcls.lt"):
        engines.build_engine(settings(data, tmp_path / "out", workers=workers, epochs=2)).train()
    bad = [path for path, _ in listed(data, "train.txt", [BROKEN])][:2]
    for path, reason in zip(bad, ("it is no image that OpenCV can decode, or its header", "the file is empty")):
        said = f"cannot read {path} (class {BROKEN}), another image of its class stands for it: {reason}"
        assert caplog.text.count(said) == 1
    total = "DataLoader.Train.dataset: 2 of 325 images could not be read, each replaced by another of its class; "
    total += f"class {BROKEN}: 2"
    assert caplog.text.count(total) == 1
    (path,) = tmp_path.rglob("unreadable_images.txt")
    assert sorted(path.read_text().splitlines()) == sorted(map(str, bad))


def test_the_class_means_are_of_the_images_that_can_be_read(data, tmp_path, caplog):
    """And not of those that stand for others, twice."""
    (data / "readable.txt").write_text(
        "".join(
            line
            for line in (data / "train.txt").read_text().splitlines(True)
            if (data / line.split(" ")[0]).read_bytes() not in (b"no image", b"")
        )
    )
    found = []
    for name in ("train.txt", "readable.txt"):
        config = settings(data, tmp_path / name, epochs=0, recipe="lift_classifier")
        config["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(data / name)
        with caplog.at_level(logging.INFO, "ppcls.lt"):
            engines.build_engine(config).train()
        found.append(paddle.load(f"{engines.saved(tmp_path / name)}.pdparams")["fc.weight"].numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-6)
    assert caplog.text.count("features of 323 training images") == 2


def test_an_adjustment_passes_training_images_as_the_training_did(data, tmp_path):
    engines.build_engine(settings(data, tmp_path / "out", epochs=1)).train()
    config = settings(data, tmp_path / "out", pretrained_model=str(engines.saved(tmp_path / "out")), untrained=False)
    seen = {**config["DataLoader"]["Eval"]["dataset"], "cls_label_path": str(data / "train.txt")}
    config["profiler_options"] = None
    (tmp_path / "scratch").mkdir()
    model = TrainedModel(config, tmp_path / "scratch")
    assert np.isfinite(model.class_means(seen, 10)).all()
    config["Global"]["unreadable_images"] = "error"
    with pytest.raises(ConfigError, match="cannot read"):
        TrainedModel(config, tmp_path / "scratch").class_means(seen, 10)


def test_the_replacement_is_of_its_class_and_always_the_same(data):
    one, other = dataset(data), dataset(data)
    for each in (one, other):
        (found,) = images.watch(each, "test", True, images.MAX_PIXELS)
    bad = [index for index, path in enumerate(one.images) if Path(path).read_bytes() in (b"no image", b"")]
    np.random.seed(3)
    first = [one[index] for index in bad]
    np.random.seed(4)
    again = [other[index] for index in reversed(bad)][::-1]
    state = np.random.get_state()[1].copy()
    for index, (image, label), (same, _) in zip(bad, first, again):
        assert label == one.labels[index] == BROKEN
        np.testing.assert_array_equal(image, same)
        others = [k for k, each in enumerate(one.labels) if each == BROKEN and k not in bad]
        assert any((image == one[k][0]).all() for k in others)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # nothing was drawn
    assert np.flatnonzero(found.found()).tolist() == bad


@pytest.mark.parametrize("workers", [0, 2])
def test_a_class_without_a_readable_image_is_one_error(workers, data, tmp_path):
    for path, _ in listed(data, "train.txt", [BROKEN]):
        path.write_bytes(b"no image")
    engine = engines.build_engine(settings(data, tmp_path / "out", workers=workers, epochs=1))
    with pytest.raises(ConfigError) as error:
        engine.train()
    said = str(error.value)
    assert said.startswith("DataLoader.Train.dataset: cannot read ") and "\n" not in said
    assert said.endswith(f"no other image of its class ({BROKEN}) can be read")


def test_as_told_a_training_ends(data, tmp_path):
    engine = engines.build_engine(settings(data, tmp_path / "out", epochs=1, unreadable_images="error"))
    with pytest.raises(ConfigError, match="^DataLoader.Train.dataset: cannot read "):
        engine.train()


class Turned:
    """An operator that fails; one that fails with every image is named before training already."""

    def __call__(self, image):
        raise TypeError("no angle")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_an_operator_that_fails_is_named(workers, whole, tmp_path):
    engine = engines.build_engine(settings(whole, tmp_path / "out", workers=workers, epochs=1))
    engine.train_dataloader.dataset._transform_ops.insert(1, Turned())
    with pytest.raises(
        ConfigError, match="^DataLoader.Train.dataset: operator Turned fails with .*TypeError: no angle$"
    ):
        engine.train()


def test_operators_that_give_no_image_are_named(whole):
    ops = [*OPS, {"ToCHWImage": None}]
    grey = dataset(whole, ops=[*ops, {"RandFlipImage": {"flip_code": 1}}])
    grey._transform_ops.append(lambda image: image[0])
    with pytest.raises(ConfigError, match="what the transform_ops give fails with .*ValueError: axes"):
        grey[0]


@pytest.mark.slow
@pytest.mark.parametrize("label", [[0, 1, 1], [1, 0, 0]])
def test_several_labels(label, data, tmp_path):
    """The class is the whole row of labels."""
    from ppcls.data.dataloader.multilabel_dataset import MultiLabelDataset

    rows = [[0, 1, 1], [1, 0, 0], [0, 1, 1], [1, 0, 0], label]
    paths = [path for path, _ in listed(data, "train.txt", [0])][:4] + [listed(data, "train.txt", [BROKEN])[0][0]]
    text = "".join(f"{path.relative_to(data)}\t{','.join(map(str, row))}\n" for path, row in zip(paths, rows))
    (data / "rows.txt").write_text(text)
    several = MultiLabelDataset(str(data), str(data / "rows.txt"), transform_ops=OPS, label_ratio=True)
    images.watch(several, "test", True, images.MAX_PIXELS)
    image, (found, _) = several[4]
    assert found.tolist() == label
    assert any((image == several[k][0]).all() for k in (0, 1, 2, 3) if rows[k] == label)


def test_scales(data):
    from ppcls.data.dataloader.multi_scale_dataset import MultiScaleDataset

    ops = [OPS[0], {"RandCropImage": {"size": 8}}]
    scaled = MultiScaleDataset(str(data), str(data / "train.txt"), transform_ops=ops)
    images.watch(scaled, "test", True, images.MAX_PIXELS)
    bad = scaled.labels.index(BROKEN)
    image, label = scaled[(12, 10, bad)]
    assert image.shape == (3, 10, 12) and label == BROKEN


@pytest.mark.parametrize("backend", ["cv2", "pil"])
def test_files_that_the_host_opens_with_pillow(backend, tmp_path):
    """As the data sets of persons do."""
    from ppcls.data.dataloader.person_dataset import Market1501

    folder = tmp_path / Market1501._dataset_dir / "train"
    folder.mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(folder / f"0007_c1_{number}.jpg"), np.full((12, 10, 3), 50 * number, np.uint8))
    (folder / "0007_c1_1.jpg").write_bytes((folder / "0007_c1_1.jpg").read_bytes()[:300])
    people = Market1501(str(tmp_path), "train", transform_ops=OPS[1:], backend=backend)
    if backend == "pil":
        people._transform_ops = [lambda image: image]
    (found,) = images.watch(people, "test", True, images.MAX_PIXELS)
    image, *_ = people[1]
    assert np.asarray(image).max() in range(0, 3) or np.asarray(image).min() in range(97, 104)
    assert found.found().tolist() == [0, 1, 0]


def test_without_a_watch_nothing_is_replaced(data):
    with pytest.raises(ConfigError, match="^ImageNetDataset: cannot read "):
        [dataset(data)[index] for index in range(325)]


class TestSize:
    def test_a_claim_of_too_many_pixels_is_refused_before_decoding(self, data, tmp_path):
        listed(data, "test.txt", [BROKEN])[0][0].write_bytes(claiming(20000, 20000))
        engine = engines.build_engine(settings(data, tmp_path / "out"), "eval")
        with pytest.raises(
            ConfigError, match="it claims 20000 x 20000 pixels, more than the 178956970 that `Global.max"
        ):
            engine.eval()

    def test_the_limit_is_a_setting_and_counts_as_unreadable(self, whole, tmp_path):
        engine = engines.build_engine(settings(whole, tmp_path / "out", epochs=1, max_image_pixels=8 * 8 - 1))
        with pytest.raises(ConfigError, match="claims 8 x 8 pixels, more than the 63 .*no other image of its class"):
            engine.train()
        engines.build_engine(settings(whole, tmp_path / "out", max_image_pixels=64), "eval").eval()

    @pytest.mark.parametrize("form", [".png", ".jpg", ".bmp", ".webp", ".tiff"])
    def test_the_header_says_what_the_decoder_finds(self, form):
        for width, height in ((1, 1), (7, 300), (1025, 3)):
            data = cv2.imencode(form, np.zeros((height, width, 3), np.uint8))[1].tobytes()
            assert image_sizes.size_of(data) == (width, height)
        assert image_sizes.size_of(data[:10]) is None

    def test_jpeg_with_what_cameras_put_before_the_picture(self):
        data = cv2.imencode(".jpg", np.zeros((5, 9, 3), np.uint8))[1].tobytes()
        thumbnail = b"\xff\xe1" + struct.pack(">H", 40) + b"\xff\xc0" + b"\0" * 36
        assert image_sizes.size_of(data[:2] + thumbnail + b"\xff" + data[2:]) == (9, 5)
        assert image_sizes.size_of(b"\xff\xd8\xff\xda\0\0\0\0\0\0\0\0") is None
        assert image_sizes.size_of(b"\xff\xd8rubbish rubbish") is None
        # What libjpeg passes over: bytes between segments, and a length that is none.
        end = 4 + int.from_bytes(data[4:6], "big")
        for changed in (data[:end] + b"\0" + data[end:], data[:2] + b"\xff\xe5\0\0" + data[2:]):
            assert image_sizes.size_of(changed) == (9, 5)
            assert cv2.imdecode(np.frombuffer(changed, np.uint8), cv2.IMREAD_COLOR).shape == (5, 9, 3)

    @pytest.mark.parametrize("kind", ["float32", "float64", "uint16"])
    def test_a_tiff_of_pixels_that_pillow_does_not_know(self, kind):
        data = cv2.imencode(".tiff", np.zeros((5, 9, 3), kind))[1].tobytes()
        assert image_sizes.size_of(data) == (9, 5)

    @pytest.mark.parametrize("cut", [b"\x89PNG\r\n\x1a\n\0\0\0\0tEXt", b"\xff\xd8\xff\xd9", b"II*\0", b"#?RADIANCE\n"])
    def test_what_does_not_tell_its_size_is_not_decoded(self, cut):
        from ppcls.data.preprocess.ops.operators import DecodeImage

        with pytest.raises(ConfigError, match="its header does not say how large it is"):
            DecodeImage()(cut + b"\0" * 20)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"unreadable_images": "skip"}, "`unreadable_images` must be one of error, replace_in_training, replace"),
        ({"max_image_pixels": 0}, "`max_image_pixels` must be an integer >= 1"),
    ],
)
def test_wrong_options(options, message, whole, tmp_path):
    with pytest.raises(ConfigError, match=f"^Global: {message}"):
        engines.build_engine(settings(whole, tmp_path / "out", **options))


def test_infer_names_the_file(data, tmp_path):
    folder = listed(data, "test.txt", [BROKEN])[0][0].parent
    changed = settings(data, tmp_path / "out")
    changed["Infer"]["infer_imgs"] = str(folder)
    engine = engines.build_engine(changed, "infer")
    with pytest.raises(
        ConfigError, match=f"^Infer: `infer_imgs` must .* got {folder}/.*, which cannot: it is no image"
    ):
        engine.infer()


PROCESSES = """
import sys
from pathlib import Path
from tests import engines
data, out = map(Path, sys.argv[1:])
settings = engines.digits_config(data, out, losses=[{"CELoss": {"weight": 1.0}}], epochs=1)
engines.build_engine(settings).train()
"""


@pytest.mark.slow
def test_several_processes_tell_together(data, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(PROCESSES)
    result = engines.together(script, data, tmp_path / "out", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    assert (
        f"2 of 325 images could not be read, each replaced by another of its class; class {BROKEN}: 2" in result.stdout
    )


@needs_checkout
def test_the_checkout_hides_nothing_either(data, tmp_path):
    script = tmp_path / "one.py"
    script.write_text(PROCESSES)
    result = engines.run([script, data, tmp_path / "out"], cwd=tmp_path, python_path=[CHECKOUT])
    assert result.returncode == 0, result.stdout
    assert f"class {BROKEN}: 2" in result.stdout and "Exception occured" not in result.stdout
