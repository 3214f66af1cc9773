"""The lines at the beginning of a stage, and the metric that a recipe brings."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from ppcls_lt.configuration import tail_metric
from ppcls_lt.data.groups import shot_groups
from ppcls_lt.engine import announcements, best_metric
from ppcls_lt.metrics import BalancedAcc, ManyMediumFewAcc, ManyMediumFewMAP

from . import stock


def test_images_per_class():
    counts = np.array([1000, 30, 0, 8])
    assert announcements.images(counts, shot_groups(counts)) == (
        "training images: 1038 in 3 classes, from 8 (class 3) to 1000 (class 0), imbalance ratio 125; "
        "1 classes without any; 1 many, 1 medium, 2 few-shot classes"
    )


@pytest.mark.parametrize(
    "metric, params, expected",
    [
        (ManyMediumFewAcc, {"thresholds": "tertiles"}, "1 many, 2 medium, 1 few-shot classes"),
        (ManyMediumFewAcc, {"thresholds": [9, 8.5]}, "2 many, 0 medium, 2 few-shot classes"),
        (ManyMediumFewAcc, {"group_by": [19, 19, 300, 19]}, "1 many, 0 medium, 3 few-shot classes"),
        (ManyMediumFewMAP, {"thresholds": "tertiles"}, "1 many, 2 medium, 1 few-shot classes"),
    ],
)
def test_the_groups_are_those_of_the_evaluation(metric, params, expected, ppcls):
    """Whether the training evaluates, which builds the metric, or not."""
    counts = np.array([1000, 30, 0, 8])
    params = {"num_class_list": counts.tolist(), "allow_empty_classes": True, **params}
    config = {"Global": {}, "Metric": {"Eval": [{"TopkAcc": {"topk": 1}}, {metric.__name__: params}]}}
    built = [metric(**params)]
    assert announcements.data(config, counts) == announcements.data({"Global": {}}, counts, built)
    assert announcements.data(config, counts).endswith(f"without any; {expected}")
    assert announcements.data({"Global": {}}, counts).endswith("; 1 many, 1 medium, 2 few-shot classes")


def test_groups_of_a_list_that_is_not_there_are_not_made_up(ppcls):
    metric = {"ManyMediumFewAcc": {"num_class_list": "auto", "group_by": "nowhere.txt"}}
    line = announcements.data({"Global": {}, "Metric": {"Eval": [metric]}}, np.array([30, 8]))
    assert "; not in groups: ManyMediumFewAcc: `group_by`" in line
    assert "many," not in line and "nowhere.txt" in line


def test_a_later_stage():
    plan = [{"start_from": "last"}, {"start_from": "best"}]
    assert announcements.stage(SimpleNamespace(stage=2, epochs=1), plan) == (
        "stage 2 of 2: 1 epoch, from the weights of stage 1 (best)"
    )
    assert announcements.stage(SimpleNamespace(stage=1, epochs=9), plan) == "stage 1 of 2: 9 epochs"


@pytest.mark.parametrize(
    "listed, expected",
    [
        ([{"TopkAcc": {"topk": [1, 5]}}], "top1"),
        ([{"ManyMediumFewAcc": {"num_class_list": "auto"}}, {"TopkAcc": {"topk": 1}}], "overall"),
        ([{"GoogLeNetTopkAcc": {"topk": 1}}, {"TopkAcc": {"topk": 1}}], "the first value of GoogLeNetTopkAcc"),
    ],
)
def test_what_chooses_the_best_model(listed, expected, ppcls):
    assert best_metric.first_value({"Metric": {"Eval": listed}}) == expected


@pytest.fixture
def stage(tmp_path):
    """The stock-like configuration with a recipe and a training list."""
    result = yaml.safe_load(stock.CONFIGURATION)
    listing = tmp_path / "train.txt"
    listing.write_text("a.jpg 0\nb.jpg 1\n")
    result["Global"]["recipe"] = "cs_ce"
    result["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(listing)
    return result


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_recipe_brings_the_metric_last(mode, stage, ppcls):
    before = copy.deepcopy(stage)
    first, last = tail_metric.brought(stage, mode)["Metric"]["Eval"]
    assert stage == before
    assert first == {"TopkAcc": {"topk": [1, 5]}}
    listing = stage["DataLoader"]["Train"]["dataset"]["cls_label_path"]
    counts = "auto" if mode == "train" else listing
    assert last == {"ManyMediumFewAcc": {"num_class_list": counts, "allow_empty_classes": True}}


def without_recipe(stage):
    del stage["Global"]["recipe"]


LEFT_ALONE = {
    "no recipe": without_recipe,
    "one of ours": lambda stage: stage["Metric"]["Eval"].append({"BalancedAcc": None}),
    "no list of metrics": lambda stage: stage["Metric"].update(Eval=None),
    "another kind of accuracy": lambda stage: stage["Metric"].update(Eval=[{"ATTRMetric": None}]),
    "many labels": lambda stage: stage["Global"].update(use_multilabel=True),
    "retrieval": lambda stage: stage["Global"].update(eval_mode="retrieval"),
    "DALI": lambda stage: stage["Global"].update(use_dali=True),
    "images that are dropped": lambda stage: stage["DataLoader"]["Eval"]["sampler"].update(drop_last=True),
    "labels that are renumbered": lambda stage: stage["DataLoader"]["Train"]["dataset"].update(relabel=True),
    "no training list": lambda stage: stage["DataLoader"]["Train"]["dataset"].update(cls_label_path="nowhere.txt"),
    "no training data": lambda stage: stage["DataLoader"].pop("Train"),
}


@pytest.mark.parametrize("change", LEFT_ALONE)
def test_where_it_brings_none(change, stage, ppcls):
    LEFT_ALONE[change](stage)
    assert tail_metric.brought(stage, "train") is stage


def test_what_is_undefined_is_not_printed():
    import paddle

    metric = ManyMediumFewAcc(num_class_list=[500, 50])
    assert metric.avg_info == "overall: undefined"
    metric(paddle.to_tensor([[1.0, 0.0]]), paddle.to_tensor([0]))
    assert metric.avg_info == "overall: 1.00000, balanced: 1.00000, many: 1.00000"
    assert BalancedAcc().avg_info == "BalancedAcc: undefined"
