"""Class counts, weights and groups, against hand-made files, laws and the authors' code."""

import json
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.data.counts import as_counts, count_label_list
from ppcls_lt.data.groups import shot_groups
from ppcls_lt.data.profiles import long_tail_profile
from ppcls_lt.data.weighting import class_weights, cost_sensitive, effective_number, inverse_frequency

OWNER = "DataLoader.Train.dataset"
AUTHORS = json.loads((Path(__file__).parent / "data" / "authors_code_values.json").read_text())

counts_lists = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


@pytest.fixture
def label_list(tmp_path):
    """Return a function that writes a label list and returns its path."""

    def write(content):
        path = tmp_path / "train.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


class TestCountLabelList:
    def test_counts(self, label_list):
        counts = count_label_list(label_list("a.jpg 0\nb.jpg 2\nc.jpg 0\n"), owner=OWNER)
        assert counts.dtype == np.int64
        assert counts.tolist() == [2, 0, 1]

    @pytest.mark.parametrize(
        "content, delimiter",
        [
            ("a 1\nb 0\nc 1", None),
            ("a 1\r\nb 0\r\nc 1\r\n", None),
            ("a 1\rb 0\rc 1\r", None),
            ("  a 1 \n\tb 0\t\nc 1 extra 7\n", None),
            ("a 01\nb 0\nc +1\n", None),
            ("4 1\n 5 0\n6 1\n", None),
            ("a b\t1\nb\t 0\nc\t1\n", "\t"),
            ("a, 1\nb, 0\nc, 1\n", ","),
            ("a::1\nb::0\nc::1\n", "::"),
            ("\u4e2d.jpg 1\nb 0\nc 1\n", None),
        ],
    )
    def test_reads_lines_as_paddleclas_does(self, label_list, content, delimiter):
        path = label_list(content)
        assert count_label_list(path, owner=OWNER, delimiter=delimiter).tolist() == [1, 2]

        labels = []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                labels.append(np.int64(line.strip().split(delimiter or " ")[1]))
        assert np.bincount(labels).tolist() == [1, 2]

    def test_class_num_sets_the_length(self, label_list):
        path = label_list("a 1\n")
        assert count_label_list(path, owner=OWNER, class_num=4).tolist() == [0, 1, 0, 0]

    def test_unchecked_labels_set_the_length(self, label_list):
        path = label_list("a 5\n")
        assert count_label_list(path, owner=OWNER, class_num=2, check_labels=False).size == 6

    @pytest.mark.parametrize(
        "content, class_num, parts",
        [
            ("", None, ["an empty file"]),
            ("a 0\nb\n", None, ["'image label'", "line 2: 'b'"]),
            ("a 0\n\nb 1\n", None, ["line 2: ''"]),
            ("a 0\n\n", None, ["line 2: ''"]),
            ("a 0\nb  1\n", None, ["line 2: 'b  1'"]),
            ("a 0\nb 1.0\n", None, ["integer label", "line 2: 'b 1.0'"]),
            ("a 0\nb\t1\n", None, ["line 2: 'b\\t1'"]),
            ("a 0\nb -1\nc x\n", None, ["label -1 in line 2: 'b -1'"]),
            ("a 0\nb -1\n", None, ["labels from 0", "label -1 in line 2: 'b -1'"]),
            ("a 0\nb 9\nc 2\nd 3\n", 3, ["labels from 0 to 2", "label 9 in line 2: 'b 9'"]),
            ("a 20200131235959\n", None, ["label 20200131235959 in line 1"]),
            (f"{'long' * 50} 0\n{'long' * 50} x\n", None, ["line 2: 'longlong"]),
        ],
    )
    def test_faults_name_owner_file_and_line(self, label_list, content, class_num, parts):
        path = label_list(content)
        with pytest.raises(ConfigError) as error:
            count_label_list(path, owner=OWNER, class_num=class_num)
        message = str(error.value)
        assert message.startswith(f"{OWNER}: `cls_label_path` must be ")
        assert path in message
        for part in parts:
            assert part in message

    @pytest.mark.parametrize(
        "name, expected",
        [
            ("missing.txt", "a file that can be read, got .*missing.txt: No such file or directory$"),
            (".", "a regular file"),
            ("/dev/zero", "a regular file"),
        ],
    )
    def test_unreadable_file(self, tmp_path, name, expected):
        path = tmp_path / name
        with pytest.raises(ConfigError, match=f"{OWNER}: `cls_label_path` must be {expected}"):
            count_label_list(path, owner=OWNER)

    def test_a_message_is_one_line(self):
        assert str(ConfigError("it says\n  > this,\r\nand 'a  b'")) == "it says > this, and 'a  b'"

    @pytest.mark.parametrize("wrong", [{"delimiter": ""}, {"delimiter": 1}, {"class_num": 0}, {"path": 3}])
    def test_wrong_arguments(self, label_list, wrong):
        (key,) = wrong
        name = "cls_label_path" if key == "path" else key
        with pytest.raises(ConfigError, match=f"^{OWNER}: `{name}` must be "):
            count_label_list(**{"path": label_list("a 0\n"), "owner": OWNER, **wrong})

    @given(labels=st.lists(st.integers(0, 50), min_size=1, max_size=200))
    def test_round_trip(self, tmp_path_factory, labels):
        path = tmp_path_factory.mktemp("list") / "train.txt"
        path.write_text("".join(f"images/{i:04d}.jpg {label}\n" for i, label in enumerate(labels)))
        assert count_label_list(path, owner=OWNER).tolist() == np.bincount(labels).tolist()


class TestAsCounts:
    @pytest.mark.parametrize(
        "value", [[3, 1], (3, 1), np.array([3, 1]), np.array([3, 1], dtype=np.uint8), [np.int32(3), 1]]
    )
    def test_numbers(self, value):
        counts = as_counts(value, owner="LDAMLoss", class_num=2)
        assert counts.dtype == np.int64
        assert counts.tolist() == [3, 1]

    def test_path(self, label_list):
        path = label_list("a\t1\nb\t0\n")
        assert as_counts(path, owner="LDAMLoss", delimiter="\t").tolist() == [1, 1]

    def test_fault_in_a_file_names_the_parameter(self, label_list):
        with pytest.raises(ConfigError, match="^LDAMLoss: `num_class_list` must be .*line 1: 'a'"):
            as_counts(label_list("a\n"), owner="LDAMLoss")

    def test_does_not_alias_its_input(self):
        value = np.array([3, 1])
        as_counts(value, owner="LDAMLoss")[0] = 7
        assert value.tolist() == [3, 1]

    @pytest.mark.parametrize(
        "value, class_num, message",
        [
            ("auto", None, "only when PaddleClas's Engine builds the training data set.*got 'auto'"),
            (None, None, "list of integers >= 0 or the path of a label list, got None"),
            (7, None, "got 7"),
            ([], None, "at least one class"),
            (np.array([]), None, "at least one class"),
            ([1, 2], 3, "`class_num`, which is 3, got 2 numbers"),
            ([[1, 2]], None, "an integer >= 0"),
            (np.ones((2, 2), int), None, r"shape \[2, 2\]"),
            (np.array([1.0, 2.0]), None, "float64"),
            (np.array([True]), None, "bool"),
            (np.array(3), None, r"shape \[\]"),
            ([0, 0], None, "only zeros"),
            ([2**63], None, "below 2"),
            ([3, 0, 1], None, "allow_empty_classes: true.*no image for 1 of 3 classes: 1$"),
            ([1] + [0] * 12, None, "12 of 13 classes: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...$"),
        ],
    )
    def test_wrong_values(self, value, class_num, message):
        with pytest.raises(ConfigError, match=rf"^LDAMLoss: `num_class_list(\[0\])?` must be .*{message}"):
            as_counts(value, owner="LDAMLoss", class_num=class_num)

    @pytest.mark.parametrize("wrong", [410.0, True, "3", -1, None])
    def test_wrong_element(self, wrong):
        with pytest.raises(ConfigError, match=r"^LDAMLoss: `num_class_list\[1\]` must be an integer >= 0"):
            as_counts([5, wrong], owner="LDAMLoss")

    def test_empty_classes_on_request(self):
        assert as_counts([3, 0], owner="LDAMLoss", allow_empty=True).tolist() == [3, 0]
        with pytest.raises(ConfigError, match="only zeros"):
            as_counts([0, 0], owner="LDAMLoss", allow_empty=True)


class TestWeights:
    @pytest.mark.parametrize("entry", AUTHORS["class_weights"], ids=lambda e: f"{e['scheme'][:9]}-{e.get('beta')}")
    def test_equal_to_the_authors_code(self, entry):
        counts = entry["num_class_list"]
        if entry["scheme"].startswith("inverse"):
            weights = inverse_frequency(counts)
        else:
            normalize = "unnormalised" not in entry["scheme"]
            weights = effective_number(counts, entry["beta"], normalize=normalize)
        np.testing.assert_allclose(weights, entry["weights"], rtol=1e-6)

    @given(
        counts=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
        beta=st.sampled_from([1e-20, 0.5, 0.9, 0.9999, 1 - 2.0**-40, np.nextafter(1, 0)]),
    )
    def test_effective_number_is_exact(self, counts, beta):
        weights = effective_number(counts, beta, normalize=False)
        exact = Fraction(float(beta))
        expected = [float((1 - exact) / (1 - exact**n)) for n in counts]
        np.testing.assert_allclose(weights, expected, rtol=1e-13)

    def test_cost_sensitive_by_hand(self):
        np.testing.assert_allclose(cost_sensitive([8, 2, 0, 4]), [0.25, 1, 0, 0.5], rtol=1e-15)
        np.testing.assert_allclose(cost_sensitive([8, 2, 0, 4], 0.5), [0.5, 1, 0, 0.5**0.5], rtol=1e-15)

    @given(counts=counts_lists, beta=st.floats(0, 1, exclude_max=True), gamma=st.floats(0, 4))
    def test_laws(self, counts, beta, gamma):
        counts = np.array(counts)
        present = counts > 0
        order = np.argsort(counts[present])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            summing = inverse_frequency(counts), effective_number(counts, beta)
            relative = cost_sensitive(counts, gamma)
        for weights in (*summing, relative):
            assert np.isfinite(weights).all()
            assert (weights[~present] == 0).all()
            assert (weights[present] > 0).all()
            falling = weights[present][order]
            assert (np.diff(falling) <= 1e-12 * falling[:-1]).all()
        for weights in summing:
            assert weights.sum() == pytest.approx(present.sum(), rel=1e-12)
        assert relative.max() == 1

    @given(counts=counts_lists)
    def test_neutral_parameters_give_ones(self, counts):
        present = (np.array(counts) > 0).tolist()
        assert effective_number(counts, 0).tolist() == present
        assert effective_number(counts, 0, normalize=False).tolist() == present
        assert cost_sensitive(counts, 0).tolist() == present

    @given(counts=st.lists(st.integers(1, 1000), min_size=1, max_size=8))
    def test_beta_next_to_one_is_inverse_frequency(self, counts):
        weights = effective_number(counts, np.nextafter(1, 0))
        np.testing.assert_allclose(weights, inverse_frequency(counts), rtol=1e-9)

    @pytest.mark.parametrize(
        "call, message",
        [
            (lambda: effective_number([1, 2], 1), "^effective_number: `beta` must be .* < 1"),
            (lambda: effective_number([1, 2], -0.1), "^effective_number: `beta` must be .* >= 0"),
            (lambda: cost_sensitive([1, 2], -1), "^cost_sensitive: `gamma` must be .* >= 0"),
            (lambda: cost_sensitive([1, 2], float("nan")), "^cost_sensitive: `gamma` must be "),
            (lambda: inverse_frequency([0, 0]), "^inverse_frequency: `counts` must be "),
            (lambda: inverse_frequency([1, -2]), r"^inverse_frequency: `counts\[1\]` must be "),
        ],
    )
    def test_wrong_arguments(self, call, message):
        with pytest.raises(ConfigError, match=message):
            call()


class TestClassWeights:
    COUNTS = (400, 40, 4)

    @pytest.mark.parametrize("scheme", [None, "none", {"none": None}])
    def test_no_weights(self, scheme):
        assert class_weights(scheme, self.COUNTS, owner="L") is None
        assert class_weights(scheme, None, owner="L") is None

    @pytest.mark.parametrize(
        "scheme, expected",
        [
            ("inverse", inverse_frequency(COUNTS)),
            ("effective_number", effective_number(COUNTS)),
            ({"effective_number": None}, effective_number(COUNTS)),
            ({"effective_number": {"beta": 0.99}}, effective_number(COUNTS, 0.99)),
            ("cs_ce", cost_sensitive(COUNTS)),
            ({"cs_ce": {"gamma": 0.5}}, cost_sensitive(COUNTS, 0.5)),
            ([1, 0, 2.5], np.array([1, 0, 2.5])),
            (np.array([1, 0, 2.5], dtype=np.float32), np.array([1, 0, 2.5])),
        ],
    )
    def test_schemes(self, scheme, expected):
        weights = class_weights(scheme, self.COUNTS, owner="L", class_num=3)
        assert weights.dtype == np.float64
        assert weights.tolist() == expected.tolist()

    def test_an_empty_class_gets_zero(self):
        assert class_weights("inverse", [4, 0, 4], owner="L").tolist() == [1, 0, 1]

    def test_numbers_need_no_counts(self):
        assert class_weights([1, 2], None, owner="L").tolist() == [1, 2]

    @pytest.mark.parametrize(
        "scheme, message",
        [
            ("efective_number", "unknown .* 'efective_number' .did you mean 'effective_number'"),
            ({"cs_ce": {"gama": 1}}, "parameter of `class_weight.cs_ce` 'gama' .did you mean 'gamma'"),
            ({"inverse": {"beta": 1}}, "unknown parameter"),
            ({"cs_ce": {"gamma": -1}}, "`class_weight.cs_ce.gamma` must be a finite number >= 0"),
            ({"effective_number": {"beta": 1}}, "`class_weight.effective_number.beta` must be .* < 1"),
            ({"cs_ce": 1}, "`class_weight.cs_ce` must be a map"),
            ({}, "`class_weight` must be one of none, inverse"),
            ({"inverse": {}, "cs_ce": {}}, "`class_weight` must be one of"),
            (3, "`class_weight` must be one of"),
            ([], "`class_weight` must be a list with one number per class"),
            (np.array(1.0), "`class_weight` must be a list with one number per class"),
            ([1, 2], "each of the 3 classes, got 2 numbers"),
            ([0, 0, 0], "at least one number > 0"),
            ([1, -1, 1], r"`class_weight\[1\]` must be "),
            ([1, 1, float("inf")], r"`class_weight\[2\]` must be "),
            ([1, 1, "2"], r"`class_weight\[2\]` must be "),
        ],
    )
    def test_wrong_schemes(self, scheme, message):
        with pytest.raises(ConfigError, match=f"^L: .*{message}"):
            class_weights(scheme, self.COUNTS, owner="L")

    @pytest.mark.parametrize("scheme", ["inverse", "effective_number", {"cs_ce": {"gamma": 2}}])
    def test_missing_counts(self, scheme):
        with pytest.raises(ConfigError, match="^L: `weighting` must be .*`num_class_list`"):
            class_weights(scheme, None, owner="L", name="weighting")

    def test_class_num_bounds_the_length(self):
        with pytest.raises(ConfigError, match="each of the 3 classes, got 2 numbers"):
            class_weights([1, 2], None, owner="L", class_num=3)
        with pytest.raises(ConfigError, match="`num_class_list` must be as long as `class_num`"):
            class_weights("inverse", self.COUNTS, owner="L", class_num=4)


class TestProfile:
    def test_the_authors_cifar_profile(self):
        assert long_tail_profile(5000, 100, 10) == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]

    @given(n_max=st.integers(1, 10**6), ratio=st.floats(1, 1e6), class_num=st.integers(1, 50))
    def test_laws(self, n_max, ratio, class_num):
        profile = long_tail_profile(n_max, ratio, class_num)
        assert len(profile) == class_num
        assert profile[0] == n_max
        assert profile == sorted(profile, reverse=True)
        assert profile[-1] >= 1

    @pytest.mark.parametrize("n_max, ratio, class_num", [(0, 10, 3), (10, 0.5, 3), (10, 10, 0), (10.0, 10, 3)])
    def test_wrong_arguments(self, n_max, ratio, class_num):
        with pytest.raises(ConfigError, match="^long_tail_profile: "):
            long_tail_profile(n_max, ratio, class_num)


class TestShotGroups:
    @staticmethod
    def lists(groups):
        return {name: indices.tolist() for name, indices in groups.items()}

    def test_thresholds_themselves_are_medium(self):
        groups = self.lists(shot_groups([101, 100, 20, 19, 0, 500]))
        assert groups == {"many": [0, 5], "medium": [1, 2], "few": [3, 4]}

    def test_own_thresholds(self):
        groups = self.lists(shot_groups([5, 3, 1], thresholds=[3, 3]))
        assert groups == {"many": [0], "medium": [1], "few": [2]}

    def test_tertiles(self):
        groups = self.lists(shot_groups([1, 10, 2, 9, 3, 8, 4, 7, 5, 6], thresholds="tertiles"))
        assert groups == {"many": [1, 3, 5], "medium": [6, 7, 8, 9], "few": [0, 2, 4]}

    def test_tertiles_of_equal_counts_follow_the_index(self):
        groups = self.lists(shot_groups([5, 5, 5, 5], thresholds="tertiles"))
        assert groups == {"many": [0], "medium": [1, 2], "few": [3]}

    @given(counts=counts_lists, thresholds=st.sampled_from([(100, 20), (5, 5), "tertiles"]))
    def test_groups_partition_the_classes(self, counts, thresholds):
        groups = shot_groups(counts, thresholds)
        assert list(groups) == ["many", "medium", "few"]
        assert sorted(np.concatenate(list(groups.values())).tolist()) == list(range(len(counts)))
        counts = np.array(counts)
        for larger, smaller in (("many", "medium"), ("medium", "few")):
            if groups[larger].size and groups[smaller].size:
                assert counts[groups[larger]].min() >= counts[groups[smaller]].max()

    @pytest.mark.parametrize("thresholds", ["thirds", (100,), (20, 100), (100, -1), 100, (None, 20)])
    def test_wrong_thresholds(self, thresholds):
        with pytest.raises(ConfigError, match=r"^shot_groups: `thresholds.*` must be "):
            shot_groups([1, 2], thresholds)
