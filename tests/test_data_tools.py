"""Long-tailed subsets, validation splits and files: laws, and slow references."""

import hashlib
import os
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data.counts import count_label_list
from ppcls_lt.data.list_files import check_outputs, read_label_list, write_files
from ppcls_lt.data.profiles import long_tail_profile, step_profile
from ppcls_lt.data.splits import stratified_split
from ppcls_lt.data.subsets import class_order, long_tail_subset, tail_counts

OWNER = "ppcls-lt split"


@st.composite
def lists(draw, least=1):
    """Labels of shuffled images, ``least`` to 30 a class, and names of the images."""
    sizes = draw(st.lists(st.integers(least, 30), min_size=1, max_size=8))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(labels.size)
    return labels[order], [f"images/{i}.jpg" for i in range(labels.size)], sizes


def slow_draw(seed, image):
    """The documented place of an image in a draw."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\n{image}".encode(), digest_size=8).digest(), "big")


class TestReadLabelList:
    @pytest.mark.parametrize(
        "content, delimiter",
        [
            (b"a.jpg 1\nb.jpg 0\n", None),
            (b"a.jpg 1\r\nb.jpg 0\r\n", None),
            (b"a.jpg 1\rb.jpg 0", None),
            (b" a.jpg 1 \n\tb.jpg 0 further things\n", None),
            (b"a.jpg\t1\nb.jpg\t0", "\t"),
            (b"a.jpg 01\nb.jpg +0\n", None),
            (b"\xe4\xb8\xad.jpg 1\nb.jpg 0\n", None),
            ("\u2028a.jpg 1\nb\x85.jpg 0\n\ufeff".encode() + b"c 1", None),
        ],
    )
    def test_lines_are_kept_and_labels_are_those_that_are_counted(self, tmp_path, content, delimiter):
        path = tmp_path / "list.txt"
        path.write_bytes(content)
        data = read_label_list(path, owner=OWNER, delimiter=delimiter)
        assert "".join(data.lines).encode() == content
        assert data.labels.tolist()[:2] == [1, 0]
        expected = count_label_list(path, owner=OWNER, delimiter=delimiter)
        assert data.counts.tolist() == np.bincount(data.labels).tolist() == expected.tolist()

    def test_images(self, tmp_path):
        path = tmp_path / "list.txt"
        path.write_bytes(b" a/b.jpg 1 \r\nc.jpg 0\n\xc3\xbf.jpg 2")
        assert read_label_list(path, owner=OWNER).images == ["a/b.jpg", "c.jpg", "\xff.jpg"]

    @pytest.mark.parametrize("content", [b"", b"a 0\n\nb 1\n", b"a 0\nb\n", b"a x\n", b"a -1\n", b"a 0.0\n"])
    def test_mistakes_are_those_of_counting(self, tmp_path, content):
        path = tmp_path / "list.txt"
        path.write_bytes(content)
        with pytest.raises(ConfigError) as counting:
            count_label_list(path, owner=OWNER, name="LIST")
        with pytest.raises(ConfigError) as reading:
            read_label_list(path, owner=OWNER)
        assert str(reading.value) == str(counting.value)


class TestStepProfile:
    @pytest.mark.parametrize(
        "arguments, expected",
        [
            ((5000, 100, 10), [5000] * 5 + [50] * 5),
            ((5000, 100, 5), [5000] * 3 + [50] * 2),
            ((100, 10, 10, 0.2), [100] * 8 + [10] * 2),
            ((100, 10, 10, 0.99), [100] * 1 + [10] * 9),
            ((100, 10, 10, 0.01), [100] * 9 + [10]),
            ((100, 10, 2), [100, 10]),
            ((100, 10, 1), [100]),
            ((10, 100, 4), [10, 10, 1, 1]),
        ],
    )
    def test_values(self, arguments, expected):
        assert step_profile(*arguments) == expected

    @given(st.integers(1, 10**4), st.floats(1, 1e5), st.integers(1, 50), st.floats(0.001, 0.999))
    def test_laws(self, n_max, ratio, class_num, fraction):
        profile = step_profile(n_max, ratio, class_num, fraction)
        assert len(profile) == class_num
        assert profile == sorted(profile, reverse=True)
        assert profile[0] == n_max and profile[-1] >= 1
        assert set(profile) <= set(long_tail_profile(n_max, ratio, 2))

    @pytest.mark.parametrize(
        "arguments", [(0, 10, 4), (10, 0.5, 4), (10, 10, 0), (10, 10, 4, 0), (10, 10, 4, 1), (10, 10, 4, "half")]
    )
    def test_wrong_arguments(self, arguments):
        with pytest.raises(ConfigError, match="^(step|long_tail)_profile: "):
            step_profile(*arguments)


class TestClassOrder:
    COUNTS = (5, 9, 0, 9)

    def test_names(self):
        assert class_order("given", self.COUNTS).tolist() == [0, 1, 2, 3]
        assert class_order("size", self.COUNTS).tolist() == [1, 3, 0, 2]
        assert class_order([2, 0, 3, 1], self.COUNTS).tolist() == [2, 0, 3, 1]

    def test_random_is_a_permutation_by_seed(self):
        orders = [tuple(class_order("random", [1] * 12, seed=seed).tolist()) for seed in (0, 0, 1, 2)]
        assert orders[0] == orders[1]
        assert len(set(orders)) == 3
        assert all(sorted(order) == list(range(12)) for order in orders)

    @pytest.mark.parametrize(
        "order, message",
        [
            ("sise", "`order` must be one of given, random, size .did you mean 'size'"),
            ([0, 1, 2], "every class from 0 to 3 once, got 3 classes, 3 of them different"),
            ([0, 1, 2, 2], "got 4 classes, 3 of them different"),
            ([0, 1, 2, 4], "every class from 0 to 3 once"),
            ([0, 1, 2, 3.0], r"`order\[3\]` must be an integer"),
            (3, "or a list of the classes, got 3"),
        ],
    )
    def test_wrong_orders(self, order, message):
        with pytest.raises(ConfigError, match=f"^class_order: .*{message}"):
            class_order(order, self.COUNTS)


class TestTailCounts:
    def test_the_authors_cifar_profile(self):
        counts = tail_counts([5000] * 10, ratio=100)
        assert counts.tolist() == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]

    def test_order_says_which_class_is_the_largest(self):
        counts = tail_counts([100, 100, 100], ratio=100, order=[2, 0, 1])
        assert counts.tolist() == [10, 1, 100]

    def test_the_first_class_of_the_order_sets_the_maximum(self):
        assert tail_counts([40, 100, 50], ratio=4).tolist() == [40, 20, 10]
        assert tail_counts([40, 100, 50], ratio=4, order="size").tolist() == [25, 100, 50]
        assert tail_counts([40, 100, 50], ratio=4, order="size", max_per_class=8).tolist() == [2, 8, 4]

    def test_an_odd_number_of_classes_in_steps(self):
        assert tail_counts([20] * 5, ratio=10, kind="step").tolist() == [20, 20, 20, 2, 2]
        assert tail_counts([20] * 5, ratio=10, kind="step", step_fraction=0.8).tolist() == [20, 2, 2, 2, 2]

    @given(
        available=st.lists(st.integers(1, 500), min_size=1, max_size=8),
        ratio=st.floats(1, 300),
        kind=st.sampled_from(["exp", "step"]),
        order=st.sampled_from(["given", "random", "size"]),
        n_max=st.integers(1, 500),
    )
    def test_what_does_not_fit_is_told_the_largest_that_does(self, available, ratio, kind, order, n_max):
        options = {"ratio": ratio, "kind": kind, "order": order}
        profile = long_tail_profile if kind == "exp" else step_profile
        ranked = np.array(available)[class_order(order, available)]

        def fits(maximum):
            return bool((profile(maximum, ratio, len(available)) <= ranked).all())

        if fits(n_max):
            counts = tail_counts(available, max_per_class=n_max, **options)
            assert (counts <= available).all()
            assert counts[class_order(order, available)].tolist() == profile(n_max, ratio, len(available))
            return
        with pytest.raises(ConfigError, match="--max-per-class") as error:
            tail_counts(available, max_per_class=n_max, **options)
        best = max(maximum for maximum in range(1, n_max) if fits(maximum))
        assert f"`max_per_class` must be at most {best} for" in str(error.value)

    def test_the_message_names_a_class_with_too_few(self):
        with pytest.raises(ConfigError) as error:
            tail_counts([100, 100, 9], ratio=10, owner="ppcls-lt make-lt")
        assert str(error.value) == (
            "ppcls-lt make-lt: `max_per_class` must be at most 99 for this list, ratio and order "
            "(--max-per-class 99), got 100: class 2 has 9 images and needs 10"
        )
        with pytest.raises(ConfigError, match=r"class 1 has 10 images and needs 31 \(2 classes have too few\)"):
            tail_counts([100, 10, 9], ratio=10)

    @pytest.mark.parametrize(
        "wrong, message",
        [
            (
                {"available": [5, 0, 5]},
                "`available` must be a list with images of every class, got no image of class 1",
            ),
            ({"available": [5] + [0] * 12}, "12 classes: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ..."),
            ({"ratio": 0.9}, "`ratio` must be a finite number >= 1"),
            ({"ratio": float("nan")}, "`ratio`"),
            ({"kind": "linear"}, "`kind` must be one of exp, step"),
            ({"step_fraction": 1}, "`step_fraction`"),
            ({"max_per_class": 0}, "`max_per_class` must be an integer >= 1"),
            ({"seed": -1}, "`seed` must be an integer >= 0"),
        ],
    )
    def test_wrong_arguments(self, wrong, message):
        with pytest.raises(ConfigError, match=f"^tail_counts: .*{message}"):
            tail_counts(**{"available": [5, 5, 5], "ratio": 2, **wrong})


class TestLongTailSubset:
    @given(data=lists(), seed=st.integers(0, 3), ratio=st.floats(1, 50))
    def test_laws(self, data, seed, ratio):
        labels, images, sizes = data
        counts = tail_counts([min(sizes)] * len(sizes), ratio=ratio)
        chosen = long_tail_subset(labels, counts, images=images, seed=seed)
        assert (np.diff(chosen) > 0).all()
        assert np.bincount(labels[chosen], minlength=len(sizes)).tolist() == counts.tolist()
        fewer = long_tail_subset(labels, (counts + 1) // 2, images=images, seed=seed)
        assert set(fewer.tolist()) <= set(chosen.tolist())

    @given(data=lists(), seed=st.integers(0, 3))
    def test_equal_to_the_slow_reference(self, data, seed):
        labels, images, sizes = data
        counts = [(size + 1) // 2 for size in sizes]
        expected = []
        for label, wanted in enumerate(counts):
            members = [i for i, other in enumerate(labels.tolist()) if other == label]
            expected += sorted(members, key=lambda i: slow_draw(seed, images[i]))[:wanted]
        assert long_tail_subset(labels, counts, images=images, seed=seed).tolist() == sorted(expected)

    def test_the_order_of_the_lines_does_not_matter(self):
        labels = np.repeat([0, 1], 50)
        images = np.array([f"{i}.jpg" for i in range(100)])
        shuffled = np.random.default_rng(0).permutation(100)
        chosen = images[long_tail_subset(labels, [20, 5], images=images.tolist())]
        again = images[shuffled][long_tail_subset(labels[shuffled], [20, 5], images=images[shuffled].tolist())]
        assert set(chosen) == set(again)

    def test_every_image_is_drawn_as_often(self):
        drawn = Counter()
        for seed in range(400):
            drawn.update(long_tail_subset([0] * 10, [3], seed=seed).tolist())
        # Each is binomial with mean 120 and standard deviation 9.2.
        assert len(drawn) == 10
        assert all(70 < times < 170 for times in drawn.values())

    @pytest.mark.parametrize(
        "wrong, message",
        [
            ({"labels": []}, "`labels` must be integers >= 0"),
            ({"labels": [0.0, 1.0]}, "`labels`"),
            ({"labels": [0, -1]}, "`labels`"),
            ({"labels": [[0, 1]]}, "`labels`"),
            ({"counts": [1]}, "`counts` must be a number for each class up to 1, got 1 numbers"),
            ({"counts": [1, -1]}, r"`counts\[1\]`"),
            ({"images": ["a"]}, "`images` must be a name for each of the 2 labels, got 1 names"),
            ({"seed": -1}, "`seed`"),
        ],
    )
    def test_wrong_arguments(self, wrong, message):
        with pytest.raises(ConfigError, match=f"^long_tail_subset: {message}"):
            long_tail_subset(**{"labels": [0, 1], "counts": [1, 1], **wrong})


class TestStratifiedSplit:
    @given(data=lists(least=2), fraction=st.floats(0.001, 0.999), seed=st.integers(0, 3))
    def test_partition_and_share_of_every_class(self, data, fraction, seed):
        labels, images, sizes = data
        train, val = stratified_split(labels, fraction=fraction, images=images, seed=seed)
        assert sorted([*train.tolist(), *val.tolist()]) == list(range(labels.size))
        assert (np.diff(train) > 0).all() and (np.diff(val) > 0).all()
        held_out = np.bincount(labels[val], minlength=len(sizes)).tolist()
        assert held_out == [min(max(1, round(fraction * size)), size - 1) for size in sizes]

    @given(data=lists(least=2), repeats=st.lists(st.integers(0, 10**6), max_size=40), seed=st.integers(0, 3))
    def test_no_image_is_on_both_sides(self, data, repeats, seed):
        labels, images, sizes = data
        again = [position % labels.size for position in repeats]
        labels, images = np.concatenate([labels, labels[again]]), images + [images[i] for i in again]
        train, val = stratified_split(labels, fraction=0.3, images=images, seed=seed)
        assert len(train) + len(val) == labels.size
        names = {images[i] for i in val}
        assert not names & {images[i] for i in train}
        # Repeated lines count once.
        per_class = defaultdict(set)
        for i in val:
            per_class[int(labels[i])].add(images[i])
        assert [len(per_class[c]) for c in range(len(sizes))] == [
            min(max(1, round(0.3 * size)), size - 1) for size in sizes
        ]

    def test_the_order_of_the_lines_does_not_matter(self):
        labels = np.repeat([0, 1, 2], [30, 20, 10])
        images = np.array([f"{i}.jpg" for i in range(60)])
        shuffled = np.random.default_rng(1).permutation(60)
        _, val = stratified_split(labels, fraction=0.2, images=images.tolist())
        _, again = stratified_split(labels[shuffled], fraction=0.2, images=images[shuffled].tolist())
        assert set(images[val]) == set(images[shuffled][again])

    def test_the_seed_decides(self):
        splits = [stratified_split([0] * 50, fraction=0.5, seed=seed)[1].tolist() for seed in (0, 0, 1)]
        assert splits[0] == splits[1] != splits[2]

    def test_a_class_number_without_images_is_no_mistake(self):
        train, val = stratified_split([0, 0, 2, 2], fraction=0.5)
        assert train.size == val.size == 2

    def test_single_images_on_request_stay_in_training(self):
        labels = [0, 0, 0, 1, 2, 2]
        with pytest.raises(ConfigError) as error:
            stratified_split(labels, fraction=0.5, owner=OWNER, name="LIST")
        assert str(error.value) == (
            "ppcls-lt split: `LIST` must be a list with at least 2 images of every class (or pass --allow-missing), "
            "got a single image of class 1"
        )
        train, val = stratified_split(labels, fraction=0.5, allow_missing=True)
        assert 3 in train and len(val) == 3

    def test_repeated_lines_of_one_image_are_a_single_image(self):
        with pytest.raises(ConfigError, match="a single image of 2 classes: 0, 1"):
            stratified_split([0, 0, 1, 1], fraction=0.5, images=["a", "a", "b", "b"])

    def test_an_image_with_two_labels(self):
        with pytest.raises(
            ConfigError, match=r"one label for every image, got the labels 0 \(line 2\) and 1 \(line 4\) of 'b'"
        ):
            stratified_split([0, 0, 1, 1], fraction=0.5, images=["a", "b", "c", "b"])

    @pytest.mark.parametrize(
        "wrong, message",
        [
            ({"fraction": 0}, "`fraction` must be a finite number > 0 and < 1"),
            ({"fraction": 1}, "`fraction`"),
            ({"fraction": float("nan")}, "`fraction`"),
            ({"seed": -1}, "`seed`"),
            ({"labels": []}, "`labels`"),
            ({"images": ["a"]}, "`images`"),
        ],
    )
    def test_wrong_arguments(self, wrong, message):
        with pytest.raises(ConfigError, match=f"^stratified_split: {message}"):
            stratified_split(**{"labels": [0, 0], "fraction": 0.5, **wrong})


class TestFiles:
    def test_written_with_the_usual_rights_and_nothing_left(self, tmp_path):
        (tmp_path / "usual").write_bytes(b"")
        write_files({"a": (str(tmp_path / "x"), b"1\r\n\xff"), "b": (str(tmp_path / "y"), b"")}, owner="o")
        assert sorted(os.listdir(tmp_path)) == ["usual", "x", "y"]
        assert (tmp_path / "x").read_bytes() == b"1\r\n\xff"
        assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode

    def test_force(self, tmp_path):
        path = tmp_path / "x"
        path.write_bytes(b"old")
        with pytest.raises(ConfigError, match="^o: `a` must be a new file .or pass --force to replace it.*/x"):
            write_files({"a": (str(path), b"new")}, owner="o")
        assert path.read_bytes() == b"old"
        write_files({"a": (str(path), b"new")}, owner="o", force=True)
        assert path.read_bytes() == b"new"

    def test_the_input_is_never_written(self, tmp_path):
        source, link, other = tmp_path / "source", tmp_path / "link", tmp_path / "other"
        source.write_bytes(b"old")
        link.symlink_to(source)
        other.hardlink_to(source) if hasattr(other, "hardlink_to") else os.link(source, other)
        for path in (source, link, other, tmp_path / "." / "source"):
            with pytest.raises(ConfigError, match="another file than the list that is read"):
                check_outputs({"a": str(path)}, owner="o", inputs=[str(source)], force=True)

    def test_what_is_no_file_is_never_replaced(self, tmp_path):
        for path in (tmp_path, os.devnull):
            with pytest.raises(ConfigError, match="an ordinary file"):
                check_outputs({"a": str(path)}, owner="o", force=True)

    def test_one_file_twice(self, tmp_path):
        paths = {"a": str(tmp_path / "x"), "b": str(tmp_path / "y" / ".." / "x")}
        (tmp_path / "y").mkdir()
        with pytest.raises(ConfigError, match="^o: `b` must be another file than `a`"):
            check_outputs(paths, owner="o")

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(ConfigError, match="a file in an existing folder"):
            check_outputs({"a": str(tmp_path / "no" / "x")}, owner="o")

    def test_a_failure_leaves_the_old_file_alone(self, tmp_path):
        path = tmp_path / "x"
        path.write_bytes(b"old")
        # The partial file's name is longer than file systems allow.
        long = tmp_path / ("y" * 250)
        with pytest.raises(ConfigError, match="^o: `b` must be a file that can be written"):
            write_files({"a": (str(path), b"new"), "b": (str(long), b"new")}, owner="o", force=True)
        assert os.listdir(tmp_path) == ["x"]
        assert path.read_bytes() == b"old"
