"""The page of a comparison and its pictures, in both languages and every size, and how they are written."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands import main as cli
from ppcls_lt.data import fonts
from ppcls_lt.reports.comparison import figures, tables, terminal, texts, wording
from ppcls_lt.reports.comparison.writing import write

from .comparisons import COMMAND, RECIPES, make_outcome, make_run, outcome_of
from .run_folders import Page, is_whole, written

PICTURES = ("gains", "per_class", "classes", "epochs")
FILES = sorted([*tables.NAMES, "comparison.html", *(f"comparison/{name}.png" for name in PICTURES)])


@pytest.fixture(scope="module", params=["en", "zh"])
def written_page(request, tmp_path_factory):
    """Language, comparison and folder of a page, and what was said of it."""
    folder = tmp_path_factory.mktemp(request.param)
    failures = [("ib", 1, "ended with status 137")]
    outcome = make_outcome(recipes=RECIPES[:9], failures=failures, missing=[("crt", 0)])
    return request.param, outcome, folder, write(outcome, folder, request.param)


class TestPage:
    @pytest.mark.slow
    def test_files(self, written_page):
        language, _, folder, said = written_page
        assert written(folder) == FILES
        size = (folder / "comparison.html").stat().st_size / 1e3
        page = f"{folder}/comparison.html"
        assert (
            said
            == {
                "en": f"comparison: {page} ({size:.0f} kB) and 7 files beside it",
                "zh": f"比较：{page}（{size:.0f} kB），旁边另有 7 个文件",
            }[language]
        )

    def test_content(self, written_page):
        language, outcome, folder, _ = written_page
        words = texts.TEXTS[language]
        page = is_whole(Page(folder / "comparison.html"))
        assert page.tags[0] == ("html", {"lang": words["html_lang"]})
        assert [(folder / "comparison" / f"{name}.png").read_bytes() for name in PICTURES] == page.pictures
        for name in ("chosen", "table", "tests", *PICTURES, "failures", "missing", "data", "command", "files"):
            assert words[name] in page.text
        text = page.all_text
        said = (*wording.answer(outcome, words), *wording.tested(outcome, words), *wording.cautions(outcome, words))
        for sentence in (*said, COMMAND, "train.txt"):
            assert sentence in text
        assert text.index(wording.answer(outcome, words)[0]) < text.index(words["table"])
        for row in outcome.rows:
            assert wording.percent(row.validation["few"]) in text
            assert row.recipe == "base" or wording.points((outcome.choice.judgements[row.recipe].gain, np.nan)) in text
        assert "ended with status 137" in text and not re.search(r"\{\w+\}", text)
        others = set(texts.TEXTS["zh" if language == "en" else "en"].values()) - {*words.values(), ""}
        assert not {each.strip() for each in page.text} & others

    def test_pictures_decode(self, written_page):
        from matplotlib.image import imread

        for data in Page(written_page[2] / "comparison.html").pictures:
            picture = imread(io.BytesIO(data))
            assert picture.shape[0] > 200 and picture.shape[1] > 700
            assert picture[..., :3].std() > 0.02

    def test_names_and_reasons_are_text(self, tmp_path):
        hostile = """</td><script>alert(1)</script><img src=http://example.invalid/x onerror="alert('2')">&amp;"""
        facts = dict.fromkeys(("title", "command", "arch"), hostile)
        outcome = make_outcome(
            recipes=["base", hostile],
            seeds=[0],
            failures=[(hostile, 0, hostile)],
            missing=[(hostile, 1)],
            lists={"test": (hostile, 5)},
            **facts,
        )
        write(outcome, tmp_path)
        page = is_whole(Page(tmp_path / "comparison.html"))
        assert page.all_text.count("<script>alert(1)</script>") >= 9 and len(page.pictures) == 4


class TestSizes:
    @pytest.mark.slow
    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize(
        "class_num, recipes, seeds, images",
        [
            (2, RECIPES[:3], 2, 20),
            (10, RECIPES, 5, 10),
            (41, RECIPES[:4], 1, 5),
            (1000, RECIPES, 3, 3),
            (8142, RECIPES[:3], 1, 2),
        ],
    )
    def test_every_number_of_classes(self, class_num, recipes, seeds, images, tmp_path):
        outcome = make_outcome(class_num, recipes, range(seeds), images=images, thresholds="tertiles")
        write(outcome, tmp_path, "zh")
        page = is_whole(Page(tmp_path / "comparison.html"))
        assert len(page.pictures) == 4
        assert (tmp_path / "comparison.html").stat().st_size < 1_000_000
        blocks = figures.blocks(outcome)
        assert np.concatenate(blocks).tolist() == np.argsort(-outcome.counts, kind="stable").tolist()
        assert len(blocks) == class_num if class_num <= 40 else len(blocks) <= 42
        for block in blocks:
            assert any(np.isin(block, members).all() for members in outcome.groups.values())

    @pytest.mark.slow
    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize(
        "recipes, pictures", [((), 0), (["base"], 2), (["ib"], 1), (["ib", "crt"], 1), (["base", "ib"], 4)]
    )
    def test_few_recipes(self, recipes, pictures, tmp_path):
        outcome = make_outcome(recipes=recipes, failures=[("lws", 0, "out of memory")])
        write(outcome, tmp_path)
        page = is_whole(Page(tmp_path / "comparison.html"))
        assert len(page.pictures) == pictures and "out of memory" in page.all_text
        assert ("No run has finished" in page.all_text) == (not recipes)
        assert terminal.text(outcome, 80) and tables.markdown(outcome)

    @pytest.mark.filterwarnings("error")
    def test_everything_undefined(self, tmp_path):
        nothing = float("nan")
        runs = [
            make_run(name, 0, validation=nothing, test=nothing, recall=[nothing] * 3, curve=[])
            for name in ("base", "ib")
        ]
        write(outcome_of(runs), tmp_path)
        assert is_whole(Page(tmp_path / "comparison.html")).pictures == []
        assert "–" in (tmp_path / "comparison.md").read_text()


class TestFigures:
    @given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_the_interval_of_a_share_is_that_of_its_definition(self, case):
        right, images = case
        low, high = (float(end) for end in figures.wilson(np.array(right / images), np.array(images)))
        assert 0 <= low <= right / images <= high <= 1
        for end in (low, high):  # where the share lies 1.6449 deviations from the true one, unless there is no room
            distance = abs(right / images - end) / max(np.sqrt(end * (1 - end) / images), 1e-12)
            assert end in (0, 1) or distance == pytest.approx(1.6449, rel=1e-6)

    def test_only_the_first_are_drawn(self):
        outcome = make_outcome(recipes=["base", *(f"mine{i}" for i in range(60))], seeds=[0])
        assert len(figures.first(outcome)) == 20 and "base" not in figures.first(outcome)
        assert figures.first(outcome)[0] == next(name for name in outcome.choice.judgements if name != "base")
        assert set(figures.paint(outcome, "en")) == set(PICTURES)

    @pytest.mark.filterwarnings("error")  # a missing character would warn
    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_names_of_any_characters(self, language):
        outcome = make_outcome(recipes=["base", "配方.yaml", "$a$ \\b {c} %s", "\U0010fffd\n\t"], seeds=[0])
        assert set(figures.paint(outcome, language)) == set(PICTURES)

    def test_names_are_drawn_with_a_font_that_has_them(self):
        names, families = fonts.drawable(["base", "\U0010fffd配"], ["DejaVu Sans"])
        assert names[0] == "base" and names[1][0] == "?"
        if fonts.family_for("配") is not None:
            assert names[1] == "?配" and len(families) == 2

    def test_without_a_chinese_font_the_labels_are_english(self, monkeypatch):
        outcome = make_outcome(recipes=["base", "ib"], seeds=[0])
        monkeypatch.setattr(fonts, "family_for", lambda text: None)
        assert figures.paint(outcome, "zh") == figures.paint(outcome, "en")

    def test_equal_data_give_equal_pictures(self):
        assert figures.paint(make_outcome(recipes=["base", "ib"]), "en") == figures.paint(
            make_outcome(recipes=["base", "ib"]), "en"
        )


class TestWriting:
    def test_tables_alone_need_nothing(self, tmp_path, no_pages):
        assert "comparison.csv" in write(make_outcome(), tmp_path, page=False)
        assert written(tmp_path) == sorted(tables.NAMES)

    @pytest.mark.parametrize("recipes", [(), ["base"]])
    def test_a_page_without_what_it_needs_is_a_mistake_before_anything_is_written(self, recipes, tmp_path, missing):
        with pytest.raises(ConfigError, match=f"a (page|PNG) needs {missing}; install it with"):
            write(make_outcome(recipes=recipes), tmp_path)
        assert written(tmp_path) == []

    def test_the_command_names_what_its_page_needs_before_it_trains(self, tmp_path, missing, capsys):
        assert cli.main(["compare", "-c", "digits/ce.yaml", "--out", str(tmp_path / "out")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"needs {missing}; install it with `pip install" in line
        assert written(tmp_path) == []

    @pytest.mark.slow
    def test_only_its_own_files_are_replaced(self, tmp_path):
        (tmp_path / "comparison").mkdir()
        (tmp_path / "comparison" / "mine.txt").write_text("kept")
        for _ in range(2):
            write(make_outcome(), tmp_path)
        assert written(tmp_path) == sorted([*FILES, "comparison/mine.txt"])

    def test_a_file_in_the_way(self, tmp_path):
        (tmp_path / "comparison").write_text("")
        with pytest.raises(ConfigError, match="ppcls-lt compare: `--out` must be a folder that can be written, got"):
            write(make_outcome(), tmp_path)
        assert not (tmp_path / "comparison.html").exists()

    def test_an_unknown_language(self, tmp_path):
        with pytest.raises(ConfigError, match="`--language` must be one of en, zh"):
            write(make_outcome(), tmp_path, "fr")
