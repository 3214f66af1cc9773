"""Long-tailed data sets by name: their forms, the authors' selection, every command on them, and mistakes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import held_out
from ppcls_lt.data import cifar, named_images, published
from ppcls_lt.data.counts import count_label_list
from ppcls_lt.data.profiles import long_tail_profile, step_profile
from ppcls_lt.datasets import LongTailCIFAR10
from ppcls_lt.engine import checklist
from ppcls_lt.host import decoding

from . import commands, engines, named_data

REAL = "CIFAR10_ROOT"


@pytest.fixture(scope="module")
def copies(ppcls, tmp_path_factory):
    """Form -> a copy of CIFAR-10 with 20 images a class to train and 2 to test."""
    folder = tmp_path_factory.mktemp("cifar")
    return {form: named_data.write_cifar(folder / form, form) for form in (cifar.BINARY, cifar.PYTHON, cifar.FOLDERS)}


def build(name, root, **params):
    """A data set by name as PaddleClas builds it."""
    return host.build_dataset({"name": name, "image_root": str(root), **params})


def authors(labels, counts, seed):
    """The images that ``imbalance_cifar.py`` takes: one global generator, class after class."""
    state = np.random.get_state()
    np.random.seed(seed)
    taken = []
    for label, number in enumerate(counts):
        (where,) = np.where(labels == label)
        np.random.shuffle(where)
        taken.extend(where[:number].tolist())
    np.random.set_state(state)
    return taken


class TestSelection:
    @pytest.mark.parametrize("form", [cifar.BINARY, cifar.PYTHON])
    @pytest.mark.parametrize(("profile", "seed"), [("exp", 0), ("step", 3)])
    def test_the_images_of_the_authors_code(self, copies, form, profile, seed):
        before = np.random.get_state()[1].copy()
        dataset = build("LongTailCIFAR10", copies[form], mode="train", ratio=10, profile=profile, seed=seed)
        labels, pixels = named_data.images(10, 20, seed=len("train"))
        counts = [long_tail_profile, step_profile][profile == "step"](20, 10, 10)
        wanted = authors(labels, counts, seed)
        assert dataset.labels == labels[wanted].tolist()
        for index in (0, 7, len(wanted) - 1):
            image, label = dataset[index]
            assert (image == pixels[wanted[index]].transpose(2, 0, 1)).all() and label == labels[wanted[index]]
        assert (np.random.get_state()[1] == before).all()

    def test_a_folder_for_each_class_gives_the_same_where_its_order_is_the_same(self, copies):
        one, other = (
            build("LongTailCIFAR10", copies[form], mode="train", ratio=20, seed=1)
            for form in (cifar.PYTHON, cifar.FOLDERS)
        )
        assert one.labels == other.labels
        assert all((one[index][0] == other[index][0]).all() for index in range(len(one)))

    @pytest.mark.parametrize(("classes", "first", "ratio", "images"), [(10, 5000, 100, 12406), (100, 500, 100, 10847)])
    def test_images_of_the_published_tails(self, classes, first, ratio, images):
        labels = np.repeat(np.arange(classes), first)
        counts = named_images.choice("test", mode="train", ratio=ratio).counts(labels)
        assert counts.sum() == images and counts[0] == first and counts[-1] == first // ratio

    def test_an_order_of_the_classes(self, copies):
        dataset = build("LongTailCIFAR10", copies[cifar.BINARY], mode="train", ratio=20, order=list(range(9, -1, -1)))
        assert np.bincount(dataset.labels).tolist() == long_tail_profile(20, 20, 10)[::-1]

    def test_the_test_part_is_whole_and_in_its_order(self, copies):
        dataset = build("LongTailCIFAR10", copies[cifar.BINARY], mode="test")
        assert dataset.labels == named_data.images(10, 2, seed=len("test"))[0].tolist()


class TestOtherDataSets:
    def test_cifar100_takes_the_fine_classes(self, ppcls, tmp_path):
        found = []
        for form in (cifar.BINARY, cifar.PYTHON):
            root = named_data.write_cifar(tmp_path / form, form, cifar.CIFAR100, per_class=2, test_per_class=1)
            found.append(build("LongTailCIFAR100", root, mode="train", ratio=2))
        one, other = found
        assert one.labels == other.labels and set(one.labels) == set(range(100))
        assert all((one[index][0] == other[index][0]).all() for index in range(0, len(one), 7))

    def test_fashion_mnist_is_grey_in_three_channels(self, ppcls, tmp_path):
        labels, grey = named_data.write_fashion_mnist(tmp_path)
        dataset = build("LongTailFashionMNIST", tmp_path, mode="train", ratio=10)
        wanted = authors(labels, long_tail_profile(20, 10, 10), 0)
        assert dataset.labels == labels[wanted].tolist()
        image, _ = dataset[3]
        assert image.shape == (3, 28, 28) and (image == grey[wanted[3]]).all()

    def test_real_cifar10(self, ppcls):
        if REAL not in os.environ:
            pytest.skip(f"needs CIFAR-10 in any form: set {REAL} to its folder")
        dataset = build("LongTailCIFAR10", os.environ[REAL], mode="train", ratio=100)
        assert np.bincount(dataset.labels).tolist() == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
        assert dataset[0][0].shape == (3, 32, 32)


def config(folder, root, **tail):
    """A configuration on a data set by name, written into a folder; return its path and what is in it."""
    digits = engines.packaged("ldam", folder, "out", epochs=2, save_inference_dir="exported", eval_during_train=False)
    for part, params in (("Train", tail), ("Eval", {"mode": "test", "ratio": None})):
        digits["DataLoader"][part]["dataset"] = named_data.section(root, **params)
    evaluated = digits["DataLoader"]["Eval"]["dataset"]
    evaluated["transform_ops"] = named_data.TRAIN_OPERATORS[-1:]
    del evaluated["ratio"]
    digits["Global"]["image_shape"] = [3, 32, 32]
    engines.write_yaml(digits, folder / "config.yaml")
    return folder / "config.yaml", digits


TRAIN = "DataLoader.Train.dataset"
MISTAKES = {
    "no ratio": ({"ratio": None}, "LongTailCIFAR10: `ratio` must be a finite number >= 1, got None"),
    "too large": ({"ratio": 1000}, "`ratio` must be at most the images of the largest class, got 1000 of a largest"),
    "profile": ({"profile": "linear"}, "`profile` must be one of exp, step, got 'linear' (str)"),
    "seed": ({"seed": -1}, "`seed` must be an integer >= 0"),
    "order": ({"order": [0, 1]}, "`order` must be every class from 0 to 9 once, got 2 classes"),
    "mode": ({"mode": "val"}, "`mode` must be one of train, test, got 'val' (str)"),
    "ratio of the test images": ({"mode": "test"}, "`ratio` must be left out with `mode: test`"),
    "a key": ({"imb_factor": 0.1}, f"{TRAIN} LongTailCIFAR10: unknown parameter 'imb_factor'"),
    "another data set": ({"name": "LongTailCIFAR100"}, "must be a folder with CIFAR-100: in binary form (train.bin"),
    "decoding": (
        {"transform_ops": [{"DecodeImage": {"to_rgb": True}}]},
        "a list without DecodeImage: images are arrays in RGB, whose red and blue it would swap",
    ),
    "a list and a tail": ({"cls_label_path": "config.yaml"}, "`mode` must be left out with `cls_label_path`"),
}


class TestMistakes:
    @pytest.mark.parametrize("name", MISTAKES)
    def test_is_one_finding_before_training(self, ppcls, copies, tmp_path, monkeypatch, name):
        changes, message = MISTAKES[name]
        path, settings = config(tmp_path, copies[cifar.BINARY])
        monkeypatch.chdir(tmp_path)
        settings["DataLoader"]["Train"]["dataset"].update(changes)
        engines.write_yaml(settings, path)
        _, found = checklist.looked_over(ppcls.load_config(path, []), "train")
        assert any(message in finding.text for finding in found), [finding.text for finding in found]
        places = {finding.path for finding in found if not finding.path.startswith("DataLoader.Train.dataset")}
        assert places == ({"Arch.class_num"} if name == "another data set" else set())

    def test_an_operator_that_fails_is_named_before_training(self, copies, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path, settings = config(tmp_path, copies[cifar.BINARY])
        settings["DataLoader"]["Train"]["dataset"]["transform_ops"] = [{"RandCropImageV2": {"size": 64}}]
        engines.write_yaml(settings, path)
        settings = host.load_config(path, [])
        settings.profiler_options = None
        with pytest.raises(ConfigError, match="such that RandCropImageV2 can change an image"):
            engines.build_engine(settings)

    def test_a_file_is_missing_or_damaged(self, ppcls, tmp_path):
        root = named_data.write_cifar(tmp_path, cifar.BINARY, per_class=2)
        batch = tmp_path / "cifar-10-batches-bin" / "data_batch_3.bin"
        whole = batch.read_bytes()
        for content, message in (
            (whole[:-1], "files of whole records, each of 3073 bytes"),
            (b"\x0b" + whole[1:], "with labels from 0 to 9"),
            (None, "no data_batch_3.bin in"),
        ):
            batch.unlink() if content is None else batch.write_bytes(content)
            with pytest.raises(ConfigError, match=message):
                build("LongTailCIFAR10", root, mode="train", ratio=1)

    def test_a_pickle_runs_nothing(self, ppcls, tmp_path):
        root = named_data.write_cifar(tmp_path, cifar.PYTHON, per_class=2)
        evil = b"\x80\x02cos\nsystem\nU\x09touch bad\x85R."
        (tmp_path / "cifar-10-batches-py" / "data_batch_2").write_bytes(evil)
        with pytest.raises(ConfigError, match="asks for os.system; nothing of it was run"):
            build("LongTailCIFAR10", root, mode="train", ratio=1)

    def test_an_image_that_cannot_be_read_is_named(self, ppcls, tmp_path):
        root = named_data.write_cifar(tmp_path, cifar.FOLDERS, per_class=2)
        first = build("LongTailCIFAR10", root, mode="train", ratio=1).images[0]
        Path(first).write_bytes(b"no image")
        dataset = build("LongTailCIFAR10", root, mode="train", ratio=1)
        with pytest.raises(decoding.UnreadableImage, match=f"LongTailCIFAR10: cannot read {first}"):
            dataset[0]

    def test_two_forms_in_one_folder(self, ppcls, tmp_path):
        for form in (cifar.BINARY, cifar.PYTHON):
            named_data.write_cifar(tmp_path, form, per_class=1)
        with pytest.raises(ConfigError, match=r"one form of CIFAR-10, got binary in .* and python in "):
            build("LongTailCIFAR10", tmp_path, mode="train", ratio=1)

    def test_a_list_of_another_copy(self, ppcls, copies, tmp_path):
        (tmp_path / "list.txt").write_text("train/00000 3\n" if named_data.images(10, 20, 5)[0][0] != 3 else "no 3\n")
        with pytest.raises(ConfigError, match="a list of images of this data set, got train/00000 3 in line 1"):
            build("LongTailCIFAR10", copies[cifar.BINARY], cls_label_path=str(tmp_path / "list.txt"))


@pytest.fixture(scope="module")
def trained(copies, tmp_path_factory):
    """A folder with a training of two processes, and its log."""
    folder = tmp_path_factory.mktemp("named")
    path, _ = config(folder, copies[cifar.PYTHON])
    done = engines.together(engines.ROOT / "scripts" / "train.py", "-c", path, cwd=folder)
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


@pytest.mark.slow
class TestCommands:
    def test_counts_are_those_of_the_tail_in_every_process(self, trained):
        folder, log = trained
        assert "training images: 78 in 10 classes, from 2 (class " in log
        (info,) = folder.rglob("run_info.json")
        assert json.loads(info.read_text())["counts"] == long_tail_profile(20, 10, 10)

    def test_its_run_is_evaluated_exported_and_checked(self, trained):
        folder, _ = trained
        for command in ("eval", "export"):
            done = commands.run(folder, command, "--run", "out")
            assert done.returncode == 0, done.errors
        assert list((folder / "exported").glob("inference.pdiparams"))
        done = commands.run(folder, "check", "-c", "config.yaml", "-o", "Global.output_dir=new", "--format", "json")
        assert done.returncode == 0 and json.loads(done.output)["stages"][0]["counts"] == long_tail_profile(20, 10, 10)

    def test_its_run_is_adjusted_on_a_list_of_what_the_tail_leaves(self, trained, copies):
        folder, _ = trained
        named, params = LongTailCIFAR10, {"image_root": copies[cifar.PYTHON], "mode": "train"}
        whole, tail = (named.as_list(**params, ratio=ratio)[0].decode().splitlines() for ratio in (1, 10))
        left = [line for line in whole if line not in tail]
        (folder / "left.txt").write_text("\n".join([*left, tail[0]]))
        flags = ["--run", "out", "--val-list", "left.txt", "--allow-missing", "--methods"]
        done = commands.run(folder, "adjust", *flags, "nearest_class_mean", "--out", "adjusted", "--strength", 1)
        assert done.returncode == 2 and "got 1 images of the training list" in done.errors
        (folder / "left.txt").write_text("\n".join(left))
        done = commands.run(folder, "adjust", *flags, "nearest_class_mean", "--out", "adjusted", "--strength", 1)
        assert done.returncode == 0, done.errors
        record = json.loads((folder / "adjusted" / "adjustment.json").read_text())
        assert record["held_out"]["images"] == len(left) == 200 - 78
        done = commands.run(folder, "eval", "--run", "adjusted")
        assert done.returncode == 0, done.errors

    def test_compare_holds_out_a_part_of_the_tail(self, copies, tmp_path):
        path, _ = config(tmp_path, copies[cifar.FOLDERS], ratio=4)
        done = commands.run(
            tmp_path, "compare", "-c", path, "--recipes", "base", "--epochs", 1, "--out", "compared", "--adjust", "none"
        )
        assert done.returncode == 0, done.errors
        kept, held_out = (
            count_label_list(tmp_path / f"compared/folds/of_5/partition_0_fold_0_{name}.txt", owner="")
            for name in ("train", "val")
        )
        assert (kept + held_out).tolist() == long_tail_profile(20, 4, 10) and held_out.min() > 0
        run = tmp_path / "compared" / "runs" / "base" / "seed_0"
        assert (run / "result.json").is_file()
        dataset = yaml.safe_load((run / "train.yaml").read_text())["DataLoader"]["Train"]["dataset"]
        assert "ratio" not in dataset and Path(dataset["cls_label_path"]).name == "partition_0_fold_0_train.txt"


def test_an_adjustment_asks_for_a_list(copies, tmp_path):
    _, settings = config(tmp_path, copies[cifar.BINARY])
    with pytest.raises(ConfigError, match="a list of held-out images, got LongTailCIFAR10 without a list"):
        held_out.find(settings, "adjust", is_validation=True, class_num=10, allow_missing=False)


class TestPublishedCounts:
    def list_of(self, path, name="places-lt"):
        """A list whose counts are those that were published of a name, as far as they are."""
        wanted = published.PUBLISHED[name]
        counts = np.array([wanted.largest, *([0] * (wanted.classes - 2)), wanted.smallest])
        many, medium, few = wanted.group_classes
        starts = (1, many, many + medium)
        for start, end, images in zip(starts, (many, many + medium, wanted.classes), wanted.group_images):
            images -= counts[start - (start == 1) : end].sum()
            free = np.flatnonzero(counts[start:end] == 0) + start
            counts[free] = images // free.size
            counts[free[: images % free.size]] += 1
        commands.make_list(path, counts.tolist())
        return counts

    def test_a_list_as_published(self, tmp_path):
        counts = self.list_of(tmp_path / "list.txt")
        assert published.differences("places-lt", counts) == []
        done = commands.run(tmp_path, "counts", "--published", "places-lt", "list.txt")
        assert done.returncode == 0
        assert done.output.splitlines()[-1].startswith("as published of places-lt (Liu et al., CVPR 2019")

    def test_another_list_is_one_line_and_status_2(self, tmp_path):
        self.list_of(tmp_path / "list.txt")
        lines = (tmp_path / "list.txt").read_text().splitlines(keepends=True)
        (tmp_path / "list.txt").write_text("".join(lines[1:]))
        done = commands.run(tmp_path, "counts", "--published", "places-lt", "list.txt")
        commands.fails(done, "must be the published list places-lt", "62499 images instead of 62500")
        done = commands.run(tmp_path, "counts", "--published", "place-lt", "list.txt")
        commands.fails(done, "`--published` must be one of imagenet-lt,", "did you mean 'places-lt'?")
