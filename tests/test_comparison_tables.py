"""What a comparison says: answer and cautions, the table in a terminal, Markdown, CSV."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.basis import widths
from ppcls_lt.reports.comparison import spreadsheets, tables, terminal, texts, wording
from ppcls_lt.runs.results import MEASURES, Accuracies

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


def answer(runs, **facts):
    return " ".join(wording.answer(outcome_of(runs, **facts), texts.EN))


class TestAnswer:
    def test_of_a_recipe_that_is_better(self):
        found = answer(two([0.08, 0.1, 0.12]))
        assert found.startswith(
            "Take ib. On images that did not train it, its few-shot accuracy is 60.0 %; that of base, your "
            "configuration as it is, is 50.0 %. The gain is +10.0 points, and with 90 % confidence +7.0 to +13.0."
        )
        assert "So it is better than base" in found and "groups of classes: +10.0 points for those with many." in found
        assert "It trains on as many images as base." in found
        assert "The probability that it is the best of the 2 is 99 %." in found
        assert found.endswith("Every other candidate is behind it by more than chance.")

    def test_of_one_that_may_not_gain(self):
        found = answer([*two([0.02]), *(make_run(f"mine{i}", validation=0.51) for i in range(7))])
        assert "The gain is +2.0 points, and with 90 % confidence -1.0 to +5.0. The interval holds 0:" in found
        assert "confidence: mine0, mine1, mine2, mine3, mine4 and 3 more. Of them it is taken because" in found

    def test_of_the_base(self):
        found = answer(two([-0.1]))
        assert found.startswith("Keep base, your configuration as it is: none of the others (1) has a higher few-shot")
        assert "its own is 50.0 %." in found
        found = answer(two([-0.01]))
        assert "confidence: ib. Of them base is taken because" in found
        assert "is the only candidate; its few-shot accuracy on the held-out images is 50.0 %" in answer([make_run()])

    def test_before_there_is_one(self):
        assert answer([make_run("ib")]) == (
            "Nothing is chosen yet: that is done in the end, against a finished run of base."
        )
        assert answer([]) == "No run has finished, so there is nothing to rank."

    def test_a_group_without_images_is_left_out(self):
        values = {**dict.fromkeys(MEASURES, 0.5), "few": math.nan, "many": math.nan}
        runs = [make_run("base", validation=values), make_run("ib", validation={**values, "balanced": 0.6})]
        assert "groups of" not in answer(runs, rank_by="balanced") and "+10.0 points" in answer(
            runs, rank_by="balanced"
        )

    def test_the_test_images(self):
        (found,) = wording.tested(outcome_of(two([0.08, 0.1, 0.12])), texts.EN)
        assert "few-shot accuracy 50.0 ± 0.0 % for base, 60.0 ± 2.0 % for ib, +10.0 ± 2.0 points" in found
        (found,) = wording.tested(outcome_of(two([-0.1])), texts.EN)
        assert found == "On the test images, which chose nothing, its few-shot accuracy is 50.0 %."
        untested = [make_run(test=math.nan), make_run("ib", validation=0.9, test=math.nan)]
        assert wording.tested(outcome_of(untested), texts.EN) == []
        refit = {name: Accuracies(dict.fromkeys(MEASURES, value), []) for name, value in (("ib", 0.7), ("base", 0.6))}
        (found,) = wording.tested(outcome_of(untested, refit=refit), texts.EN)
        assert found.endswith("give this few-shot accuracy: ib 70.0 %; base 60.0 %.")

    @pytest.mark.parametrize("value, said", [(0, "0"), (0.004, "< 1"), (0.38, "38"), (0.999, "> 99"), (1, "100")])
    def test_chances(self, value, said):
        assert wording.chance(value) == said


class TestCautions:
    def test_none_for_a_clear_difference(self):
        assert cautions(outcome_of(two([0.08, 0.1, 0.12]))) == []

    def test_worse_than_the_baseline_on_test_images(self):
        runs = [make_run("base", seed, validation=0.5, test=0.5) for seed in range(2)]
        runs += [make_run("ib", seed, validation=0.6, test=0.4 + 0.01 * seed) for seed in range(2)]
        (found,) = cautions(outcome_of(runs))
        assert found == "On the test images the few-shot accuracy of ib is below that of base: -9.5 ± 0.7 points."

    def test_worse_than_the_baseline_when_trained_on_the_whole_list(self):
        outcome = outcome_of(two([0.08, 0.1, 0.12]))
        refit = {name: Accuracies(dict.fromkeys(MEASURES, value), []) for name, value in (("ib", 0.61), ("base", 0.63))}
        (found,) = cautions(replace(outcome, refit=refit))
        assert found == (
            "Trained on the whole list the few-shot accuracy of ib on the test images is below that of base: -2.0 "
            "points. That is one training of each."
        )
        better = {"ib": refit["base"], "base": refit["ib"]}
        assert cautions(replace(outcome, refit=better)) == cautions(replace(outcome, refit={"ib": refit["ib"]})) == []

    def test_another_number_of_epochs_than_that_of_the_final_training(self):
        outcome = outcome_of(two([0.08, 0.1, 0.12]))
        assert cautions(replace(outcome, final_epochs=outcome.epochs)) == []
        (found,) = cautions(replace(outcome, final_epochs=outcome.epochs + 5))
        assert found.startswith(
            f"These runs are of {outcome.epochs} epochs, the final training by best.yaml of the base's "
        )
        assert f"base's {outcome.epochs + 5}:" in found
        assert cautions(replace(outcome, final_epochs=5, choice=None)) == []

    def test_one_seed(self):
        (found,) = cautions(outcome_of(two([0.2])))
        assert found.startswith("One seed only")

    @pytest.mark.parametrize(
        "rank_by, told",
        [
            ("balanced", "of the few-shot classes 13, of the class with the fewest 4."),
            ("few", "of the few-shot classes 13, of the class with the fewest 4."),
            ("medium", "of the medium-shot classes 17, of the class with the fewest 8."),
            ("many", None),
            ("overall", None),
        ],
    )
    def test_few_held_out_images_of_a_class_that_the_ranking_counts(self, rank_by, told):
        outcome = make_outcome(class_num=6, rank_by=rank_by, validation_counts=np.array([50, 10, 9, 8, 9, 4]))
        found = [each for each in cautions(outcome) if each.startswith("Few images were held out")]
        assert [told in each for each in found] == [True] if told else not found

    def test_classes_that_are_not_judged_are_named(self):
        outcome = make_outcome(class_names={2: "heron"}, validation_counts=np.array([50] * 2 + [0] + [50] * 7))
        outcome = replace(outcome, choice=replace(outcome.choice, unjudged=(2, 5), incomplete=("lws",)))
        incomplete, unjudged = cautions(outcome)
        assert unjudged == "Without a held-out image, and so nowhere in the choice: class heron, 5."
        assert incomplete == "Not judged, since runs are missing for seeds that base has: lws."

    def test_runs_that_lack(self):
        outcome = make_outcome(missing=[("base", 0)], failures=[("lws", 1, "")])
        found = " ".join(cautions(outcome))
        assert "Runs still missing: 1." in found and "Runs that failed: 1." in found


def grid(outcome, width):
    """The ranked table in a terminal: its rows, lines of text."""
    return [line for line in terminal.text(outcome, width).splitlines() if re.match(r" *\d+  \S", line)]


class TestText:
    def test_begins_with_the_answer(self):
        outcome = make_outcome()
        parts = terminal.text(outcome, 1000).split("\n\n")
        assert parts[0].startswith("Comparison of recipes: digits/ce.yaml")
        assert parts[1].split("\n") == [*wording.answer(outcome, texts.EN), *wording.tested(outcome, texts.EN)]

    def test_has_every_number(self):
        outcome = make_outcome(recipes=RECIPES)
        for line, row in zip(grid(outcome, 160), outcome.rows):
            found = outcome.choice.judgements[row.recipe]
            base = row.recipe == "base"
            low, high = (wording.points((value, math.nan)) for value in (found.low, found.high))
            wanted = ["-", "-"] if base else [wording.points((found.gain, math.nan)), f"{low} to {high}"]
            wanted.append(wording.chance(found.best))
            wanted += [f"{100 * row.validation[name][0]:.1f}" for name in MEASURES] + [f"{row.work:.2f}x"]
            assert re.split(" {2,}", line.strip())[2:] == wanted
        for row in (outcome.rows[0], wording.baseline(outcome)):
            assert wording.percent(row.test["few"]) in terminal.text(outcome, 160)

    @pytest.mark.parametrize("width", [80, 90, 100, 120, 160])
    def test_fits(self, width):
        outcome = make_outcome(recipes=[*RECIPES, "配方/" * 30], rank_by="few", test_all=True)
        lines = terminal.text(outcome, width).splitlines()
        start = next(i for i, line in enumerate(lines) if line.split()[:2] in (["rank", "recipe"], ["#", "recipe"]))
        table = lines[start : lines.index("", start)]
        assert len(table) == 22 and max(map(widths.columns, table)) <= width
        assert len({widths.columns(line) for line in table[1:]}) == 1  # flush right
        assert ("overall" in table[0]) == (width > 100) and "few" in table[0]

    @pytest.mark.parametrize("width", [80, 120])
    def test_what_matters_is_there_in_any_terminal(self, width):
        """The base by its whole name, the gain with its interval, the chance of being best, the groups at both ends."""
        outcome = make_outcome(recipes=[*RECIPES, "ldam_drw+cutout+cosine+ema"], test_all=True)
        lines = terminal.text(outcome, width).splitlines()
        head = next(line for line in lines if line.split()[:2] in (["rank", "recipe"], ["#", "recipe"]))
        assert all(name in head for name in ("gain", "90 % interval", "best", "many", "few"))
        assert "ldam_drw+cutout+cosine+ema" in "\n".join(lines)
        rows = {line.split()[1]: line for line in lines if re.match(r" *\d+  \S", line)}
        assert "base" in rows and "..." not in rows["base"]
        for row in outcome.rows:
            if row.recipe in rows:
                for name in ("many", "few"):
                    assert f"  {100 * row.validation[name][0]:.1f}" in rows[row.recipe]
        assert ("work" in head) == any("Work is" in line for line in lines)
        tests = lines[lines.index("Test images:") + 1 :]
        assert all(name in tests[0] for name in ("balanced", "many", "few", "gain"))
        table = tests[: tests.index("") if "" in tests else None]
        assert max(map(widths.columns, table)) <= width and any(line.split()[0] == "base" for line in table)

    def test_without_spread_of_one_seed(self):
        text = terminal.text(make_outcome(seeds=[3]), 200)
        assert "±" not in text and "seeds 3" in text

    def test_failures_and_missing_runs(self):
        outcome = make_outcome(
            failures=[("ib", 1, "ended with status 137\nkilled"), ("lws", None, "no Linear")],
            missing=[("crt", 0), ("crt", 2)],
        )
        text = terminal.text(outcome, 100)
        assert "Failed runs:\n  ib, seed 1: ended with status 137 killed\n  lws: no Linear" in text
        assert "Runs still missing:\n  crt: seeds 0, 2" in text

    def test_the_number_of_seeds_where_it_differs(self):
        def head(outcome):
            return next(line for line in terminal.text(outcome, 120).splitlines() if line.startswith("rank "))

        assert "seeds" in head(outcome_of([*two([0.1, 0.2]), make_run("crt", 1)])) and "seeds" not in head(
            make_outcome()
        )


@pytest.mark.slow
@given(st.text(max_size=60), st.integers(12, 40))
def test_shortened_names_fit_on_one_line(name, width):
    short = widths.shortened(name, width)
    assert widths.columns(short) <= width and short.isprintable()
    if widths.columns(name) <= width and name.isprintable():
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
        equals = set(outcome.choice.equals) - {outcome.choice.chosen}
        assert [row[1].removesuffix(" (=)") for row in ranked_rows] == wanted
        assert {row[1].removesuffix(" (=)").split()[0] for row in ranked_rows if row[1].endswith("(=)")} == equals
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
                assert len(cells(line)) == 11
        assert page.endswith("````sh\nx ```\n# y\n````\n")


class TestCsv:
    def test_a_row_for_each_recipe(self, tmp_path):
        outcome = make_outcome(test_all=True)
        (tmp_path / "x.csv").write_bytes(spreadsheets.ranked(outcome))
        table = rows(tmp_path / "x.csv")
        assert [row["recipe"] for row in table] == [row.recipe for row in outcome.rows]
        for kind, part, spreads in (
            ("validation", "validation", False),
            ("test", "test", True),
            ("test_gain", "gain", True),
        ):
            for name in MEASURES:
                wanted = np.array([getattr(row, part)[name] for row in outcome.rows])
                np.testing.assert_allclose(column(table, f"{kind}_{name}"), wanted[:, 0], rtol=1e-5, atol=1e-12)
                if spreads:
                    found = column(table, f"{kind}_{name}_spread")
                    np.testing.assert_allclose(found, wanted[:, 1], rtol=1e-5, atol=1e-12)
        judged = [outcome.choice.judgements[row.recipe] for row in outcome.rows]
        for name, field in (("gain", "gain"), ("gain_low", "low"), ("gain_high", "high"), ("best", "best")):
            wanted = [getattr(each, field) for each in judged]
            np.testing.assert_allclose(column(table, name), wanted, rtol=1e-4, atol=1e-12)
        assert {row["recipe"] for row in table if row["equal"] == "1"} == set(outcome.choice.equals)
        assert column(table, "work") == pytest.approx([row.work for row in outcome.rows], rel=1e-5)
        assert column(table, "rank").tolist() == list(range(1, 9)) and {row["seeds"] for row in table} == {"3"}

    @pytest.mark.parametrize("class_num", [100, 101])
    def test_a_row_for_each_run(self, class_num, tmp_path):
        outcome = make_outcome(class_num, recipes=["base", "ib", 'a,"b"\n'])
        (tmp_path / "x.csv").write_bytes(spreadsheets.runs(outcome))
        table = rows(tmp_path / "x.csv")
        runs = [run for row in outcome.rows for run in row.runs]
        assert [(row["recipe"], int(row["seed"])) for row in table] == [(run.recipe, run.seed) for run in runs]
        wanted = [run.test["few"] for run in runs]
        assert column(table, "test_few") == pytest.approx(wanted, rel=1e-5, nan_ok=True)
        assert np.isnan(wanted).sum() in (3, 6)
        assert column(table, "seconds") == pytest.approx([run.seconds for run in runs], rel=1e-5)
        assert sum(name.startswith("recall_") for name in table[0]) == (class_num if class_num <= 100 else 0)
        if class_num <= 100:
            wanted = [run.recall[7] if run.recall else math.nan for run in runs]
            assert column(table, "recall_7") == pytest.approx(wanted, rel=1e-5, nan_ok=True)

    def test_what_is_undefined_is_empty(self, tmp_path):
        (tmp_path / "x.csv").write_bytes(spreadsheets.ranked(make_outcome(2, recipes=["ib"], seeds=[0])))
        (row,) = rows(tmp_path / "x.csv")
        assert {row[key] for key in ("test_many", "test_balanced_spread", "gain", "test_gain_few", "work")} == {""}
