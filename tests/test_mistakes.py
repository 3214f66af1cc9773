"""A user's mistake: a clear message before any training, and exit status 2."""

import shutil
from pathlib import Path

import pytest
import yaml

from ppcls_lt import host
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import main as cli

from . import engines


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture
def settings(data, tmp_path):
    """The packaged LDAM config with this test's paths, as plain YAML data."""
    return engines.packaged("ldam", data, tmp_path / "output", epochs=1)


def loss(settings, name, **params):
    settings["Loss"]["Train"] = [{name: {"weight": 1.0, **params}}]


def unknown_loss(settings, tmp_path):
    loss(settings, "LDMALoss", num_class_list="auto")
    return ["unknown loss 'LDMALoss'", "did you mean 'LDAMLoss'?"]


def unknown_parameter(settings, tmp_path):
    loss(settings, "LDAMLoss", num_class_list="auto", max_n=0.5)
    return ["LDAMLoss", "unknown parameter 'max_n'", "did you mean 'max_m'?"]


def unknown_metric(settings, tmp_path):
    settings["Metric"]["Eval"][1] = {"ManyMediumFewAc": {"num_class_list": "auto"}}
    settings["Global"]["eval_during_train"] = True
    return ["Metric.Eval[1]", "unknown metric 'ManyMediumFewAc'", "did you mean 'ManyMediumFewAcc'?"]


def unknown_architecture(settings, tmp_path):
    settings["Arch"]["name"] = "CIFARResNet9"
    return ["Arch: unknown architecture 'CIFARResNet9'", "did you mean 'CIFARResNet"]


def wrong_type(settings, tmp_path):
    loss(settings, "LDAMLoss", num_class_list="auto", max_m="0.5 ")
    return ["LDAMLoss: `max_m` must be a finite number > 0, got '0.5 ' (str)"]


def missing_weight(settings, tmp_path):
    settings["Loss"]["Train"] = [{"LDAMLoss": {"num_class_list": "auto"}}]
    return ["Loss.Train[0]: `weight` must be given"]


def missing_parameter(settings, tmp_path):
    loss(settings, "CostSensitiveCE")
    return ["CostSensitiveCE", "`num_class_list` must be given"]


def listed_twice(settings, tmp_path):
    settings["Loss"]["Train"] *= 2
    return ["LDAMLoss is listed twice"]


def not_a_list(settings, tmp_path):
    settings["Loss"]["Train"] = settings["Loss"]["Train"][0]
    return ["Loss.Train: must be a list of one-key maps"]


def counts_of_the_wrong_length(settings, tmp_path):
    loss(settings, "LDAMLoss", num_class_list=[4400, 1520, 560, 1680])
    return ["LDAMLoss: `num_class_list` must be as long as `class_num`, which is 10", "4"]


def counts_that_contradict_the_data(settings, tmp_path):
    loss(settings, "LDAMLoss", num_class_list=[90, 66, 49, 36, 27, 19, 14, 10, 8, 7])
    return ["LDAMLoss", "must be the counts of the training data", "8, 7]", "train.txt", "8, 6]"]


def counts_of_a_metric_that_contradict_the_data(settings, tmp_path):
    settings["Metric"]["Eval"][1]["ManyMediumFewAcc"]["num_class_list"] = [10] * 10
    return ["Metric.Eval[1] ManyMediumFewAcc", "must be the counts of the training data"]


def weights_of_the_wrong_length(settings, tmp_path):
    loss(settings, "FocalLoss", class_weight=[1.0, 2.0])
    del settings["Arch"]["classifier"]
    return ["FocalLoss: `class_weight` must be as long as Arch.class_num (10)"]


def missing_label_list(settings, tmp_path):
    settings["DataLoader"]["Train"]["dataset"]["cls_label_path"] = "nowhere.txt"
    return ["DataLoader.Train.dataset", "`cls_label_path`", "nowhere.txt"]


def missing_counts_file(settings, tmp_path):
    loss(settings, "LDAMLoss", num_class_list="nowhere.txt")
    return ["LDAMLoss", "`num_class_list`", "nowhere.txt"]


def changed_list(settings, tmp_path, change):
    dataset = settings["DataLoader"]["Train"]["dataset"]
    lines = Path(dataset["cls_label_path"]).read_text().splitlines()
    change(lines)
    path = tmp_path / "train.txt"
    path.write_text("\n".join(lines) + "\n")
    dataset["cls_label_path"] = str(path)


def malformed_line(settings, tmp_path):
    changed_list(settings, tmp_path, lambda lines: lines.__setitem__(6, "train/0/00001.png"))
    return ["DataLoader.Train.dataset", "line 7", "train.txt"]


def label_out_of_range(settings, tmp_path):
    changed_list(settings, tmp_path, lambda lines: lines.__setitem__(2, lines[2].split(" ")[0] + " 10"))
    return ["DataLoader.Train.dataset", "line 3", "10"]


def class_without_images(settings, tmp_path):
    def drop(lines):
        lines[:] = [line for line in lines if not line.endswith(" 9")]

    changed_list(settings, tmp_path, drop)
    return ["LDAMLoss", "no image of class 9", "allow_empty_classes: true"]


def ldam_on_an_ordinary_classifier(settings, tmp_path):
    del settings["Arch"]["classifier"]
    return ["LDAMLoss: `s` > 1", "Arch.classifier: normalized", "allow_unnormalized: true"]


def unknown_classifier(settings, tmp_path):
    settings["Arch"]["classifier"] = "normalised"
    return ["Arch: `classifier` must be one of normalized", "did you mean 'normalized'?"]


def no_losses(settings, tmp_path):
    settings["Global"]["eval_during_train"] = False
    settings["Loss"]["Train"] = []
    return ["Loss: `Train` must be a list of losses, to train, got []"]


def normalized_without_scale(settings, tmp_path):
    loss(settings, "CELoss")
    return ["Arch", "takes its scale `s` from LDAMLoss"]


def different_scales(settings, tmp_path):
    settings["Loss"]["Eval"] = [{"LDAMLoss": {"weight": 1.0, "num_class_list": "auto", "s": 20.0}}]
    return ["LDAMLoss: `s` must be the same"]


def no_linear_classifier(settings, tmp_path):
    settings["Arch"]["name"] = "SqueezeNet1_0"
    return ["SqueezeNet1_0 has no Linear layer with 10 outputs"]


def ib_with_to_static(settings, tmp_path):
    loss(settings, "IBLoss")
    del settings["Arch"]["classifier"]
    settings["Global"]["to_static"] = True
    return ["Global: `to_static` must be false with IBLoss"]


def missing_section(settings, tmp_path):
    del settings["Loss"]
    return ["configuration: `Loss` must be a section"]


def unknown_parameter_of_the_architecture(settings, tmp_path):
    settings["Arch"]["class_numm"] = 10
    return ["Arch CIFARResNet8: unknown parameter 'class_numm'", "did you mean 'class_num'?"]


def missing_loader(settings, tmp_path):
    del settings["DataLoader"]["Train"]
    return ["DataLoader: `Train` must be a section"]


def missing_image(settings, tmp_path):
    changed_list(settings, tmp_path, lambda lines: lines.__setitem__(4, "train/0/nothere.png 0"))
    return ["DataLoader.Train.dataset: line 5", "nothere.png"]


def unknown_parameter_of_the_hosts(settings, tmp_path):
    settings["Loss"]["Train"].append({"CELoss": {"weight": 1.0, "epsilonn": 0.1}})
    return ["CELoss: unknown parameter 'epsilonn'", "did you mean 'epsilon'?"]


def weight_that_is_no_number(settings, tmp_path):
    settings["Loss"]["Train"][0]["LDAMLoss"]["weight"] = "abc"
    return ["Loss.Train[0]: `weight` must be a finite number, got 'abc'"]


def class_num_that_is_no_number(settings, tmp_path):
    settings["Arch"]["class_num"] = "ten"
    return ["Arch: `class_num` must be an integer >= 1, got 'ten'"]


def unknown_data_set(settings, tmp_path):
    settings["DataLoader"]["Train"]["dataset"]["name"] = "ImagenetDataset"
    return ["unknown data set 'ImagenetDataset'", "did you mean 'ImageNetDataset'?"]


def unknown_optimizer(settings, tmp_path):
    settings["Optimizer"]["name"] = "Mommentum"
    return ["unknown optimizer 'Mommentum'", "did you mean 'Momentum'?"]


def missing_weights(settings, tmp_path):
    settings["Global"]["pretrained_model"] = "nothing/here"
    return ["Global: `pretrained_model` must be the path of a .pdparams file"]


def a_metric_of_evaluation_in_training(settings, tmp_path):
    settings["Metric"]["Train"] = [{"ManyMediumFewAcc": {"num_class_list": "auto"}}]
    return ["ManyMediumFewAcc belongs into Metric.Eval"]


MISTAKES = [
    missing_image,
    unknown_parameter_of_the_hosts,
    weight_that_is_no_number,
    class_num_that_is_no_number,
    unknown_data_set,
    unknown_optimizer,
    missing_weights,
    a_metric_of_evaluation_in_training,
    unknown_parameter_of_the_architecture,
    missing_loader,
    unknown_loss,
    unknown_parameter,
    unknown_metric,
    unknown_architecture,
    wrong_type,
    missing_weight,
    missing_parameter,
    listed_twice,
    not_a_list,
    counts_of_the_wrong_length,
    counts_that_contradict_the_data,
    counts_of_a_metric_that_contradict_the_data,
    weights_of_the_wrong_length,
    missing_label_list,
    missing_counts_file,
    malformed_line,
    label_out_of_range,
    class_without_images,
    ldam_on_an_ordinary_classifier,
    unknown_classifier,
    no_losses,
    normalized_without_scale,
    different_scales,
    no_linear_classifier,
    ib_with_to_static,
    missing_section,
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_named_before_training(mistake, settings, tmp_path, capsys):
    expected = mistake(settings, tmp_path)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["train", "-c", str(path)]) == 2
    (message,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ppcls-lt: error: ")]
    for part in expected:
        assert part in message
    assert not list(tmp_path.rglob("*.pdparams"))


def test_contradicting_counts_are_named_in_evaluation_too(settings, tmp_path, capsys):
    settings["Metric"]["Eval"][1]["ManyMediumFewAcc"]["num_class_list"] = [10] * 10
    settings["DataLoader"]["Train"]["dataset"]["image_root"] = str(tmp_path / "not_here")
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["eval", "-c", str(path), "--untrained"]) == 2
    assert "must be the counts of the training data" in capsys.readouterr().err


def test_an_empty_class_can_be_allowed(settings, tmp_path):
    class_without_images(settings, tmp_path)
    settings["Loss"]["Train"][0]["LDAMLoss"].update(allow_empty_classes=True, class_weight="inverse")
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["train", "-c", str(path)]) == 0
    assert list(tmp_path.rglob("latest.pdparams"))


@pytest.mark.parametrize(
    "flags, part",
    [
        (["-c", "nowhere.yaml"], "digits/ldam.yaml"),
        (["-c", "digits/ce.yaml", "-o", "Global.epochs"], "`-o` must be of the form key=value"),
        (
            ["-c", "digits/ce.yaml", "-o", "Loss.Train.5.CELoss.weight=3"],
            "must be the path of an entry, got '5' for the list Loss.Train, which has items 0 to 0",
        ),
    ],
)
def test_wrong_flags(flags, part, capsys):
    assert cli.main(["train", *flags]) == 2
    assert part in capsys.readouterr().err


def test_a_file_that_is_no_yaml(tmp_path, capsys):
    path = tmp_path / "broken.yaml"
    path.write_text("Global: [1, 2\n")
    assert cli.main(["train", "-c", str(path)]) == 2
    assert "broken.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("to_static", [False, True])
def test_a_second_head_is_found_before_training(to_static, settings, tmp_path, capsys):
    settings["Global"]["to_static"] = to_static
    settings["Arch"] = {
        "name": "DeiT_tiny_distilled_patch16_224",
        "class_num": 10,
        "img_size": 16,
        "classifier": "normalized",
    }
    for part in settings["DataLoader"].values():
        for operator in part["dataset"]["transform_ops"]:
            operator.get("ResizeImage", {}).update(size=16)  # of one patch
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    assert cli.main(["train", "-c", str(path)]) == 2
    assert "DeiT_tiny_distilled_patch16_224" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.pdparams"))


@pytest.mark.slow
def test_an_inference_only_paddleclas_is_told_apart(tmp_path):
    """The wheels from 2.4.3 on ship ``arch`` and ``utils`` alone, inside ``paddleclas``."""
    host.load()
    package = tmp_path / "site" / "paddleclas"
    for part in ("arch", "utils"):
        shutil.copytree(host.checkout() / "ppcls" / part, package / "ppcls" / part)
    shutil.copy(host.checkout() / "ppcls" / "__init__.py", package / "ppcls")
    (package / "__init__.py").touch()
    result = engines.run(
        ["-m", "ppcls_lt", "train", "-c", "digits/ce.yaml"], cwd=tmp_path, python_path=[tmp_path / "site"]
    )
    assert result.returncode == 2
    assert "has no training engine" in result.stdout
    assert "pip install --no-deps paddleclas==2.4.2" in result.stdout


def test_bare_auto_is_an_error():
    from ppcls.loss import build_loss

    with pytest.raises(ConfigError, match="Engine"):
        build_loss([{"LDAMLoss": {"num_class_list": "auto", "weight": 1.0}}])
