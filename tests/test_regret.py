"""The study behind docs/regret.md: a tiny comparison from images to tables, and the page beside what is kept."""

import importlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def study():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        names = ("budgets", "forms", "kept", "page", "rules", "tables")
        yield {
            "": importlib.import_module("regret"),
            **{n: importlib.import_module(f"regret_study.{n}") for n in names},
        }
    finally:
        sys.path.remove(str(ROOT / "scripts"))


def tiny(study, **changes):
    form = study["forms"].Form("tiny", "digits", "design", "exp", 9, 4.5, 0, 1, ("base", "resample"))
    return form._replace(**changes)


def test_the_forms_are_those_of_the_plan(study):
    forms = list(study["forms"].FORMS.values())
    assert len(forms) == 16 and sum(form.half == "design" for form in forms) == 8
    assert all(min(form.counts) >= 1 and max(form.counts) == form.largest for form in forms)
    assert len({tuple(form.counts) for form in forms}) == 16
    assert tiny(study).counts != tiny(study, order=1).counts
    assert sorted(tiny(study).counts) == sorted(tiny(study, order=1).counts)


@pytest.mark.slow
def test_a_comparison_is_trained_once_and_judged(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study["forms"], "FORMS", {"tiny": tiny(study)})
    monkeypatch.setattr(study["page"], "FORMS", {"tiny": tiny(study)})
    monkeypatch.setattr(study["page"], "USUAL", 3)
    monkeypatch.setattr(study["page"], "SHARES", (1.0,))
    for name in ("SEEDS", "TRUTH"):
        monkeypatch.setattr(study["forms"], name, range(2) if name == "SEEDS" else range(100, 102))
    kinds = ["folds_3", "truth", "best_epoch"]
    work, results = tmp_path / "work", tmp_path / "results"
    assert study[""].main(["pack", "--work", str(work), "--results", str(results)]) == 0
    study["forms"].write(tiny(study), work / "tiny" / "data")
    tested = work / "tiny" / "data" / "test.txt"
    tested.write_text("".join(tested.read_text().splitlines(keepends=True)[::20]))
    assert study[""].main(["train", "--work", str(work), "--kinds", *kinds]) == 0
    files = sorted(work.rglob("*.npz"))
    assert len(files) == 12
    before = [path.stat().st_mtime_ns for path in files]
    assert study[""].main(["train", "--work", str(work), "--kinds", *kinds]) == 0
    assert [path.stat().st_mtime_ns for path in files] == before
    assert study[""].main(["pack", "--work", str(work), "--results", str(results)]) == 0
    comparison = study["kept"].read(tiny(study), results)
    held = comparison.held[3]
    # The classes have 2 to 9 images, and two of three folds are held out.
    assert (
        len(set(held.image.tolist())) == len(held.image)
        and np.bincount(comparison.labels).tolist() == tiny(study).counts
    )
    single = np.load(work / "tiny/folds_3/resample/1.npz")
    np.testing.assert_array_equal(held.parts(held.logits[1])[1], single["logits"].astype(np.float32))
    np.testing.assert_array_equal(held.recall[1, 1], single["recall"].astype(np.float32))
    assert comparison.truth.shape == (2, 2, 10) and comparison.best_epoch.shape == (2, 2)
    capsys.readouterr()
    assert study[""].main(["judge", "--results", str(results), "--print"]) == 0
    said = capsys.readouterr().out
    assert "| tiny |" in said and "100% of the epochs" in said
    packs_what_is_new_beside_what_is_packed(study, work, results)


def packs_what_is_new_beside_what_is_packed(study, work, results):
    path = results / "tiny.npz"
    before = dict(np.load(path))
    np.savez(path, **{name: array for name, array in before.items() if name != "best_epoch"})
    for kind in ("folds_3", "truth"):
        shutil.rmtree(work / "tiny" / kind)
    assert study["kept"].pack(tiny(study), work, results)
    after = dict(np.load(path))
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    np.savez(path, **before | {"labels": before["labels"][::-1]})
    with pytest.raises(ValueError, match="of another training list"):
        study["kept"].pack(tiny(study), work, results)


def test_regret_and_coverage_are_those_of_a_slow_count(study):
    tables, generator = study["tables"], np.random.default_rng(0)
    form = tiny(study, recipes=("base", "a", "b", "c"))
    truth = generator.random((4, 3, 10))
    comparison = study["kept"].Comparison(form, np.zeros(0, int), truth, None, {})
    true = truth.mean(axis=(1, 2))
    assert tables.regret(comparison, np.array([0, 1, 3, 2])) == pytest.approx(100 * (true.max() - true[2]))
    assert tables.better_half(comparison) == pytest.approx(100 * (true.max() - np.sort(true)[2:].mean()))
    monotone = tables.regret_of_subsets(comparison, true)
    assert monotone == 0 and tables.correlation(true, true**3) == pytest.approx(1)
    low, high = tables.binomial_interval(9, 10)
    assert low < 0.9 < high < 1


def test_a_budget_trains_each_recipe_once_and_then_some_with_all_seeds(study):
    generator, count = np.random.default_rng(0), 40
    form = tiny(study, recipes=("base", "a", "b", "c"), epochs=10)
    labels = np.repeat(np.arange(10), 3 * count // 10)
    # The one of the clearest logits is right most often.
    logits = generator.normal(size=(4, 3 * count, 10))
    logits[:, np.arange(3 * count), labels] += np.array([0, 4, 1, 2])[:, None]
    image = generator.permutation(3 * count)
    seed = np.repeat(np.arange(3), count)
    held = study["kept"].Held(logits[:, image], image, seed, np.zeros((4, 3, 10)))
    comparison = study["kept"].Comparison(form, labels, np.zeros((4, 3, 10)), None, {5: held})
    within = study["budgets"].within
    assert within(comparison, 5, 0.7) == ("a", 80, 120, 2)  # 4 x 10, then 2 x 20
    assert within(comparison, 5, 1.0) == ("a", 120, 120, 4)
    with pytest.raises(ValueError, match="too few"):
        within(comparison, 5, 0.3)


def test_scores_of_classes(study):
    rules = study["rules"]
    logits = np.log(np.array([[[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]]]))
    found = rules.Predictions(logits, rules.Pooled([np.array([0, 1, 1])], [np.arange(3)], 2), [2.0])
    assert rules.score(rules.accuracy, found) == pytest.approx([0.75])
    assert rules.score(rules.probability, found) == pytest.approx([(0.7 + 0.6) / 2])
    assert rules.score(rules.log_loss, found) == pytest.approx([(np.log(0.7) + np.log(0.32) / 2) / 2])
    root = [0.7**0.5 / (0.7**0.5 + 0.3**0.5), 0.4**0.5 / (0.4**0.5 + 0.6**0.5), 0.8**0.5 / (0.2**0.5 + 0.8**0.5)]
    scaled = (root[0] + (root[1] + root[2]) / 2) / 2
    assert rules.SCORES["probability, 1.0 of the temperature"](found) == pytest.approx([scaled])
    assert rules.score(rules.mixture, found) == pytest.approx([(0.75 + scaled) / 2])
    means = rules.shrunk(np.array([[1.0], [np.nan]]), np.array([4, 0]), 1.0)
    assert means[1] == 1 and rules.shrunk(np.array([[1.0], [0.0]]), np.array([4, 4]), 1.0)[0] == pytest.approx(0.9)


def test_the_page_says_what_is_kept(study):
    root = ROOT / "docs" / "results" / "regret"
    comparisons = [found for form in study["forms"].FORMS.values() if (found := study["kept"].read(form, root))]
    blocks, text = study["page"].blocks(comparisons), (ROOT / "docs" / "regret.md").read_text("utf-8")
    for name in ("forms", "scores"):  # of the others a draw may differ between versions of NumPy
        assert f"<!-- {name}: begin -->\n{blocks[name]}\n<!-- {name}: end -->" in text, "run scripts/regret.py judge"
    for comparison in comparisons:
        half = text.split(f"<!-- {comparison.form.half}: begin -->")[1].split("<!--")[0]
        assert f"| {comparison.form.name} | " in half
        assert f"| {comparison.form.name} | {comparison.form.half} | " in text.split("<!-- budget: begin -->")[1]
    assert sum(path.stat().st_size for path in root.iterdir()) < 10 * 2**20
