"""``ppcls-lt compare --tune``: ranges in recipes' files, trials over results of no training, one for real."""

import argparse
import os
import re

import numpy as np
import pytest
import yaml

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import compare, tune_options
from ppcls_lt.commands.main import main
from ppcls_lt.configuration import reading, recipes
from ppcls_lt.configuration.recipes import ranges
from ppcls_lt.engine import recording
from ppcls_lt.jobs import outcome
from ppcls_lt.jobs.proposals import Proposals
from ppcls_lt.jobs.settings import Settings
from ppcls_lt.jobs.space import Space
from ppcls_lt.jobs.tuning import ROUND, Asked, Tuner
from ppcls_lt.reports.comparison import page, terminal
from ppcls_lt.reports.comparison.messages import ENGLISH

from . import commands, engines
from .comparisons import finished
from .conftest import hide

TIMES = {"times": [0.5, 2.0]}
OWN = {
    "config": {"Loss": {"Train": [{"FocalLoss": {"weight": 1.0, "gamma": 1.0}}]}},
    "tune": {"Loss.Train.FocalLoss.gamma": {"low": 0.5, "high": 4.0}, "Optimizer.lr.learning_rate": TIMES},
}
GAMMA, RATE = OWN["tune"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    pytest.importorskip("optuna")
    folder = tmp_path_factory.mktemp("tuning")
    config = engines.packaged("ce", engines.write_digits(folder / "digits"), folder / "out", epochs=2)
    engines.write_yaml(config, folder / "base.yaml")
    (folder / "own.yaml").write_text(yaml.safe_dump(OWN))
    return folder


def compared(place, folder, trials=6, names=("own",), seeds=(0, 1), **more):
    """A comparison in a folder whose runs are finished, and its tuner."""
    wanted = [place / "own.yaml", "ldam"]
    settings = Settings(place / "base.yaml", wanted=map(str, wanted), folder=folder, seeds=seeds, **more)
    settings.prepare()
    Trained()([job for job in settings.jobs if not job.complete])
    return settings, Tuner(settings, Asked(names, trials), False)


class Trained:
    """Finishes runs without a training, better the nearer gamma is to 3; or is interrupted, or fails at one."""

    def __init__(self, kill_at=None, fails=()):
        self.kill_at, self.fails, self.done = kill_at, fails, []

    def __call__(self, tasks):
        for job in tasks:
            if len(self.done) == self.kill_at:
                raise KeyboardInterrupt
            self.done.append(job.called(ENGLISH))
            gamma = ranges.at(yaml.safe_load((job.folder / "train.yaml").read_text()), GAMMA)
            if job.recipe not in self.fails:
                finished(job, right=0.3 if gamma is None else 1 - 0.3 * abs(gamma - 3), images=20)


def few(place):
    """A list with two images of the last class, which the first two folds hold out."""
    path = place / "few.txt"
    listed = (place / "digits/train.txt").read_text().splitlines()
    last = [each for each in listed if each.endswith(" 9")][:2]
    path.write_text("\n".join([*(each for each in listed if not each.endswith(" 9")), *last]) + "\n")
    return path


def proposed(folder):
    return {path.name: yaml.safe_load(path.read_text())["values"] for path in folder.glob("tuning/*.trial_*.yaml")}


def lines(settings, tuner):
    found = outcome.gather(settings, "ppcls-lt compare", [], outcome.choose(settings), tuned=tuner.found)
    return re.sub(r"\s+", " ", terminal.text(found)), found


class TestFiles:
    def test_every_recipe_says_what_may_be_tuned_and_its_own_values_are_within(self):
        base = yaml.safe_load(reading.find("digits/ce.yaml").read_text())
        for recipe in map(recipes.read, recipes.names()):
            space = Space.of(recipe, recipes.laid(base, recipe))
            assert "Optimizer.lr.learning_rate" in space.ranges
            for part in recipe.parts:
                for path, each in part.tune.items():
                    assert each.times or each.low <= ranges.at(part.config, path) <= each.high

    @pytest.mark.parametrize(
        "change, said",
        [
            ({"tune": []}, "`tune` must be a map of entries"),
            ({"tune": {"a..b": {"low": 1, "high": 2}}}, "`tune` must be a map of entries"),
            ({"tune": {"a": {"low": 1}}}, "`tune.a` must be a map of `low` and `high`"),
            ({"tune": {"a": {"low": 2, "high": 1}}}, "`tune.a.high` must be a finite number > 2"),
            ({"tune": {"a": {"low": 0, "high": 1, "scale": "log"}}}, "`tune.a.low` must be a finite number > 0"),
            (
                {"tune": {"a": {"low": 0, "high": 1, "scale": "complement"}}},
                "`tune.a.high` must be a finite number < 1",
            ),
            ({"tune": {"a": {"low": 0, "high": 1, "scale": "logg"}}}, "did you mean 'log'?"),
            ({"tune": {"a": {"low": 0, "high": 1, "step": 2}}}, "unknown key 'step'"),
            ({"tune": {"a": {"times": [2, 3]}}}, "`tune.a.times` must be a finite number > 0 and <= 1"),
            ({"tune": {"a": {"times": 3}}}, "`tune.a` must be a map of `low` and `high`"),
            ({"parts": ["ldam"], "config": None, "tune": {"a": TIMES}}, "`tune` must be in a file with a config"),
            ({"values": {"a": 1}}, "`values` must be in a file with parts"),
            ({"parts": ["ldam"], "values": {"a": "b"}}, "`values.a` must be a finite number"),
        ],
    )
    def test_what_is_wrong_is_told(self, change, said, tmp_path):
        content = {key: value for key, value in {**OWN, **change}.items() if value is not None}
        (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(content))
        with pytest.raises(ConfigError, match=re.escape(said)):
            recipes.read(str(tmp_path / "wrong.yaml"))

    def test_the_values_of_a_tuned_file_stand_where_its_parts_have_them(self, tmp_path):
        values = {
            "Loss.Train.LDAMLoss.s": 20.0,
            "Optimizer.lr.learning_rate": 0.2,
            "Callbacks.DeferredReweighting.start": 0.7,
        }
        (tmp_path / "tuned.yaml").write_text(yaml.safe_dump({"parts": ["ldam_drw"], "values": values}))
        base = yaml.safe_load(reading.find("digits/ce.yaml").read_text())
        found, before = (recipes.laid(base, recipes.read(each)) for each in (str(tmp_path / "tuned.yaml"), "ldam_drw"))
        for path, value in values.items():
            assert ranges.at(before, path) != value
            before = ranges.put(before, path, value)
        assert found == before
        # With another recipe it combines as what it was made of.
        assert {part.name for part in recipes.read(f"{tmp_path / 'tuned.yaml'}+mixup").parts} > {"ldam", "drw", "mixup"}

    def test_the_part_that_sets_an_entry_decides_its_range(self):
        recipe = recipes.read("ldam+wd_5e-4")
        base = yaml.safe_load(reading.find("digits/ce.yaml").read_text())
        space = Space.of(recipe, recipes.laid(base, recipe))
        assert space.ranges["Optimizer.regularizer.coeff"] == ranges.Range(1e-5, 1e-2, "log")
        assert "Optimizer.weight_decay" not in space.ranges  # nothing is there

    def test_show_says_the_ranges(self, capsys):
        assert main(["recipes", "show", "cb_ce", "-c", "digits/ce.yaml"]) == 0
        said = capsys.readouterr().out
        assert "may tune Loss.Train.ClassBalancedLoss.beta: 0.9 to 0.99999, by the logarithm of 1 - value" in said
        assert "may tune Optimizer.lr.learning_rate: 0.25 to 4 times what the configuration has" in said
        lines = said.splitlines()
        first = next(number for number, line in enumerate(lines) if "may tune" in line)
        assert first > lines.index("replaces there:")  # first what is done, then what might be

    @pytest.mark.parametrize("name", ["Momentum", "AdamW"])
    def test_show_says_those_alone_that_the_base_has(self, name, tmp_path, capsys):
        base = yaml.safe_load(reading.find("digits/ce.yaml").read_text())
        if name == "AdamW":
            base["Optimizer"] = {"name": name, "lr": base["Optimizer"]["lr"], "weight_decay": 0.05}
        (tmp_path / "base.yaml").write_text(yaml.safe_dump(base))
        assert main(["recipes", "show", "ldam+cosine", "-c", str(tmp_path / "base.yaml")]) == 0
        said = capsys.readouterr().out
        assert ("may tune Optimizer.weight_decay" in said) == (name == "AdamW")
        assert ("may tune Optimizer.regularizer.coeff" in said) == (name == "Momentum")
        recipe = recipes.read("ldam+cosine")
        assert said.count(" may tune ") == len(Space.of(recipe, recipes.laid(base, recipe)).ranges)
        # One entry of two parts has the range that decides, once.
        assert main(["recipes", "show", "ldam+wd_5e-4", "-c", "digits/ce.yaml"]) == 0
        said = capsys.readouterr().out
        assert said.count("may tune Optimizer.regularizer.coeff") == 1
        assert "wd_5e-4 may tune Optimizer.regularizer.coeff: 1e-05 to 0.01, by its logarithm" in said

    def test_show_says_what_cannot_be_tuned(self, tmp_path, capsys):
        own = {"summary": "own", "source": "none", "kind": "loss", "config": {"Loss": {"Train": [{"FocalLoss": None}]}}}
        (tmp_path / "own.yaml").write_text(yaml.safe_dump({**own, "tune": {"Arch.depth": {"low": 1, "high": 2}}}))
        assert main(["recipes", "show", str(tmp_path / "own.yaml"), "-c", "digits/ce.yaml"]) == 0
        assert "may not be tuned there: recipe " in capsys.readouterr().out


@pytest.fixture(scope="module")
def tuned(place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    settings, tuner = compared(place, folder)
    do = Trained()
    tuner.work(do, print)
    return folder, settings, tuner, do


def test_proposals_follow_from_the_scores_of_one_judgement_alone(place, tmp_path):
    """Not from what the journal was told, which may be of other candidates, seeds or another measure."""
    recipe = recipes.read(str(place / "own.yaml"))
    space = Space.of(recipe, recipes.laid(yaml.safe_load((place / "base.yaml").read_text()), recipe))
    scores = {0: 0.5, 1: 0.4, 2: 0.6, 3: 0.7, 4: 0.65}

    def seventh(name, told, scores):
        proposals = Proposals(tmp_path / name, "own", space)
        proposals.params(range(1, 5), {0: 0.5})
        proposals.tell(told)
        again = Proposals(tmp_path / name, "own", space)
        first = again.params(range(5, 8), scores)
        assert Proposals(tmp_path / name, "own", space).params(range(5, 8), {}) == first
        return first[-1]

    plain = seventh("a", {}, scores)
    assert seventh("b", {0: 100.0, 3: -100.0}, scores) == plain
    assert seventh("c", {}, {**scores, 3: -1.0, 0: 2.0}) != plain


@pytest.mark.slow
class TestTrials:
    def test_the_best_is_a_candidate_whose_runs_are_there_and_a_file_that_trains_so(self, tuned):
        folder, settings, tuner, do = tuned
        [found] = tuner.found
        assert len(do.done) == 6 * 2 + 2 * 2 and len(set(do.done)) == 6 * 2 + 2 * 2
        assert (found.recipe, found.name, found.trials) == ("own", "own_tuned", 6)
        gammas = {int(name[-8:-5]): values[GAMMA] for name, values in proposed(folder).items()}
        assert abs(found.values[GAMMA][1] - 3) == min(abs(gamma - 3) for gamma in gammas.values())
        assert found.trial == min(gammas, key=lambda number: abs(gammas[number] - 3))
        jobs = [job for job in settings.jobs if job.recipe == "own_tuned"]
        assert [job.folder.parent.name for job in jobs] == [f"own.trial_{found.trial:03}"] * 2
        assert all(job.complete for job in jobs)
        laid = recipes.laid(settings.base, recipes.read(str(folder / "tuned" / "own_tuned.yaml")))
        assert laid == settings.configs.merged("own_tuned")
        assert {path: ranges.at(laid, path) for path in (GAMMA, RATE)} == {
            path: new for path, (_, new) in found.values.items()
        }

    def test_it_is_judged_on_folds_that_chose_nothing_and_that_is_told(self, tuned):
        folder, settings, tuner, _ = tuned
        [found] = tuner.found
        assert found.seeds == [2, 3] and found.fresh is not None
        for name in ("own", f"own.trial_{found.trial:03}"):
            train = yaml.safe_load((folder / "tuning" / "fresh" / name / "seed_2" / "train.yaml").read_text())
            assert train["DataLoader"]["Eval"]["dataset"]["cls_label_path"].endswith("partition_0_fold_2_val.txt")
        text, result = lines(settings, tuner)
        assert result.choice.chosen == "own_tuned"
        assert "own_tuned is the best of 6 trials on the images by which it is judged here" in text
        assert "On folds that chose nothing (seeds 2, 3): +" in text and f"trial {found.trial} of 6" in text
        assert {each.job.recipe for each in outcome.tests(settings, result, False)} == {"base", "own", "own_tuned"}
        html = page.page(result, {}, "pictures", "zh")
        assert "调参" in html and "在未参与选择的折上" in html

    def test_interrupted_it_goes_on_and_proposes_the_same(self, place, tuned, tmp_path):
        _, tuner = compared(place, tmp_path)
        first = Trained(kill_at=2 * ROUND + 1)
        with pytest.raises(KeyboardInterrupt):
            tuner.work(first, print)
        _, tuner = compared(place, tmp_path)
        second = Trained()
        tuner.work(second, print)
        assert first.done + second.done == tuned[3].done
        assert proposed(tmp_path) == proposed(tuned[0]) and tuner.found == tuned[2].found

    def test_more_trials_go_on_from_those_there(self, place, tuned, tmp_path):
        _, tuner = compared(place, tmp_path, trials=ROUND)
        tuner.work(Trained(), print)
        before = proposed(tmp_path)
        _, tuner = compared(place, tmp_path)
        tuner.work(Trained(), print)
        assert before.items() < proposed(tmp_path).items() and proposed(tmp_path) == proposed(tuned[0])

    def test_a_trial_that_fails_is_left_out_and_tried_again(self, place, tuned, tmp_path):
        best = f"own.trial_{tuned[2].found[0].trial:03}"
        _, tuner = compared(place, tmp_path)
        tuner.work(Trained(fails=[best]), print)
        assert tuner.found[0].trials == 5 and tuner.found[0].trial != tuned[2].found[0].trial
        _, tuner = compared(place, tmp_path)
        again = Trained()
        tuner.work(again, print)
        assert again.done[:2] == [f"{best}, seed 0", f"{best}, seed 1"] and tuner.found[0].trials == 6

    def test_seeds_of_a_later_division_leave_its_other_folds(self, place, tmp_path):
        _, tuner = compared(place, tmp_path, trials=2, seeds=(5, 7))
        tuner.work(Trained(), print)
        assert tuner.found[0].seeds == [6, 8] and tuner.found[0].fresh is not None

    def test_trials_are_not_compared_with_runs_of_another_version(self, place, tmp_path):
        settings, tuner = compared(place, tmp_path, trials=2)
        older = {**recording.versions(), "ppcls_lt": "0.0.1"}
        for job in settings.jobs:
            finished(job, right=0.5, images=20, versions=older)
        do = Trained()
        with pytest.raises(ConfigError, match=r"2 by others: own, seed 0, by .*0\.0\.1"):
            tuner.work(do, print)
        assert not do.done

    def test_best_is_what_the_held_out_images_put_first(self, place, tmp_path):
        _, tuner = compared(place, tmp_path, trials=1, names=("best",))
        said = []
        tuner.work(Trained(), said.append)
        assert said[0].startswith("the best of the recipes that can be tuned is own: own, ")
        assert [found.recipe for found in tuner.found] == ["own"]

    def test_values_that_are_no_better_leave_the_recipe_as_it_is(self, place, tmp_path):
        settings, tuner = compared(place, tmp_path, trials=1, names=("ldam",))

        def worse(tasks):
            for job in tasks:
                finished(job, right=0.0, images=20)

        tuner.work(worse, print)
        assert tuner.found[0].name is None and not settings.tuned and not (tmp_path / "tuned").exists()
        assert "ldam: none of 1 trials is above its own values." in lines(settings, tuner)[0]

    def test_with_all_folds_used_no_image_is_left_and_that_is_told(self, place, tmp_path):
        settings, tuner = compared(place, tmp_path, folds=2)
        tuner.work(Trained(), print)
        assert tuner.found[0].fresh is None
        assert "No images are left to judge it by that chose nothing." in lines(settings, tuner)[0]

    def test_a_failure_on_the_folds_that_chose_nothing_is_told(self, place, tuned, tmp_path):
        settings, tuner = compared(place, tmp_path)
        trained = Trained()

        def do(tasks):
            trained([job for job in tasks if "fresh" not in job.folder.parts])

        tuner.work(do, print)
        text = lines(settings, tuner)[0]
        assert "On folds that chose nothing (seeds 2, 3) it was not judged: a run failed" in text
        assert "No images are left" not in text

    def test_classes_that_those_folds_lack_are_told(self, place, tuned, tmp_path):
        settings, tuner = compared(place, tmp_path, overrides=[f"DataLoader.Train.dataset.cls_label_path={few(place)}"])
        tuner.work(Trained(), print)
        assert tuner.found[0].lacks == [9]
        assert "Those folds hold out no image of class 9, so that gain leaves it out." in lines(settings, tuner)[0]

    def test_folds_without_an_image_that_is_ranked_by_judge_nothing(self, place, tuned, tmp_path):
        given = {"overrides": [f"DataLoader.Train.dataset.cls_label_path={few(place)}"], "thresholds": (20, 3)}
        settings, tuner = compared(place, tmp_path, rank_by="few", **given)
        tuner.work(Trained(), print)
        assert tuner.found[0].seeds == [] and "No images are left to judge it by" in lines(settings, tuner)[0]

    def test_best_needs_a_recipe_with_ranges_and_the_names_of_what_is_tuned(self, place, tmp_path):
        fixed = {"config": OWN["config"]}
        for name in ("fixed", "own_tuned"):
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(fixed))

        def tuner(*wanted):
            settings = Settings(place / "base.yaml", wanted=map(str, wanted), folder=tmp_path / "out")
            settings.prepare(begin=False)
            return Tuner(settings, Asked(("best",), 1), False)

        with pytest.raises(ConfigError, match="`--tune` must be used with recipes that have a .* got best of fixed"):
            tuner(tmp_path / "fixed.yaml")
        with pytest.raises(ConfigError, match="`--recipes` must be other recipes, got own_tuned"):
            tuner(place / "own.yaml", tmp_path / "own_tuned.yaml")

    def test_other_ranges_in_the_same_folder_are_refused(self, place, tmp_path):
        _, tuner = compared(place, tmp_path, trials=1)
        tuner.work(Trained(), print)
        path = tmp_path / "tuning" / "own.space.yaml"
        path.write_text(path.read_text().replace("high: 4.0", "high: 5.0"))
        with pytest.raises(ConfigError, match="trials of own in other ranges"):
            tuner.work(Trained(), print)

    @pytest.mark.parametrize(
        "name, said", [("base", "unknown recipe of the comparison 'base'"), ("ldm", r"did you mean 'ldam'\?")]
    )
    def test_a_recipe_that_is_not_compared_is_refused(self, place, tmp_path, name, said):
        with pytest.raises(ConfigError, match=said):
            compared(place, tmp_path, names=(name,))


class TestOptions:
    def parsed(self, *options):
        parser = argparse.ArgumentParser()
        compare.add_command(parser.add_subparsers())
        return parser.parse_args(["compare", "-c", "x.yaml", *options])

    @pytest.mark.parametrize(
        "options, said",
        [
            (["--trials", "3"], "`--trials` must be used with --tune"),
            (["--tune", "best", "--trials", "0"], "`--trials` must be an integer >= 1"),
            (["--tune", "ldam", "ldam"], "`--tune` must be different recipes"),
            (["--tune", "best", "--budget", "4h"], "`--tune` must be left out with --budget"),
        ],
    )
    def test_what_does_not_go_is_told(self, options, said):
        pytest.importorskip("optuna")
        with pytest.raises(ConfigError, match=said):
            tune_options.asked(self.parsed(*options))

    def test_without_optuna_one_line_says_what_to_install(self, monkeypatch):
        hide("optuna", monkeypatch)
        with pytest.raises(
            ConfigError, match=r"--tune needs Optuna; install it with `pip install \"ppcls-lt\[tune\]\"`"
        ):
            tune_options.asked(self.parsed("--tune", "best"))
        assert tune_options.asked(self.parsed()) is None


@pytest.mark.slow
def test_one_for_real_and_once_more(place):
    command = [
        "compare",
        "-c",
        "base.yaml",
        "--recipes",
        "own.yaml",
        "--epochs",
        "1",
        "--out",
        "real",
        "--adjust",
        "none",
    ]
    command += ["--folds", "3", "--tune", "own", "--trials", "1", "--jobs", "2"]
    # Optuna may lie on the path of this process alone.
    paths = os.pathsep.join([str(engines.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    done = commands.run(place, *command, environment=environment)
    assert done.returncode == 0, done.errors
    assert "own.trial_001, seed 0: done" in done.output and "test" in done.output
    values = yaml.safe_load((place / "real" / "tuning" / "own.trial_001.yaml").read_text())["values"]
    train = yaml.safe_load((place / "real" / "tuning" / "own.trial_001" / "seed_0" / "train.yaml").read_text())
    assert {path: ranges.at(train, path) for path in values} == values
    assert np.isfinite(list(values.values())).all()
    again = commands.run(place, *command, environment=environment)
    assert again.returncode == 0 and "done in" not in again.output
