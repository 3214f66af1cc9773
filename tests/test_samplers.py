"""The batch sampler: what it draws, how processes share it, and what it rejects."""

import logging
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.samplers.weight_balanced import WeightBalancedSampler

from .test_resampling import COUNTS, WEIGHTS, reference_probabilities


class Data:
    """A data set of which only the labels matter."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)


def mixed(counts):
    """Labels with ``counts`` images per class, in a mixed order."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts)).tolist()


def sampler_of(labels, **params):
    return WeightBalancedSampler(Data(labels), **{"batch_size": 4, **params})


def images(sampler):
    """All images of the next epoch of a sampler."""
    return [image for batch in sampler for image in batch]


class TestDistribution:
    # Class 1 has no image.
    LABELS = mixed([410, 0, 506, 146, 103, 1])

    @pytest.mark.parametrize(
        "params, epoch, rule",
        [
            ({}, 0, ("effective_number", 0.9999)),
            ({"mode": "effective_number", "beta": 0.99}, 3, ("effective_number", 0.99)),
            ({"mode": "class_balanced"}, 0, ("class_balanced", None)),
            ({"mode": "square_root"}, 0, ("square_root", None)),
            ({"mode": "power", "exponent": 0.2}, 0, ("power", 0.2)),
            ({"mode": "progressive", "total_epochs": 5}, 0, ("power", 1)),
            ({"mode": "progressive", "total_epochs": 5}, 3, ("progressive", 0.75)),
            ({"mode": "progressive", "total_epochs": 5}, 4, ("class_balanced", None)),
            ({"mode": "progressive", "total_epochs": 5}, 9, ("class_balanced", None)),
            ({"class_weight": [1, 5, 0, 2.5, 0.5, 30, 9]}, 0, None),
        ],
    )
    def test_of_a_million_draws(self, params, epoch, rule):
        sampler = sampler_of(self.LABELS, num_samples=10**6, batch_size=1000, **params)
        sampler.set_epoch(epoch)
        observed = np.bincount(images(sampler), minlength=len(self.LABELS))
        counts = np.bincount(self.LABELS)
        if rule is None:
            mass = counts * params["class_weight"][:6]
            share = mass / mass.sum()
        else:
            share = reference_probabilities(rule[0], counts.tolist(), rule[1])
        expected = np.array([10**6 * share[label] / counts[label] for label in self.LABELS])
        possible = expected > 0
        assert not observed[~possible].any()
        assert stats.chisquare(observed[possible], expected[possible]).pvalue > 1e-3
        by_class = np.bincount(self.LABELS, observed)
        assert stats.chisquare(by_class[share > 0], 10**6 * share[share > 0]).pvalue > 1e-3

    def test_of_the_document(self):
        labels = mixed(COUNTS)
        drawn = np.array(images(sampler_of(labels, num_samples=10**6, batch_size=1000)))
        by_class = np.bincount(np.array(labels)[drawn])
        expected = np.array(WEIGHTS) * COUNTS / 4.05842922  # the document's sum
        assert stats.chisquare(by_class, 10**6 * expected / expected.sum()).pvalue > 1e-3

    @pytest.mark.parametrize("as_file", [None, "indices.txt", "indices.npy"])
    def test_of_a_subset(self, tmp_path, as_file):
        labels = [0, 0, 0, 1, 1, 2, 0, 1]
        indices = [7, 0, 3, 1, 0]
        given = indices
        if as_file == "indices.txt":
            given = str(tmp_path / as_file)
            (tmp_path / as_file).write_text("7\n0\r\n3\n 1\n0\n\n")
        elif as_file:
            given = tmp_path / as_file
            np.save(given, indices)
        sampler = sampler_of(labels, indices=given, mode="class_balanced")
        assert sum(map(len, sampler)) == 5
        drawn = images(sampler_of(labels, indices=given, mode="class_balanced", num_samples=10**5))
        # Image 0 is listed twice, among three of class 0; classes 0 and 1 are equally likely.
        expected = {0: 2 / 6, 1: 1 / 6, 3: 1 / 4, 7: 1 / 4}
        observed = Counter(drawn)
        assert observed.keys() == expected.keys()
        assert stats.chisquare([observed[i] for i in expected], [10**5 * p for p in expected.values()]).pvalue > 1e-3

    def test_an_epoch_has_as_many_draws_as_there_are_images(self):
        assert len(images(sampler_of(self.LABELS))) == len(self.LABELS)
        assert len(images(sampler_of(self.LABELS, indices=[4, 9, 3]))) == 3
        assert len(images(sampler_of(self.LABELS, num_samples=50))) == 50


class TestProcesses:
    @given(
        size=st.integers(1, 80),
        batch_size=st.integers(1, 7),
        processes=st.sampled_from([1, 2, 3, 8]),
        drop_last=st.booleans(),
    )
    def test_see_what_one_sees(self, size, batch_size, processes, drop_last):
        together = batch_size * processes
        params = {"drop_last": drop_last, "seed": 5, "num_replicas": processes, "batch_size": batch_size}
        if drop_last and size < together:
            with pytest.raises(ConfigError, match="`num_samples` must be at least .*, got"):
                sampler_of(mixed([size]), rank=0, **params)
            return
        ranks = [sampler_of(mixed([size]), rank=rank, **params) for rank in range(processes)]
        single = sampler_of(mixed([size]), drop_last=drop_last, seed=5, batch_size=together, num_replicas=1, rank=0)
        expected = list(single)
        batches = [list(sampler) for sampler in ranks]
        assert {len(sampler) for sampler in ranks} == {len(expected)} == {len(seen) for seen in batches}
        for step, whole in enumerate(expected):
            parts = [seen[step] for seen in batches]
            assert len({len(part) for part in parts}) == 1
            # Image k of the joined batch is image k // W of process k % W.
            joined = [parts[k % processes][k // processes] for k in range(sum(map(len, parts)))]
            assert joined[: len(whole)] == whole and len(joined) - len(whole) < processes
            assert len(whole) == together or (step == len(expected) - 1 and not drop_last)

    @pytest.mark.parametrize("deferred", [False, True])
    def test_further_draws_are_as_the_others(self, deferred):
        labels = mixed([900, 100])
        alone = sampler_of(labels, seed=2, num_replicas=1, rank=0, mode="class_balanced")
        added = []
        for epoch in range(300):
            sampler = sampler_of(labels, seed=2, num_replicas=8, rank=0, mode="class_balanced", num_samples=1001)
            sampler.set_epoch(epoch)
            if deferred:
                sampler.defer(epoch + 1)
            drawn = sampler.draw(epoch)
            assert len(drawn) == 1008
            added += drawn[1001:].tolist()
        rare = np.mean([labels[image] for image in added])
        assert abs(rare - (0.1 if deferred else 0.5)) < 4 * 0.5 / np.sqrt(len(added))
        assert len(alone.draw(0)) == 1000  # one process draws what it did

    def test_default_is_the_process_there_is(self):
        sampler = sampler_of([0, 1])
        assert (sampler.num_replicas, sampler.rank) == (1, 0)

    @pytest.mark.parametrize("rank, drop_last, notices", [(0, False, 1), (1, False, 0), (0, True, 0)])
    def test_further_draws_are_said_once(self, caplog, rank, drop_last, notices):
        logger = logging.getLogger("ppcls.lt")
        logger.addHandler(caplog.handler)
        try:
            with caplog.at_level(logging.INFO, logger="ppcls.lt"):
                sampler = sampler_of([0] * 26, num_replicas=3, rank=rank, drop_last=drop_last)
                list(sampler), list(sampler)
        finally:
            logger.removeHandler(caplog.handler)
        said = {record.getMessage() for record in caplog.records}
        assert len(said) == notices
        assert all("27 draws in every epoch instead of 26" in text and "3 processes" in text for text in said)
        assert len(sampler) == (2 if drop_last else 3)


class TestEpochs:
    LABELS = mixed([30, 5, 1])

    def test_are_functions_of_seed_and_epoch(self):
        sampler = sampler_of(self.LABELS, seed=3)
        drawn = {}
        for epoch in (4, 0, 4, 1, 0):
            sampler.set_epoch(epoch)
            batches = list(sampler)
            assert drawn.setdefault(epoch, batches) == batches
        assert drawn[0] != drawn[1] != drawn[4] != drawn[0]
        assert list(sampler_of(self.LABELS, seed=3)) == drawn[0]
        assert list(sampler_of(self.LABELS, seed=4)) != drawn[0]

    def test_advance_by_themselves(self):
        one, other = sampler_of(self.LABELS), sampler_of(self.LABELS)
        for epoch in range(3):
            other.set_epoch(epoch)
            assert list(one) == list(other)
        assert one.epoch == 3
        next(iter(one))  # left early
        other.set_epoch(4)
        assert list(one) == list(other)

    def test_a_run_gives_its_seed(self):
        joined = sampler_of(self.LABELS)
        joined.join_run(seed=1, epochs=5)
        joined.join_run(seed=8, epochs=5)
        assert list(joined) == list(sampler_of(self.LABELS, seed=8)) != list(sampler_of(self.LABELS))
        configured = sampler_of(self.LABELS, seed=2)
        configured.join_run(seed=8, epochs=5)
        assert list(configured) == list(sampler_of(self.LABELS, seed=2))

    def test_progressive_takes_the_epochs_of_the_run(self):
        joined = sampler_of(self.LABELS, mode="progressive")
        with pytest.raises(ConfigError, match="`total_epochs` must be given with mode 'progressive' outside a run"):
            iter(joined)
        joined.join_run(seed=0, epochs=3)
        written = sampler_of(self.LABELS, mode="progressive", total_epochs=3)
        longer = sampler_of(self.LABELS, mode="progressive", total_epochs=300)
        longer.join_run(seed=0, epochs=3)
        for _ in range(2):
            assert list(joined) == list(written)
            list(longer)
        assert list(joined) == list(written) != list(longer)

    def test_progressive_over_one_epoch_draws_as_the_data_are(self):
        sampler = sampler_of(mixed([999, 1]), mode="progressive", total_epochs=1, num_samples=10**4)
        assert images(sampler).count(mixed([999, 1]).index(1)) < 100

    @pytest.mark.parametrize("num_samples", [None, 10, 90])
    def test_before_a_deferral_are_shuffles(self, num_samples):
        deferred = sampler_of(self.LABELS, num_samples=num_samples, class_weight=[0, 1, 1])
        deferred.defer(2)
        usual = sampler_of(self.LABELS, num_samples=num_samples, class_weight=[0, 1, 1])
        orders = []
        for _ in range(2):
            orders.append(images(deferred))
            for start in range(0, len(orders[-1]), 36):
                part = orders[-1][start : start + 36]
                assert len(set(part)) == len(part)
            assert {self.LABELS[image] for image in orders[-1]} >= {0}
        assert orders[0] != orders[1]
        assert {len(order) for order in orders} == {num_samples or 36}
        for _ in range(2):
            usual.set_epoch(deferred.epoch)
            assert list(deferred) == list(usual)


class TestLargeData:
    @pytest.mark.slow
    def test_twenty_million_labels(self):
        size = 2 * 10**7
        labels = np.repeat(np.arange(1000, dtype=np.uint16), size // 1000)[::-1]
        labels[: 2**22] = 7
        tracemalloc.start()
        try:
            sampler = sampler_of(labels, mode="class_balanced")
            assert tracemalloc.get_traced_memory()[0] <= 8 * size
            drawn = sampler.draw(0)
            first_peak = tracemalloc.get_traced_memory()[1]
            kept = tracemalloc.get_traced_memory()[0] - drawn.nbytes
            tracemalloc.reset_peak()
            sampler.draw(1)
            later_peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert kept <= 8 * size
        assert first_peak <= 8 * size + drawn.nbytes + 2**24
        assert later_peak <= kept + 2 * drawn.nbytes + 2**23
        assert drawn.size == size and drawn.max() > 2**24
        by_class = np.bincount(labels[drawn], minlength=1000)
        present = np.bincount(labels[::1000], minlength=1000) > 0
        assert stats.chisquare(by_class[present]).pvalue > 1e-3
        assert not by_class[~present].any()

    def test_batches_come_before_the_epoch_is_a_list(self):
        sampler = sampler_of(np.zeros(10**6, np.int64))
        tracemalloc.start()
        try:
            for _ in zip(range(100), sampler):
                pass
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 4 * 10**6 + 2**23


class TestMistakes:
    @pytest.mark.parametrize(
        "params, message",
        [
            ({"batch_size": 0}, "`batch_size` must be an integer >= 1, got 0"),
            ({"batch_size": 2.0}, "`batch_size` must be an integer"),
            ({"drop_last": 1}, "`drop_last` must be true or false"),
            ({"shuffle": False}, "`shuffle` must be true or left out .*, got False"),
            ({"num_samples": 0}, "`num_samples` must be an integer >= 1"),
            ({"mode": "class_balance"}, "`mode` must be one of .*did you mean 'class_balanced'"),
            ({"beta": 1.0}, "`beta` must be a finite number >= 0 and < 1"),
            ({"mode": "square_root", "beta": 0.9}, "`beta` must be left out with mode 'square_root'"),
            ({"mode": "power"}, "`exponent` must be a finite number >= 0 and <= 1, got None"),
            ({"mode": "power", "exponent": 2}, "`exponent` must be a finite number"),
            ({"mode": "progressive", "total_epochs": 0}, "`total_epochs` must be an integer >= 1"),
            ({"total_epochs": 9}, "`total_epochs` must be left out with mode 'effective_number'"),
            ({"class_weight": [1, 2, 3], "mode": "power"}, "`mode` must be left out with `class_weight`"),
            ({"class_weight": [1, 2, 3], "beta": 0.9}, "`beta` must be left out with `class_weight`"),
            ({"class_weight": "inverse"}, "`class_weight` must be a list with one number per class, got 'inverse'"),
            ({"class_weight": [1, 2]}, "`class_weight` must be a list with one number for each of the 3 classes"),
            ({"class_weight": [1, -2, 1]}, r"`class_weight\[1\]` must be a finite number >= 0"),
            ({"class_weight": [0, 0, 0]}, "`class_weight` must be a list with at least one number > 0"),
            ({"class_weight": [0, 0, 0, 1]}, "`class_weight` must be above 0 for a class that has images"),
            ({"num_replicas": 0}, "`num_replicas` must be an integer >= 1"),
            ({"num_replicas": 2, "rank": 2}, "`rank` must be below `num_replicas`, which is 2, got 2"),
            ({"seed": -1}, "`seed` must be an integer >= 0"),
            ({"indices": []}, "`indices` must be integers from 0 to 8, .*, got an empty list"),
            ({"indices": [0, 9]}, r"`indices` must be integers from 0 to 8, .*, got 9 \(entry 1\)"),
            ({"indices": [0, -1]}, r"got -1 \(entry 1\)"),
            ({"indices": [0.5]}, r"got 0.5 \(entry 0\)"),
            ({"indices": np.array([True])}, r"got an array of shape \[1\] and type bool"),
            ({"indices": 3}, r"got an array of shape \[\] and type int64"),
            ({"indices": "nowhere.txt"}, r"`indices` must be a file that can be read, got nowhere.txt: No such file"),
            ({"scales": [32]}, "`scales` must be left out with Data"),
            ({"drop_last": True, "batch_size": 10}, "`num_samples` must be at least 10, .*, got 9"),
        ],
    )
    def test_in_a_parameter(self, params, message):
        with pytest.raises(ConfigError, match="^WeightBalancedSampler: .*" + message):
            sampler_of([0, 0, 0, 0, 1, 1, 1, 2, 2], **params)

    @pytest.mark.parametrize("content", ["0\nx\n", "0\n1 2\n", "0\n1.5\n", "0\n\n1\n", "", "\n", "99\n"])
    def test_in_an_index_file(self, tmp_path, content):
        path = tmp_path / "indices.txt"
        path.write_text(content)
        with pytest.raises(ConfigError, match="`indices` must be integers from 0 to 2, or the path"):
            sampler_of([0, 1, 2], indices=str(path))

    def test_in_an_index_array_file(self, tmp_path):
        path = tmp_path / "indices.npy"
        path.write_bytes(b"")
        with pytest.raises(ConfigError, match="`indices` must be integers"):
            sampler_of([0, 1, 2], indices=path)

    @pytest.mark.parametrize(
        "labels, message",
        [
            ([], "Data with an empty list"),
            ([[0, 1], [1, 0]], r"Data with \[0, 1\] \(entry 0\)"),
            ([0, "1"], r"Data with '1' \(entry 1\)"),
            ([0, 1.0], r"Data with 1.0 \(entry 1\)"),
            ([0, -3], r"Data with -3 \(entry 1\)"),
            ([0, 2**70], r"Data with 11805\d* \(entry 1\)"),
            (np.array([0, 1, -1]), r"Data with -1 \(entry 2\)"),
            ([5, 1700000000], r"Data with 1700000000 \(entry 1\)"),
            (np.zeros((3, 2), np.int64), r"Data with an array of shape \[3, 2\] and type int64"),
            (np.zeros(3), r"Data with an array of shape \[3\] and type float64"),
        ],
    )
    def test_in_labels(self, labels, message):
        expected = "`dataset` must be a data set whose `labels` hold one integer from 0 to 9999999 for each image"
        with pytest.raises(ConfigError, match=f"{expected}, got {message}"):
            sampler_of(labels)

    def test_as_many_labels_as_images(self):
        class Expanded(Data):
            def __len__(self):
                return 7

        with pytest.raises(ConfigError, match="got Expanded with 2 labels for 7 images"):
            WeightBalancedSampler(Expanded([0, 1]), batch_size=1)

    def test_in_calls(self):
        sampler = sampler_of([0, 1])
        for call in (lambda: sampler.set_epoch(-1), lambda: sampler.defer(1.5)):
            with pytest.raises(
                ConfigError, match="WeightBalancedSampler: `(epoch|start_epoch)` must be an integer >= 0"
            ):
                call()
        with pytest.raises(ConfigError, match="`seed` must be an integer >= 0, got None"):
            sampler.join_run(seed=None, epochs=1)
