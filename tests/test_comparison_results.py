"""What the runs of a comparison give: means and spreads over seeds, ranking, files."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.runs.results import MEASURES, Accuracies, Result, pairs, ranked, spread

from .comparisons import choice_of, make_run

SHARES = st.floats(0, 1)


def recipes(rows):
    return [row.recipe for row in rows]


class TestSpread:
    def test_is_the_sample_standard_deviation(self):
        assert spread([0.2, 0.4, 0.9]) == pytest.approx((0.5, math.sqrt((0.09 + 0.01 + 0.16) / 2)))

    def test_of_one_or_none_is_undefined(self):
        assert spread([0.3]) == pytest.approx((0.3, math.nan), nan_ok=True)
        assert np.isnan(spread([])).all()


class TestRanking:
    def test_looks_at_the_mean_on_validation_images_alone(self):
        runs = [
            make_run("base", 0, validation=0.5, test=0.9),
            make_run("ib", 0, validation=0.4, test=0.8),
            make_run("ib", 1, validation=0.7, test=0.1),
        ]
        assert recipes(ranked(runs, "balanced")) == ["ib", "base"]

    @pytest.mark.parametrize("measure", MEASURES)
    def test_by_the_measure_that_is_asked_for(self, measure):
        high = {**dict.fromkeys(MEASURES, 0.1), measure: 0.9}
        runs = [make_run("base", validation=0.5), make_run("ib", validation=high)]
        assert recipes(ranked(runs, measure))[0] == "ib"
        others = [name for name in MEASURES if name != measure]
        assert {recipes(ranked(runs, name))[0] for name in others} == {"base"}

    @given(st.lists(st.sampled_from([0.1, 0.2, 0.3, math.nan]), max_size=8))
    def test_equals_keep_their_order_and_undefined_comes_last(self, values):
        rows = ranked([make_run(f"r{i}", validation=value) for i, value in enumerate(values)], "few")
        wanted = [i for level in (0.3, 0.2, 0.1) for i, value in enumerate(values) if value == level]
        wanted += [i for i, value in enumerate(values) if math.isnan(value)]
        assert recipes(rows) == [f"r{i}" for i in wanted]

    @given(st.permutations(range(6)))
    def test_does_not_depend_on_the_order_of_seeds(self, order):
        values = {"base": 0.2, "ib": 0.3}
        runs = [make_run(r, seed, validation=0.1 * seed + value) for r, value in values.items() for seed in range(3)]
        rows = ranked([runs[i] for i in order], "overall")
        assert recipes(rows) == ["ib", "base"]
        assert [[run.seed for run in row.runs] for row in rows] == [[0, 1, 2]] * 2

    def test_of_nothing(self):
        assert ranked([], "few") == []

    def test_is_that_of_the_choice_and_what_it_does_not_judge_comes_last(self):
        runs = [make_run("base", validation=0.5), make_run("ib", validation=0.4), make_run("cut", validation=0.9)]
        choice = choice_of(runs[:2])
        rows = ranked(runs, "balanced", choice=choice)
        assert recipes(rows) == ["base", "ib", "cut"]
        assert rows[0].validation["few"] == pytest.approx(
            (choice.judgements["base"].scores["few"], math.nan), nan_ok=True
        )

    def test_recipes_that_were_not_tested_have_no_gain(self):
        runs = [make_run("base"), make_run("ib", test=math.nan), make_run("ib", 1)]
        tested = {row.recipe: (row.tested, row.gain) for row in ranked(runs, "few")}
        assert tested["ib"] == (False, {}) and tested["base"][0]


class TestGainAndWork:
    @given(st.lists(SHARES, min_size=3, max_size=3), st.lists(SHARES, min_size=3, max_size=3))
    def test_are_over_the_seeds_that_both_have(self, mine, base):
        runs = [make_run("base", seed, test=value, images=100) for seed, value in enumerate(base)]
        runs += [make_run("ib", seed + 1, test=value, images=133) for seed, value in enumerate(mine)]
        row = next(row for row in ranked(runs, "few") if row.recipe == "ib")
        gains = np.array(mine[:2]) - base[1:]
        assert row.gain["few"] == pytest.approx((gains.mean(), gains.std(ddof=1)))
        assert row.work == 1.33
        assert row.test["few"] == pytest.approx(spread(mine))

    def test_of_the_baseline_are_none_and_once(self):
        row = ranked([make_run("base", seed, test=0.1 * seed + 0.3) for seed in range(3)], "few")[0]
        assert row.gain == dict.fromkeys(MEASURES, (0, 0)) and row.work == 1

    @pytest.mark.parametrize("runs", [[make_run("ib")], [make_run("ib", 0), make_run("base", 1)]])
    def test_are_unknown_without_the_baseline_of_the_seed(self, runs):
        row = next(row for row in ranked(runs, "few") if row.recipe == "ib")
        assert row.gain == {} and np.isnan(row.work)

    def test_pairs_are_of_one_seed(self):
        mine, others = ([make_run("x", seed) for seed in seeds] for seeds in ([3, 1, 2], [2, 5, 3]))
        assert [(a.seed, b.seed) for a, b in pairs(mine, others)] == [(3, 3), (2, 2)]


class TestFiles:
    numbers = st.one_of(SHARES, st.just(math.nan))
    by_measure = st.fixed_dictionaries(dict.fromkeys(MEASURES, numbers))

    @given(
        validation=by_measure,
        test=by_measure,
        recall=st.lists(numbers, max_size=5),
        curve=st.lists(st.tuples(st.integers(1, 99), numbers), max_size=5),
    )
    def test_read_gives_what_was_written(self, tmp_path_factory, validation, test, recall, curve):
        path = tmp_path_factory.mktemp("run") / "result.json"
        run = make_run("mine/配方.yaml", 7, validation=validation, test=test, recall=recall, curve=curve)
        tested = Accuracies(run.test, run.recall)
        tested.write(path)
        assert repr(Accuracies.read(path)) == repr(tested) and "NaN" not in path.read_text()
        run.write(path)
        assert repr(Result.read(path).with_test(tested)) == repr(run)
        run = replace(run, test=dict.fromkeys(MEASURES, math.nan), recall=[])
        assert not Result.read(path).tested
        # As text, because NaN is not equal to itself.
        assert repr(Result.read(path)) == repr(run)
        assert "NaN" not in path.read_text()

    @pytest.mark.parametrize(
        "damage",
        [
            "cut",
            "empty",
            "list",
            "missing",
            "surplus",
            "curve",
            "validation",
            "text",
            "flag",
            "measure",
            "versions",
            "earlier",
        ],
    )
    def test_a_damaged_file(self, damage, tmp_path):
        path = tmp_path / "result.json"
        make_run().write(path)
        content = json.loads(path.read_text())
        changed = {
            "cut": path.read_text()[:100],
            "empty": "",
            "list": "[]",
            "missing": json.dumps({name: value for name, value in content.items() if name != "seed"}),
            "surplus": json.dumps({**content, "more": 1}),
            "curve": json.dumps({**content, "curve": [1, 2]}),
            "text": json.dumps({**content, "seconds": "20"}),
            "flag": json.dumps({**content, "epochs": True}),
            "measure": json.dumps({**content, "validation": {"overall": 0.5}}),
            "earlier": json.dumps({**content, "test": {"overall": 0.5}}),
            "versions": json.dumps({**content, "versions": "0.1.0"}),
            "validation": json.dumps({**content, "validation": None}),
        }
        path.write_text(changed[damage])
        with pytest.raises(ConfigError, match="result.json: must be what a run of ppcls-lt compare wrote, got: "):
            Result.read(path)

    def test_what_0_1_0_wrote_is_read(self, tmp_path):
        path = tmp_path / "result.json"
        make_run().write(path)
        content = json.loads(path.read_text())
        del content["images"], content["versions"]
        path.write_text(json.dumps(content))
        assert (Result.read(path, recipe="base").images, Result.read(path).versions) == (None, None)
        (row,) = ranked([Result.read(path)], "few")
        assert np.isnan(row.work)

    def test_a_file_is_replaced_whole(self, tmp_path):
        path = tmp_path / "result.json"
        run = make_run(seed=1)
        run.write(path)
        replace(run, seed=2).write(path)
        assert Result.read(path).seed == 2 and [each.name for each in tmp_path.iterdir()] == ["result.json"]
