"""Which list is held out to choose by, and which is tested on: `lists`, `adjust` and `compare` agree."""

import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.configuration import held_out
from ppcls_lt.engine import trainer
from ppcls_lt.jobs.job import TRAIN
from ppcls_lt.jobs.settings import Settings

from . import engines


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A base as `lists` writes it: it evaluates on the list that is held out. Its folder is the working folder."""
    monkeypatch.chdir(tmp_path)
    config = engines.packaged("ce", engines.write_digits(tmp_path / "digits"), "out", epochs=1)
    config["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = "digits/val.txt"
    config["Global"]["eval_is_validation"] = "digits/val.txt"
    engines.write_yaml(config, tmp_path / "train.yaml")
    return config


def find(config):
    return held_out.find(config, "adjust", is_validation=False, class_num=10, allow_missing=True)


def test_the_list_that_is_named_is_held_out(base):
    assert held_out.judges(base) and find(base).path == "digits/val.txt"
    base["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = "./digits/../digits/val.txt"
    assert held_out.judges(base)


def test_another_list_in_its_place_is_not(base):
    base["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = "digits/test.txt"
    assert not held_out.judges(base)
    with pytest.raises(ConfigError, match=r"`--val-list` must be given.*may be the test list"):
        find(base)
    base["Global"]["val_list"] = "digits/test.txt"
    with pytest.raises(ConfigError, match="must be a list of images that neither train nor test"):
        find(base)


@pytest.mark.parametrize("said, judges", [(True, True), (False, False), (None, False)])
def test_without_a_name_it_is_whichever_stands_there(base, said, judges):
    base["Global"]["eval_is_validation"] = said
    assert held_out.judges(base) is judges


def test_compare_does_not_test_on_it(base):
    with pytest.raises(ConfigError, match=r"`cls_label_path` must be the test list, to compare, got digits/val.txt"):
        Settings("train.yaml", wanted=["ce"])


@pytest.mark.parametrize(
    "change", ["DataLoader.Eval.dataset.cls_label_path=digits/test.txt", "Global.eval_is_validation=False"]
)
def test_no_run_of_a_comparison_says_that_its_test_list_is_held_out(base, change):
    settings = Settings("train.yaml", wanted=["ce"], overrides=[change])
    settings.prepare()
    train = yaml.safe_load((settings.jobs[0].folder / TRAIN).read_text())
    assert "eval_is_validation" not in train["Global"] and "eval_is_validation" not in settings.base["Global"]


@pytest.mark.parametrize("recipe", ["ldam", "crt"])
def test_the_best_configuration_chooses_no_epoch_by_test_images(base, recipe):
    """With what a base may say of its evaluations, which the last one alone is left of."""
    overrides = ["DataLoader.Eval.dataset.cls_label_path=digits/test.txt", "Global.eval_during_train=True"]
    overrides += ["Global.epochs=20", "Global.best_metric=balanced", "Global.report=True", "Global.start_eval_epoch=3"]
    settings = Settings("train.yaml", wanted=[recipe], overrides=overrides)
    plan = trainer.checked_plan(settings.configs.best(recipe, settings.folder / "best", 0), "train")
    assert len(plan) == (2 if recipe == "crt" else 1)
    for stage in plan:
        assert stage["Global"]["eval_interval"] == stage["Global"]["epochs"]
        assert stage["Global"]["eval_during_train"] and "start_eval_epoch" not in stage["Global"]
