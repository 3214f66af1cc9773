"""Folders that cannot be written, images that are none, sections without what is needed: one line, before any work."""

import shutil

import pytest
import yaml

from ppcls_lt.commands import main as cli

from . import commands, stock


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with small data, our stock-like configuration and odd things to predict."""
    folder = tmp_path_factory.mktemp("work")
    stock.write_data(folder / "data")
    stock.write(folder)
    (folder / "file").write_text("no folder\n")
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    good = sorted((folder / "data" / "test" / "0").iterdir())[0]
    (folder / "broken" / "a.png").write_bytes(good.read_bytes())
    (folder / "broken" / "b.png").write_text("no image\n")
    (folder / "hollow").mkdir()
    (folder / "hollow" / "a.jpg").touch()
    (folder / "folders" / "of").mkdir(parents=True)
    return folder


@pytest.fixture
def fails(folder, capsys, monkeypatch):
    """Run a command with overrides; return its one line."""
    monkeypatch.chdir(folder)

    def run(mode, *overrides, config="stock.yaml"):
        given = stock.flags(folder / "stock.yaml", folder / "data", "out", workers=0)
        given += [part for override in overrides for part in ("-o", override)]
        untrained = [] if mode == "train" else ["--untrained"]
        assert cli.main([mode, "-c", config, *given, *untrained]) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("ppcls-lt: error: ")
        return line

    return run


@pytest.mark.parametrize("mode", ["train", "eval", "infer", "export"])
def test_an_output_folder_that_cannot_be_made(mode, fails, folder):
    line = fails(mode, "Global.output_dir=file/below")
    assert "Global: `output_dir` must be a folder that can be made and written, got 'file/below'" in line
    assert f"sought in {folder}: Not a directory" in line


def test_an_output_folder_that_is_a_file(fails):
    assert "`output_dir` must be a folder that can be made and written, got 'file'" in fails(
        "train", "Global.output_dir=file"
    )


def test_an_export_folder_that_cannot_be_made(fails):
    line = fails("export", "Global.save_inference_dir=file/inference")
    assert "Global: `save_inference_dir` must be a folder that can be made and written, got 'file/inference'" in line


@pytest.mark.parametrize(
    "mode, link, below",
    [
        ("train", "linked/MobileNetV3_small_x0_35", "."),
        ("eval", "linked/MobileNetV3_small_x0_35", "."),
        ("train", "linked/stage_2", "."),
        ("train", "linked/stage_2/MobileNetV3_small_x0_35", "."),
        ("eval", "linked/stage_2", "."),
        ("export", "linked/inference.pdiparams", "file"),
        ("export", "linked/inference.json", "file"),
        ("export", "linked/inference_int8.pdmodel", "file"),
    ],
)
def test_a_link_below_the_users_folder_is_refused_before_anything_is_written(mode, link, below, fails, folder):
    shutil.rmtree(folder / "linked", ignore_errors=True)
    victim = folder / "victim"
    shutil.rmtree(victim, ignore_errors=True)
    victim.mkdir()
    (victim / "file").write_text("mine")
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(victim / below)
    overrides = ["Global.output_dir=linked", "Global.save_inference_dir=linked"]
    line = fails(mode, *overrides, *(["Global.recipe=crt"] if "stage_2" in link else []))
    kind = "a file" if below == "file" else "a folder of its own"
    assert f"{link}: must be {kind}, got a link to {victim}" in line
    assert (victim / "file").read_text() == "mine" and len(list(victim.iterdir())) == 1
    assert [path for path in (folder / "linked").rglob("*") if path.is_file() and path != folder / link] == []


@pytest.mark.parametrize(
    "images, expected",
    [
        ("data/test", "got data/test, a folder without images but with folders; name one of them: 0, 1, 2, 3, 4, ..."),
        ("empty", "got empty, a folder without images"),
        ("file", "got file, a file with another ending"),
        ("nowhere.png", "got 'nowhere.png', sought in "),
        ("broken", "must be images that can be decoded, got broken/b.png, which cannot"),
        ("hollow", "must be images that can be decoded, got hollow/a.jpg, which cannot"),
        ("folders", "a folder without images but with folders; name one of them: of"),
        ("None", "got None (NoneType)"),
    ],
)
def test_what_is_no_image_to_predict(images, expected, fails, ppcls):
    if images == "data/test" and ppcls.images_below("data/test"):
        pytest.skip("this PaddleClas looks into folders of folders")
    line = fails("infer", f"Infer.infer_imgs={images}")
    assert "Infer: `infer_imgs` must be" in line and expected in line


@pytest.mark.parametrize(
    "mode, override, expected",
    [
        ("train", "DataLoader.Train.sampler.batch_size=0", "DataLoader.Train.sampler: `batch_size` must be an integer"),
        ("train", "DataLoader.Eval.sampler.batch_size=-1", "DataLoader.Eval.sampler: `batch_size` must be an integer"),
        ("eval", "DataLoader.Eval.sampler.batch_size=1.5", "DataLoader.Eval.sampler: `batch_size` must be an integer"),
        ("infer", "Infer.batch_size=0", "Infer: `batch_size` must be an integer >= 1, got 0 (int)"),
    ],
)
def test_a_batch_of_nothing(mode, override, expected, fails):
    assert expected in fails(mode, override)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_configuration_without_metrics(mode, fails, folder):
    config = yaml.safe_load(stock.CONFIGURATION)
    del config["Metric"]
    (folder / "bare.yaml").write_text(yaml.safe_dump(config))
    line = fails(mode, config="bare.yaml")
    assert "Metric: `Eval` must be a list of metrics to evaluate with, such as TopkAcc, got nothing" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "-c", "nowhere.yaml"],
        ["train", "-c", "stock.yaml", "--recipe", "nowhere.yaml", "-o", "Global.device=cpu"],
        ["run", "nowhere.py"],
        ["counts", "nowhere.txt"],
        ["report", "nowhere"],
        ["split", "data/train.txt", "--val-fraction", "0.1", "--train-out", "nowhere/a", "--val-out", "b"],
        ["train", "-c", "stock.yaml", "-o", "Global.device=cpu"],
    ],
    ids=lambda arguments: " ".join(arguments[:4]),
)
def test_a_relative_path_is_told_with_its_folder(arguments, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert cli.main(arguments) == 2
    assert f"sought in {folder}" in capsys.readouterr().err.splitlines()[-1]


def test_the_host_s_own_failure_names_what_was_being_built(folder, monkeypatch, capsys):
    """An operator's mistake that nobody foresees still is told where it was met."""
    monkeypatch.chdir(folder)
    given = stock.flags(folder / "stock.yaml", folder / "data", "out", workers=0)
    mean = "DataLoader.Train.dataset.transform_ops.3.NormalizeImage.mean=text"
    assert cli.main(["train", "-c", "stock.yaml", *given, "-o", mean]) == 2
    assert "DataLoader.Train.dataset.transform_ops[3] NormalizeImage: must have" in capsys.readouterr().err


@pytest.mark.slow
def test_a_command_does_not_speak_of_compilers(tmp_path):
    done = commands.run(tmp_path, "eval", "-c", "digits/ce.yaml")
    assert done.returncode == 2 and "ccache" not in done.errors
