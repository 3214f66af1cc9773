"""What the commands for a user's own images must not do without a word: damage, remains, empty parts."""

import io
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppcls_lt.audit import measures, scan
from ppcls_lt.basis.checks import ConfigError
from ppcls_lt.commands.main import main
from ppcls_lt.data import demo, image_sizes
from ppcls_lt.data.sources import class_folders, written
from ppcls_lt.engine import listed
from ppcls_lt.host import decoding
from ppcls_lt.runs import state_files

pytest.importorskip("imagehash", reason="the extra `audit` is not installed")


def png(folder, name="a.png", number=0):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def refused(capsys, *arguments):
    capsys.readouterr()
    status = main([str(each) for each in arguments])
    error = capsys.readouterr().err
    assert status == 2 and "Traceback" not in error, error
    return error.strip().splitlines()[-1]


class TestAudit:
    def test_a_png_that_training_cannot_read_is_unreadable(self, tmp_path):
        path = png(tmp_path)
        assert measures.measure(str(path))["status"] == measures.READ
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 16
        path.write_bytes(data)
        row = measures.measure(str(path))
        assert row["status"] == measures.UNREADABLE and row["reason"]

    def test_an_image_claims_as_much_as_a_training_allows(self, tmp_path):
        side = 13_500
        assert side**2 > decoding.MAX_PIXELS == image_sizes.MAX_PIXELS
        buffer = io.BytesIO()
        Image.new("1", (side, side)).save(buffer, "PNG")
        (tmp_path / "huge.png").write_bytes(buffer.getvalue())
        row = measures.measure(str(tmp_path / "huge.png"))
        assert row["status"] == measures.UNREADABLE and b"13500 x 13500" in bytes(row["reason"])

    def test_what_was_measured_before_an_interruption_is_kept(self, tmp_path, monkeypatch):
        files = [str(png(tmp_path, f"{number}.png", number)) for number in range(6)]
        work, measure, done = tmp_path / "scan", measures.measure, []
        work.mkdir()

        def interrupted(path):
            if len(done) == 4:
                raise KeyboardInterrupt
            done.append(path)
            return measure(path)

        monkeypatch.setattr(measures, "measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            scan.scan(files, work, 1, lambda *_: None)
        monkeypatch.setattr(measures, "measure", measure)
        rows, known = scan.scan(files, work, 1, lambda *_: None)
        assert known == 4 and (rows["status"] == measures.READ).all()

    def test_lists_of_another_call_do_not_stay(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        for name, classes in (("first", "cat dog"), ("second", "rose tulip")):
            lines = []
            for label, called in enumerate(classes.split()):
                for number in range(3):
                    png(tmp_path / name, f"{called}{number}.png", len(lines) + 10 * len(name))
                    lines.append(f"{called}{number}.png {label}\n")
            (tmp_path / name / "train.txt").write_text("".join(lines))
        (tmp_path / "first" / "label.txt").write_text("0 cat\n1 dog\n")
        (tmp_path / "first" / "test.txt").write_text("cat0.png 0\n")
        given = ["--leave-out", "unreadable", "--workers", 1]
        first = ["audit", "first/train.txt", "--test-list", "first/test.txt", *given]
        assert main([*map(str, first)]) == 0
        second = ["audit", "second/train.txt", *given]
        assert "pass --force to replace it" in refused(capsys, *second)
        capsys.readouterr()
        assert main([*map(str, second), "--force"]) == 0
        assert "removed, of an earlier call: label.txt, test.txt, test_left_out.txt in audit" in capsys.readouterr().out
        left = {path.name for path in Path("audit/lists").iterdir() if not path.name.startswith(".")}
        assert left == {"train.txt", "train_left_out.txt", "left_out.csv"}


class TestLists:
    def test_several_labels_an_image_are_told_without_a_delimiter(self, tmp_path, capsys):
        (tmp_path / "m.txt").write_text("a.jpg\t0,1,0\nb.jpg\t1,0,1\n")
        error = refused(capsys, "counts", tmp_path / "m.txt")
        assert "seems to have several labels, of which a list like this can have one" in error
        assert "pass `--delimiter" not in error

    def test_a_source_without_training_images_is_told(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        for number in range(4):
            png(tmp_path / "source", f"{number}.png", number)
        (tmp_path / "source" / "train.txt").write_text("")
        (tmp_path / "source" / "val.txt").write_text("0.png 0\n1.png 0\n2.png 1\n3.png 1\n")
        error = refused(capsys, "lists", "source", "--out", "out")
        assert "train" in error and not (tmp_path / "out").exists()

    def test_an_empty_folder_of_a_part_is_told(self, tmp_path):
        for part in ("Train", "Valid"):
            for name in ("a", "b"):
                png(tmp_path / part / name, "0.png")
        (tmp_path / "Train" / "empty").mkdir()
        found = class_folders.read(tmp_path, "lists")
        assert "left out, no image in them: Train/empty" in found.told

    @pytest.mark.parametrize("base", ["cifar10_lt/ce.yaml", "nothere.yaml"])
    def test_a_base_that_cannot_take_lists_is_refused_by_its_flag(self, base, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        for label in ("a", "b"):
            for number in range(8):
                png(tmp_path / "photos" / label, f"{number}.png", number)
        error = refused(capsys, "lists", "photos", "--base", base, "--out", "out")
        assert "`--base` must be" in error and not (tmp_path / "out").exists()

    def test_a_base_with_a_classifier_of_this_package_is_taken(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        for label in ("a", "b"):
            for number in range(8):
                png(tmp_path / "photos" / label, f"{number}.png", number)
        assert main(["lists", "photos", "--base", "digits/ldam.yaml", "--out", "out"]) == 0
        assert main(["check", "-c", "out/train.yaml"]) == 0


def test_an_interrupted_copy_leaves_nothing(tmp_path, monkeypatch):
    sources = {f"{number}.png": str(png(tmp_path / "from", f"{number}.png", number)) for number in range(3)}
    copyfile, done = shutil.copyfile, []

    def interrupted(source, target):
        if done:
            raise KeyboardInterrupt
        done.append(target)
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written.write_links(tmp_path / "to", sources, "folders", copy=True)
    assert [path.name for path in tmp_path.iterdir()] == ["from"]


@pytest.mark.parametrize("lost", ["lines", "image"])
def test_data_that_are_no_longer_there_are_told(lost, tmp_path):
    folder = tmp_path / "digits"
    counts = demo.write_digits(folder)
    assert demo.write_digits(folder) == counts
    if lost == "lines":
        (folder / "test.txt").write_text("".join((folder / "test.txt").open().readlines()[:20]))
    else:
        next((folder / "train").rglob("*.png")).unlink()
    said = "test.txt has 20 lines and not 500" if lost == "lines" else r"train/.*png is not there"
    with pytest.raises(ConfigError, match=f"{said}.*; delete .* to write it anew"):
        demo.write_digits(folder)


def test_an_evaluation_says_that_the_training_list_has_become_another(tmp_path, caplog):
    path = tmp_path / "train.txt"
    path.write_text("a.png 0\n")
    stage = {"DataLoader": {"Train": {"dataset": {"cls_label_path": str(path)}}}}
    state_files.write(tmp_path / "latest.pdlt", {"lists": listed.sums(stage)})
    logger = logging.getLogger("ppcls.lt")
    logger.addHandler(caplog.handler)
    try:
        listed.tell_other(stage, str(tmp_path / "latest"))
        listed.tell_other(stage, str(tmp_path / "none"))
        assert not caplog.records
        path.write_text("b.png 0\n")
        listed.tell_other(stage, str(tmp_path / "latest"))
    finally:
        logger.removeHandler(caplog.handler)
    assert "train.txt has another content than when the model was trained" in caplog.text
