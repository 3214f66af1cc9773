"""Every metric against scikit-learn or a slow NumPy reference, built through PaddleClas's own ``build_metrics``."""

import math

import numpy as np
import paddle
import pytest
from sklearn.metrics import precision_recall_fscore_support, recall_score

from ppcls_lt import metrics
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.basis.registry import registered
from ppcls_lt.metrics import (
    ECE,
    Confidences,
    ManyMediumFewAcc,
    PerClassAcc,
)

from . import metric_reference
from .metric_reference import METRICS, calibration_error

COUNTS = [500, 200, 100, 50, 20, 19, 5, 1]
GROUPS = {"many": [0, 1], "medium": [2, 3, 4], "few": [5, 6, 7]}  # more than 100, fewer than 20
# What a metric needs to be built; the others need nothing.
PARAMS = {"ManyMediumFewAcc": {"num_class_list": COUNTS}}


@pytest.fixture
def build(ppcls):
    """Return a function that builds PaddleClas's combination of metrics with ours in front."""

    def combined(*others, **params):
        entries = [{"ManyMediumFewAcc": {"num_class_list": COUNTS, **params}}, *others]
        return ppcls.module("metric").build_metrics(entries)

    return combined


def predictions(images, seed, classes=None):
    """Random logits and classes; the true class is favoured, so that about half are right."""
    rng = np.random.default_rng(seed)
    label = rng.choice(len(COUNTS) if classes is None else classes, images)
    logits = rng.normal(size=(images, len(COUNTS)))
    logits[np.arange(images), label] += 1.5
    return logits.astype(np.float32), label


def expected(logits, label, groups=GROUPS):
    """The values of every metric of this package."""
    return metric_reference.expected(logits, label, groups)


def five(logits, label, groups=GROUPS):
    """The values of ``ManyMediumFewAcc``."""
    return {key: value for key, value in expected(logits, label, groups).items() if key in ManyMediumFewAcc.keys}


def every_metric():
    """One of each registered metric, counting once for all."""
    result = [cls(**PARAMS.get(name, {})) for name, cls in METRICS.items()]
    metrics.share(result)
    return result


def feed(metric, logits, label, parts=1):
    for some, true in zip(np.array_split(logits, parts), np.array_split(label, parts)):
        metric(paddle.to_tensor(some), paddle.to_tensor(true))


def found(several):
    return {key: value for metric in several for key, value in metric.values().items()}


CASES = {
    "every class": (203, None, 1),
    "uneven batches": (203, None, 7),
    "classes missing": (60, [0, 2, 6], 2),
    "one class": (31, [7], 4),
    "one image": (1, [3], 1),
    "batches of one image": (9, None, 9),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES)
def test_every_value(case, seed):
    images, classes, parts = CASES[case]
    logits, label = predictions(images, seed, classes)
    several = every_metric()
    for some, true in zip(np.array_split(logits, parts), np.array_split(label, parts)):
        for metric in several:
            assert metric(paddle.to_tensor(some), paddle.to_tensor(true)) == {}
    assert found(several) == pytest.approx(expected(logits, label), rel=1e-9, nan_ok=True)


def test_values_may_be_read_between_batches():
    """As the host does for its log."""
    logits, label = predictions(60, 0)
    several = every_metric()
    for start, end in ((0, 20), (20, 60)):
        feed(several[0], logits[start:end], label[start:end])
        assert found(several) == pytest.approx(expected(logits[:end], label[:end]), rel=1e-9)


def test_keys_are_given_once():
    keys = [key for cls in registered("metric").values() for key in cls.keys]
    assert len(keys) == len(set(keys))
    assert {key for cls in METRICS.values() for key in cls.keys} == set(expected(*predictions(5, 0)))


def test_a_class_that_is_predicted_but_has_no_image():
    """It lowers F1 and leaves the recalls alone."""
    logits, label = np.eye(8, dtype=np.float32)[[0, 0, 3, 1]], np.array([0, 0, 0, 1])
    several = every_metric()
    feed(several[0], logits, label)
    values = found(several)
    assert values["MacroF1"] == pytest.approx((0.8 + 1 + 0) / 3)
    assert values["BalancedAcc"] == pytest.approx((2 / 3 + 1) / 2)
    assert values["GMean"] == pytest.approx(math.sqrt(2 / 3)) and values["WorstClassAcc"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("classes", [None, [0, 2, 6]])
def test_the_table_of_the_classes(classes):
    logits, label = predictions(90, 1, classes)
    metric = PerClassAcc()
    feed(metric, logits, label, 4)
    table = metric.per_class()
    guess = logits.argmax(axis=1)
    wanted = precision_recall_fscore_support(label, guess, labels=range(len(COUNTS)), zero_division=np.nan)
    for name, array in zip(("precision", "recall", "f1", "support"), wanted):
        np.testing.assert_allclose(table[name], array, rtol=1e-12, err_msg=name)
    assert PerClassAcc().per_class() == {}


@pytest.mark.parametrize("bins", [1, 4, 100])
def test_bins_of_the_calibration_error(bins):
    logits, label = predictions(150, 2)
    metric = ECE(bins=bins)
    feed(metric, 3 * logits, label, 5)
    assert metric.values()["ECE"] == pytest.approx(calibration_error(3 * logits, label, bins), rel=1e-9)


def test_a_confidence_on_the_edge_belongs_to_the_lower_bin():
    """Two classes at 1/2 with two bins: (0, 1/2] holds them; 1 belongs to the last."""
    metric = ECE(bins=2)
    feed(metric, np.float32([[0, 0], [0, 0], [999, 0]]), np.array([1, 0, 0]))
    np.testing.assert_array_equal(metric.predictions.of(Confidences(2)).images, [2, 1])
    assert metric.values()["ECE"] == pytest.approx((abs(1 - 1.0) + abs(1 - 1.0)) / 3)


def test_logits_that_are_not_numbers():
    """A diverged model: nothing breaks, and every value is undefined, also where one image alone is concerned."""
    for broken in (np.nan, np.inf, -np.inf):
        several = every_metric()
        logits, label = predictions(40, 0)
        logits[7, 3] = broken
        feed(several[0], logits, label)
        assert all(math.isnan(value) for value in found(several).values())
        assert all(math.isnan(metric.avg) for metric in several)
        several[0].reset()
        feed(several[0], *predictions(40, 0))
        assert not any(math.isnan(metric.avg) for metric in several)


def test_metrics_of_one_list_count_once():
    several = every_metric()
    added = []
    add = several[0].predictions.add
    several[0].predictions.add = lambda *batch: (added.append(1), add(*batch))
    logits, label = predictions(20, 0)
    for metric in several:
        feed(metric, logits, label)
    assert len(added) == 1 and len({id(metric.predictions) for metric in several}) == 1
    for metric in several:
        metric.reset()
    assert several[-1].predictions.classes() is None


@pytest.mark.parametrize(
    "thresholds, groups",
    [
        ([50, 50], {"many": [0, 1, 2], "medium": [3], "few": [4, 5, 6, 7]}),
        ([1000, 0], {"many": [], "medium": list(range(8)), "few": []}),
        ("tertiles", {"many": [0, 1], "medium": [2, 3, 4, 5], "few": [6, 7]}),
    ],
)
def test_thresholds(build, thresholds, groups):
    logits, label = predictions(100, 0)
    combined = build(thresholds=thresholds)
    feed(combined, logits, label)
    metric = combined.metric_func_list[0]
    assert metric.values() == pytest.approx(five(logits, label, groups), rel=1e-12, nan_ok=True)
    recall = recall_score(label, logits.argmax(axis=1), labels=range(len(COUNTS)), average=None)
    np.testing.assert_allclose(metric.per_class(), recall, rtol=1e-12)


def test_groups_that_can_have_no_value():
    metric = ManyMediumFewAcc(num_class_list=COUNTS, thresholds=[1000, 20])
    assert metric.impossible(None) == ["many"]
    assert metric.impossible(np.array([3, 3, 3, 3, 3, 0, 0, 0])) == ["many", "few"]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shape", [[40], [40, 1]])
@pytest.mark.parametrize("kind", [dict, paddle.Tensor])
def test_label_shapes_and_a_dict_of_outputs(build, dtype, shape, kind):
    logits, label = predictions(40, 0)
    x = paddle.to_tensor(logits)
    combined = build()
    combined({"logits": x, "features": x} if kind is dict else x, paddle.to_tensor(label.reshape(shape), dtype=dtype))
    assert combined.metric_func_list[0].values() == pytest.approx(five(logits, label), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_precision_of_the_logits(dtype):
    logits, label = predictions(40, 0)
    logits = logits.astype(dtype)
    several = every_metric()
    feed(several[0], logits, label)
    assert found(several) == pytest.approx(expected(logits, label), rel=1e-9, nan_ok=True)


def test_reset_forgets(build):
    combined = build()
    feed(combined, *predictions(50, 0))
    combined.reset()
    assert np.isnan(combined.metric_func_list[0].per_class()).all() and combined.avg == 0.0
    logits, label = predictions(50, 1)
    feed(combined, logits, label)
    assert combined.metric_func_list[0].values() == pytest.approx(five(logits, label), rel=1e-12, nan_ok=True)


def test_reset_forgets_the_confidence_too():
    several = every_metric()
    feed(several[0], *predictions(50, 0))
    several[0].reset()
    feed(several[0], *predictions(50, 1))
    assert found(several) == pytest.approx(expected(*predictions(50, 1)), rel=1e-9, nan_ok=True)
    assert several[0].predictions.of(Confidences(15)).images.sum() == 50


def test_beside_another_metric_as_the_host_logs_and_chooses(build):
    combined = build({"TopkAcc": {"topk": [1, 2]}}, {"GMean": None}, {"ECE": {"bins": 15}})
    logits, label = predictions(80, 0)
    result = combined(paddle.to_tensor(logits), paddle.to_tensor(label).unsqueeze(1))
    wanted = expected(logits, label)
    assert set(result) == {"top1", "top2"}
    assert combined.avg == pytest.approx(wanted["overall"])
    for name in (*ManyMediumFewAcc.keys, "GMean", "ECE"):
        assert f"{name}: {wanted[name]:.5f}" in combined.avg_info


def test_many_images_are_counted_exactly():
    metric = ManyMediumFewAcc(num_class_list=[2, 1])
    label = np.zeros(300_001, dtype=np.int64)
    logits = np.tile(np.float32([1, 0]), (len(label), 1))
    logits[0] = [0, 1]
    for _ in range(2):
        feed(metric, logits, label)
    assert metric.avg == 600_000 / 600_002


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_class_list": "auto"},
        {"num_class_list": [3, 0]},
        {"num_class_list": 8},
        {"thresholds": [20, 100]},
        {"thresholds": 100},
    ],
)
def test_wrong_parameters(build, wrong):
    with pytest.raises(ConfigError, match=r"^ManyMediumFewAcc: `\w+[^`]*` must be .+, got .+"):
        build(**wrong)


@pytest.mark.parametrize("bins", [0, 2.5, "15", None, True])
def test_wrong_bins(bins):
    with pytest.raises(ConfigError, match=r"^ECE: `bins` must be an integer >= 1, got "):
        ECE(bins=bins)


LOGITS = np.zeros([4, 8], np.float32)


@pytest.mark.parametrize(
    "logits, label, message",
    [
        (LOGITS[0], [0, 1, 2, 3], "`x` must be logits"),
        ([LOGITS], [0, 1, 2, 3], "`x` must be logits"),
        ({"features": LOGITS}, [0, 1, 2, 3], "`x` must be logits"),
        (LOGITS, LOGITS, "`label` must be one class for each image"),
        (LOGITS, [0, 1, 2], "`label` must be one class for each image"),
    ],
)
@pytest.mark.parametrize("name", METRICS)
def test_what_is_no_batch(name, logits, label, message):
    metric = METRICS[name](**PARAMS.get(name, {}))
    x = paddle.to_tensor(logits) if isinstance(logits, np.ndarray) else logits
    with pytest.raises(ConfigError, match=f"^{name}: {message}"):
        metric(x, paddle.to_tensor(label))


@pytest.mark.parametrize("wrong", [-1, 8, 10**9])
def test_a_label_out_of_range(wrong):
    several = every_metric()
    feed(several[0], LOGITS, np.array([0, wrong, 1, wrong]))
    for metric in several:
        with pytest.raises(ConfigError, match=r"labels must lie in \[0, 8\).*got 2 images"):
            metric.values()


def test_counts_of_another_number_of_classes():
    metric = ManyMediumFewAcc(num_class_list=[3, 2])
    feed(metric, *predictions(10, 0))
    with pytest.raises(ConfigError, match=r"must be as long as the model's logits \(8\), got 2 counts"):
        metric.values()


def test_empty_classes_where_they_are_allowed(build):
    combined = build(num_class_list=[3, 0], thresholds=[2, 1], allow_empty_classes=True)
    combined(paddle.to_tensor([[1.0, 0.0], [1.0, 0.0]]), paddle.to_tensor([0, 1]))
    values = combined.metric_func_list[0].values()
    wanted = {"overall": 0.5, "balanced": 0.5, "many": 1.0, "medium": math.nan, "few": 0.0}
    assert values == pytest.approx(wanted, nan_ok=True)
