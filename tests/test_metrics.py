"""ManyMediumFewAcc against scikit-learn, built through PaddleClas's own ``build_metrics``."""

import math

import numpy as np
import paddle
import pytest
from sklearn.metrics import accuracy_score, recall_score

from ppcls_lt._checks import ConfigError
from ppcls_lt.metrics import ManyMediumFewAcc

COUNTS = [500, 200, 100, 50, 20, 19, 5, 1]
GROUPS = {"many": [0, 1], "medium": [2, 3, 4], "few": [5, 6, 7]}  # more than 100, fewer than 20


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
    """Overall accuracy and mean recall of the classes of each group that are there."""
    guess = logits.argmax(axis=1)
    result = {"overall": accuracy_score(label, guess)}
    for name, members in groups.items():
        there = sorted(set(members) & set(label.tolist()))
        result[name] = recall_score(label, guess, labels=there, average="macro") if there else math.nan
    return result


def feed(metric, logits, label, parts=1):
    for some, true in zip(np.array_split(logits, parts), np.array_split(label, parts)):
        metric(paddle.to_tensor(some), paddle.to_tensor(true))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("parts", [1, 7])
def test_values_over_one_batch_and_several(build, seed, parts):
    logits, label = predictions(203, seed)
    combined = build()
    feed(combined, logits, label, parts)
    metric = combined.metric_func_list[0]
    assert metric.values() == pytest.approx(expected(logits, label), rel=1e-12)
    recall = recall_score(label, logits.argmax(axis=1), labels=range(len(COUNTS)), average=None)
    np.testing.assert_allclose(metric.per_class(), recall, rtol=1e-12)
    assert metric.avg == pytest.approx(accuracy_score(label, logits.argmax(axis=1)), rel=1e-12)


@pytest.mark.parametrize("classes", [[0, 2, 6], [2, 3], [7]])
def test_classes_that_the_set_lacks_are_left_out(classes):
    logits, label = predictions(60, 0, classes)
    metric = ManyMediumFewAcc(num_class_list=COUNTS)
    feed(metric, logits, label, 2)
    assert metric.values() == pytest.approx(expected(logits, label), rel=1e-12, nan_ok=True)
    absent = [c for c in range(len(COUNTS)) if c not in classes]
    assert np.isnan(metric.per_class()[absent]).all() and not np.isnan(metric.per_class()[classes]).any()


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
    found = combined.metric_func_list[0].values()
    assert found == pytest.approx(expected(logits, label, groups), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shape", [[40], [40, 1]])
@pytest.mark.parametrize("kind", [dict, paddle.Tensor])
def test_label_shapes_and_a_dict_of_outputs(build, dtype, shape, kind):
    logits, label = predictions(40, 0)
    x = paddle.to_tensor(logits)
    combined = build()
    combined({"logits": x, "features": x} if kind is dict else x, paddle.to_tensor(label.reshape(shape), dtype=dtype))
    assert combined.metric_func_list[0].values() == pytest.approx(expected(logits, label), rel=1e-12, nan_ok=True)


def test_reset_forgets(build):
    combined = build()
    feed(combined, *predictions(50, 0))
    combined.reset()
    assert np.isnan(combined.metric_func_list[0].per_class()).all() and combined.avg == 0.0
    logits, label = predictions(50, 1)
    feed(combined, logits, label)
    assert combined.metric_func_list[0].values() == pytest.approx(expected(logits, label), rel=1e-12, nan_ok=True)


def test_beside_another_metric_as_the_host_logs_and_chooses(build):
    combined = build({"TopkAcc": {"topk": [1, 2]}})
    logits, label = predictions(80, 0)
    result = combined(paddle.to_tensor(logits), paddle.to_tensor(label).unsqueeze(1))
    wanted = expected(logits, label)
    assert set(result) == {"top1", "top2"}
    assert combined.avg == pytest.approx(wanted["overall"])
    for name, number in wanted.items():
        assert f"{name}: {number:.5f}" in combined.avg_info


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


def test_empty_classes_where_they_are_allowed(build):
    combined = build(num_class_list=[3, 0], thresholds=[2, 1], allow_empty_classes=True)
    combined(paddle.to_tensor([[1.0, 0.0], [1.0, 0.0]]), paddle.to_tensor([0, 1]))
    found = combined.metric_func_list[0].values()
    assert found == pytest.approx({"overall": 0.5, "many": 1.0, "medium": math.nan, "few": 0.0}, nan_ok=True)
