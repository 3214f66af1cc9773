"""What a comparison says: choice and cautions, the table in a terminal, Markdown, CSV."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.reports.comparison import tables, texts, wording
from ppcls_lt.runs.results import MEASURES

from .comparisons import COMMAND, RECIPES, make_outcome, make_run, outcome_of
from .run_folders import column, rows


def two(gains, base=0.5, **other):
    """Plain cross entropy and a recipe that is better by these gains, one for each seed."""
    runs = [make_run("base", seed, validation=base, test=base) for seed in range(len(gains))]
    return runs + [
        make_run("ib", seed, validation=base + gain, test=base + gain, **other) for seed, gain in enumerate(gains)
    ]


def cautions(outcome):
    return wording.cautions(outcome, texts.EN)


class TestChoice:
    def test_in_words(self):
        found = " ".join(wording.choice(outcome_of(two([0.08, 0.1, 0.12])), texts.EN))
        assert "On the validation images ib has the highest few-shot accuracy, 60.0 ± 2.0 %." in found
        assert "against base: few-shot accuracy 50.0 % -> 60.0 %, +10.0 ± 2.0 points; many-shot +10.0 ± 2.0;" in found
        assert "trained on 1.00 times as many images." in found and "chosen on images that did not train" in found

    def test_levels_are_of_the_seeds_that_both_have(self):
        runs = [*two([0.1, 0.1]), make_run("ib", 2, validation=0.9, test=0.9)]
        assert "few-shot accuracy 50.0 % -> 60.0 %, +10.0 ± 0.0 points" in " ".join(
            wording.choice(outcome_of(runs), texts.EN)
        )

    def test_of_the_baseline(self):
        found = wording.choice(outcome_of(two([-0.1])), texts.EN)
        assert "base has the highest" in found[0] and found[1] == "No recipe is above base."

    def test_where_nothing_is_defined(self):
        outcome = outcome_of([make_run(validation=math.nan)])
        assert wording.chosen(outcome) is None
        (found,) = wording.choice(outcome, texts.EN)
        assert found == "No recipe is chosen: the few-shot accuracy on the validation images is undefined."

    def test_the_gain_of_groups_without_images_is_left_out(self):
        test = {**dict.fromkeys(MEASURES, 0.5), "few": math.nan, "many": math.nan}
        outcome = outcome_of([make_run("base", test=test), make_run("ib", validation=0.6, test=test)])
        found = wording.choice(outcome, texts.EN)[1]
        assert "against base: balanced accuracy 50.0 % -> 50.0 %, +0.0 points; trained" in found


class TestCautions:
    def test_none_for_a_clear_difference(self):
        assert cautions(outcome_of(two([0.08, 0.1, 0.12]))) == []

    def test_within_the_spread_of_the_paired_differences(self):
        found = cautions(outcome_of(two([0.3, -0.1])))
        assert len(found) == 2 and all("between ib and base" in each and "+10.0 ± 28.3" in each for each in found)
        assert "on the validation images" in found[0] and "on the test images" in found[1]

    def test_a_spread_that_both_share_is_none_of_their_difference(self):
        runs = [make_run("base", seed, validation=0.3 * seed, test=0.3 * seed) for seed in range(3)]
        runs += [make_run("ib", seed, validation=0.1 + 0.3 * seed, test=0.1 + 0.3 * seed) for seed in range(3)]
        assert cautions(outcome_of(runs)) == []

    def test_of_the_runner_up(self):
        runs = [*two([0.08, 0.1, 0.12])]
        runs += [make_run("crt", seed, validation=value, test=0.5) for seed, value in enumerate([0.6, 0.5, 0.65])]
        (found,) = cautions(outcome_of(runs))
        assert "between ib and crt in few-shot accuracy on the validation images, +1.7 ± 7.2 points, is within" in found

    def test_worse_than_the_baseline_on_test_images(self):
        runs = [make_run("base", seed, validation=0.5, test=0.5) for seed in range(2)]
        runs += [make_run("ib", seed, validation=0.6, test=0.4 + 0.01 * seed) for seed in range(2)]
        (found,) = cautions(outcome_of(runs))
        assert found == "In few-shot accuracy on the test images, ib is below base: -9.5 ± 0.7 points."

    def test_one_seed(self):
        (found,) = cautions(outcome_of(two([0.2])))
        assert found.startswith("One seed only")

    def test_several_recipes_that_one_seed_cannot_tell_apart(self):
        runs = [*two([0.2]), make_run("crt", validation=0.7, test=0.5), make_run("lws", validation=0.7, test=0.9)]
        equal, _ = cautions(outcome_of(runs))
        assert "ib is only the first of several recipes with the same few-shot accuracy" in equal
        assert equal.endswith("cannot tell it from crt, lws.")

    @pytest.mark.parametrize(
        "rank_by, told",
        [
            ("balanced", "the few-shot classes have 13 of them, the class with the fewest 4."),
            ("few", "the few-shot classes have 13 of them, the class with the fewest 4."),
            ("medium", "the medium-shot classes have 17 of them, the class with the fewest 8."),
            ("many", None),
            ("overall", None),
        ],
    )
    def test_few_validation_images_of_a_class_that_the_ranking_counts(self, rank_by, told):
        outcome = make_outcome(class_num=6, rank_by=rank_by, validation_counts=np.array([50, 10, 9, 8, 9, 4]))
        found = [each for each in cautions(outcome) if each.startswith("The choice rests on few validation images")]
        assert [told in each for each in found] == [True] if told else not found

    def test_no_common_seeds_no_baseline_and_runs_that_lack(self):
        outcome = make_outcome(recipes=["ib", "crt"], missing=[("base", 0)], failures=[("lws", 1, "")])
        found = " ".join(cautions(outcome))
        assert "gains are unknown" in found
        assert "Runs still missing: 1." in found and "Runs that failed: 1." in found
        runs = [make_run("base", 0), make_run("base", 1), make_run("ib", 1, validation=0.9)]
        found = " ".join(cautions(outcome_of(runs)))
        assert "Not every recipe has every seed" in found and "ib and base share one seed at most" in found


class TestText:
    def test_has_every_number(self):
        outcome = make_outcome(recipes=RECIPES)
        lines = tables.text(outcome, 160).splitlines()
        for rank, row in enumerate(outcome.rows, 1):
            (line,) = (each for each in lines if each.split()[:1] == [str(rank)])
            pairs = [row.validation["balanced"], *(row.test[name] for name in MEASURES)]
            wanted = [f"{100 * mean:.1f} ± {100 * spread:.1f}" for mean, spread in pairs]
            wanted += (
                ["-"] if row.recipe == "base" else [f"{100 * row.gain['few'][0]:+.1f} ± {100 * row.gain['few'][1]:.1f}"]
            )
            wanted.append(f"{row.work:.2f}x")
            assert re.split(" {2,}", line.strip())[2:] == wanted

    @pytest.mark.parametrize("width", [80, 90, 100, 120, 160])
    def test_fits(self, width):
        outcome = make_outcome(recipes=[*RECIPES, "配方/" * 30], rank_by="few")
        table = tables.text(outcome, width).split("\n\n")[1].splitlines()
        assert max(map(wording.columns, table)) <= width
        assert len({wording.columns(line) for line in table[2:]}) == 1  # flush right
        assert ("±" in table[2]) == (width > 100)

    def test_without_spread_of_one_seed(self):
        text = tables.text(make_outcome(seeds=[3]), 200)
        assert "±" not in text and "seeds 3" in text

    def test_failures_and_missing_runs(self):
        outcome = make_outcome(
            failures=[("ib", 1, "ended with status 137\nkilled"), ("lws", None, "no Linear")],
            missing=[("crt", 0), ("crt", 2)],
        )
        text = tables.text(outcome, 100)
        assert "Failed runs:\n  ib, seed 1: ended with status 137 killed\n  lws: no Linear" in text
        assert "Runs still missing:\n  crt: seeds 0, 2" in text

    def test_the_number_of_seeds_where_it_differs(self):
        head = tables.text(outcome_of([*two([0.1, 0.2]), make_run("crt", 1)]), 100).split("\n\n")[1].splitlines()[1]
        assert "seeds" in head
        assert "seeds" not in tables.text(make_outcome(), 100).split("\n\n")[1]


@given(st.text(max_size=60), st.integers(12, 40))
def test_shortened_names_fit_on_one_line(name, width):
    short = wording.shortened(name, width)
    assert wording.columns(short) <= width and short.isprintable()
    if wording.columns(name) <= width and name.isprintable():
        assert short == name


def cells(line):
    """The cells of a row of Markdown; what is escaped divides none."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


class TestMarkdown:
    def test_has_everything(self):
        outcome = make_outcome(thresholds=(100, 20))
        page = tables.markdown(outcome)
        ranked_rows = [cells(line) for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
        wanted = ["base (baseline)" if row.recipe == "base" else row.recipe for row in outcome.rows]
        assert [row[1] for row in ranked_rows] == wanted
        for text in (
            "# Comparison of recipes: digits/ce.yaml",
            "CIFARResNet8, 30 epochs, seeds 0, 1, 2.",
            COMMAND,
            "| training | train.txt | 1,234 |",
            "many has more than 100 images, few has less than 20",
            "10 classes.",
        ):
            assert text in page
        for name, members in outcome.groups.items():
            numbers = len(members), f"{outcome.counts[members].sum():,}", 10 * len(members), 10
            assert f"| {name} | {' | '.join(map(str, numbers))} |" in page

    def test_names_and_reasons_are_text(self):
        name = "a|b `c` <script>alert(1)</script> *d* [e](http://f) _g_ h_i\n|j"
        outcome = make_outcome(recipes=["base", name], seeds=[0], failures=[(name, 0, name)], command="x ```\n# y")
        page = tables.markdown(outcome)
        assert "<script" not in page and "`c`" not in page and "*d*" not in page and "[e]" not in page
        assert "_g_" not in page and "h_i" in page
        for line in page.splitlines():
            if re.match(r"\| \d+ \|", line):
                assert len(cells(line)) == 10
        assert page.endswith("````sh\nx ```\n# y\n````\n")


class TestCsv:
    def test_a_row_for_each_recipe(self, tmp_path):
        outcome = make_outcome()
        (tmp_path / "x.csv").write_bytes(tables.csv(outcome))
        table = rows(tmp_path / "x.csv")
        assert [row["recipe"] for row in table] == [row.recipe for row in outcome.rows]
        for kind in ("validation", "test", "gain"):
            for name in MEASURES:
                wanted = np.array([getattr(row, kind)[name] for row in outcome.rows])
                np.testing.assert_allclose(column(table, f"{kind}_{name}"), wanted[:, 0], rtol=1e-5, atol=1e-12)
                np.testing.assert_allclose(column(table, f"{kind}_{name}_spread"), wanted[:, 1], rtol=1e-5, atol=1e-12)
        assert column(table, "work") == pytest.approx([row.work for row in outcome.rows], rel=1e-5)
        assert column(table, "rank").tolist() == list(range(1, 9)) and {row["seeds"] for row in table} == {"3"}

    @pytest.mark.parametrize("class_num", [100, 101])
    def test_a_row_for_each_run(self, class_num, tmp_path):
        outcome = make_outcome(class_num, recipes=["base", 'a,"b"\n'])
        (tmp_path / "x.csv").write_bytes(tables.runs_csv(outcome))
        table = rows(tmp_path / "x.csv")
        runs = [run for row in outcome.rows for run in row.runs]
        assert [(row["recipe"], int(row["seed"])) for row in table] == [(run.recipe, run.seed) for run in runs]
        assert column(table, "test_few") == pytest.approx([run.test["few"] for run in runs], rel=1e-5)
        assert column(table, "seconds") == pytest.approx([run.seconds for run in runs], rel=1e-5)
        assert sum(name.startswith("recall_") for name in table[0]) == (class_num if class_num <= 100 else 0)
        if class_num <= 100:
            assert column(table, "recall_7") == pytest.approx([run.recall[7] for run in runs], rel=1e-5)

    def test_what_is_undefined_is_empty(self, tmp_path):
        (tmp_path / "x.csv").write_bytes(tables.csv(make_outcome(2, recipes=["ib"], seeds=[0])))
        (row,) = rows(tmp_path / "x.csv")
        assert {row[key] for key in ("test_many", "test_balanced_spread", "gain_few", "work")} == {""}
