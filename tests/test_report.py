"""The report of a run: its numbers, its page, both languages, every kind of folder."""

import dataclasses
import json
import re

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ppcls_lt.commands import main as cli
from ppcls_lt.data import fonts
from ppcls_lt.data.groups import shot_groups
from ppcls_lt.maths import scores
from ppcls_lt.reports.run import mistakes, texts
from ppcls_lt.reports.run.collect import collect
from ppcls_lt.reports.run.figures import confusion_blocks, paint
from ppcls_lt.reports.run.writing import write
from ppcls_lt.runs import files as run_files

from . import engines, metric_reference
from .run_folders import FILES, PICTURES, Page, column, is_whole, rows, write_run, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The digits, trained by the command line with a report at the end; the folder and the finished process."""
    folder = tmp_path_factory.mktemp("work")
    engines.write_digits(folder / "data" / "digits")
    flags = ["Global.eval_during_train=True", "Global.epochs=3", "Global.output_dir=out", "Global.print_batch_step=1"]
    flags = [part for flag in flags for part in ("-o", flag)]
    done = engines.run(["-m", "ppcls_lt", "train", "-c", "digits/ce.yaml", *flags, "--report"], cwd=folder)
    return folder, done


def test_a_training_ends_with_its_report(trained):
    folder, done = trained
    assert done.returncode == 0, done.stdout
    assert ": out/report.html (" in done.stdout.splitlines()[-1]
    assert set(FILES) <= set(written(folder / "out"))
    page = is_whole(Page(folder / "out" / "report.html"))
    drawn = [picture for picture in page.pictures if picture.startswith(b"\x89PNG")]
    assert [(folder / "out" / "report" / f"{name}.png").read_bytes() for name in PICTURES] == drawn
    predictions = run_files.read_predictions(next(folder.rglob("predictions.npz")))
    accuracy = np.mean(predictions.label == predictions.predicted)
    assert f"overall{100 * accuracy:.1f} %" in page.all_text
    assert "Shown is the last evaluation, after epoch 3 of 3." in page.all_text


def test_the_most_confident_mistakes_of_each_class_are_shown(trained):
    folder, _ = trained
    found = run_files.read_predictions(next(folder.rglob("predictions.npz")))
    wrong = found.label != found.predicted
    page = Page(folder / "out" / "report.html")
    shown = [image for image in page.pictures if image.startswith(b"\xff\xd8")]
    assert len(shown) == np.minimum(np.bincount(found.label[wrong], minlength=10), 5).sum()
    (part,) = collect(folder / "out")
    classes = mistakes.gallery(part)
    assert [number for _, number, _ in classes] == [int((wrong & (found.label == int(c))).sum()) for c, _, _ in classes]
    first = classes[0][2][0]
    own = np.flatnonzero(wrong & (found.label == int(classes[0][0])))
    place = own[found.confidence[own].argmax()]
    listed = (folder / "data" / "digits" / "test.txt").read_text().splitlines()
    assert (first.name, first.predicted) == (listed[place].split()[0], str(found.predicted[place]))
    # Nor is one of other images in the order of the same labels.
    path = folder / "data" / "digits" / "test.txt"
    kept = path.read_bytes()
    same = [listed[0].replace(listed[0].split()[0], listed[1].split()[0]), *listed[1:]]
    path.write_text("\n".join(same) + "\n")
    assert mistakes.gallery(part) is None
    path.write_bytes(kept)
    # A list of other labels is not the one that was evaluated.
    changed = part.predictions._replace(label=found.label[::-1].copy())
    assert mistakes.gallery(dataclasses.replace(part, predictions=changed)) is None


def test_recall_and_precision_by_confidence(trained):
    folder, _ = trained
    found = run_files.read_predictions(next(folder.rglob("predictions.npz")))
    for row in rows(folder / "out" / "report" / "curves.csv")[::7]:
        label, counted = int(row["class"]), found.confidence >= float(row["confidence"])
        said = counted & (found.predicted == label)
        right = (said & (found.label == label)).sum()
        assert int(row["predicted_images"]) == said.sum()
        assert float(row["recall"]) == pytest.approx(right / (found.label == label).sum(), rel=1e-5)
        assert (
            row["precision"] == ""
            if not said.any()
            else float(row["precision"]) == pytest.approx(right / said.sum(), rel=1e-5)
        )


def test_intervals_are_wilsons():
    for right, images in ((0, 7), (3, 9), (40, 40), (81, 200)):
        wanted = binomtest(right, images).proportion_ci(method="wilson")
        assert np.allclose(scores.wilson(right / images, images), wanted, atol=1e-6)
        assert np.allclose(
            scores.mean_interval(np.array([right / images, np.nan]), np.array([images, 0])), wanted, atol=1e-6
        )
    draw = np.random.default_rng(0)
    truth, images = np.array([0.95, 0.5, 0.2]), np.array([100, 20, 8])
    ends = np.array([scores.mean_interval(draw.binomial(images, truth) / images, images) for _ in range(1000)])
    covered = (ends[:, 0] <= truth.mean()) & (truth.mean() <= ends[:, 1])
    assert 0.92 < covered.mean() < 0.98


def test_the_numbers_of_a_real_run(trained):
    folder, _ = trained
    predictions = run_files.read_predictions(next(folder.rglob("predictions.npz")))
    label, guess = predictions.label, predictions.predicted
    listed = (folder / "data" / "digits" / "test.txt").read_text().splitlines()
    assert label.tolist() == [int(line.split()[1]) for line in listed]
    table = rows(folder / "out" / "report" / "per_class.csv")
    assert column(table, "class").tolist() == list(range(10))
    wanted = precision_recall_fscore_support(label, guess, labels=range(10), zero_division=np.nan)
    for name, array in zip(("precision", "recall", "f1", "eval_images"), wanted):
        np.testing.assert_allclose(column(table, name), array, rtol=1e-5, err_msg=name)
    assert column(table, "train_images").tolist() == [90, 66, 49, 36, 27, 19, 14, 10, 8, 6]
    assert [row["group"] for row in table] == ["many"] * 3 + ["medium"] * 4 + ["few"] * 3
    matrix = np.loadtxt(folder / "out" / "report" / "confusion.csv", delimiter=",", skiprows=1)[:, 1:]
    assert (matrix == confusion_matrix(label, guess, labels=range(10))).all()
    history = rows(folder / "out" / "report" / "history.csv")
    assert column(history, "epoch").tolist() == [1, 2, 3]
    last = history[-1]
    groups = {"many": [0, 1, 2], "medium": [3, 4, 5, 6], "few": [7, 8, 9]}
    for group, members in groups.items():
        assert float(last[group]) == pytest.approx(metric_reference.mean_recall(label, guess, members), rel=1e-5)


def test_the_command_again_and_in_chinese(trained, capsys):
    folder, _ = trained
    before = {name: (folder / "out" / name).read_bytes() for name in FILES}
    assert cli.main(["report", str(folder / "out"), "--out", str(folder / "again" / "deep")]) == 0
    assert str(folder / "again" / "deep" / "report.html") in capsys.readouterr().out
    assert written(folder / "again" / "deep") == FILES
    for name in set(FILES) - {"report.html"}:  # which names the folder as it was given
        assert (folder / "again" / "deep" / name).read_bytes() == before[name], name
    # PaddleClas 2.4 and 2.5 write into a folder of the architecture's name, develop does not.
    log = next(folder.rglob("train.log")).parent
    assert cli.main(["report", str(log), "--language", "zh"]) == 0
    page = is_whole(Page(log / "report.html"))
    assert page.tags[0] == ("html", {"lang": "zh-CN"}) and "混淆矩阵" in page.all_text


def test_an_evaluation_alone_has_a_report_too(trained, capsys):
    folder, _ = trained
    weights = next(folder.rglob("train.log")).with_name("latest")
    flags = [f"Global.pretrained_model={weights}", "Global.output_dir=alone"]
    flags = [part for flag in flags for part in ("-o", flag)]
    done = engines.run(["-m", "ppcls_lt", "eval", "-c", "digits/ce.yaml", *flags], cwd=folder)
    assert done.returncode == 0, done.stdout
    assert cli.main(["report", str(folder / "alone")]) == 0
    page = is_whole(Page(folder / "alone" / "report.html"))
    assert "Shown is an evaluation of given weights." in page.all_text
    assert "There was one evaluation only." in page.all_text
    (training,), (evaluation,) = collect(folder / "out"), collect(folder / "alone")
    assert (training.predictions.predicted == evaluation.predictions.predicted).all()
    assert evaluation.counts.tolist() == training.counts.tolist()
    assert evaluation.classifier["norm"].tolist() == training.classifier["norm"].tolist()


@pytest.fixture(scope="module", params=[10, 37, 130])
def part(request, tmp_path_factory):
    """A run with random predictions."""
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, request.param, images=8)
    (part,) = collect(folder)
    return part


def test_groups_and_their_accuracies(part):
    label, guess, _ = part.predictions[:3]
    groups = shot_groups(part.counts)
    wanted = {"overall": np.mean(label == guess), "balanced": metric_reference.mean_recall(label, guess, label)}
    wanted.update({name: metric_reference.mean_recall(label, guess, members) for name, members in groups.items()})
    assert part.accuracies() == pytest.approx(wanted)


def test_the_curves_are_those_of_the_history(part):
    epochs, curves = part.over_epochs()
    assert epochs == [1, 2, 3, 4]
    for name in ("many", "medium", "few"):
        assert curves[name] == pytest.approx([record["values"][name] for record in part.history])
    assert curves["overall"] == pytest.approx([record["values"]["top1"] for record in part.history])


def test_every_confusion(part):
    label, predicted, images = part.confusions
    matrix = np.zeros((part.class_num, part.class_num), dtype=int)
    matrix[label, predicted] = images
    assert (matrix == confusion_matrix(*part.predictions[:2], labels=range(part.class_num))).all()


def test_blocks_of_the_matrix(part):
    blocks = confusion_blocks(part)
    assert np.concatenate(blocks).tolist() == part.order.tolist()
    assert (np.diff(part.counts[part.order]) <= 0).all()
    assert len(blocks) == part.class_num if part.class_num <= 100 else len(blocks) <= 43
    for members in blocks:
        assert any(np.isin(members, group).all() for group in part.groups.values())


def test_bins_of_confidence():
    confidence, right = np.array([0.2, 0.21, 1.0, 0.55, 0.0]), np.array([True, False, True, True, False])
    images, sums, hits = scores.confidence_bins(confidence, right, 5)
    assert images.tolist() == [2, 1, 1, 0, 1] and hits.tolist() == [1, 0, 1, 0, 1]
    assert sums == pytest.approx([0.2, 0.21, 0.55, 0, 1])


def test_a_thousand_classes(tmp_path, capsys):
    counts = write_run(tmp_path, 1000, images=10, class_names={str(label): f"thing {label}" for label in range(1000)})
    assert cli.main(["report", str(tmp_path)]) == 0
    page = is_whole(Page(tmp_path / "report.html"))
    (part,) = collect(tmp_path)
    label, guess = part.predictions[:2]
    sparse = rows(tmp_path / "report" / "confusion.csv")
    matrix = np.zeros((1000, 1000), dtype=int)
    for row in sparse:
        matrix[int(row["class"]), int(row["predicted"])] = int(row["images"])
    assert (matrix == confusion_matrix(label, guess, labels=range(1000))).all() and len(sparse) < 11_000
    table = rows(tmp_path / "report" / "per_class.csv")
    assert column(table, "train_images").tolist() == counts.tolist()
    assert [row["name"] for row in table][:2] == ["thing 0", "thing 1"]
    recall = np.diag(matrix) / matrix.sum(axis=1)
    np.testing.assert_allclose(column(table, "recall"), recall, rtol=1e-5)
    # The whole table is folded, the twenty worst are not.
    assert [each.get("open", "no") for tag, each in page.tags if tag == "details"] == ["no"] * 3
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = re.search(r"The 20 classes with the lowest recall.*?All 1,000 classes", html, re.DOTALL).group()
    worst = [int(label) for label in re.findall(r'<td class="text">thing (\d+)</td>', shown)]
    assert (tmp_path / "report.html").stat().st_size < 1_500_000
    wanted = np.lexsort((counts, recall))[:20]
    assert worst == wanted.tolist()


class TestLanguages:
    def test_a_chinese_page(self, tmp_path):
        write_run(tmp_path)
        assert write(tmp_path, language="zh").startswith(f"{tmp_path} 的报告：")
        page = is_whole(Page(tmp_path / "report.html"))
        headings = {texts.ZH[key] for key in (*PICTURES, "summary", "configuration", "versions")}
        assert headings <= {text.strip() for text in page.text}
        metrics = {"overall", "many", "medium", "few"}  # values in the history keep their names
        assert not {text.strip() for text in page.text} & (set(texts.EN.values()) - set(texts.ZH.values()) - metrics)

    @pytest.fixture
    def part(self, tmp_path):
        write_run(tmp_path)
        return collect(tmp_path)[0]

    def test_without_a_chinese_font_the_labels_are_english(self, part, monkeypatch):
        monkeypatch.setattr(fonts, "family_for", lambda text: None)
        assert paint(part, "zh") == paint(part, "en")

    @pytest.mark.filterwarnings("error")  # a missing character would warn
    def test_a_font_that_is_found_has_every_character(self, part):
        if fonts.family_for("".join(texts.ZH.values())) is None:
            pytest.skip("no font with Chinese characters is installed")
        english, chinese = paint(part, "en"), paint(part, "zh")
        assert english.keys() == chinese.keys() == set(PICTURES)
        assert not [name for name in english if english[name] == chinese[name]]

    def test_no_font_has_what_no_font_has(self):
        assert fonts.family_for("\U0010fffd") is None


HOSTILE = """</td><script>alert(1)</script><img src=http://example.invalid/x onerror="alert('2')">&amp;"""


def test_names_and_values_are_text(tmp_path):
    config = {"Loss": {"Train": [{HOSTILE: {"weight": HOSTILE}}]}, "Arch": {"name": HOSTILE, "class_num": 30}}
    names = {str(label): HOSTILE for label in range(30)}
    write_run(tmp_path, 30, config=config, class_names=names, versions={HOSTILE: HOSTILE}, device=HOSTILE)
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text().replace('"top1"', json.dumps(HOSTILE)).replace('"fc"', json.dumps(HOSTILE)))
    write(tmp_path)
    page = is_whole(Page(tmp_path / "report.html"))
    assert page.all_text.count("<script>alert(1)</script>") > 60
    assert rows(tmp_path / "report" / "per_class.csv")[0]["name"] == HOSTILE


def test_only_its_own_files_are_replaced_and_no_rest_is_left(tmp_path):
    write_run(tmp_path)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "mine.txt").write_text("kept")
    before = written(tmp_path)
    write(tmp_path)
    assert written(tmp_path) == sorted([*before, *FILES])
    assert (tmp_path / "report" / "mine.txt").read_text() == "kept"


class TestGroups:
    @pytest.mark.parametrize(
        "arguments, thresholds",
        [([], [250, 10]), (["--many", "60"], (60, 20)), (["--groups", "tertiles"], "tertiles")],
    )
    def test_are_those_of_the_run_or_of_the_options(self, arguments, thresholds, tmp_path, capsys):
        counts = write_run(tmp_path, 12, thresholds=[250, 10])
        assert cli.main(["report", str(tmp_path), *arguments]) == 0
        wanted = shot_groups(counts, thresholds)
        table = rows(tmp_path / "report" / "per_class.csv")
        for group, members in wanted.items():
            assert [label for label, row in enumerate(table) if row["group"] == group] == members.tolist()

    def test_are_of_the_counts_that_the_metric_groups_by(self, tmp_path, capsys):
        grouping = [5, 500, 50] * 4
        metric = {"ManyMediumFewAcc": {"num_class_list": "auto", "group_by": grouping}}
        write_run(tmp_path, 12, config={"Metric": {"Eval": [metric]}})
        assert cli.main(["report", str(tmp_path)]) == 0
        table = rows(tmp_path / "report" / "per_class.csv")
        assert [row["group"] for row in table] == ["few", "many", "medium"] * 4
        assert "The groups are made of the counts" in Page(tmp_path / "report.html").all_text
        metric["ManyMediumFewAcc"]["group_by"] = "gone.txt"
        write_run(tmp_path, 12, config={"Metric": {"Eval": [metric]}})
        assert cli.main(["report", str(tmp_path)]) == 2
        assert "config.yaml: ManyMediumFewAcc: `group_by` must be" in capsys.readouterr().err

    def test_without_counts_there_are_none(self, tmp_path):
        write_run(tmp_path, counts=None)
        write(tmp_path)
        page = is_whole(Page(tmp_path / "report.html"))
        assert "there are no groups" in page.all_text and len(page.pictures) == 6
        assert {row["group"] for row in rows(tmp_path / "report" / "per_class.csv")} == {""}

    def test_classes_that_only_the_model_knows_have_no_images(self, tmp_path):
        counts = write_run(tmp_path, 12, images=5)
        info = json.loads((tmp_path / "run_info.json").read_text())
        run_files.write_info(tmp_path / "run_info.json", {**info, "counts": counts[:10].tolist()})
        (part,) = collect(tmp_path)
        assert part.counts.tolist() == [*counts[:10], 0, 0]
        write(tmp_path)
        assert "2 classes have none" in Page(tmp_path / "report.html").all_text


def test_names_from_a_file(tmp_path, capsys):
    write_run(tmp_path, class_names={"0": "old"})
    (tmp_path / "names.txt").write_text("0 red fox\n\n7 猫\n", encoding="utf-8")
    assert cli.main(["report", str(tmp_path), "--names", str(tmp_path / "names.txt")]) == 0
    names = [row["name"] for row in rows(tmp_path / "report" / "per_class.csv")]
    assert names == ["red fox", *[""] * 6, "猫", "", ""]


def test_a_diverged_model_still_has_a_report(tmp_path):
    write_run(tmp_path)
    found = run_files.read_predictions(tmp_path / "predictions.npz")
    broken = found._replace(predicted=np.zeros_like(found.label), confidence=np.full_like(found.confidence, np.nan))
    run_files.write_predictions(tmp_path / "predictions.npz", broken)
    write(tmp_path)
    assert "10.0 %" in is_whole(Page(tmp_path / "report.html")).all_text
