"""What a comparison is told: lists, configurations of its runs, and every mistake before any training."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import comparing
from ppcls_lt.configuration import held_out, recipes, schedules, stages
from ppcls_lt.data.counts import count_label_list
from ppcls_lt.engine import recording, trainer
from ppcls_lt.jobs import candidates, kept, outcome
from ppcls_lt.jobs.job import HELD_OUT, LOGITS, RESULT, TEST, TRAIN
from ppcls_lt.jobs.lists import positions
from ppcls_lt.jobs.settings import Settings
from ppcls_lt.maths.adjustment import METHODS
from ppcls_lt.reports.comparison import tables, terminal
from ppcls_lt.reports.comparison.messages import WORDS
from ppcls_lt.runs import files as run_files
from ppcls_lt.runs import logits
from ppcls_lt.runs.budgeted import FILE

from . import engines
from .comparisons import finished, listed, make_run, set_in


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return engines.write_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def base(data, tmp_path):
    return engines.base_writer(data, tmp_path)


def lines(path):
    return path.read_text().splitlines()


GROUP_BY = [1000, 900, 800, 300, 200, 100, 90, 9, 8, 7]


@pytest.mark.parametrize(
    "stated, asked, expected",
    [
        ({}, None, ([0, 1, 2, 3, 4], [7, 8, 9])),
        ({"thresholds": [250, 8]}, None, ([0, 1, 2, 3], [9])),
        ({"thresholds": [250, 8]}, (None, 9), ([0, 1, 2, 3], [8, 9])),
        ({"thresholds": [250, 8]}, (850, None), ([0, 1], [9])),
        ({"thresholds": "tertiles"}, (None, 9), ([0, 1, 2, 3, 4], [8, 9])),
        ({"thresholds": [250, 8]}, "tertiles", ([0, 1, 2], [7, 8, 9])),
    ],
)
def test_groups_are_those_of_the_base_where_they_are_not_asked_for(base, stated, asked, expected):
    metric = {"ManyMediumFewAcc": {"num_class_list": "auto", "group_by": GROUP_BY, **stated}}
    settings = Settings(base(lambda config: config.update(Metric={"Eval": [metric]})), wanted=["ce"], thresholds=asked)
    settings.prepare()
    assert (settings.groups["many"].tolist(), settings.groups["few"].tolist()) == expected
    train = yaml.safe_load((settings.jobs[0].folder / TRAIN).read_text())
    assert train["Metric"]["Eval"][0]["ManyMediumFewAcc"]["group_by"] == GROUP_BY


def test_each_seed_holds_out_another_part_and_none_is_tested_on(base, data, tmp_path):
    settings = Settings(base(), wanted=["ldam"], seeds=[3, 1, 5], folds=4)
    settings.prepare()
    whole, counts = lines(data / "train.txt"), count_label_list(data / "train.txt", owner="test")
    order = [(recipe, seed) for seed in (3, 1, 5) for recipe in ("base", "ldam")]
    assert [(job.recipe, job.seed) for job in settings.jobs] == order
    shown = {}
    for job in settings.jobs:
        train, held_out, test = (yaml.safe_load((job.folder / name).read_text()) for name in (TRAIN, HELD_OUT, TEST))
        for config in (train, held_out, test):
            assert config["Global"]["seed"] == job.seed
            assert listed(config, "Train") == listed(train, "Train")
            [metric] = config["Metric"]["Eval"]
            assert metric["ManyMediumFewAcc"]["group_by"] == counts.tolist()
        assert listed(train, "Eval") == listed(held_out, "Eval") and listed(test, "Eval") == data / "test.txt"
        assert "best_metric" not in train["Global"] and train["Global"]["eval_interval"] == 30
        kept, part = lines(listed(train, "Train")), lines(listed(train, "Eval"))
        assert sorted(whole) == sorted(kept + part) and [line for line in whole if line in set(part)] == part
        expected = [(n + 3 - job.seed % 4) // 4 for n in counts]
        assert count_label_list(listed(train, "Eval"), owner="test").tolist() == expected
        assert shown.setdefault(job.seed, part) == part
    # Fold 3 and fold 1 of one partition, and fold 1 of another.
    assert not set(shown[3]) & set(shown[1]) and set(shown[1]) != set(shown[5])
    assert settings.unjudged.tolist() == []
    together = {line for part in shown.values() for line in part}
    assert settings.validation_counts.sum() == len(together) == settings.lists["validation"][1]
    assert train["Arch"]["classifier"] == "normalized" and "LDAMLoss" in train["Loss"]["Train"][0]


def test_how_many_images_a_fold_holds_out_is_said(base, data, tmp_path):
    def said(**options):
        return list(comparing._held_out(Settings(base(), wanted=["ldam"], **options), WORDS["en"]))

    counts = count_label_list(data / "train.txt", owner="test")
    for seed, folds in ((0, None), (4, 5), (0, 3)):
        settings = Settings(base(), wanted=["ldam"], folder=tmp_path / f"{folds}", seeds=[seed], folds=folds)
        settings.prepare()
        listed = count_label_list(settings._lists.part(seed).held_out, owner="test", class_num=10)
        [line, *more] = said(seeds=[seed], folds=folds)
        assert line == (
            f"seed {seed} holds out {listed.sum()} of {counts.sum()} images, and {listed[9]} of {counts[9]} of the "
            "smallest class (9)"
        )
        single = [str(label) for label in np.flatnonzero(listed == 1)]
        assert len(more) == bool(single) and all(name in more[0] for name in single)
    [_, caution] = said(seeds=[4])
    assert caution.startswith("caution: all seeds together hold out a single image of ")
    assert caution.endswith("; more --seeds, fewer --folds or a --val-list hold out more")
    assert len(said(seeds=[0, 1, 2])) == 1
    assert said(val_list=data / "val.txt") == []


def test_images_are_numbered_by_their_first_line():
    assert positions(["a", "b", "a", "c"], ["c", "a", "a"]).tolist() == [3, 0, 0]


def test_each_stage_is_evaluated_once_at_its_end(base):
    settings = Settings(base(), wanted=["crt"], epochs=12)
    settings.prepare()
    (job,) = (job for job in settings.jobs if job.recipe == "crt")
    plan = stages.plan(yaml.safe_load((job.folder / TRAIN).read_text()))
    assert [stage["Global"]["eval_interval"] for stage in plan] == [stage["Global"]["epochs"] for stage in plan]
    assert len({stage["Global"]["epochs"] for stage in plan}) == 2


def test_a_list_of_ones_own_is_held_out_by_every_seed(base, data):
    settings = Settings(base(), wanted=["ce"], val_list=str(data / "val.txt"), seeds=[0, 7], choose_epoch=True)
    settings.prepare()
    assert {job.listed for job in settings.jobs} == {str(data / "val.txt")} and settings.folds is None
    assert settings.validation_counts.tolist() == count_label_list(data / "val.txt", owner="test").tolist()
    train = yaml.safe_load((settings.jobs[1].folder / TRAIN).read_text())
    assert train["Global"]["best_metric"] == "balanced" and train["Global"]["eval_interval"] == 1
    train = yaml.safe_load((settings.jobs[0].folder / TRAIN).read_text())
    assert train["DataLoader"]["Train"]["dataset"]["cls_label_path"] == str(data / "train.txt")
    assert train["DataLoader"]["Eval"]["dataset"]["cls_label_path"] == str(data / "val.txt")
    assert settings.lists["validation"] == (str(data / "val.txt"), len(lines(data / "val.txt")))
    best = settings.configs.best("ce", settings.folder / "best", 0)
    (stage,) = trainer.checked_plan(best, "train")
    assert stage["DataLoader"]["Eval"]["dataset"]["cls_label_path"] == str(data / "val.txt")
    assert {key: stage["Global"][key] for key in ("eval_during_train", "eval_interval", "best_metric")} == {
        "eval_during_train": True,
        "eval_interval": 1,
        "best_metric": "balanced",
    }
    # A later evaluation on the test list is one of test images.
    assert held_out.judges(best)
    best["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(data / "test.txt")
    assert not held_out.judges(best)


def test_the_schedule_of_a_stage_is_stretched_too(base, tmp_path):
    lr = {"name": "Piecewise", "values": [0.1, 0.01], "decay_epochs": [9], "warmup_epoch": 3}
    stage = {"Global": {"epochs": 12}, "Optimizer": {"lr": lr}}
    (tmp_path / "own.yaml").write_text(
        yaml.safe_dump({"summary": "s", "source": "s", "config": {"Stages": [{}, stage]}})
    )
    settings = Settings(base(), wanted=[str(tmp_path / "own.yaml")], epochs=10)
    settings.prepare()
    (job,) = (job for job in settings.jobs if job.recipe == "own")
    stages = yaml.safe_load((job.folder / TRAIN).read_text())["Stages"]
    assert stages[1]["Optimizer"]["lr"] == {**lr, "decay_epochs": [3], "warmup_epoch": 1}


def test_the_schedule_is_stretched_with_the_epochs():
    rate = {"name": "Piecewise", "decay_epochs": [21, 24], "values": [0.1, 0.01, 0.001], "warmup_epoch": 3}
    config = {"Optimizer": {"name": "Momentum", "lr": dict(rate)}}
    schedules.stretch(config, 10 / 30)
    assert config["Optimizer"]["lr"] == {**rate, "decay_epochs": [7, 8], "warmup_epoch": 1}
    for lr in ({"name": "Constant", "learning_rate": 0.1}, {"name": "Cosine", "warmup_epoch": 0}, 0.1):
        config = {"Optimizer": {"lr": lr}}
        schedules.stretch(config, 0.5)
        assert config == {"Optimizer": {"lr": lr}}


def test_all_means_every_recipe_and_the_baseline_comes_first(base, tmp_path):
    own = tmp_path / "mine.yaml"
    own.write_text("Loss: {Train: [{FocalLoss: {weight: 1.0, gamma: 1.0}}]}\n")
    settings = Settings(base(), wanted=["all", str(own)])
    assert list(settings.recipes) == ["base", *(name for name in recipes.names() if name != "base"), "mine"]


def test_other_settings_in_the_same_folder_are_refused_and_more_runs_are_not(base, data, tmp_path):
    Settings(base(), wanted=["ldam"]).prepare()
    Settings(base(), wanted=["ldam", "focal"], seeds=[0, 1]).prepare()
    begun_by(tmp_path / "out/compare", recording.versions()["ppcls_lt"])
    with pytest.raises(ConfigError, match=r"Global.epochs is 30, now it would be 3; delete that folder"):
        Settings(base(), wanted=["ldam"], epochs=3).prepare()
    for path in (tmp_path / "out/compare").rglob("run_info.json"):
        path.unlink()
    make_run().write(tmp_path / "out/compare/runs/base/seed_0/result.json")
    with pytest.raises(ConfigError, match=r"`--out` must be another folder.*Global.epochs is 30, now it would be 3"):
        Settings(base(), wanted=["ldam"], epochs=3).prepare()
    before, now = ({"Arch": n, "Global": {"save_interval": n, "epochs": n}} for n in (3, 2))
    assert kept._difference(before, now) == ("Global.epochs", 3, 2)
    # What the recipes are ranked by is no matter of their trainings.
    Settings(base(), wanted=["ldam"], rank_by="few").prepare()
    with pytest.raises(ConfigError, match=r"cls_label_path is '.*of_5/.*', now it would be '.*of_4/"):
        Settings(base(), wanted=["ldam"], folds=4).prepare()
    listing = tmp_path / "out/compare/folds/of_5/partition_0_fold_0_val.txt"
    content = listing.read_bytes()
    listing.write_bytes(content[:-1])
    with pytest.raises(ConfigError, match="holds a list of other images"):
        Settings(base(), wanted=["ldam"]).prepare()
    listing.write_bytes(content)
    path = base()
    original = (data / "test.txt").read_bytes()
    try:
        (data / "test.txt").write_bytes(original[: len(original) // 2].rsplit(b"\n", 1)[0] + b"\n")
        with pytest.raises(ConfigError, match="holds runs on lists of other images"):
            Settings(path, wanted=["ldam"]).prepare()
    finally:
        (data / "test.txt").write_bytes(original)


def test_what_was_prepared_and_not_begun_binds_nobody(base, data, tmp_path):
    """As after Ctrl-C at the first line, to give another list or number of epochs."""
    Settings(base(), wanted=["ldam"], epochs=3).prepare()
    fewer = tmp_path / "fewer.txt"
    fewer.write_text("".join(f"{line}\n" for line in lines(data / "train.txt")[::2]))
    path = base(set_in("DataLoader", "Train", "dataset", "cls_label_path", value=str(fewer)))
    settings = Settings(path, wanted=["ldam"])
    settings.prepare()
    for job in settings.jobs:
        train = yaml.safe_load((job.folder / TRAIN).read_text())
        assert train["Global"]["epochs"] == 30
        assert len(lines(listed(train, "Train"))) < len(lines(fewer))
    settings.take_back()


def test_a_dry_run_changes_nothing_that_was_prepared(base, data, tmp_path):
    Settings(base(), wanted=["ldam"], epochs=3).prepare()
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    settings = Settings(base(), wanted=["ldam"], epochs=4, folds=4, scratch=tmp_path / "scratch")
    settings.prepare(begin=False)
    settings.take_back()
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


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


def smoothed(config):
    """A base whose own loss no recipe may drop without a word."""
    config["Loss"]["Train"] = [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}]


def finish(job, **facts):
    """Leave a result as the run's own process does."""
    finished(job, **{"versions": recording.versions(), **facts})


def test_the_base_as_it_is_is_a_candidate_and_what_recipes_replace_in_it_is_told(base):
    settings = Settings(base(smoothed), wanted=["ce", "crt"])
    settings.prepare()
    assert list(settings.plans) == ["base", "ce", "crt"] and settings.same == []
    trained = {job.recipe: yaml.safe_load((job.folder / TRAIN).read_text())["Loss"]["Train"] for job in settings.jobs}
    assert trained["base"] == [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}] and trained["ce"] != trained["base"]
    assert settings.configs.complete("base")["Loss"]["Train"] == trained["base"]
    replaced = settings.replaced()
    [(place, old, new)] = replaced["ce"]
    assert (place, old) == ("Loss.Train", "[{CELoss: {epsilon: 0.1, weight: 1.0}}]")
    assert new == "[{CELoss: {weight: 1.0}}]"
    assert [place for place, _, _ in replaced["crt"]] == ["Loss.Train", "Stages[1]: DataLoader.Train.sampler"]
    for job in settings.jobs:
        finish(job)
    found = outcome.gather(settings, "", [], outcome.choose(settings))
    page = tables.markdown(found)
    assert "| ce | Loss.Train | &#91;{CELoss: {epsilon: 0.1, weight: 1.0}}&#93; |" in page
    assert "recipe base" not in outcome.write_best(settings, found)
    best = yaml.safe_load((settings.folder / "best.yaml").read_text())
    assert best["Loss"]["Train"] == trained["base"]
    assert best["Global"]["output_dir"] == str(settings.folder / "best")
    # An adjusted one needs images that did not train: what is left out is told, here and there.
    adjusted = SimpleNamespace(recipe="ce+class_offsets", trained="ce", adjustment={"method": "class_offsets"})
    said = outcome.write_best(settings, SimpleNamespace(chosen=adjusted))
    assert f"ppcls-lt adjust --run {settings.folder / 'best'} --methods class_offsets" in said
    text = (settings.folder / "best.yaml").read_text()
    left_out = yaml.safe_load(text)["Global"]["val_list"]
    assert f"without the images of {left_out}, by which" in said and "`--refit` trains on all" in said
    assert text.startswith(f"# It trains without the images of {left_out}, by which the adjustment is chosen")


def test_a_recipe_that_changes_nothing_is_the_base_and_not_trained_again(base):
    settings = Settings(base(), wanted=["ce", "ldam"])
    settings.prepare()
    assert (list(settings.plans), settings.same) == (["base", "ldam"], ["ce"])
    finish(settings.jobs[0])
    found = outcome.gather(settings, "", [], outcome.choose(settings))
    assert "Not trained a second time, since it changes nothing in base: ce." in terminal.text(found, 200)


def begun_by(folder, version):
    """Make of a comparison's folder one whose runs another version has begun."""
    for path in folder.glob("runs/*/seed_0"):
        begin(path / "training", version)


def begin(folder, version):
    """Leave what a training by a version leaves when it begins."""
    info = {"mode": "train", "run": "5eed", "stage": 1, "stages": 1, "started": "2026", "counts": None}
    (folder / "CIFARResNet8").mkdir(parents=True)
    versions = {**recording.versions(), "ppcls_lt": version}
    run_files.write_info(folder / "CIFARResNet8/run_info.json", {**info, "versions": versions})


def test_runs_that_were_judged_by_the_earlier_rule_are_refused_and_stay(base, tmp_path):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    # What earlier versions left: no configuration of an evaluation on held-out images, the test in the result.
    for job in settings.jobs:
        (job.folder / HELD_OUT).unlink()
        (job.folder / RESULT).write_text(json.dumps({"test": {}, "recall": []}))
    before = {path: path.read_bytes() for path in settings.folder.rglob("*") if path.is_file()}
    for folds in (None, 3):
        with pytest.raises(ConfigError, match="`--out` must be another folder; what is there is left as it is, got .*"):
            Settings(base(), wanted=["ldam"], folds=folds).prepare(retrain=True)
    assert {path: path.read_bytes() for path in settings.folder.rglob("*") if path.is_file()} == before


def test_runs_of_other_versions_are_refused_or_trained_anew_as_told(base):
    path = base()
    settings = Settings(path, wanted=["ldam"])
    settings.prepare()
    ours, ldam = settings.jobs
    finish(ours)
    for name in ("ppcls_lt", "paddle", "paddleclas"):
        finish(ldam, versions={**recording.versions(), name: "0.0.9"})
        Settings(path, wanted=["ldam"]).prepare()  # nothing is trained
        with pytest.raises(
            ConfigError, match=r"`--out` must be a folder of runs by ppcls_lt .*`--retrain` trains"
        ) as told:
            Settings(path, wanted=["ldam", "focal"]).prepare()
        assert "1 by others: ldam, seed 0, by ppcls_lt" in str(told.value) and "0.0.9" in str(told.value)
    found = outcome.gather(settings, "", [], outcome.choose(settings))
    assert "The runs are of different versions" in terminal.text(found, 1000) and len(found.versions) == 2
    (settings.folder / FILE).write_text("{}")
    for name, version in (("base", "0.0.9"), ("ldam", recording.versions()["ppcls_lt"])):
        begin(settings.folder / "refit" / name, version)
    Settings(path, wanted=["ldam", "focal"]).prepare(retrain=True)
    assert ours.finished and not ldam.begun and (ldam.folder / TRAIN).is_file()
    assert [path.name for path in (settings.folder / "refit").iterdir()] == ["ldam"]
    assert not (settings.folder / FILE).exists()  # what it decided by is gone


def test_a_run_that_does_not_say_its_versions_is_told_and_trained_anew_where_that_is_asked_for(base):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    finish(settings.jobs[0], versions=None)
    Settings(base(), wanted=["ldam"]).prepare()
    assert outcome.gather(settings, "", [], outcome.choose(settings)).versions == ["unknown versions"]
    Settings(base(), wanted=["ldam"]).prepare(retrain=True)
    assert not settings.jobs[0].finished


def test_a_run_that_other_versions_began_does_not_go_on(base):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    begun_by(settings.folder, "0.0.9")
    with pytest.raises(ConfigError, match="2 by others: base, seed 0, by ppcls_lt 0.0.9"):
        Settings(base(), wanted=["ldam"]).prepare()


def test_logits_of_another_number_of_classes_or_other_images_and_a_damaged_configuration(base):
    settings = Settings(base(), wanted=["ldam"])
    settings.prepare()
    job, other = settings.jobs
    finish(job)
    finish(other)
    found = logits.read(other.folder / LOGITS)
    logits.write(other.folder / LOGITS, found._replace(image=found.image + 1))
    with pytest.raises(ConfigError, match=r"held_out.npz: must be of the images that the base's run with seed 0 held"):
        outcome.gather(settings, "", [], outcome.choose(settings))
    logits.write(job.folder / LOGITS, found._replace(logits=found.logits[:, :3], label=found.label * 0))
    with pytest.raises(ConfigError, match=r"held_out.npz: must have the logits of 10 classes, got 3"):
        outcome.gather(settings, "", [], outcome.choose(settings))
    for content in ("a: [", "- 1", "text"):
        (job.folder / TRAIN).write_text(content)
        with pytest.raises(ConfigError, match=r"train.yaml"):
            Settings(base(), wanted=["ce"]).prepare()


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


def test_test_images_must_not_train(base, data, tmp_path):
    """They would gain most where they were learnt."""
    shared = tmp_path / "shared.txt"
    shared.write_text("\n".join([*lines(data / "train.txt")[:2], *lines(data / "test.txt")]) + "\n")
    path = base(set_in("DataLoader", "Eval", "dataset", "cls_label_path", value=str(shared)))
    with pytest.raises(
        ConfigError, match="`cls_label_path` must be a list of test images, none of which trains.*got 2 i"
    ):
        Settings(path, wanted=["ce"])


def test_an_image_of_the_list_of_ones_own_with_two_labels(base, data, tmp_path):
    listed = lines(data / "val.txt")
    name, label = listed[0].rsplit(" ", 1)
    (tmp_path / "val.txt").write_text("\n".join([*listed, f"{name} {9 - int(label)}"]) + "\n")
    with pytest.raises(ConfigError, match="^ppcls-lt compare: `--val-list` must be a list with one label for every im"):
        Settings(base(), wanted=["ce"], val_list=str(tmp_path / "val.txt"))


def test_an_image_of_the_list_of_ones_own_that_is_not_there(base, data, tmp_path):
    (tmp_path / "val.txt").write_text((data / "val.txt").read_text().replace("png", "pgn", 1))
    with pytest.raises(ConfigError, match="^ppcls-lt compare: --val-list: line 1 of .*val.txt must name an image"):
        Settings(base(), wanted=["ce"], val_list=str(tmp_path / "val.txt"))


def test_a_measure_of_which_no_class_is_held_out(base, data, tmp_path):
    (tmp_path / "val.txt").write_text("\n".join(each for each in lines(data / "val.txt") if each.endswith(" 0")) + "\n")
    with pytest.raises(ConfigError, match="3 many, 4 medium, 3 few; of whose 3 no image is held out"):
        Settings(base(), wanted=["ce"], val_list=str(tmp_path / "val.txt"), rank_by="few", thresholds="tertiles")


def test_runs_that_are_not_compared_now_are_told(base):
    settings = Settings(base(), wanted=["cs_ce", "ldam"])
    settings.prepare()
    assert kept.others(settings.folder, settings.recipes) == []
    assert kept.others(settings.folder, ["base", "ldam"]) == ["cs_ce"]


@pytest.mark.parametrize("name, other", [("test", "test"), ("train", "training")])
def test_validation_images_must_not_train_or_test(base, data, name, other):
    with pytest.raises(ConfigError, match=rf"`--val-list` must be a list of images that.*images of the {other} list"):
        Settings(base(), wanted=["ce"], val_list=str(data / f"{name}.txt"))


def test_the_end_is_evaluated_and_each_data_set_keeps_its_reader(base, data):
    def change(config):
        config["Global"].update(eval_interval=7, start_eval_epoch=20)
        config["DataLoader"]["Train"]["dataset"]["name"] = "MultiScaleDataset"
        config["DataLoader"]["Eval"]["dataset"]["delimiter"] = "\t"
        config["Metric"] = None
        tabs = (data / "test.txt").read_text().replace(" ", "\t")
        (data / "tabs.txt").write_text(tabs)
        config["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(data / "tabs.txt")

    settings = Settings(base(change), wanted=["ce"], rank_by="overall")
    settings.prepare()
    train, test = (yaml.safe_load((settings.jobs[0].folder / name).read_text()) for name in (TRAIN, TEST))
    assert train["Global"]["eval_interval"] == 30 and "start_eval_epoch" not in train["Global"]
    evaluated = train["DataLoader"]["Eval"]["dataset"]
    assert evaluated["name"] == "ImageNetDataset" and "delimiter" not in evaluated
    assert test["DataLoader"]["Eval"]["dataset"]["delimiter"] == "\t"


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


def test_classes_that_no_seed_holds_out_are_named(base, data, tmp_path):
    """One of a single image, and one of two where the seeds hold out the later folds alone."""
    kept, seen = [], {}
    for line in lines(data / "train.txt"):
        label = int(line.split()[1])
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= {8: 2, 9: 1}.get(label, 99):
            kept.append(line)
    (data / "tail.txt").write_text("\n".join(kept) + "\n")
    path = base(set_in("DataLoader", "Train", "dataset", "cls_label_path", value=str(data / "tail.txt")))
    for seeds, expected in (([0], [9]), ([2, 3], [8, 9]), ([3, 6], [9])):
        assert Settings(path, wanted=["ce"], seeds=seeds).unjudged.tolist() == expected
