"""The command `audit` on images with planted faults: what is found, what is written, what is refused."""

import argparse
import csv
import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ppcls_lt.audit import cleaned, labels, measures, scan, suspects
from ppcls_lt.commands import audit as audit_command
from ppcls_lt.commands import main as cli
from ppcls_lt.reports.audit import texts
from ppcls_lt.reports.parts.thumbnails import small_copy
from ppcls_lt.runs import logits
from ppcls_lt.runs.logits import HeldOut
from scripts import plant_faults

from . import commands, conftest
from .comparisons import english_in
from .forks import PATIENCE

pytest.importorskip("imagehash", reason="the extra `audit` is not installed")

NAMES = ("bird", "cat", "truck")
TRAIN = (140, 60, 25)


def picture(rng):
    """An image like no other: large spots of colour and some noise."""
    spots = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((40, 40), Image.Resampling.BICUBIC)
    noise = rng.normal(0, 12, (40, 40, 3))
    return Image.fromarray(np.clip(np.asarray(spots) + noise, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder as scripts/plant_faults.py makes it of CIFAR-10, here of images of spots."""
    rng = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("audit")
    for part, sizes in (("train", TRAIN), ("test", (30, 30, 30))):
        for name, size in zip(NAMES, sizes):
            (folder / "images" / part / name).mkdir(parents=True)
            for number in range(size):
                picture(rng).save(folder / "images" / part / name / f"{number:04d}.jpg", quality=92)
    out = folder / "planted"
    sizes = {"largest": TRAIN[0], "ratio": TRAIN[0] / TRAIN[-1], "tests": 30, "seed": 0}
    plant_faults._plant(argparse.Namespace(cifar=folder / "images", out=out, **sizes))
    return out


def audit(planted, *more, out="audit"):
    """The exit status of an audit of both lists."""
    lists = [str(planted / "train.txt"), "--test-list", str(planted / "test.txt"), "--delimiter", r"\t"]
    names = ["--names", str(planted / "label.txt")]
    return cli.main(["audit", *lists, *names, "--workers", "1", "--out", str(planted / out), *map(str, more)])


def found(folder):
    with open(folder / "audit" / "suspects.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def audited(planted):
    assert audit(planted) == 0
    return planted / "audit"


def test_what_is_planted_is_found(planted, audited):
    known = json.loads((planted / "planted.json").read_text(encoding="utf-8"))
    for kind, (hits, reported, total) in plant_faults.scores(known, found(audited)).items():
        if kind != "swapped":
            assert total >= 4 and hits == total == reported, kind


def test_the_page_shows_images_and_links_to_them(audited):
    page = (audited / "audit.html").read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page and "鸟" in page and "cannot be shown" in page
    links = set(re.findall(r'class="image" href="([^"]+)"', page))
    assert links and all(not link.startswith("/") for link in links)
    from urllib.parse import unquote

    assert all((audited / unquote(link)).is_file() for link in links)


def test_a_second_call_measures_nothing_again_but_what_changed(planted, audited, capsys):
    changed = planted / lines(planted / "test.txt")[5].split("\t")[0]
    before = changed.stat()
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    rows = found(audited)
    assert audit(planted, "--language", "zh") == 0
    files = len(lines(planted / "train.txt")) + len(lines(planted / "test.txt"))
    told = capsys.readouterr()
    assert f"{files - 1} 个以前已测量" in told.out and "近似重复" in told.out and f"页面：{audited}" in told.out
    assert not english_in(told.out + told.err), told
    assert found(audited) == rows and "数据集审查" in (audited / "audit.html").read_text(encoding="utf-8")


def test_damaged_measures_are_made_again(planted, audited, capsys):
    rows = found(audited)
    for path in (audited / "audit" / "scan").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert audit(planted) == 0 and " 0 measured before" in capsys.readouterr().out
    assert found(audited) == rows


def test_lists_without_suspects_say_what_they_left_out(planted, audited, capsys):
    out = planted / "cleaned"
    shutil.copytree(audited, out)
    before = (planted / "train.txt").read_bytes()
    assert audit(planted, "--leave-out", "unreadable", "empty", "exact", "near", out="cleaned") == 0
    told = capsys.readouterr().out
    train, test = (f"-o DataLoader.{part}.dataset.cls_label_path={out / 'lists'}/" for part in ("Train", "Eval"))
    assert "left out: " in told and f"train with the rest: {train}train.txt\n" in told
    # Nobody is to choose an epoch by it.
    assert f"test with the rest, by `ppcls-lt eval`: {test}test.txt\n" in told
    assert (planted / "train.txt").read_bytes() == before
    known = json.loads((planted / "planted.json").read_text(encoding="utf-8"))
    gone = {line.split("\t")[0] for line in lines(out / "lists" / "train_left_out.txt")}
    # What both lists have stays in the one that judges.
    assert set(known["broken"]) | set(known["exact"].values()) | set(known["near"].values()) == gone
    assert lines(out / "lists" / "test_left_out.txt") == []
    for part in ("train", "test"):
        parts = lines(out / "lists" / f"{part}.txt") + lines(out / "lists" / f"{part}_left_out.txt")
        assert sorted(parts) == sorted(lines(planted / f"{part}.txt"))
    with open(out / "lists" / cleaned.REASONS, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == gone
    called = dict(line.split(" ", 1) for line in lines(planted / "label.txt"))
    assert all(row["class_name"] == called[row["class"]] for row in rows)
    assert lines(out / "lists" / "label.txt") == lines(planted / "label.txt")
    assert audit(planted, "--leave-out", "exact", out="cleaned") == 2  # they are there
    assert audit(planted, "--leave-out", "exact", "--keep", "train", "--force", out="cleaned") == 0
    assert {line.split("\t")[0] for line in lines(out / "lists" / "test_left_out.txt")} == set(known["exact"])


def test_what_opencv_divides_is_not_cut_off(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(2):
        blocks = np.kron(rng.integers(2000, 60000, (6, 6)), np.ones((8, 8)))
        Image.fromarray(blocks.astype(np.uint16)).save(tmp_path / f"{number}.png")
    Image.fromarray(rng.random((8, 8)).astype(np.float32)).save(tmp_path / "float.tif")
    one, two = (measures.measure(tmp_path / f"{number}.png") for number in range(2))
    assert one["status"] == measures.READ and one["contrast"] > 30 and one["pixels"] != two["pixels"]
    seen = cv2.imread(str(tmp_path / "0.png"))
    assert one["brightness"] == pytest.approx(seen.mean(), abs=0.01)
    row, seen = measures.measure(tmp_path / "float.tif"), cv2.imread(str(tmp_path / "float.tif"))
    assert (row["status"] == measures.READ) == (seen is not None)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_that_is_turned_is_the_same_as_its_upright_copy(orientation, tmp_path):
    """OpenCV turns it as EXIF says, Pillow does not; who saves a copy takes the tag off."""
    upright = picture(np.random.default_rng(0)).resize((48, 32))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose of what is stored
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "photo.jpg", quality=95, exif=exif)
    upright.save(tmp_path / "copy.jpg", quality=95)
    photo, copy = (measures.measure(tmp_path / name) for name in ("photo.jpg", "copy.jpg"))
    assert (photo["width"], photo["height"]) == (copy["width"], copy["height"]) == (48, 32)
    assert np.abs(photo["small"].astype(int) - copy["small"]).max() < 12
    assert np.unpackbits(photo["hash"] ^ copy["hash"]).sum() <= 4
    shown = [np.asarray(Image.open(io.BytesIO(small_copy(tmp_path / name, 24)))) for name in ("photo.jpg", "copy.jpg")]
    assert shown[0].shape == shown[1].shape == (16, 24, 3)
    assert np.abs(shown[0].astype(int) - shown[1]).mean() < 8
    data = (tmp_path / "photo.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) * 2 // 3])
    assert measures.measure(tmp_path / "cut.jpg")["status"] == measures.UNREADABLE
    (tmp_path / "odd.jpg").write_bytes(data.replace(b"Exif\0\0MM", b"Exif\0\0XX").replace(b"Exif\0\0II", b"Exif\0\0XX"))
    assert measures.measure(tmp_path / "odd.jpg")["status"] == measures.READ


def test_copies_of_several_classes_all_go_and_no_class_is_emptied(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for number in range(4):
        picture(rng).save(tmp_path / f"{number}.png")
    shutil.copyfile(tmp_path / "0.png", tmp_path / "again.png")
    (tmp_path / "list.txt").write_text("0.png 0\nagain.png 1\n1.png 0\n2.png 1\n3.png 2")
    arguments = ["audit", str(tmp_path / "list.txt"), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert cli.main([*arguments, "--leave-out", "exact"]) == 0
    assert lines(tmp_path / "out" / "lists" / "list_left_out.txt") == ["0.png 0", "again.png 1"]
    assert "fewer usable training images than 5 folds: 2, 0, 1" in capsys.readouterr().out
    (tmp_path / "3.png").write_bytes(b"")
    assert cli.main([*arguments, "--leave-out", "empty", "--force"]) == 2
    assert "train list without an image of class 2" in capsys.readouterr().err


def test_many_copies_of_one_image_and_which_of_them_stays(tmp_path, capsys):
    """As of a placeholder in scraped data: memory and time grow with them, not with their pairs."""
    rng = np.random.default_rng(0)
    for number in range(4):
        picture(rng).save(tmp_path / f"{number}.png")
    copies = [f"copy{number}.png" for number in range(3000)]
    for name in copies:
        os.link(tmp_path / "0.png", tmp_path / name)
    (tmp_path / "train.txt").write_text("".join(f"{name} 0\n" for name in [*copies[:2000], "1.png"]) + "2.png 1\n")
    (tmp_path / "test.txt").write_text("".join(f"{name} 0\n" for name in copies[2000:]) + "3.png 1\n")
    given = [str(tmp_path / "train.txt"), "--test-list", str(tmp_path / "test.txt"), "--image-root", str(tmp_path)]
    arguments = ["audit", *given, "--out", str(tmp_path / "out"), "--leave-out", "exact", "--workers", "1"]
    tracemalloc.start()
    try:
        assert cli.main(arguments) == 0
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert "1000" in capsys.readouterr().out
    assert lines(tmp_path / "out" / "lists" / "test.txt") == [f"{copies[2000]} 0", "3.png 1"]
    assert lines(tmp_path / "out" / "lists" / "train.txt") == ["1.png 0", "2.png 1"]


def test_an_image_that_could_not_be_opened_is_opened_again(tmp_path, monkeypatch):
    """Its rights are others now, or its disk is there again: the file's size and time are what they were."""
    picture(np.random.default_rng(0)).save(tmp_path / "a.png")
    files, folder = [str(tmp_path / "a.png"), str(tmp_path / "gone.png")], tmp_path / "scan"
    folder.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr("builtins.open", _refuses(open, files[0]))
        rows, _ = scan.scan(files, folder, 1, lambda *_: None)
    assert rows["status"].tolist() == [measures.MISSING] * 2 and rows["bytes"][0] > 0
    rows, known = scan.scan(files, folder, 1, lambda *_: None)
    assert rows["status"].tolist() == [measures.READ, measures.MISSING] and known == 1


def _refuses(opened, path):
    def refusing(file, *more, **options):
        if file == path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(file, *more, **options)

    return refusing


def test_classes_that_are_called_as_texts_of_the_page_keep_their_names(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(4):
        picture(rng).save(tmp_path / f"{number}.png")
    (tmp_path / "list.txt").write_text("0.png 0\n1.png 1\n2.png 1\n3.png 1\n")
    (tmp_path / "label.txt").write_text("0 train\n1 black\n")
    assert cli.main(["audit", str(tmp_path / "list.txt"), "--out", str(tmp_path / "out"), "--workers", "1"]) == 0
    page = (tmp_path / "out" / "audit.html").read_text(encoding="utf-8")
    assert ">train<" in page and ">black<" in page


def test_without_opencv_nothing_is_judged(planted, capsys, monkeypatch):
    """It says which images PaddleClas can read; without it good ones would be left out."""
    conftest.hide("cv2", monkeypatch)
    assert audit(planted) == 2
    assert "`OpenCV` must be installed, since PaddleClas reads images by it, got none" in capsys.readouterr().err


def comparison(folder, planted, wrong):
    """A comparison's folder with two runs that hold out halves, whose model knows the right classes."""
    rng = np.random.default_rng(1)
    given = np.array([int(line.split("\t")[1]) for line in lines(planted / "train.txt")])
    right = given.copy()
    right[wrong] = (given[wrong] + 1) % len(NAMES)
    for seed in (0, 1):
        image = np.arange(seed, given.size, 2)
        # As of a model that gives the rare classes too little.
        scores = rng.normal(0, 0.7, (image.size, len(NAMES))) + [2.5, 0.5, 0]
        scores[np.arange(image.size), right[image]] += 5
        run = folder / "runs" / "ce" / f"seed_{seed}"
        run.mkdir(parents=True)
        logits.write(run / "held_out.npz", HeldOut(scores.astype(np.float32), given[image], image))
    import hashlib

    sums = {name: hashlib.sha256((planted / f"{name}.txt").read_bytes()).hexdigest() for name in ("train", "test")}
    (folder / "lists.sha256").write_text(f"{sums['train']}  training\n{sums['test']}  test\n")


def test_held_out_predictions_rank_wrong_labels_of_rare_classes_too(planted, audited, tmp_path, capsys):
    pytest.importorskip("cleanlab", reason="the extra `audit` is not installed")
    rng = np.random.default_rng(2)
    wrong = np.concatenate([rng.choice(TRAIN[0], 8, replace=False), np.arange(-4, 0)])
    comparison(tmp_path / "compare", planted, wrong)
    out = planted / "labels"
    shutil.copytree(audited, out)
    assert audit(planted, "--predictions", tmp_path / "compare", "--leave-out", "label", out="labels") == 0
    assert "judged by" in capsys.readouterr().out
    ranked = [int(row["line"]) - 1 for row in found(out) if row["kind"] == "label"]
    total = len(lines(planted / "train.txt"))
    wanted = {int(each) % total for each in wrong}
    assert len(wanted & set(ranked[: len(wanted) + 4])) >= 11
    page = (out / "audit.html").read_text(encoding="utf-8")
    assert 'id="labels"' in page and 'id="overlap"' in page and 'id="label"' in page
    assert len(lines(out / "lists" / "train_left_out.txt")) == len(ranked)


def test_labels_are_judged_by_the_frequencies_of_the_classes_whatever_the_model_takes_them_for():
    """What a logit-adjusted model says of an image is what the plain one says, without the frequencies."""
    rng = np.random.default_rng(6)
    label = rng.choice(3, 4000, p=[0.9, 0.08, 0.02])
    scores = rng.normal(size=(4000, 3)) + 2.5 * np.eye(3)[label]

    def softmax(logits):
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    shares = np.bincount(label) / label.size
    balanced, plain = softmax(scores), softmax(scores + np.log(shares))
    found = labels.as_frequent_as_given(balanced, label)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found.mean(axis=0), shares, rtol=1e-3)
    np.testing.assert_allclose(found, labels.as_frequent_as_given(plain, label), atol=1e-3)
    # Images of the common class are no longer taken for rare ones.
    assert (found.argmax(1) != label)[label == 0].mean() < 0.5 * (balanced.argmax(1) != label)[label == 0].mean()


def test_the_table_of_planted_labels_counts_by_the_class_that_is_written(tmp_path):
    (tmp_path / "label.txt").write_text("0 big cat\n1 鸟\n", encoding="utf-8")
    (tmp_path / "train.txt").write_text("a b.jpg\t0\nc.jpg\t0\nd.jpg\t1\ne.jpg\t1\n", encoding="utf-8")
    told = list(plant_faults._by_class(tmp_path, {"a b.jpg", "d.jpg", "e.jpg"}, ["a b.jpg", "c.jpg", "d.jpg"]))
    assert told[1].split() == ["big", "cat", "1", "2", "1", "50.0%", "100.0%"]
    assert told[2].split() == ["鸟", "2", "1", "1", "100.0%", "50.0%"]


def test_a_label_is_judged_by_the_measure_of_its_class():
    pytest.importorskip("cleanlab", reason="the extra `audit` is not installed")
    rng = np.random.default_rng(4)
    label = rng.integers(0, 3, 60)
    label[label == 2] = 3  # a class without images takes no part
    scores = 1.5 * rng.normal(size=(60, 4)) + 2 * np.eye(4)[label]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    lines_judged = np.arange(100, 160)
    every = np.zeros(160, dtype=np.int64)
    every[lines_judged] = label
    judged = labels.judge(labels.Predicted(lines_judged, probabilities, "one"), every)
    raw = probabilities[:, [0, 1, 3]] / probabilities[:, [0, 1, 3]].sum(axis=1, keepdims=True)
    part = labels.as_frequent_as_given(raw, np.minimum(label, 2))
    own = [part[label == k, place].mean() for place, k in enumerate((0, 1, 3))]
    assert np.allclose(judged.own[[0, 1, 3]], own) and np.isnan(judged.own[2])
    quality = [part[row, (0, 1, 3).index(k)] / own[(0, 1, 3).index(k)] for row, k in enumerate(label)]
    wanted = {row for row in range(60) if quality[row] < 0.25 and (0, 1, 3)[part[row].argmax()] != label[row]}
    assert wanted and {suspect.line - 100 for suspect in judged.suspects} == wanted
    for suspect in judged.suspects:
        assert np.isclose(suspect.value, quality[suspect.line - 100])
        assert suspect.other == (0, 1, 3)[part[suspect.line - 100].argmax()]
    assert [each.value for each in judged.suspects] == sorted(s.value for s in judged.suspects)
    right = np.array([(0, 1, 3)[row.argmax()] for row in raw]) == label
    assert np.isclose(judged.agreed, np.mean([right[label == k].mean() for k in (0, 1, 3)])) and not judged.weak
    guesses = labels.Predicted(lines_judged, rng.dirichlet(np.ones(4), 60), "one")
    assert labels.judge(guesses, every).weak  # nothing can be said by who knows nothing


def test_predictions_of_other_lists_are_refused(planted, audited, tmp_path, capsys):
    pytest.importorskip("cleanlab", reason="the extra `audit` is not installed")
    comparison(tmp_path / "compare", planted, np.array([0]))
    with open(tmp_path / "compare" / "lists.sha256", "r+", encoding="utf-8") as file:
        file.write("0" * 64)
    assert audit(planted, "--predictions", tmp_path / "compare") == 2
    assert "a comparison whose training list is LIST, to the byte" in capsys.readouterr().err
    assert audit(planted, "--predictions", tmp_path / "compare", "--recipe", "cee") == 2
    assert "unknown recipe 'cee' (did you mean 'ce'?)" in capsys.readouterr().err


@pytest.mark.slow
def test_a_training_judges_the_labels_that_it_has_not_seen(tmp_path, monkeypatch, capsys):
    pytest.importorskip("cleanlab", reason="the extra `audit` is not installed")
    from . import engines

    data = engines.write_digits(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    engines.write_yaml(engines.packaged("ce", data, "out", epochs=6, seed=0), tmp_path / "base.yaml")
    assert cli.main(["train", "-c", "base.yaml"]) == 0
    listed = lines(tmp_path / "digits" / "test.txt")
    wrong = list(range(0, len(listed), 40))
    for line in wrong:
        image, label = listed[line].split(" ")
        listed[line] = f"{image} {(int(label) + 5) % 10}"
    swapped = tmp_path / "digits" / "swapped.txt"
    swapped.write_text("\n".join(listed))
    arguments = ["audit", "digits/train.txt", "--out", "audit", "--workers", "1", "--predictions", "out"]
    assert cli.main([*arguments, "--test-list", str(swapped)]) == 0
    assert f"of {len(listed)}, judged by out: one model" in capsys.readouterr().out
    ranked = [row for row in found(tmp_path / "audit") if row["kind"] == "label"]
    assert {row["list"] for row in ranked} == {"test"}
    first = {int(row["line"]) - 1 for row in ranked[: 2 * len(wrong)]}
    assert len(first & set(wrong)) >= 0.6 * len(wrong)
    assert cli.main(arguments) == 2 and "which was trained on all of them" in capsys.readouterr().err
    # By another name of the folder, or as copies, they are those images still.
    (tmp_path / "link").symlink_to(data)
    shutil.copytree(data / "train", data / "copies")
    copied = (data / "train.txt").read_text().replace("train/", "copies/", 1000)
    (data / "copied.txt").write_text(copied)
    for root, given in (
        ("link", ["digits/train.txt"]),
        ("digits", ["digits/train.txt", "--val-list", "digits/copied.txt"]),
    ):
        command = ["audit", *given, "--image-root", root, "--out", "audit", "--workers", "1", "--predictions", "out"]
        assert cli.main(command) == 2 and "which was trained on all of them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more, message",
    [
        (["--image-root", "nowhere"], "`--image-root` must be a folder"),
        (["--image-root", "."], "the folder from which the lists name their images"),
        (["--folds", "1"], "`--folds` must be an integer >= 2"),
        (["--keep", "train"], "left out without --leave-out"),
        (["--leave-out", "label"], "where no --predictions judge labels"),
        (["--recipe", "ce"], "left out without --predictions"),
        (["--predictions", "nowhere"], "nowhere"),
        (["--workers", "0"], "`--workers` must be an integer >= 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_named_before_anything_is_measured(planted, more, message, capsys, monkeypatch):
    if "--predictions" in more:
        pytest.importorskip("cleanlab", reason="the extra `audit` is not installed")
    monkeypatch.chdir(planted.parent)
    assert audit(planted, *more, out="none") == 2
    assert message in capsys.readouterr().err
    assert not (planted / "none" / "audit" / "scan").exists()


@pytest.mark.parametrize("package", ["imagehash", "jinja2"])
def test_a_missing_package_is_named_with_its_extra(planted, package, capsys, monkeypatch):
    conftest.hide(package, monkeypatch)
    assert audit(planted, out="none") == 2
    assert 'pip install "ppcls-lt[audit]"' in capsys.readouterr().err


def test_the_texts_are_the_same_in_every_language():
    gaps = [{key: sorted(re.findall(r"{\w+}", text)) for key, text in words.items()} for words in texts.TEXTS.values()]
    assert len(gaps) == 2 and gaps[0] == gaps[1]


def test_the_command_offers_what_the_package_knows():
    assert audit_command.KINDS == suspects.KINDS and audit_command.KEEP == cleaned.KEEP


def test_several_processes_find_what_one_does(planted, audited):
    rows = found(audited)
    assert audit(planted, "--workers", "2", out="two") == 0
    assert found(planted / "two") == rows
    assert Path(planted / "two" / "audit" / "scan").is_dir()


def test_a_pipe_is_no_image_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    row = measures.measure(tmp_path / "pipe.jpg")
    assert row["status"] == measures.MISSING and row["reason"] == b"no file"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes below /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_while_it_measures_it_leaves_no_worker(number, tmp_path):
    picture(np.random.default_rng(0)).resize((1500, 1500)).save(tmp_path / "0.png")
    for image in range(1, 2000):
        os.link(tmp_path / "0.png", tmp_path / f"{image}.png")
    (tmp_path / "train.txt").write_text("".join(f"{image}.png {image % 2}\n" for image in range(2000)))
    command = [sys.executable, "-m", "ppcls_lt", "audit", "train.txt", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(commands.ROOT)}
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    commands.wait(lambda: len(children.read_text().split()) >= 2)
    workers = children.read_text().split()
    process.send_signal(number)
    assert process.wait(timeout=PATIENCE) == (-number if number == signal.SIGKILL else 128 + number)
    commands.wait(lambda: not any(Path("/proc", worker, "cmdline").exists() for worker in workers))
    if number != signal.SIGKILL:
        said = (tmp_path / "log").read_text().splitlines()
        assert said[-1] == "ppcls-lt: interrupted; go on with: ppcls-lt audit train.txt --workers 2"
        assert not any("Traceback" in line for line in said)
