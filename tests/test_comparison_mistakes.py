"""Every mistake in what a comparison is told, before any training."""

import pytest

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import comparing
from ppcls_lt.jobs import candidates
from ppcls_lt.jobs.settings import Settings
from ppcls_lt.maths.adjustment import METHODS

from .comparisons import lines, set_in


def test_a_mistake_in_the_base_leaves_no_lists(base, tmp_path):
    with pytest.raises(ConfigError, match="unknown architecture"):
        Settings(base(set_in("Arch", "name", value="CIFARResNet9")), wanted=["ldam"]).prepare()
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_made_is_told(base, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="`--out` must be a folder that can be made and written"):
        Settings(base(), wanted=["ldam"], folder=tmp_path / "file" / "inner")


def test_a_recipe_that_cannot_run_here_is_refused_and_the_rest_stays(base):
    def listed(config):
        rate = {"name": "Cosine", "learning_rate": 0.001}
        config["Optimizer"] = [{"Momentum": {"scope": "CIFARResNet8", "momentum": 0.9, "lr": rate}}]

    settings = Settings(base(listed), wanted=["crt", "ldam"])
    settings.prepare()
    assert list(settings.plans) == ["base", "ldam"] and "got a list of them" in settings.refused["crt"]


@pytest.mark.parametrize("name", ["...yaml", "..yaml", "CON.yaml", "a:b.yaml", "trailing .yaml", "x" * 101 + ".yaml"])
def test_a_recipe_file_of_no_name_for_a_folder_is_refused(base, tmp_path, name):
    (tmp_path / name).write_text("Loss: {Train: [{FocalLoss: {weight: 1.0}}]}\n")
    with pytest.raises(
        ConfigError, match="`--recipes` must be files whose names, without their ending, can be those of"
    ):
        Settings(base(), wanted=[str(tmp_path / name)])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["base", "LDAM"])
def test_names_that_are_taken(base, tmp_path, name):
    (tmp_path / f"{name}.yaml").write_text("Loss: {Train: [{FocalLoss: {weight: 1.0}}]}\n")
    with pytest.raises(ConfigError, match="recipes with names of their own"):
        Settings(base(), wanted=["ldam", str(tmp_path / f"{name}.yaml")])


SEVERAL = [{"SGD": {"scope": "all"}}]  # optimizers, each of a part of the model


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, options, message",
    [
        (None, {"wanted": ["lda"]}, r"did you mean 'ldam'"),
        (None, {"epochs": 0}, r"`--epochs` must be an integer >= 1, got 0"),
        (None, {"seeds": [0, 0]}, r"`--seeds` must be different numbers"),
        (None, {"rank_by": "best"}, r"`--rank-by` must be one of overall, many, medium, few, balanced"),
        (None, {"rank_by": "few", "thresholds": (5, 1)}, r"`--rank-by` must be a group of classes with held-out"),
        (None, {"thresholds": (None, 150)}, r"`--few` must be at most 100, as the base has it, or .*--many and --few"),
        (None, {"thresholds": (10, None)}, r"`--many` must be at least 20, as the base has it"),
        (None, {"folds": 1}, r"`--folds` must be an integer >= 2, got 1"),
        (None, {"folds": 1000, "seeds": [0, 999]}, r"`--folds` must be a number such that every seed .*seed 999 holds"),
        (None, {"folds": 3, "val_list": "val.txt"}, r"`--folds` must be left out with --val-list, got 3"),
        (None, {"choose_epoch": True}, r"`--choose-epoch` must be used with a --val-list, got folds"),
        (None, {"seeds": [2**32]}, r"`--seeds` must be numbers below 2\^32"),
        (set_in("Arch", "name", value=None), {}, r"Arch: `name` must be a text, got None"),
        (
            set_in("Optimizer", value=SEVERAL),
            {"epochs": 3},
            r"`--epochs` must be left out with a list of optimizers",
        ),
        (
            None,
            {"val_list": "nowhere.txt"},
            r"`--val-list` must be a file that can be read, got nowhere.txt: No such file",
        ),
        (set_in("Global", "recipe", value="ldam"), {}, r"Global: `recipe` must be left out"),
        (set_in("DataLoader", "Eval", value=None), {}, r"DataLoader: `Eval` must be a section .* the test list"),
        (set_in("Stages", value=[{}]), {}, r"`Stages` must be left out"),
        (set_in("DataLoader", "Train", "dataset", "cls_label_path", value="no.txt"), {}, r"no.txt"),
        (set_in("DataLoader", "Train", "dataset", "name", value="VeriWild"), {}, r"whose list can be split"),
        (set_in("Arch", "class_num", value=4), {}, r"a list of labels below 4"),
        (set_in("Arch", "name", value="CIFARResNet9"), {}, r"unknown architecture 'CIFARResNet9'"),
    ],
)
def test_mistakes_show_before_anything_is_trained(base, tmp_path, change, options, message):
    path = base(change) if change else base()
    with pytest.raises(ConfigError, match=message):
        Settings(path, **options).prepare()
    assert not (tmp_path / "out" / "compare" / "runs").exists()


@pytest.mark.parametrize(
    "asked, message",
    [
        (
            ["temperature"],
            "`--adjust` must be of logit_adjustment, tau_norm, class_offsets, nearest_class_mean, got temperature, "
            "which changes no prediction and so no accuracy; `ppcls-lt adjust --methods temperature` fits it to a ",
        ),
        (["temperatur"], "unknown method 'temperatur' (known: logit_adjustment, tau_norm, class_offsets, nearest_"),
        (["all", "tau_norm"], "must be all alone, or names, got all tau_norm; take `--adjust tau_norm`"),
        (["tau_norm", "none"], "must be none alone, or names, got tau_norm none; take `--adjust tau_norm`"),
        (["all", "none"], "must be all or none alone, or names, got all none; take `--adjust all`"),
    ],
)
def test_adjustments_that_say_nothing_or_two_things(asked, message):
    with pytest.raises(ConfigError) as error:
        candidates.check_adjustments(comparing._adjustments(asked), ["base"])
    assert message in str(error.value)


def test_all_adjustments_are_those_that_change_predictions():
    assert comparing._adjustments(["none"]) == []
    assert comparing._adjustments(["all"]) == list(candidates.ADJUSTMENTS)
    assert "temperature" in METHODS and "temperature" not in candidates.ADJUSTMENTS


def test_test_images_must_not_train(base, digits, tmp_path):
    """They would gain most where they were learnt."""
    shared = tmp_path / "shared.txt"
    shared.write_text("\n".join([*lines(digits / "train.txt")[:2], *lines(digits / "test.txt")]) + "\n")
    path = base(set_in("DataLoader", "Eval", "dataset", "cls_label_path", value=str(shared)))
    with pytest.raises(
        ConfigError, match="`cls_label_path` must be a list of test images, none of which trains.*got 2 i"
    ):
        Settings(path, wanted=["ce"])


def test_an_image_of_the_list_of_ones_own_with_two_labels(base, digits, tmp_path):
    listed = lines(digits / "val.txt")
    name, label = listed[0].rsplit(" ", 1)
    (tmp_path / "val.txt").write_text("\n".join([*listed, f"{name} {9 - int(label)}"]) + "\n")
    with pytest.raises(ConfigError, match="^ppcls-lt compare: `--val-list` must be a list with one label for every im"):
        Settings(base(), wanted=["ce"], val_list=str(tmp_path / "val.txt"))


def test_an_image_of_the_list_of_ones_own_that_is_not_there(base, digits, tmp_path):
    (tmp_path / "val.txt").write_text((digits / "val.txt").read_text().replace("png", "pgn", 1))
    with pytest.raises(ConfigError, match="^ppcls-lt compare: --val-list: line 1 of .*val.txt must name an image"):
        Settings(base(), wanted=["ce"], val_list=str(tmp_path / "val.txt"))


def test_a_measure_of_which_no_class_is_held_out(base, digits, tmp_path):
    (tmp_path / "val.txt").write_text(
        "\n".join(each for each in lines(digits / "val.txt") if each.endswith(" 0")) + "\n"
    )
    with pytest.raises(ConfigError, match="3 many, 4 medium, 3 few; of whose 3 no image is held out"):
        Settings(base(), wanted=["ce"], val_list=str(tmp_path / "val.txt"), rank_by="few", thresholds="tertiles")


@pytest.mark.parametrize("name, other", [("test", "test"), ("train", "training")])
def test_validation_images_must_not_train_or_test(base, digits, name, other):
    with pytest.raises(ConfigError, match=rf"`--val-list` must be a list of images that.*images of the {other} list"):
        Settings(base(), wanted=["ce"], val_list=str(digits / f"{name}.txt"))


@pytest.mark.parametrize(
    "content, reason",
    [
        ("Global: {seed: 7}", "`Global.seed` must be left out"),
        ("Global: {epochs: 60}", "`Global.epochs` must be left out"),
        ("Stages: [{}, {Global: {seed: 7, epochs: 1}}]", "Stages[1]: `Global.seed` must be left out"),
        (
            "Stages: [{DataLoader: {Eval: {dataset: {cls_label_path: x}}}}]",
            "`DataLoader.Eval.dataset` must be left out",
        ),
        (
            "DataLoader: {Eval: {sampler: {name: WeightBalancedSampler, mode: class_balanced}}}",
            "`DataLoader.Eval.sampler` must be left out",
        ),
        ("DataLoader: {Train: {dataset: {relabel: true}}}", "`DataLoader.Train.dataset.relabel` must be left out"),
        ("DataLoader: {Train: {dataset: {cls_label_path: x}}}", "`DataLoader.Train.dataset.cls_label_path` must be"),
        ("Metric: {Eval: []}", "`Metric.Eval` must be left out"),
        ("Global:", "`Global` must be a map"),
        ("DataLoader: {Train: }", "`DataLoader.Train` must be a map"),
        ("Stages: x", "`Stages` must be a list of maps"),
        ("Stages: [1]", "must be a map"),
    ],
)
def test_a_recipe_must_not_set_what_is_the_same_for_all(base, tmp_path, content, reason):
    (tmp_path / "mine.yaml").write_text(content + "\n")
    settings = Settings(base(), wanted=[str(tmp_path / "mine.yaml")])
    settings.prepare()
    assert list(settings.plans) == ["base"] and reason in settings.refused["mine"]


def test_two_recipes_of_one_name_are_refused(base, tmp_path):
    own = tmp_path / "ldam.yaml"
    own.write_text("Loss: {Train: [{FocalLoss: {weight: 1.0}}]}\n")
    with pytest.raises(ConfigError, match=r"`--recipes` must be recipes with names of their own"):
        Settings(base(), wanted=["ldam", str(own)])
