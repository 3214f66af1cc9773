"""The demo data sets: lists and images agree, splits are disjoint, seeded and atomic."""

import gzip
import json
import struct

import numpy as np
import pytest
from PIL import Image

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data.counts import count_label_list
from ppcls_lt.data.demo import write_digits, write_fashion_mnist
from ppcls_lt.data.profiles import long_tail_profile

FASHION = {"n_max": 20, "n_val": 3, "ratio": 10}
ORDER = [9, 8, 7, 5, 1, 3, 0, 4, 2, 6]


def write_idx(path, array):
    """Write a uint8 array in the gzip IDX format."""
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), 1, mtime=0))


@pytest.fixture
def source(tmp_path):
    """A small data set in Fashion-MNIST's format: every image has one grey level of its own class."""
    folder = tmp_path / "idx"
    folder.mkdir()
    for part, per_class in (("train", 25), ("t10k", 4)):
        labels = np.tile(np.arange(10, dtype=np.uint8), per_class)
        images = np.broadcast_to(10 + 20 * labels[:, None, None], (labels.size, 28, 28)).astype(np.uint8)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    return folder


def read_list(folder, split):
    lines = (folder / f"{split}.txt").read_text().splitlines()
    return [(image, int(label)) for image, label in (line.split(" ") for line in lines)]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_lists(folder, counts, size):
    """The lists hold as many images as the counts say, and the images are readable."""
    written = set()
    for split, expected in counts.items():
        assert count_label_list(folder / f"{split}.txt", owner="test").tolist() == expected
        for image, _ in read_list(folder, split):
            written.add(image)
        with Image.open(folder / image) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (size, size))
    assert written == {str(path.relative_to(folder)) for path in folder.rglob("*.png")}
    assert len(written) == sum(map(sum, counts.values()))
    assert json.loads((folder / "meta.json").read_text())["counts"] == counts


class TestDigits:
    def test_counts_lists_and_images(self, tmp_path):
        folder = tmp_path / "new" / "digits"
        counts = write_digits(folder)
        profile = long_tail_profile(90, 15, 10)
        assert counts == {"train": profile, "val": [30] * 10, "test": [50] * 10}
        check_lists(folder, counts, size=8)

    def test_images_are_scikit_learns(self, tmp_path):
        from sklearn.datasets import load_digits

        write_digits(tmp_path / "digits")
        digits = load_digits()
        for split in ("train", "val", "test"):
            for image, label in read_list(tmp_path / "digits", split)[::40]:
                index = int(image.split("/")[-1].removesuffix(".png"))
                assert digits.target[index] == label
                with Image.open(tmp_path / "digits" / image) as picture:
                    difference = np.asarray(picture) / 255 - digits.images[index] / 16
                assert np.abs(difference).max() <= 0.5 / 255 + 1e-12

    def test_no_image_is_in_two_splits(self, tmp_path):
        write_digits(tmp_path / "digits", ratio=1)
        names = [
            image.split("/")[-1]
            for split in ("train", "val", "test")
            for image, _ in read_list(tmp_path / "digits", split)
        ]
        assert len(names) == len(set(names)) == 1700

    def test_ratio_only_cuts_the_training_images(self, tmp_path):
        write_digits(tmp_path / "a", ratio=5)
        write_digits(tmp_path / "b", ratio=15)
        for split in ("val", "test"):
            assert read_list(tmp_path / "a", split) == read_list(tmp_path / "b", split)
        assert set(read_list(tmp_path / "b", "train")) < set(read_list(tmp_path / "a", "train"))

    def test_the_seed_decides(self, tmp_path):
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            write_digits(tmp_path / name, seed=seed)
        assert contents(tmp_path / "a") == contents(tmp_path / "b")
        assert read_list(tmp_path / "a", "train") != read_list(tmp_path / "c", "train")

    def test_the_global_generator_is_left_alone(self, tmp_path):
        before = np.random.get_state()[1].tolist()
        write_digits(tmp_path / "a")
        assert np.random.get_state()[1].tolist() == before

    @pytest.mark.parametrize("wrong", [{"ratio": 0.5}, {"ratio": 91}, {"seed": -1}, {"seed": 1.5}])
    def test_wrong_arguments(self, tmp_path, wrong):
        (name,) = wrong
        with pytest.raises(ConfigError, match=f"^write_digits: `{name}` must be "):
            write_digits(tmp_path / "a", **wrong)
        assert list(tmp_path.iterdir()) == []


class TestFolder:
    def test_same_parameters_write_nothing(self, tmp_path):
        folder = tmp_path / "digits"
        first = write_digits(folder)
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
        assert write_digits(folder, ratio=15.0) == first
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before

    def test_other_parameters(self, tmp_path):
        write_digits(tmp_path / "a")
        before = contents(tmp_path / "a")
        with pytest.raises(ConfigError, match="`folder` must be .*got one written with .*15.0"):
            write_digits(tmp_path / "a", ratio=20)
        assert contents(tmp_path / "a") == before

    @pytest.mark.parametrize("name, content", [("notes", "x"), ("meta.json", "{"), ("meta.json", "[1]")])
    def test_other_contents(self, tmp_path, name, content):
        (tmp_path / name).write_text(content)
        with pytest.raises(ConfigError, match="^write_digits: `folder` must be a new folder.*something else"):
            write_digits(tmp_path)

    def test_a_file_in_the_way(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match="^write_digits: `folder` must be a new folder"):
            write_digits(tmp_path / "file")

    def test_an_empty_folder_is_filled(self, tmp_path):
        assert write_digits(str(tmp_path))["val"] == [30] * 10
        assert (tmp_path / "meta.json").exists()

    def test_a_failure_leaves_nothing_behind(self, tmp_path, source):
        (source / "t10k-labels-idx1-ubyte.gz").unlink()
        with pytest.raises(ConfigError):
            write_fashion_mnist(tmp_path / "out" / "fashion", source=source, **FASHION)
        assert not (tmp_path / "out").exists()

    def test_no_temporary_folder_stays(self, tmp_path):
        write_digits(tmp_path / "a")
        assert [path.name for path in tmp_path.iterdir()] == ["a"]


class TestFashionMnist:
    def test_counts_lists_and_images(self, tmp_path, source):
        folder = tmp_path / "fashion"
        counts = write_fashion_mnist(folder, source=str(source), **FASHION)
        assert [counts["train"][label] for label in ORDER] == long_tail_profile(20, 10, 10)
        assert counts["val"] == [3] * 10
        assert counts["test"] == [4] * 10
        check_lists(folder, counts, size=28)
        for split in counts:
            for image, label in read_list(folder, split):
                with Image.open(folder / image) as picture:
                    assert (np.asarray(picture) == 10 + 20 * label).all()
        used = [image.split("/")[-1] for split in ("train", "val") for image, _ in read_list(folder, split)]
        assert len(used) == len(set(used))

    def test_the_source_is_not_needed_again(self, tmp_path, source):
        counts = write_fashion_mnist(tmp_path / "fashion", source=source, **FASHION)
        assert write_fashion_mnist(tmp_path / "fashion", source=tmp_path / "gone", **FASHION) == counts

    def test_missing_files_say_where_to_get_them(self, tmp_path):
        with pytest.raises(ConfigError) as error:
            write_fashion_mnist(tmp_path / "fashion", source=tmp_path / "none")
        assert "`source` must be" in str(error.value)
        assert "apt-get install dataset-fashion-mnist" in str(error.value)
        assert "train-images-idx3-ubyte.gz" in str(error.value)

    @pytest.mark.parametrize(
        "content", [b"", b"no gzip", gzip.compress(b"12", mtime=0), gzip.compress(b"1234" * 9, mtime=0)]
    )
    def test_damaged_files(self, tmp_path, source, content):
        (source / "train-labels-idx1-ubyte.gz").write_bytes(content)
        with pytest.raises(ConfigError, match="^write_fashion_mnist: `source` must be .*train-labels"):
            write_fashion_mnist(tmp_path / "fashion", source=source, **FASHION)

    def test_cut_off_file(self, tmp_path, source):
        path = source / "train-images-idx3-ubyte.gz"
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ConfigError, match="^write_fashion_mnist: `source` must be .*train-images"):
            write_fashion_mnist(tmp_path / "fashion", source=source, **FASHION)

    def test_wrong_magic_number(self, tmp_path, source):
        labels = (source / "t10k-labels-idx1-ubyte.gz").read_bytes()
        (source / "t10k-images-idx3-ubyte.gz").write_bytes(labels)
        with pytest.raises(ConfigError, match="whole IDX file of type 0x803, got .* type 0x801"):
            write_fashion_mnist(tmp_path / "fashion", source=source, **FASHION)

    @pytest.mark.parametrize("labels, message", [([1, 2], "250 and 2"), ([10] * 250, "label 10")])
    def test_labels_that_do_not_fit(self, tmp_path, source, labels, message):
        write_idx(source / "train-labels-idx1-ubyte.gz", np.array(labels, dtype=np.uint8))
        with pytest.raises(ConfigError, match=f"`source` must be .*{message}"):
            write_fashion_mnist(tmp_path / "fashion", source=source, **FASHION)

    def test_too_few_images(self, tmp_path, source):
        with pytest.raises(ConfigError, match="at least 26 training images of class 9, got 25"):
            write_fashion_mnist(tmp_path / "fashion", source=source, n_max=23, n_val=3, ratio=10)

    @pytest.mark.parametrize("wrong", [{"ratio": 21}, {"n_max": 0}, {"n_val": 0}, {"seed": True}])
    def test_wrong_arguments(self, tmp_path, source, wrong):
        (name,) = wrong
        with pytest.raises(ConfigError, match=f"^write_fashion_mnist: `{name}` must be "):
            write_fashion_mnist(tmp_path / "fashion", source=source, **{**FASHION, **wrong})
