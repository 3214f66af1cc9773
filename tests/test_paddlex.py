"""``ppcls-lt paddlex``: what it says without PaddleX, and PaddleX's own modes with it.

The latter need an interpreter with PaddleX and its copy of PaddleClas, as docs/paddlex.md installs them, in
PPCLS_LT_PADDLEX_PYTHON.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ppcls_lt.commands import interrupts, paddlex
from ppcls_lt.commands import main as cli

ROOT = Path(__file__).resolve().parent.parent
PYTHON = os.environ.get("PPCLS_LT_PADDLEX_PYTHON")
needs_paddlex = pytest.mark.skipif(
    PYTHON is None, reason="needs PaddleX: set PPCLS_LT_PADDLEX_PYTHON to an interpreter that has it (docs/paddlex.md)"
)
MODEL = "MobileNetV3_small_x0_35"


@pytest.mark.skipif(importlib.util.find_spec("paddlex") is not None, reason="PaddleX is installed")
def test_without_paddlex(capsys):
    assert cli.main(["paddlex", "-c", MODEL]) == 2
    assert "`PaddleX` must be installed, or `--main` given for a clone, got none; see docs" in capsys.readouterr().err


@pytest.mark.parametrize("override", ["Train.recipe", "Train.recipe=a=b", "=a"])
def test_an_override_that_paddlex_cannot_read(override, capsys):
    assert cli.main(["paddlex", "-c", MODEL, "-o", override]) == 2
    assert f"`-o` must be KEY=VALUE with one `=`, as PaddleX reads it, got {override!r}" in capsys.readouterr().err


def test_what_goes_on_with_an_interrupted_one(monkeypatch):
    command = "ppcls-lt paddlex -c a.yaml --resume"
    assert interrupts.way_on("paddlex", ["paddlex", "-c", "a.yaml", "--overwrite"]) == command
    monkeypatch.setenv(interrupts.WAY_ON, command)
    assert interrupts.way_on("run", ["run", "tools/train.py", "-c", "a.yml"]) == command


def test_a_recipe_that_takes_the_place_of_another_is_told(capsys):
    assert paddlex.asked_recipe("crt", "ldam_drw") == "ldam_drw"
    assert capsys.readouterr().err == "ppcls-lt paddlex: --recipe ldam_drw takes the place of Train.recipe: crt\n"
    assert [paddlex.asked_recipe(*each) for each in (("crt", None), (None, "crt"), ("crt", "crt"))] == ["crt"] * 3
    assert capsys.readouterr().err == ""


def test_no_such_clone(tmp_path, capsys):
    assert cli.main(["paddlex", "-c", MODEL, "--main", str(tmp_path / "main.py")]) == 2
    assert "`--main` must be an existing path" in capsys.readouterr().err


@needs_paddlex
@pytest.mark.slow
class TestPaddleX:
    """With PaddleX itself."""

    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("paddlex")
        script = ROOT / "scripts" / "paddlex" / "prepare_digits.py"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, script, "digits"], cwd=folder, env=environment, check=True)
        for part in ("train", "val"):
            path = folder / "digits" / f"{part}.txt"
            path.write_text("".join(path.read_text().splitlines(keepends=True)[::3]))
        return folder

    def run(self, folder, mode, *arguments, model=MODEL):
        overrides = (f"Global.mode={mode}", "Global.dataset_dir=digits", "Global.device=cpu")
        flags = [part for each in overrides for part in ("-o", each)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PADDLE_PDX_CACHE_HOME": str(folder / "cache")}
        command = [PYTHON, "-m", "ppcls_lt", "paddlex", "-c", model, *flags, *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    @pytest.fixture(scope="class")
    def trained(self, folder):
        settings = ("num_classes=10", "epochs_iters=1", "batch_size=16", "pretrain_weight_path=", "warmup_steps=0")
        flags = [part for each in settings for part in ("-o", f"Train.{each}")]
        more = ["-o", "Train.paddleclas.Global.seed=3", "--recipe", "crt", "-o", "Global.output=out"]
        done = self.run(folder, "train", *flags, *more)
        assert done.returncode == 0, done.stdout + done.stderr
        return folder / "out"

    def test_a_recipe_of_two_stages_in_the_layout_of_paddlex(self, trained):
        assert (trained / "best_model" / "best_model.pdparams").is_file()
        assert (trained / "best_model" / "inference" / "inference.yml").is_file()
        assert (trained / "stage_1" / "latest" / "latest.pdparams").is_file()
        config = yaml.safe_load((trained / "config.yaml").read_text())
        assert config["Global"]["seed"] == 3 and config["DataLoader"]["Train"]["dataset"]["name"] == "ClsDataset"
        assert config["DataLoader"]["Train"]["sampler"]["name"] == "WeightBalancedSampler"
        assert json.loads((trained / "train_results.json").read_text())["done_flag"]

    def test_evaluate_and_export(self, folder, trained):
        weights = "out/best_model/best_model.pdparams"
        done = self.run(folder, "evaluate", "-o", f"Evaluate.weight_path={weights}", "-o", "Global.output=out")
        assert done.returncode == 0, done.stdout + done.stderr
        result = json.loads((trained / "evaluate_result.json").read_text())["metrics"]
        said = done.stdout.rpartition("[Eval][Epoch 0][Avg]")[2]
        assert f"top1: {result['val.top1']:.5f}" in said
        done = self.run(folder, "export", "-o", f"Export.weight_path={weights}", "-o", "Global.output=exported")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (folder / "exported" / "inference.yml").is_file()

    @pytest.mark.parametrize(
        "arguments, said",
        [
            (["--recipe", "ldam-drw"], "did you mean 'ldam_drw'?"),
            (["-o", "Train.paddleclas=1"], "`Train.paddleclas` must be a map"),
            (["-o", "Predict.recipe=ldam_drw"], "`Predict.recipe` must be left out"),
            (["-o", "Global.model=PP-YOLOE_plus-S"], "`Global.model` must be a model of PaddleX's image class"),
            (["-o", "Train.paddleclas.Optimizer.lr.learning_rte=1", "-o", "Train.num_classes=10"], "learning_rte"),
        ],
    )
    def test_mistakes(self, folder, arguments, said):
        done = self.run(folder, "train", "-o", "Global.output=mistakes", *arguments)
        assert done.returncode == 2, done.stdout + done.stderr
        assert said in done.stderr and "Traceback" not in done.stderr

    def test_a_clone(self, folder, tmp_path):
        package = "import pathlib, paddlex; print(pathlib.Path(paddlex.__file__).parent)"
        found = subprocess.run([PYTHON, "-c", package], capture_output=True, text=True, check=True, cwd=folder)
        (tmp_path / "paddlex").symlink_to(found.stdout.splitlines()[-1])
        (tmp_path / "main.py").write_text("from paddlex.engine import Engine\n\nEngine().run()\n")
        settings = ("num_classes=10", "epochs_iters=1", "batch_size=64", "pretrain_weight_path=", "warmup_steps=0")
        flags = [part for each in settings for part in ("-o", f"Train.{each}")]
        more = ["--main", str(tmp_path / "main.py"), "--recipe", "ldam_drw", "-o", "Global.output=of_clone"]
        done = self.run(folder, "train", *flags, *more)
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(tmp_path / "paddlex") in done.stdout + done.stderr
        assert (folder / "of_clone" / "best_model" / "inference" / "inference.yml").is_file()
