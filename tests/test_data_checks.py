"""Lists, classes, batches and samplers that do not fit: named before any training."""

import logging
from pathlib import Path

import paddle
import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import main as cli

from . import engines, stock


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return stock.write_data(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture
def settings(data, tmp_path):
    """The packaged cross entropy with this test's paths, as plain YAML data, evaluated while training."""
    return engines.packaged("ce", data, tmp_path / "output", epochs=1, eval_during_train=True)


def relabelled(settings, tmp_path, label, parts=("Train", "Eval")):
    """Change the labels of the lists by a function."""
    for part in parts:
        dataset = settings["DataLoader"][part]["dataset"]
        pairs = [line.split(" ") for line in Path(dataset["cls_label_path"]).read_text().splitlines()]
        path = tmp_path / f"{part}.txt"
        path.write_text("".join(f"{image} {label(int(old))}\n" for image, old in pairs))
        dataset["cls_label_path"] = str(path)


def shortened(settings, tmp_path, part, images):
    dataset = settings["DataLoader"][part]["dataset"]
    path = tmp_path / f"{part}.txt"
    path.write_text("".join(Path(dataset["cls_label_path"]).read_text().splitlines(keepends=True)[:images]))
    dataset["cls_label_path"] = str(path)


def fewer_images_than_a_batch(settings, tmp_path):
    shortened(settings, tmp_path, "Train", 20)
    settings["DataLoader"]["Train"]["sampler"]["drop_last"] = True
    return ["DataLoader.Train.sampler: `batch_size`", "smaller `batch_size` or `drop_last: false`", "32", "20 images"]


def the_same_without_a_named_sampler(settings, tmp_path):
    expected = fewer_images_than_a_batch(settings, tmp_path)
    del settings["DataLoader"]["Train"]["sampler"]["name"]
    return expected


def the_same_of_a_later_stage(settings, tmp_path):
    settings["Stages"] = [{}, {"DataLoader": {"Train": {"sampler": {"batch_size": 400, "drop_last": True}}}}]
    return ["DataLoader.Train.sampler: `batch_size`", "batch_size 400", "325 images"]


def the_same_of_our_sampler(settings, tmp_path):
    sampler = {"name": "WeightBalancedSampler", "batch_size": 400, "drop_last": True}
    settings["DataLoader"]["Train"]["sampler"] = sampler
    return ["DataLoader.Train.sampler: `batch_size`", "batch_size 400", "325 images"]


def an_evaluation_without_a_batch(settings, tmp_path):
    settings["DataLoader"]["Eval"]["sampler"].update(batch_size=600, drop_last=True)
    return ["DataLoader.Eval.sampler: `batch_size`", "batch_size 600", "500 images"]


def an_update_that_never_comes(settings, tmp_path):
    settings["Global"]["update_freq"] = 12
    return ["Global: `update_freq` must be at most the 11 steps of an epoch, got 12"]


def no_class_num(settings, tmp_path):
    del settings["Arch"]["class_num"]
    return ["Arch: `class_num` must be given: 10, by the labels 0 to 9 of DataLoader.Train.dataset", "1000 classes"]


def no_class_num_and_labels_from_one(settings, tmp_path):
    del settings["Arch"]["class_num"]
    relabelled(settings, tmp_path, lambda label: label + 1)
    return ["`class_num` must be given: 10, by the labels 1 to 10", "labels begin at 1; PaddleClas counts from 0"]


def labels_from_one(settings, tmp_path):
    relabelled(settings, tmp_path, lambda label: label + 1)
    return [
        "DataLoader.Train.dataset: ",
        "labels from 0 to 9",
        "labels begin at 1; PaddleClas counts from 0",
        "label 10",
    ]


def labels_from_one_in_the_evaluation(settings, tmp_path):
    relabelled(settings, tmp_path, lambda label: label + 1, parts=["Eval"])
    return ["DataLoader.Eval.dataset: ", "labels begin at 1; PaddleClas counts from 0", "label 10"]


def a_weighted_sampler_in_the_evaluation(settings, tmp_path):
    settings["DataLoader"]["Eval"]["sampler"] = {"name": "WeightBalancedSampler", "batch_size": 50}
    return ["DataLoader.Eval.sampler: `name` must be DistributedBatchSampler", "'WeightBalancedSampler'"]


def by_its_other_name(settings, tmp_path):
    settings["DataLoader"]["Eval"]["sampler"] = {"name": "ImbalancedDatasetSampler", "batch_size": 50}
    return ["DataLoader.Eval.sampler: `name` must be DistributedBatchSampler", "'ImbalancedDatasetSampler'"]


def a_sampler_of_identities_in_the_evaluation(settings, tmp_path):
    sampler = {"name": "PKSampler", "batch_size": 50, "sample_per_id": 5, "drop_last": False}
    settings["DataLoader"]["Eval"]["sampler"] = sampler
    return ["DataLoader.Eval.sampler: `name` must be DistributedBatchSampler", "'PKSampler'"]


def a_recipe_that_brings_it(settings, tmp_path):
    sampler = {"name": "WeightBalancedSampler", "batch_size": 50}
    recipe = {"summary": "x", "source": "y", "config": {"DataLoader": {"Eval": {"sampler": sampler}}}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    settings["Global"]["recipe"] = str(tmp_path / "recipe.yaml")
    return ["DataLoader.Eval.sampler: `name` must be DistributedBatchSampler", "'WeightBalancedSampler'"]


MISTAKES = [
    fewer_images_than_a_batch,
    the_same_without_a_named_sampler,
    the_same_of_a_later_stage,
    the_same_of_our_sampler,
    an_evaluation_without_a_batch,
    an_update_that_never_comes,
    no_class_num,
    no_class_num_and_labels_from_one,
    labels_from_one,
    labels_from_one_in_the_evaluation,
    a_weighted_sampler_in_the_evaluation,
    by_its_other_name,
    a_sampler_of_identities_in_the_evaluation,
    a_recipe_that_brings_it,
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_named_before_training(mistake, settings, tmp_path, capsys):
    expected = mistake(settings, tmp_path)
    engines.write_yaml(settings, tmp_path / "config.yaml")
    assert cli.main(["train", "-c", str(tmp_path / "config.yaml")]) == 2
    lines = capsys.readouterr().err.splitlines()  # too few images are also a class without one
    assert any(all(part in line for part in expected) for line in lines), lines
    assert not list(tmp_path.rglob("*.pdparams"))


def test_an_evaluation_alone_refuses_it_too(settings, tmp_path, capsys):
    expected = a_weighted_sampler_in_the_evaluation(settings, tmp_path)
    settings["Global"]["untrained"] = True
    engines.write_yaml(settings, tmp_path / "config.yaml")
    assert cli.main(["eval", "-c", str(tmp_path / "config.yaml")]) == 2
    error = capsys.readouterr().err
    assert all(part in error for part in expected)


@pytest.mark.parametrize("path", ["ours", pytest.param("stock", marks=stock.needs_checkout)])
def test_a_stock_configuration_with_few_images(path, data, tmp_path, capsys):
    """Its 512 images a batch and 1000 classes, with drop_last alone changed."""
    path = stock.write(tmp_path) if path == "ours" else stock.of_checkout(stock.MODEL)
    flags = stock.flags(path, data, tmp_path / "out", batch_size=512)
    flags += ["-o", "DataLoader.Train.sampler.drop_last=True"]
    assert cli.main(["train", "-c", str(path), *flags]) == 2
    assert "batch_size 512 and drop_last true for 325 images" in capsys.readouterr().err


class EverySecond(paddle.io.BatchSampler):
    """A user's own sampler, which shows half of the images."""

    def __iter__(self):
        yield from ([index] for index in range(0, len(self.sampler), 2))


class Reversed(paddle.io.BatchSampler):
    """A user's own sampler, which shows every image once."""

    def __iter__(self):
        yield from ([index] for index in reversed(range(len(self.sampler))))


@pytest.mark.parametrize("sampler, accepted", [(EverySecond, False), (Reversed, True)])
def test_a_sampler_of_ones_own_is_asked_what_it_shows(sampler, accepted, data, tmp_path, ppcls, monkeypatch):
    monkeypatch.setitem(ppcls.names("sampler"), "Own", sampler)
    changed = engines.digits_config(data, tmp_path, losses=[{"CELoss": {"weight": 1.0}}], eval_during_train=True)
    changed["DataLoader"]["Eval"]["sampler"] = {"name": "Own", "batch_size": 1}
    if accepted:
        engines.build_engine(changed)
    else:
        with pytest.raises(ConfigError, match="^DataLoader.Eval.sampler: `name` must be .*, got 'EverySecond'"):
            engines.build_engine(changed)


def test_classes_without_images_are_named(settings, data, tmp_path, caplog):
    changed = engines.digits_config(data, tmp_path, losses=[{"CELoss": {"weight": 1.0}}], eval_during_train=True)
    changed["Arch"]["class_num"] = 12
    changed["Metric"]["Eval"] = [{"TopkAcc": {"topk": 1}}]
    with caplog.at_level(logging.WARNING, "ppcls.lt"):
        engines.build_engine(changed)
    for part in ("Train", "Eval"):
        assert f"DataLoader.{part}.dataset: 2 of the 12 classes of Arch.class_num have no image: 10, 11" in caplog.text


def test_one_class_more_does_not_hide_labels_from_one(settings, data, tmp_path, caplog):
    changed = engines.digits_config(data, tmp_path, losses=[{"CELoss": {"weight": 1.0}}])
    changed["Arch"]["class_num"] = 11
    relabelled(changed, tmp_path, lambda label: label + 1)
    changed["Metric"]["Eval"] = [{"TopkAcc": {"topk": 1}}]
    with caplog.at_level(logging.WARNING, "ppcls.lt"):
        engines.build_engine(changed)
    assert "have no image: 0; do the labels begin at 1? PaddleClas counts from 0" in caplog.text
