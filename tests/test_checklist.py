"""Everything that is wrong is said at once, in one form; ``check`` says it with what a configuration would do."""

import json

import numpy as np
import pytest
import yaml

from ppcls_lt.basis import checks
from ppcls_lt.basis.findings import AT_ONCE, ConfigError, Finding, said
from ppcls_lt.configuration import sampler_checks
from ppcls_lt.engine import checklist, preview, trainer

from . import commands, stock

# Of the three that `planted` plants: a key, a value of a component, a file.
LINES = [
    "Global: unknown key 'sede' (did you mean 'seed'?); `-o Global.allow_new=True` takes it as it is",
    "FocalLoss: `gamma` must be a finite number >= 0, got -1 (int)",
    "DataLoader.Eval.dataset: `cls_label_path` must be an existing path, got 'nowhere.txt', sought in ",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small data, a stock-like configuration of it, and one with three mistakes."""
    folder = tmp_path_factory.mktemp("checklist")
    stock.write_data(folder / "data")
    config = configuration(folder)
    config["Loss"]["Train"] = [{"FocalLoss": {"weight": 1.0, "num_class_list": "auto", "class_weight": "inverse"}}]
    write(folder / "good.yaml", config)
    write(folder / "bad.yaml", planted(config))
    return folder


def configuration(folder):
    """The stock-like configuration as it is with its overrides, as plain maps."""
    from ppcls_lt import host

    trainer.register()
    path = stock.write(folder)
    given = stock.overrides(path, folder / "data", "out", epochs=4, workers=0)
    return json.loads(json.dumps(host.load_config(path, given)))


def planted(config):
    config = json.loads(json.dumps(config))
    config["Global"]["sede"] = 1
    config["Loss"]["Train"][0]["FocalLoss"]["gamma"] = -1
    config["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = "nowhere.txt"
    return config


def write(path, config):
    path.write_text(yaml.safe_dump(config))


def loaded(path):
    return yaml.safe_load(path.read_text())


def errors(text):
    return [line.partition("error: ")[2] for line in text.splitlines() if "error: " in line]


def found(config, mode="train"):
    return checklist.looked_over(config, mode)[1]


@pytest.mark.slow
def test_three_mistakes_are_three_lines_of_a_training_and_of_a_check(folder):
    train = commands.run(folder, "train", "-c", "bad.yaml")
    check = commands.run(folder, "check", "-c", "bad.yaml", "--format", "json")
    assert train.returncode == check.returncode == 2
    findings = json.loads(check.output)["findings"]
    for lines in (errors(train.errors), [finding["text"] for finding in findings]):
        assert len(lines) == 3 and all(line.startswith(start) for line, start in zip(lines, LINES))
    assert [(finding["path"], finding["must"]) for finding in findings] == [
        ("Global.sede", "be a known key"),
        ("Loss.Train.0.FocalLoss.gamma", "be a finite number >= 0"),
        ("DataLoader.Eval.dataset.cls_label_path", "be an existing path"),
    ]
    assert findings[0]["remedy"].startswith("did you mean 'seed'?") and findings[1]["got"] == "-1 (int)"
    assert not (folder / "out").exists()


def test_a_clean_one_says_what_it_would_do_and_does_nothing(folder):
    check = commands.run(folder, "check", "-c", "good.yaml", "--recipe", "crt")
    assert check.returncode == 0, check.errors
    output = check.output
    assert output.rstrip().endswith("begins: from the start (stage 1 of 2)\nnothing is wrong")
    assert "stage 2 of 2" in output and "device: cpu" in output and "{ResetClassifier: null}" in output
    assert "training images: 325 in 10 classes" in output
    assert "share of a class in the draws of DataLoader.Train.sampler" in output
    assert "latest.pd*" in output and "stage_2" in output
    assert not (folder / "out").exists()


def test_what_is_seen_of_a_configuration(folder):
    config = loaded(folder / "good.yaml")
    config["Callbacks"] = [{"DeferredReweighting": {"start": 0.5}}]
    seen = preview.look(config, "train")
    (stage,) = seen["stages"]
    assert seen["findings"] == [] and sum(stage["counts"]) == 325
    weights = {entry["path"]: entry for entry in stage["class_weights"]}
    assert weights["Loss.Train.0.FocalLoss"]["epoch"] == 1
    assert sum(weights["Loss.Train.0.FocalLoss"]["values"]) == pytest.approx(10)
    assert weights["Callbacks.0.DeferredReweighting"]["epoch"] == 3
    assert stage["configuration"]["Global"]["epochs"] == 4
    json.dumps(seen)


def test_what_holds_from_a_later_epoch_on_is_said_so(folder):
    config = loaded(folder / "good.yaml")
    config["Callbacks"] = [{"LossSchedule": {"before": "CELoss", "start": 3}}, {"DRS": {"start": 3}}]
    config["DataLoader"]["Train"]["sampler"].update(name="WeightBalancedSampler", mode="class_balanced")
    seen = preview.look(config, "train")
    assert seen["findings"] == []
    (stage,) = seen["stages"]
    (weights,) = stage["class_weights"]
    assert (weights["path"], weights["epoch"]) == ("Loss.Train.0.FocalLoss", 3)
    plain, balanced = stage["class_shares"]
    assert (plain["epoch"], balanced["epoch"]) == (1, 3)
    np.testing.assert_allclose(plain["values"], np.array(stage["counts"]) / 325)
    np.testing.assert_allclose(balanced["values"], np.full(10, 0.1))


@pytest.mark.parametrize("mode", ["eval", "infer", "export"])
def test_the_other_modes(folder, mode):
    config = loaded(folder / "good.yaml")
    (finding,) = preview.look(config, mode)["findings"]
    assert finding["path"] == "Global.pretrained_model"
    config["Global"]["untrained"] = True
    seen = preview.look(config, mode)
    assert seen["findings"] == [] and seen["begins"] is None
    assert any(f"{mode}.log" in entry["path"] for entry in seen["stages"][0]["writes"])


def test_more_than_ten_are_said_in_ten_lines_and_one(folder):
    config = loaded(folder / "good.yaml")
    config["Global"].update({f"epoch{letter}": 1 for letter in "abcdefghijkl"})
    assert len(found(config)) == 12
    with pytest.raises(ConfigError) as error:
        trainer.checked_plan(config, "train")
    lines = str(error.value).splitlines()
    assert len(lines) == AT_ONCE + 1 and lines[-1] == "and 2 more, see `ppcls-lt check`"
    assert len(error.value.findings) == 12


def test_every_parameter_that_a_component_refuses_is_said(folder):
    config = loaded(folder / "good.yaml")
    config["Loss"]["Train"][0]["FocalLoss"].update(gamma=-1, label_smoothing=2, class_weight="invers")
    config["Callbacks"] = [{"MaxNormPGD": {"thresh": 2.0, "thres": 1.0}}, {"FrezeLayers": None}]
    config["DataLoader"]["Train"]["sampler"] = {"name": "WeightBalancedSampler", "batch_size": 8, "mode": "squareroot"}
    assert {finding.path for finding in found(config)} == {
        "Loss.Train.0.FocalLoss.gamma",
        "Loss.Train.0.FocalLoss.label_smoothing",
        "Loss.Train.0.FocalLoss.class_weight",
        "Callbacks.0.MaxNormPGD.thresh",
        "Callbacks.0.MaxNormPGD.thres",
        "Callbacks.1.FrezeLayers",
        "DataLoader.Train.sampler.mode",
    }


def test_what_dali_would_leave_out_is_refused(folder):
    config = loaded(folder / "good.yaml")
    part = config["DataLoader"]["Train"]
    part["sampler"] = {"name": "WeightBalancedSampler", "batch_size": 8, "mode": "square_root"}
    part["dataset"]["batch_transform_ops"] = [{"CMOOperator": None}]
    assert list(sampler_checks.with_dali(config)) == []
    config["Global"]["use_dali"] = True
    (finding,) = sampler_checks.with_dali(config)
    assert "be false with WeightBalancedSampler, CMOOperator, got true" in finding.text


@pytest.mark.parametrize("number", ["abc", [100], True])
def test_a_number_of_drawn_images_that_is_none_is_said(folder, number):
    config = loaded(folder / "good.yaml")
    sampler = {"name": "WeightBalancedSampler", "batch_size": 8, "mode": "square_root", "num_samples": number}
    config["DataLoader"]["Train"]["sampler"] = sampler
    assert [finding.path for finding in found(config)] == ["DataLoader.Train.sampler.num_samples"]


def test_counts_of_the_whole_list_beside_a_sampler_of_some_of_it(folder):
    config = loaded(folder / "good.yaml")
    sampler = {"name": "WeightBalancedSampler", "batch_size": 8, "mode": "square_root", "indices": [0, 100, 200, 300]}
    config["DataLoader"]["Train"]["sampler"] = sampler
    (finding,) = [finding for finding in found(config) if finding.path == "DataLoader.Train.sampler.indices"]
    assert "must be left out with Loss.Train[0] FocalLoss, which goes by all images of the list" in finding.text
    config.update(Loss={"Train": [{"CELoss": {"weight": 1.0}}], "Eval": [{"CELoss": {"weight": 1.0}}]}, Callbacks=[])
    config["Metric"] = {"Eval": [{"TopkAcc": {"topk": [1]}}]}
    assert found(config) == []


def test_the_progressive_mode_of_paddleclas_is_refused(folder):
    config = loaded(folder / "good.yaml")
    config["Global"]["train_mode"] = "progressive"
    (finding,) = [finding for finding in found(config) if finding.path == "Global.train_mode"]
    assert "must be left out, got progressive, whose epochs" in finding.text


def test_a_mistake_of_all_stages_is_said_once_and_one_of_a_stage_with_its_place(folder):
    config = planted(loaded(folder / "good.yaml"))
    config["Stages"] = [{}, {"Global": {"epochs": 2, "eval_interval": 0}, "Optimizer": {"momentum": 3}}]
    assert [finding.path for finding in found(config)] == [
        "Global.sede",
        "Stages.1.Global.eval_interval",
        "Stages.1.Optimizer.momentum",
        "Loss.Train.0.FocalLoss.gamma",
        "DataLoader.Eval.dataset.cls_label_path",
    ]


def test_what_follows_of_a_mistake_is_not_said(folder):
    config = loaded(folder / "good.yaml")
    del config["Loss"]
    config["Arch"]["class_num"] = "ten"
    config["Callbacks"] = [{"DeferredReweighting": None}]
    assert [finding.path for finding in found(config)] == ["Loss", "Arch.class_num"]


def test_check_misses_images_and_what_another_training_left(folder, tmp_path):
    config = loaded(folder / "good.yaml")
    lines = (folder / "data" / "train.txt").read_text().splitlines()
    lines[4] = "train/0/nothere.png 0"
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    config["DataLoader"]["Train"]["dataset"]["cls_label_path"] = str(tmp_path / "train.txt")
    (finding,) = preview.look(config, "train")["findings"]
    assert "line 5 of" in finding["text"] and "nothere.png" in finding["got"]
    config = loaded(folder / "good.yaml")
    config["Global"]["output_dir"] = str(tmp_path)
    (tmp_path / "latest.pdparams").write_bytes(b"weights")
    (finding,) = preview.look(config, "train")["findings"]
    assert finding["path"] == "Global.output_dir" and "--overwrite" in finding["remedy"]


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path):
    (tmp_path / "broken.yaml").write_text("Global: [1, 2\n")
    check = commands.run(tmp_path, "check", "-c", "broken.yaml", "--format", "json")
    assert check.returncode == 2
    seen = json.loads(check.output)
    assert len(seen["findings"]) == 1 and "broken.yaml" in seen["findings"][0]["text"] and seen["stages"] == []


@stock.needs_checkout
def test_a_configuration_of_paddleclas(folder):
    path = stock.of_checkout(stock.MODEL)
    given = stock.flags(path, folder / "data", "out", workers=0)
    check = commands.run(folder, "check", "-c", path, *given, "--format", "json")
    assert check.returncode == 0, check.output
    check = commands.run(folder, "check", "-c", path, *given, "-o", "Optimizer.momentum=-1", "-o", "Arch.class_num=0")
    assert check.returncode == 2
    assert [line.split(":")[0] for line in errors(check.output)] == ["Arch", "Optimizer"]


def test_a_sentence_of_the_one_form_is_taken_apart():
    sentence = "Loss.Train[0] MyLoss: `rate` must be small, got 3; choose 1"
    assert said(sentence) == Finding("Loss.Train.0.MyLoss.rate", "be small", "3", "choose 1", sentence)
    assert said("the disk is full").must == "the disk is full"
    error = ConfigError(checks.finding("MyLoss", "rate", "be small", 3), "the disk is full")
    assert str(error) == "MyLoss: `rate` must be small, got 3 (int)\nthe disk is full"
