"""What a comparison is told: lists and configurations of its runs."""

import re
import shlex
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import comparing
from ppcls_lt.configuration import held_out, recipes, schedules, stages
from ppcls_lt.configuration import reading as configuration
from ppcls_lt.data.counts import count_label_list
from ppcls_lt.data.groups import shot_groups
from ppcls_lt.engine import recording, trainer
from ppcls_lt.jobs import kept, outcome
from ppcls_lt.jobs.job import HELD_OUT, LOGITS, TEST, TRAIN
from ppcls_lt.jobs.lists import positions
from ppcls_lt.jobs.settings import Settings
from ppcls_lt.reports.comparison import tables, terminal
from ppcls_lt.reports.comparison.messages import WORDS
from ppcls_lt.runs import logits

from .comparisons import begun_by, finish, lines, listed, make_run, set_in

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


def test_each_seed_holds_out_another_part_and_none_is_tested_on(base, digits, tmp_path):
    settings = Settings(base(), wanted=["ldam"], seeds=[3, 1, 5], folds=4)
    settings.prepare()
    whole, counts = lines(digits / "train.txt"), count_label_list(digits / "train.txt", owner="test")
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
        assert listed(train, "Eval") == listed(held_out, "Eval") and listed(test, "Eval") == digits / "test.txt"
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


def test_how_many_images_a_fold_holds_out_is_said(base, digits, tmp_path):
    def said(**options):
        return list(comparing._held_out(Settings(base(), wanted=["ldam"], **options), WORDS["en"]))

    counts = count_label_list(digits / "train.txt", owner="test")
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
    assert said(val_list=digits / "val.txt") == []


def test_images_are_numbered_by_their_first_line():
    assert positions(["a", "b", "a", "c"], ["c", "a", "a"]).tolist() == [3, 0, 0]


def test_each_stage_is_evaluated_once_at_its_end(base):
    settings = Settings(base(), wanted=["crt"], epochs=12)
    settings.prepare()
    (job,) = (job for job in settings.jobs if job.recipe == "crt")
    plan = stages.plan(yaml.safe_load((job.folder / TRAIN).read_text()))
    assert [stage["Global"]["eval_interval"] for stage in plan] == [stage["Global"]["epochs"] for stage in plan]
    assert len({stage["Global"]["epochs"] for stage in plan}) == 2


def test_a_list_of_ones_own_is_held_out_by_every_seed(base, digits):
    settings = Settings(base(), wanted=["ce"], val_list=str(digits / "val.txt"), seeds=[0, 7], choose_epoch=True)
    settings.prepare()
    assert {job.listed for job in settings.jobs} == {str(digits / "val.txt")} and settings.folds is None
    assert settings.validation_counts.tolist() == count_label_list(digits / "val.txt", owner="test").tolist()
    train = yaml.safe_load((settings.jobs[1].folder / TRAIN).read_text())
    assert train["Global"]["best_metric"] == "balanced" and train["Global"]["eval_interval"] == 1
    train = yaml.safe_load((settings.jobs[0].folder / TRAIN).read_text())
    assert train["DataLoader"]["Train"]["dataset"]["cls_label_path"] == str(digits / "train.txt")
    assert train["DataLoader"]["Eval"]["dataset"]["cls_label_path"] == str(digits / "val.txt")
    assert settings.lists["validation"] == (str(digits / "val.txt"), len(lines(digits / "val.txt")))
    best = settings.configs.best("ce", settings.folder / "best", 0)
    (stage,) = trainer.checked_plan(best, "train")
    assert stage["DataLoader"]["Eval"]["dataset"]["cls_label_path"] == str(digits / "val.txt")
    assert {key: stage["Global"][key] for key in ("eval_during_train", "eval_interval", "best_metric")} == {
        "eval_during_train": True,
        "eval_interval": 1,
        "best_metric": "balanced",
    }
    # A later evaluation on the test list is one of test images.
    assert held_out.judges(best)
    best["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(digits / "test.txt")
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


def test_other_settings_in_the_same_folder_are_refused_and_more_runs_are_not(base, digits, tmp_path):
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
    original = (digits / "test.txt").read_bytes()
    try:
        (digits / "test.txt").write_bytes(original[: len(original) // 2].rsplit(b"\n", 1)[0] + b"\n")
        with pytest.raises(ConfigError, match="holds runs on lists of other images"):
            Settings(path, wanted=["ldam"]).prepare()
    finally:
        (digits / "test.txt").write_bytes(original)


def test_what_was_prepared_and_not_begun_binds_nobody(base, digits, tmp_path):
    """As after Ctrl-C at the first line, to give another list or number of epochs."""
    Settings(base(), wanted=["ldam"], epochs=3).prepare()
    fewer = tmp_path / "fewer.txt"
    fewer.write_text("".join(f"{line}\n" for line in lines(digits / "train.txt")[::2]))
    path = base(set_in("DataLoader", "Train", "dataset", "cls_label_path", value=str(fewer)))
    settings = Settings(path, wanted=["ldam"])
    settings.prepare()
    for job in settings.jobs:
        train = yaml.safe_load((job.folder / TRAIN).read_text())
        assert train["Global"]["epochs"] == 30
        assert len(lines(listed(train, "Train"))) < len(lines(fewer))
    settings.take_back()


def test_a_dry_run_changes_nothing_that_was_prepared(base, digits, tmp_path):
    Settings(base(), wanted=["ldam"], epochs=3).prepare()
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    settings = Settings(base(), wanted=["ldam"], epochs=4, folds=4, scratch=tmp_path / "scratch")
    settings.prepare(begin=False)
    settings.take_back()
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def smoothed(config):
    """A base whose own loss no recipe may drop without a word."""
    config["Loss"]["Train"] = [{"CELoss": {"weight": 1.0, "epsilon": 0.1}}]


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


def test_the_command_that_adjusts_chooses_as_the_comparison_did(base, digits, tmp_path):
    """What ranks, the groups, and a class that its list does not have."""
    listed = lines(digits / "train.txt")
    last = [line for line in listed if line.endswith(" 9")]  # of which one is left, which no fold holds out
    (digits / "one.txt").write_text("\n".join(line for line in listed if line not in last[1:]) + "\n")
    short = set_in("DataLoader", "Train", "dataset", "cls_label_path", value=str(digits / "one.txt"))
    for number, (change, options, expected) in enumerate(
        [
            ([], {}, []),
            ([], {"rank_by": "overall"}, ["--rank-by", "overall"]),
            ([], {"rank_by": "few", "thresholds": (60, 10)}, ["--rank-by", "few"]),
            ([], {"rank_by": "many", "thresholds": (80, 10)}, ["--rank-by", "many"]),
            ([], {"rank_by": "few", "thresholds": "tertiles"}, ["--rank-by", "few"]),
            ([short], {}, ["--allow-missing"]),
        ]
    ):
        folder = tmp_path / f"compared {number}"
        settings = Settings(base(*change), wanted=["ce"], folder=folder, folds=2, **options)
        settings.folder.mkdir()
        chosen = SimpleNamespace(recipe="ce+tau_norm", trained="ce", adjustment={"method": "tau_norm"})
        said = outcome.write_best(settings, SimpleNamespace(chosen=chosen))
        (command,) = re.findall(r"`ppcls-lt (adjust [^`]*)`", said)
        flags = ["--run", str(settings.folder / "best"), "--methods", "tau_norm", *expected]
        assert shlex.split(command) == ["adjust", *flags]
        # Whose groups are those that the file states.
        best = yaml.safe_load((settings.folder / "best.yaml").read_text())
        thresholds, grouping = configuration.stated_groups(best, settings.counts // 2)
        assert {name: list(classes) for name, classes in shot_groups(grouping, thresholds, owner="").items()} == {
            name: list(classes) for name, classes in settings.groups.items()
        }


def test_what_was_chosen_is_evaluated_at_its_end_whatever_the_base_does(base):
    for evaluated in (True, False):
        settings = Settings(base(set_in("Global", "eval_during_train", value=evaluated)), wanted=["ldam"])
        section = settings.configs.best("ldam", settings.folder / "best", 0)["Global"]
        assert (section["eval_during_train"], section["eval_interval"]) == (True, section["epochs"])


def test_a_recipe_that_changes_nothing_is_the_base_and_not_trained_again(base):
    settings = Settings(base(), wanted=["ce", "ldam"])
    settings.prepare()
    assert (list(settings.plans), settings.same) == (["base", "ldam"], ["ce"])
    finish(settings.jobs[0])
    found = outcome.gather(settings, "", [], outcome.choose(settings))
    assert "Not trained a second time, since it changes nothing in base: ce." in terminal.text(found, 200)


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


def test_runs_that_are_not_compared_now_are_told(base):
    settings = Settings(base(), wanted=["cs_ce", "ldam"])
    settings.prepare()
    assert kept.others(settings.folder, settings.recipes) == []
    assert kept.others(settings.folder, ["base", "ldam"]) == ["cs_ce"]


def test_the_end_is_evaluated_and_each_data_set_keeps_its_reader(base, digits):
    def change(config):
        config["Global"].update(eval_interval=7, start_eval_epoch=20)
        config["DataLoader"]["Train"]["dataset"]["name"] = "MultiScaleDataset"
        config["DataLoader"]["Eval"]["dataset"]["delimiter"] = "\t"
        config["Metric"] = None
        tabs = (digits / "test.txt").read_text().replace(" ", "\t")
        (digits / "tabs.txt").write_text(tabs)
        config["DataLoader"]["Eval"]["dataset"]["cls_label_path"] = str(digits / "tabs.txt")

    settings = Settings(base(change), wanted=["ce"], rank_by="overall")
    settings.prepare()
    train, test = (yaml.safe_load((settings.jobs[0].folder / name).read_text()) for name in (TRAIN, TEST))
    assert train["Global"]["eval_interval"] == 30 and "start_eval_epoch" not in train["Global"]
    evaluated = train["DataLoader"]["Eval"]["dataset"]
    assert evaluated["name"] == "ImageNetDataset" and "delimiter" not in evaluated
    assert test["DataLoader"]["Eval"]["dataset"]["delimiter"] == "\t"


def test_classes_that_no_seed_holds_out_are_named(base, digits, tmp_path):
    """One of a single image, and one of two where the seeds hold out the later folds alone."""
    kept, seen = [], {}
    for line in lines(digits / "train.txt"):
        label = int(line.split()[1])
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= {8: 2, 9: 1}.get(label, 99):
            kept.append(line)
    (digits / "tail.txt").write_text("\n".join(kept) + "\n")
    path = base(set_in("DataLoader", "Train", "dataset", "cls_label_path", value=str(digits / "tail.txt")))
    for seeds, expected in (([0], [9]), ([2, 3], [8, 9]), ([3, 6], [9])):
        assert Settings(path, wanted=["ce"], seeds=seeds).unjudged.tolist() == expected
